/* SPDX-License-Identifier: Apache-2.0 */
#include "store/slot_search.h"

#include "base/limits.h"
#include "base/text.h"
#include "store/slot_row.h"
#include "store/trigram.h"

/* Slots that one question looks at: some tens of milliseconds when none of them is in memory. */
#define LOOKS 2000
/* Profiles that are looked at each by its own way, when nothing else narrows. */
#define WAYS_MAX 16
#define TEXT_MIN 3

struct ask {
	struct arena *a;
	const struct slot_filter *f;
	enum stmt_id way;
	struct val v[3];
	size_t nv;
	struct str sha256; /* of a thumbprint that is one; empty: it is not */
	bool by_number;    /* keys are two numbers, not an id */
};

static bool
given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static struct id
key_of(int64_t high, int64_t low)
{
	struct id id;

	for (int i = 0; i < 8; i++) {
		id.b[i] = (uint8_t)((uint64_t)high >> (56 - 8 * i));
		id.b[8 + i] = (uint8_t)((uint64_t)low >> (56 - 8 * i));
	}
	return id;
}

static int64_t
key_part(const struct id *key, int at)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | key->b[at + i];
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static void
by_id(struct ask *q, enum stmt_id way, struct val what, struct id after)
{
	q->way = way;
	q->v[0] = what;
	q->v[1] = val_id(after);
	q->nv = 2;
}

static void
by_number(struct ask *q, enum stmt_id way, struct val what)
{
	q->way = way;
	q->v[0] = what;
	q->by_number = true;
}

static void
choose_thumbprint(struct ask *q, struct id after)
{
	struct str hash = STR_EMPTY;
	err_t e = text_unhex(q->a, str_c(q->f->thumbprint), &hash);

	if (err_ok(e) && hash.n == 32) {
		q->sha256 = hash;
		by_id(q, STMT_SLOT_WAY_CERT, val_bytes(hash), after);
		return;
	}
	err_forget(e);
	by_id(q, STMT_SLOT_WAY_THUMBPRINT, val_text(q->f->thumbprint), after);
}

/* The narrowest first. */
static err_t
choose(struct tx *tx, struct ask *q, struct id after)
{
	const struct slot_filter *f = q->f;
	const char *match;

	if (given(f->thumbprint))
		choose_thumbprint(q, after);
	else if (!id_is_zero(f->device))
		by_id(q, STMT_SLOT_WAY_DEVICE, val_id(f->device), after);
	else if (given(f->serial))
		by_id(q, STMT_SLOT_WAY_SERIAL, val_text(f->serial), after);
	else if (!id_is_zero(f->user))
		by_id(q, STMT_SLOT_WAY_USER, val_id(f->user), after);
	else if (f->ends_until != 0) {
		by_number(q, STMT_SLOT_WAY_ENDS, val_i64(f->ends_until));
		q->v[1] = val_i64(key_part(&after, 0));
		q->v[2] = val_i64(key_part(&after, 8));
		q->nv = 3;
	} else if (given(f->text) && characters_of(f->text) >= TEXT_MIN) {
		TRY(store_trigrams(tx, q->a, f->text, &match));
		by_number(q, STMT_SLOT_WAY_TEXT, val_text(match));
		q->v[1] = val_i64(key_part(&after, 8));
		q->nv = 2;
	} else if (given(f->fault))
		by_id(q, STMT_SLOT_WAY_FAULT, val_text(f->fault), after);
	else if (!id_is_zero(f->profile) && f->state != 0) {
		by_id(q, STMT_SLOT_WAY_PROFILE_STATE, val_id(f->profile), after);
		q->v[q->nv++] = val_i64(f->state);
	} else if (!id_is_zero(f->profile))
		by_id(q, STMT_SLOT_WAY_PROFILE, val_id(f->profile), after);
	else if (f->state != 0)
		by_id(q, STMT_SLOT_WAY_STATE, val_i64(f->state), after);
	else
		by_id(q, STMT_SLOT_WAY_ALL, val_i64(0), after);
	return OK;
}

static int
by_profile(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id));
}

static bool
is_among(const struct slot_profiles *only, const struct id *profile)
{
	return only == NULL ||
	    (only->n > 0 &&
		bsearch(profile, only->v, only->n, sizeof(*only->v), by_profile) != NULL);
}

static bool
is_text(const char *want, const char *have)
{
	return !given(want) || str_ieq_c(str_c(have), want);
}

/* What the way did not settle. */
static bool
fits(const struct ask *q, const struct slot *s)
{
	const struct slot_filter *f = q->f;

	if ((!id_is_zero(f->profile) && !id_eq(f->profile, s->profile)) ||
	    (!id_is_zero(f->device) && !id_eq(f->device, s->device)) ||
	    (!id_is_zero(f->user) && !id_eq(f->user, s->user)))
		return false;
	if (!is_among(f->only, &s->profile))
		return false;
	if (q->sha256.n > 0 ? !str_eq(q->sha256, s->cert_sha256) :
			      !is_text(f->thumbprint, s->thumbprint))
		return false;
	if (f->ends_until != 0 &&
	    (s->not_after > f->ends_until ||
		(s->state != STATUS_INSTALLED && s->state != STATUS_RENEWING)))
		return false;
	return (f->state == 0 || f->state == s->state) && is_text(f->fault, s->fault) &&
	    is_text(f->serial, s->serial);
}

static struct id
row_key(const struct ask *q, struct db_stmt *st)
{
	struct id id = { 0 };
	struct str b;

	if (q->by_number)
		return key_of(db_i64(st, 1), db_i64(st, 0));
	b = db_bytes(st, 1);
	memcpy(id.b, b.p, b.n < sizeof(id.b) ? b.n : sizeof(id.b));
	return id;
}

/* Whether the slot is one to give. */
static err_t
take(struct tx *tx, const struct ask *q, int64_t number, struct slot *s, bool *ret)
{
	int64_t has = 1;

	if (q->way == STMT_SLOT_WAY_TEXT)
		TRY(row_number(
		    tx, STMT_SLOT_TEXT_HAS, VALS(val_i64(number), val_text(q->f->text)), &has));
	if (has != 0)
		TRY(row_one(
		    tx, q->a, STMT_SLOT_BY_NUMBER, &store_slot_shape, VALS(val_i64(number)), s));
	*ret = has != 0 && fits(q, s);
	return OK;
}

static err_t
walk(struct tx *tx, const struct ask *q, size_t limit, size_t looks, struct slot_hit *v, size_t *n,
    struct id *last, bool *more)
{
	auto_db_stmt struct db_stmt *st = NULL;
	bool row = false, fit;

	TRY(db_stmt(tx->db, q->way, &st));
	TRY(row_bind(st, 1, (struct vals){ q->v, q->nv }));
	TRY(db_step(st, &row));
	for (; row && *n < limit && looks > 0; looks--) {
		struct slot_hit *x = &v[*n];

		*last = x->key = row_key(q, st);
		TRY(take(tx, q, db_i64(st, 0), &x->slot, &fit));
		*n += fit;
		TRY(db_step(st, &row));
	}
	*more = row;
	return OK;
}

static int
by_key(const void *a, const void *b)
{
	const struct slot_hit *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* Few profiles, and nothing narrower than they: each by its own way, together in order of their keys. Past the point that
 * every way came to, nothing is known. */
static err_t
walk_each(struct tx *tx, struct arena *a, const struct slot_filter *f, struct page p, size_t looks,
    struct slot_hit **ret, size_t *retn, struct id *ret_last, bool *more)
{
	struct slot_hit *v = arena_array(a, f->only->n * p.limit + 1, sizeof(*v));
	struct id bound = { { 0 } };
	size_t n = 0, kept = 0;

	*more = false;
	for (size_t i = 0; i < f->only->n; i++) {
		struct slot_filter one = *f;
		struct ask q = { .a = a, .f = &one };
		struct id last = p.after;
		size_t found = 0;
		bool others;

		one.profile = f->only->v[i];
		one.only = NULL;
		TRY(choose(tx, &q, p.after));
		TRY(walk(tx, &q, p.limit, looks / f->only->n + 1, &v[n], &found, &last, &others));
		n += found;
		if (others && (!*more || by_profile(&last, &bound) < 0))
			bound = last;
		*more |= others;
	}
	qsort(v, n, sizeof(*v), by_key);
	while (kept < n && kept < p.limit && (!*more || by_profile(&v[kept].key, &bound) <= 0))
		kept++;
	if (kept == p.limit && kept < n) {
		*more = true;
		bound = v[kept - 1].key;
	}
	*ret = v;
	*retn = kept;
	*ret_last = *more ? bound : n > 0 ? v[n - 1].key : p.after;
	return OK;
}

/* Whether a way of their own for each of the profiles is the narrowest. */
static bool
is_by_profiles(const struct slot_filter *f)
{
	return f->only != NULL && f->only->n <= WAYS_MAX && id_is_zero(f->profile) &&
	    id_is_zero(f->device) && id_is_zero(f->user) && f->ends_until == 0 &&
	    !given(f->serial) && !given(f->thumbprint) && !given(f->fault) &&
	    !(given(f->text) && characters_of(f->text) >= TEXT_MIN);
}

err_t
store_slot_search(struct tx *tx, struct arena *a, const struct slot_filter *f, struct page p,
    size_t looks, struct slot_hit **ret, size_t *retn, struct id *ret_last, bool *more)
{
	size_t limit = p.limit > LIMIT_PAGE ? LIMIT_PAGE : p.limit, n = 0;
	struct slot_hit *v = arena_array(a, limit + 1, sizeof(*v));
	struct ask q = { .a = a, .f = f };
	struct id last = p.after;

	looks = looks == 0 ? LOOKS : looks;
	p.limit = limit;
	if (is_by_profiles(f))
		return walk_each(tx, a, f, p, looks, ret, retn, ret_last, more);
	TRY(choose(tx, &q, p.after));
	TRY(walk(tx, &q, limit, looks, v, &n, &last, more));
	*ret = v;
	*retn = n;
	*ret_last = last;
	return OK;
}

/* ---- revocations ---- */

struct revoke_row {
	int64_t number;
	struct request request;
};
static const struct col revoke_cols[] = {
	COL(struct revoke_row, number),
	COL(struct revoke_row, request.id),
	COL(struct revoke_row, request.slot),
	COL(struct revoke_row, request.device),
	COL(struct revoke_row, request.kind),
	COL(struct revoke_row, request.state),
	COL(struct revoke_row, request.fence),
	COL(struct revoke_row, request.attempts),
	COL(struct revoke_row, request.hash),
	COL(struct revoke_row, request.ca),
	COL(struct revoke_row, request.owner),
	COL(struct revoke_row, request.lease_until),
	COL(struct revoke_row, request.not_before),
	COL(struct revoke_row, request.fault),
	COL(struct revoke_row, request.detail),
	COL(struct revoke_row, request.keep),
	COL(struct revoke_row, request.about),
	COL(struct revoke_row, request.serial),
	COL(struct revoke_row, request.created),
	COL(struct revoke_row, request.updated),
};
static const struct shape revoke_shape = SHAPE("request", struct revoke_row, revoke_cols);

err_t
store_revocations(struct tx *tx, struct arena *a, struct page p, struct revocation **ret,
    size_t *retn, bool *more)
{
	size_t limit = p.limit > LIMIT_PAGE ? LIMIT_PAGE : p.limit;
	int64_t below = INT64_MAX - (id_is_zero(p.after) ? 0 : key_part(&p.after, 8));
	struct revoke_row *rows;
	size_t n;

	TRY(row_all(tx, a, STMT_REVOCATIONS, &revoke_shape,
	    VALS(val_i64(below), val_i64((int64_t)limit + 1)), &rows, &n));
	*more = n > limit;
	*retn = *more ? limit : n;
	*ret = arena_array(a, *retn + 1, sizeof(**ret));
	for (size_t i = 0; i < *retn; i++) {
		(*ret)[i].key = key_of(0, INT64_MAX - rows[i].number);
		(*ret)[i].request = rows[i].request;
	}
	return OK;
}

/* ---- the index of texts ---- */

err_t
store_slot_unindexed(struct tx *tx, bool *ret)
{
	int64_t upto = 0;

	TRY(row_number(tx, STMT_SLOT_TEXT_UPTO, VALS(val_i64(1)), &upto));
	*ret = upto != 0;
	return OK;
}

err_t
store_slot_index(struct tx *tx, size_t max, size_t *ret)
{
	int64_t upto = 0, n = 0;

	TRY(row_number(tx, STMT_SLOT_TEXT_UPTO, VALS(val_i64((int64_t)max)), &upto));
	if (upto != 0) {
		TRY(row_run(tx, STMT_SLOT_TEXT_OUT, VALS(val_i64(upto)), NULL));
		TRY(row_run(tx, STMT_SLOT_TEXT_FORGET, VALS(val_i64(upto)), NULL));
		TRY(row_run(tx, STMT_SLOT_TEXT_TAKE, VALS(val_i64(upto)), NULL));
		TRY(row_run(tx, STMT_SLOT_TEXT_IN, VALS(val_i64(upto)), NULL));
		TRY(row_run(tx, STMT_SLOT_TEXT_DONE, VALS(val_i64(upto)), &n));
	}
	*ret = (size_t)n;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/crl.h"

#include "ca/state.h"
#include "base/secret.h"
#include "pki/issue.h"

enum { DAY = 86400, LIFE = 7 * DAY, CLOCK_SKEW = 300 };

/* What is out of date carries a random mark, so that a revocation while a CRL is being made is not forgotten. */
static char *
mark_name(struct arena *a, const char *ca)
{
	return arena_printf(a, "crl.mark.%s", ca);
}

err_t
crl_mark(struct tx *tx, const char *ca)
{
	auto_arena struct arena *a = arena_new();
	uint8_t mark[8];

	rand_bytes(mark, sizeof(mark));
	return store_ca_setting_put(tx, mark_name(a, ca), STR(mark));
}

struct crl_job {
	struct arena *a;
	const struct ca *ca;
	when_t now;
	struct ca_row row;
	struct str mark; /* empty: not out of date */
	struct issued *revoked;
	size_t nrevoked;
	struct str made;
};

static err_t
read_mark(struct tx *tx, struct arena *a, const char *ca, struct str *ret)
{
	struct str v = STR_EMPTY;
	err_t e = store_ca_setting_get(tx, a, mark_name(a, ca), &v);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*ret = v;
	return OK;
}

static err_t
crl_state_tx(struct tx *tx, void *arg)
{
	struct crl_job *j = arg;

	TRY(read_mark(tx, j->a, j->ca->name, &j->mark));
	return store_ca_get(tx, j->a, j->ca->name, &j->row);
}

static err_t
crl_read_tx(struct tx *tx, void *arg)
{
	struct crl_job *j = arg;

	TRY(crl_state_tx(tx, j));
	return store_issued_revoked(tx, j->a, j->ca->name, j->now, &j->revoked, &j->nrevoked);
}

static err_t
crl_save_tx(struct tx *tx, void *arg)
{
	struct crl_job *j = arg;
	struct ca_row row;
	struct str mark;

	TRY(store_ca_get(tx, j->a, j->ca->name, &row));
	if (row.crl_number != j->row.crl_number)
		FAIL(ERR_BUSY, "a CRL of %s was made meanwhile", j->ca->name);
	row.crl_number++;
	row.crl = j->made;
	row.crl_next = j->now + LIFE;
	TRY(store_ca_update(tx, &row));
	TRY(read_mark(tx, j->a, j->ca->name, &mark));
	if (mark.n > 0 && str_eq(mark, j->mark))
		TRY(store_ca_setting_put(tx, mark_name(j->a, j->ca->name), STR_EMPTY));
	return store_journal_add(tx, "issuer", "crl",
	    arena_printf(j->a, "ca=%s number=%llu entries=%zu", j->ca->name,
		(unsigned long long)row.crl_number, j->nrevoked));
}

static bool
crl_due(const struct crl_job *j)
{
	return j->row.crl.n == 0 || j->mark.n > 0 || j->row.crl_next - j->now < LIFE / 2;
}

static err_t
crl_make_new(struct issuer *is, struct crl_job *j)
{
	struct crl_entry *v;

	TRY(store_read(is->store, crl_read_tx, j));
	v = arena_array(j->a, j->nrevoked + 1, sizeof(*v));
	for (size_t i = 0; i < j->nrevoked; i++)
		v[i] = (struct crl_entry){ j->revoked[i].serial, j->revoked[i].revoked,
			j->revoked[i].reason };
	TRY(crl_make(j->a, j->ca->cert, j->ca->key, j->row.crl_number + 1, j->now - CLOCK_SKEW,
	    j->now + LIFE, v, j->nrevoked, &j->made));
	return store_write(is->store, crl_save_tx, j);
}

static err_t
crl_locked(struct issuer *is, struct crl_job *j, bool force)
{
	TRY(store_read(is->store, crl_state_tx, j));
	j->made = j->row.crl;
	if (!force && !crl_due(j))
		return OK;
	return crl_make_new(is, j);
}

err_t
crl_get(struct issuer *is, struct arena *a, const struct ca *ca, bool force, struct str *ret)
{
	struct crl_job j = { .a = a, .ca = ca, .now = when_now() };
	err_t e;

	pthread_mutex_lock(&is->crl_lock);
	e = crl_locked(is, &j, force);
	pthread_mutex_unlock(&is->crl_lock);
	TRY_CTX(e, "CRL of %s", ca->name);
	*ret = j.made;
	return OK;
}

err_t
crl_all(struct issuer *is, bool force)
{
	const struct hierarchy *h = issuer_hierarchy(is);

	for (size_t i = 0; i < h->n; i++) {
		auto_arena struct arena *a = arena_new();
		struct str der;

		TRY(crl_get(is, a, &h->v[i], force, &der));
	}
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/restore_crl.h"

#include "base/file.h"
#include "base/limits.h"
#include "ca/crl.h"
#include "ca/crl_shard.h"
#include "ca/revoke.h"
#include "pki/crl.h"
#include "pki/crl_read.h"

#define ACTOR "restore"

enum { FILES_MAX = 4096, LISTS_MAX = 64 };

/* One list that is being taken over. */
struct list {
	struct tx *tx;
	const char *file;
	struct crl_doc doc;
	const char *ca;
	uint32_t key_index, shard;
	when_t ends; /* of the CA's certificate: nothing that it issued is good for longer */
	size_t revoked, unknown, closed, ignored;
	struct arena *a; /* of one entry */
};

/* ---- whose list is it? ---- */

static err_t
try_cert(struct arena *a, struct list *l, const struct ca_cert_row *row, bool *named, bool *found)
{
	auto_cert struct cert *c = NULL;
	err_t e;

	TRY(cert_parse(row->cert, &c));
	if (!str_eq(l->doc.issuer, cert_subject_der(c)))
		return OK;
	*named = true;
	e = crl_verify(&l->doc, c);
	*found = err_ok(e);
	err_forget(e);
	if (*found) {
		l->ca = arena_strdup(a, row->ca);
		l->key_index = row->key_index;
		l->ends = cert_not_after(c);
	}
	return OK;
}

/* Any certificate of a CA's key will do: the key is what counts. */
static err_t
find_ca(struct arena *a, struct list *l)
{
	struct ca_cert_row *v;
	bool named = false, found = false;
	size_t n;

	TRY(store_ca_cert_list(l->tx, a, &v, &n));
	for (size_t i = 0; i < n && !found; i++)
		TRY(try_cert(a, l, &v[i], &named, &found));
	if (!named)
		FAIL(ERR_RESTORE_CRL, "%s is of no CA that the backup has", l->file);
	if (!found)
		FAIL(ERR_RESTORE_CRL, "%s is not signed with a key that the backup has", l->file);
	return OK;
}

/* "http://host/crl/Name~3.crl": what stands there is ours, the signature says so. */
static err_t
find_shard(struct list *l)
{
	struct str url = l->doc.point;
	int64_t n = 0;
	size_t at;

	if (url.n == 0)
		return OK;
	if (url.n < 4 || !str_eq(str_of(url.p + url.n - 4, 4), LIT(".crl")))
		FAIL(ERR_RESTORE_CRL, "%s is of no shard", l->file);
	url.n -= 4;
	for (at = url.n; at > 0 && url.p[at - 1] != '~'; at--)
		;
	TRY_CTX(text_i64(str_of(url.p + at, url.n - at), 1, LIMIT_CRL_SHARDS, &n), "%s", l->file);
	l->shard = (uint32_t)n;
	return crl_shards_raise(l->tx, l->shard);
}

/* What is older than the backup says nothing about what came after it. */
static err_t
check_age(struct arena *a, const struct list *l)
{
	struct crl_row which = {
		.ca = l->ca, .key_index = l->key_index, .shard = l->shard, .delta = l->doc.delta
	};
	struct crl_row have;
	err_t e = store_crl_head(l->tx, a, &which, &have);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if (l->doc.number < have.number)
		FAIL(ERR_RESTORE_CRL,
		    "%s is older than the backup: number %llu, the backup has %llu", l->file,
		    (unsigned long long)l->doc.number, (unsigned long long)have.number);
	return OK;
}

static err_t
raise_number(struct arena *a, const struct list *l, int64_t (*leap)(int64_t age))
{
	struct ca_row row;

	TRY(store_ca_get(l->tx, a, l->ca, &row));
	row.crl_number = l->doc.number + (uint64_t)leap(when_now() - l->doc.this_update);
	return store_ca_update(l->tx, &row); /* never lowers it */
}

/* ---- what stands on it ---- */

/* An order whose certificate was revoked because it ended is closed; one that a newer certificate superseded is not. */
static err_t
close_order(struct list *l, const struct issued *x, int reason)
{
	if (reason != REASON_CESSATION || id_is_zero(x->order))
		return OK;
	l->closed++;
	return store_order_state_put(l->tx, x->order, x->fence, true);
}

static err_t
journal(struct list *l, const char *serial, const struct crl_listed *e, const char *what)
{
	return store_journal_add(l->tx, ACTOR, "revoked",
	    arena_printf(l->a, "ca=%s serial=%s reason=%d crl=%llu certificate=%s", l->ca, serial,
		e->reason, (unsigned long long)l->doc.number, what));
}

static err_t
revoke_known(struct list *l, const char *serial, const struct crl_listed *e)
{
	struct issued x;
	enum issued_state from;

	TRY(store_issued_by_serial(l->tx, l->a, l->ca, serial, &x));
	from = x.state;
	x.state = ISSUED_REVOKED;
	x.reason = e->reason;
	x.revoked = e->when;
	if (from == ISSUED_INTENT)
		x.resolved = when_now();
	x.message = arena_printf(
	    l->a, "Revoked after the backup, by CRL %llu", (unsigned long long)l->doc.number);
	TRY(store_issued_update(l->tx, &x, from));
	TRY(close_order(l, &x, e->reason));
	l->revoked++;
	return journal(l, serial, e, "known");
}

/* Which shard its certificate names is known of a list of a shard only: else it stands on all of them. */
static err_t
add_unknown(struct list *l, const char *serial, const struct crl_listed *e)
{
	struct issued x = { .ca = l->ca,
		.template = "",
		.requester = "",
		.state = ISSUED_REVOKED,
		.serial = serial,
		.subject = "",
		.san = "",
		.not_after = l->ends,
		.requested = e->when,
		.resolved = e->when,
		.reason = e->reason,
		.revoked = e->when };

	x.message = arena_printf(l->a, "Known only from CRL %llu: issued after the backup",
	    (unsigned long long)l->doc.number);
	TRY(store_issued_insert(l->tx, &x));
	TRY(store_issued_shard_put(l->tx, x.id, l->shard != 0 ? l->shard : STORE_SHARD_EVERY));
	l->unknown++;
	return journal(l, serial, e, "unknown");
}

static err_t
take_entry(struct list *l, const struct crl_listed *e)
{
	const char *serial;
	struct cert_status s;
	err_t found;

	if (e->reason == CRL_REASON_REMOVE) { /* of a delta: nothing is taken back */
		l->ignored++;
		return OK;
	}
	TRY(serial_text(l->a, text_hex(l->a, e->serial), &serial));
	found = store_issued_status(l->tx, l->a, l->ca, serial, &s);
	if (err_is(found, ERR_NOT_FOUND)) {
		err_forget(found);
		return add_unknown(l, serial, e);
	}
	TRY(found);
	if (s.state == ISSUED_REVOKED && (s.reason != REASON_HOLD || e->reason == REASON_HOLD))
		return OK;
	return revoke_known(l, serial, e);
}

static err_t
take_entries(struct list *l)
{
	auto_arena struct arena *a = arena_new();
	struct str rest = l->doc.entries;
	struct crl_listed e;

	l->a = a;
	while (rest.n > 0) {
		TRY(crl_next(&rest, &e));
		TRY(take_entry(l, &e));
		arena_reset(a);
	}
	l->a = NULL;
	return OK;
}

static err_t
take_list(struct tx *tx, struct str der, const char *file, int64_t (*leap)(int64_t age))
{
	auto_arena struct arena *a = arena_new();
	struct list l = { .tx = tx, .file = file };
	struct err_report why;
	err_t e = crl_parse(der, &l.doc);

	if (!err_ok(e)) {
		err_take(e, &why);
		FAIL(ERR_RESTORE_CRL, "%s cannot be read: %s", file, why.detail);
	}
	TRY(find_ca(a, &l));
	TRY(find_shard(&l));
	TRY(check_age(a, &l));
	TRY(take_entries(&l));
	TRY(raise_number(a, &l, leap));
	TRY(crl_mark(tx, l.ca, l.shard));
	return store_journal_add(tx, ACTOR, "crl-taken-over",
	    arena_printf(a,
		"ca=%s key=%u shard=%u number=%llu delta=%s entries=%zu revoked=%zu unknown=%zu closed=%zu ignored=%zu",
		l.ca, l.key_index, l.shard, (unsigned long long)l.doc.number,
		l.doc.delta ? "yes" : "no", l.doc.n, l.revoked, l.unknown, l.closed, l.ignored));
}

static err_t
take_file(struct tx *tx, const char *path, int64_t (*leap)(int64_t age))
{
	auto_arena struct arena *a = arena_new();
	struct str data, lists[LISTS_MAX];
	size_t n = 0;
	err_t e;

	TRY(file_read(a, path, LIMIT_CRL_BYTES, &data));
	e = text_unpem(a, data, "X509 CRL", lists, LISTS_MAX, &n);
	if (!err_ok(e) || n == 0) {
		err_forget(e);
		FAIL(ERR_RESTORE_CRL, "%s holds no CRL", path);
	}
	for (size_t i = 0; i < n; i++)
		TRY(take_list(tx, lists[i], path, leap));
	return OK;
}

err_t
restore_crls(struct tx *tx, const char *folder, int64_t (*leap)(int64_t age))
{
	auto_arena struct arena *a = arena_new();
	char **names;
	size_t n = 0;

	if (!file_exists(folder))
		return OK;
	TRY(dir_list(a, folder, FILES_MAX, &names, &n));
	for (size_t i = 0; i < n; i++)
		TRY(take_file(tx, arena_printf(a, "%s/%s", folder, names[i]), leap));
	return OK;
}

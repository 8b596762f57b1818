/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mint.h"

#include "ca/revoke.h"
#include "ca/state.h"

struct job {
	struct arena *a;
	const struct approval *ap;
	const struct grant *g;
	struct issue_spec spec;
	const char *serial;
	struct str tbs;
	struct issued row;
	bool again; /* row holds a certificate that was issued before */
	struct cert *cert;
	mint_also also;
	void *arg;
};

static err_t
build(struct job *j)
{
	const struct grant *g = j->g;
	struct issue_spec *s = &j->spec;
	struct issue_ext *ext;
	const char *const *ekus;
	bool revocation_info = template_revocation_info(&g->template) && g->ca->cert != NULL;

	*s = (struct issue_spec){
		.issuer = g->ca->cert,
		.subject = g->subject,
		.san = g->san,
		.not_before = g->not_before,
		.not_after = g->not_after,
		.ca = g->is_ca,
		.path_len = g->path_len,
		.key_usage = g->key_usage,
		.sid = g->sid,
		.crl_url = revocation_info ? g->ca->crl_url : NULL,
		.aia_url = revocation_info ? g->ca->aia_url : NULL,
	};
	s->key = g->key;
	issue_serial(s->serial);
	TRY(template_ekus(j->a, &g->template, &ekus, &s->nekus));
	s->ekus = ekus;
	TRY(template_extensions(j->a, &g->template, &ext, &s->nmore));
	s->more = ext;
	TRY(issue_tbs(j->a, s, g->ca->key, &j->tbs));
	TRY(issue_lint(j->tbs, s));
	return serial_text(j->a, text_hex(j->a, STR(s->serial)), &j->serial);
}

static struct issued
record(const struct job *j)
{
	const struct grant *g = j->g;
	when_t now = when_now();

	return (struct issued){
		.ca = g->ca->name,
		.template = g->template.name,
		.requester = g->requester,
		.state = ISSUED_INTENT,
		.serial = j->serial,
		.subject = g->subject_text,
		.san = g->san_text,
		.tbs = j->tbs,
		.spki_sha256 = g->spki,
		.order = g->order,
		.fence = g->fence,
		.slot = g->slot,
		.device = g->device,
		.user = g->user,
		.profile = g->profile,
		.not_before = g->not_before,
		.not_after = g->not_after,
		.requested = now,
		.message = "",
	};
}

/* The same fence again: what became of it the first time? */
static err_t
same_fence(struct tx *tx, struct job *j)
{
	struct issued *v;
	size_t n;

	TRY(store_issued_by_order(tx, j->a, j->g->order, &v, &n));
	for (size_t i = 0; i < n; i++) {
		bool answered = v[i].state == ISSUED_VALID || v[i].cert.n > 0;

		if (v[i].fence != j->g->fence || v[i].state == ISSUED_DENIED)
			continue;
		if (!str_eq(v[i].spki_sha256, j->g->spki))
			FAIL(ERR_ORDER_STALE, "fence %llu was used with another key",
			    (unsigned long long)v[i].fence);
		if (v[i].state == ISSUED_INTENT)
			FAIL(ERR_BUSY, "the same order is being served at this moment");
		if (v[i].state == ISSUED_REVOKED && answered)
			FAIL(ERR_ORDER_STALE, "its certificate %s is revoked", v[i].serial);
		if (v[i].state == ISSUED_VALID) {
			j->row = v[i];
			j->again = true;
		}
	}
	return OK;
}

static err_t
take_fence(struct tx *tx, struct job *j)
{
	const struct grant *g = j->g;
	uint64_t highest = 0;
	bool closed = false;
	uint32_t count;

	TRY(store_order_state_get(tx, g->order, &highest, &closed));
	if (closed)
		FAIL(ERR_ORDER_CLOSED, "order %s", id_text(j->a, g->order));
	if (g->fence < highest)
		FAIL(ERR_ORDER_STALE, "fence %llu, newest %llu", (unsigned long long)g->fence,
		    (unsigned long long)highest);
	if (g->fence == highest)
		return same_fence(tx, j);
	TRY(revoke_under(tx, j->a, g->order, NULL, "", REASON_SUPERSEDED, g->requester, &count));
	return store_order_state_put(tx, g->order, g->fence, false);
}

static err_t
intent_tx(struct tx *tx, void *arg)
{
	struct job *j = arg;

	TRY(policy_still(tx, j->a, j->ap));
	if (j->g->ordered)
		TRY(take_fence(tx, j));
	if (j->again)
		return OK;
	j->row = record(j);
	TRY(store_issued_insert(tx, &j->row));
	return store_journal_add(tx, j->g->requester, "intent",
	    arena_printf(j->a, "request=%lld ca=%s template=%s serial=%s subject=%s",
		(long long)j->row.id, j->row.ca, j->row.template, j->serial, j->row.subject));
}

static err_t
valid_tx(struct tx *tx, void *arg)
{
	struct job *j = arg;
	struct issued x = j->row;

	x.state = ISSUED_VALID;
	x.tbs = STR_EMPTY;
	x.cert = cert_der(j->cert);
	x.cert_sha256 = str_of(cert_sha256(j->cert), 32);
	x.resolved = when_now();
	x.message = "Issued";
	TRY(store_issued_update(tx, &x, ISSUED_INTENT));
	if (j->also != NULL)
		TRY(j->also(tx, j->a, j->arg, j->cert));
	TRY(store_journal_add(tx, j->g->requester, "issued",
	    arena_printf(j->a,
		"request=%lld ca=%s template=%s serial=%s order=%s fence=%llu sha256=%s",
		(long long)x.id, x.ca, x.template, x.serial, id_text(j->a, x.order),
		(unsigned long long)x.fence, text_hex(j->a, x.cert_sha256))));
	j->row = x;
	return OK;
}

static err_t
failed_tx(struct tx *tx, void *arg)
{
	struct job *j = arg;
	struct issued x = j->row;

	x.state = ISSUED_FAILED;
	x.resolved = when_now();
	x.message = "the signature could not be made";
	TRY(store_issued_update(tx, &x, ISSUED_INTENT));
	return store_journal_add(tx, j->g->requester, "failed",
	    arena_printf(j->a, "request=%lld ca=%s serial=%s", (long long)x.id, x.ca, x.serial));
}

static err_t
sign(struct issuer *is, struct job *j, struct str *ret)
{
	err_t e = issue_sign(j->a, j->tbs, j->g->ca->key, ret);
	struct err_report rep;

	if (err_ok(e))
		return OK;
	/* No signature came to be, so there is nothing to revoke. If this cannot be saved either, the intent is left over. */
	err_take(e, &rep);
	err_forget(store_write(is->store, failed_tx, j));
	return err_raise(&rep);
}

static err_t
make_valid(struct issuer *is, struct job *j)
{
	err_t e = store_write(is->store, valid_tx, j);

	/* Revoked while it was being signed: by a newer fence, by a revocation of the order, or as left over. */
	if (err_is(e, ERR_STATE_MOVED)) {
		err_forget(e);
		FAIL(ERR_ORDER_STALE, "request %lld was revoked while it was under way",
		    (long long)j->row.id);
	}
	return e;
}

err_t
mint(struct issuer *is, struct arena *a, const struct approval *ap, mint_also also, void *arg,
    struct minted *ret)
{
	struct job j = { .a = a, .ap = ap, .g = approval_grant(ap), .also = also, .arg = arg };
	auto_cert struct cert *c = NULL;
	struct str der;

	TRY(build(&j));
	TRY(store_write(is->store, intent_tx, &j));
	if (j.again) {
		*ret = (struct minted){ j.row.id, j.row.cert };
		return OK;
	}
	TRY(sign(is, &j, &der));
	TRY(cert_parse(der, &c));
	j.cert = c;
	TRY(make_valid(is, &j));
	*ret = (struct minted){ j.row.id, arena_str(a, der) };
	return OK;
}

struct left_over {
	struct arena *a;
	when_t before;
};

static err_t
left_over_tx(struct tx *tx, void *arg)
{
	struct left_over *l = arg;
	struct issued *v;
	size_t n;

	TRY(store_issued_open(tx, l->a, &v, &n));
	for (size_t i = 0; i < n; i++) {
		bool done;

		if (v[i].requested <= l->before)
			TRY(revoke_record(tx, &v[i], REASON_CESSATION, "issuer", &done));
	}
	return OK;
}

static err_t
count_open_tx(struct tx *tx, void *arg)
{
	size_t *n = arg;
	auto_arena struct arena *a = arena_new();
	struct issued *v;

	return store_issued_open(tx, a, &v, n);
}

err_t
mint_close_left_over(struct issuer *is, int64_t age)
{
	auto_arena struct arena *a = arena_new();
	struct left_over l = { .a = a, .before = when_now() - age };
	size_t open;

	TRY(store_read(is->store, count_open_tx, &open));
	if (open == 0)
		return OK;
	return store_write(is->store, left_over_tx, &l);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mint.h"

#include "ca/crl_shard.h"
#include "ca/pending.h"
#include "ca/revoke.h"
#include "ca/state.h"
#include "store/crl.h"
#include "store/pending.h"
#include "store/wait.h"

struct job {
	struct arena *a;
	const struct approval *ap;
	const struct grant *g;
	struct issue_spec spec;
	const char *serial;
	uint32_t shard; /* whose CRL the certificate names; 0: the whole */
	struct str tbs;
	struct issued row;
	bool again;     /* row holds a certificate that was issued before */
	struct str der; /* the certificate */
	uint8_t sha256[32];
	struct cert *cert; /* for `also` */
	mint_also also;
	void *arg;
	bool pend;        /* it is to wait for a manager */
	int64_t approved; /* the request that waited and was approved; 0: none */
	const struct pending *waits;
	const int64_t *after;
	int64_t waiting; /* the request under the same order that waits already; 0: none */
};

/* The template's extensions, then those of the approval. */
static void
join_more(struct arena *a, struct issue_spec *s, const struct grant *g)
{
	struct issue_ext *all = arena_array(a, s->nmore + g->nmore, sizeof(*all));

	for (size_t i = 0; i < s->nmore; i++)
		all[i] = s->more[i];
	for (size_t i = 0; i < g->nmore; i++)
		all[s->nmore + i] = g->more[i];
	s->more = all;
	s->nmore += g->nmore;
}

static err_t
build(struct issuer *is, struct job *j)
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
		.ocsp_url = revocation_info ? g->ca->ocsp_url : NULL,
	};
	s->key = g->key;
	issue_serial(s->serial);
	if (revocation_info && !g->is_ca)
		j->shard = crl_shard_of(is, s->serial);
	if (j->shard != 0)
		s->crl_url = crl_shard_url(j->a, s->crl_url, j->shard);
	TRY(template_ekus(j->a, &g->template, &ekus, &s->nekus));
	s->ekus = ekus;
	TRY(template_extensions(j->a, &g->template, &ext, &s->nmore));
	s->more = ext;
	if (g->nmore > 0)
		join_more(j->a, s, g);
	TRY(issue_tbs(j->a, s, g->ca->key, &j->tbs));
	TRY(issue_lint(j->tbs, s));
	TRY(hierarchy_names_fit(issuer_hierarchy(is), g->ca, g->subject, g->san));
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

		if (v[i].fence != j->g->fence || v[i].id == j->approved)
			continue;
		if (v[i].state == ISSUED_DENIED)
			FAIL(ERR_REQUEST_DENIED, "request %lld: %s", (long long)v[i].id,
			    v[i].message);
		if (!str_eq(v[i].spki_sha256, j->g->spki))
			FAIL(ERR_ORDER_STALE, "fence %llu was used with another key",
			    (unsigned long long)v[i].fence);
		if (v[i].state == ISSUED_INTENT)
			FAIL(ERR_BUSY, "the same order is being served at this moment");
		if (v[i].state == ISSUED_REVOKED && answered)
			FAIL(ERR_ORDER_STALE, "its certificate %s is revoked", v[i].serial);
		if (v[i].state == ISSUED_VALID || (v[i].state == ISSUED_PENDING && j->pend)) {
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

/* A key that is known to others is not certified again, for whom or what ever. */
static err_t
key_is_fit(struct tx *tx, const struct job *j)
{
	int64_t id = 0;

	TRY(store_issued_compromised(tx, j->g->spki, &id));
	if (id != 0)
		FAIL(ERR_KEY_COMPROMISED, "the certificate of request %lld", (long long)id);
	return OK;
}

/* The request that waited goes on under its number. */
static err_t
leave_queue(struct tx *tx, struct job *j)
{
	struct issued was;

	TRY(store_issued_get(tx, j->a, j->approved, &was));
	j->row.id = was.id;
	j->row.requested = was.requested;
	j->row.resolved = when_now();
	TRY(store_issued_update(tx, &j->row, ISSUED_PENDING));
	TRY(store_pending_delete(tx, was.id));
	if (j->g->ordered)
		TRY(store_order_approved_put(tx, j->g->order, was.id));
	return store_journal_add(tx, "administrator", "approved",
	    arena_printf(j->a, "request=%lld requester=%s", (long long)was.id, was.requester));
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
	TRY(key_is_fit(tx, j));
	j->row = record(j);
	if (j->approved != 0)
		TRY(leave_queue(tx, j));
	else
		TRY(store_issued_insert(tx, &j->row));
	if (j->shard != 0)
		TRY(store_issued_shard_put(tx, j->row.id, j->shard));
	return store_journal_add(tx, j->g->requester, "intent",
	    arena_printf(j->a, "request=%lld ca=%s template=%s serial=%s%s subject=%s%s%s",
		(long long)j->row.id, j->row.ca, j->row.template, j->serial,
		j->g->approved == 0 ?
		    "" :
		    arena_printf(j->a, " approved_as=%lld", (long long)j->g->approved),
		j->row.subject, j->g->ignored[0] != '\0' ? " ignored=" : "", j->g->ignored));
}

/* In the transaction of the request itself: two at once are one, and none is written that cannot be asked about. */
static err_t
note_wait(struct tx *tx, const struct job *j)
{
	const struct grant *g = j->g;
	int64_t now = 0;

	if (j->after == NULL)
		return OK;
	TRY(store_wait_get(tx, g->requester, g->template.name, g->spki, &now));
	if (now != *j->after)
		FAIL(ERR_BUSY, "the same request is being served at this moment");
	return store_wait_put(tx, g->requester, g->template.name, g->spki, j->row.id);
}

/* Who asks by order asks again, with a new key and a higher fence, for as long as the order stands: the request goes on
 * waiting under its number, and what a manager denied is not put before one again. */
static err_t
earlier_under(struct tx *tx, struct job *j)
{
	struct ca_submit_req was;
	struct issued *v;
	bool waits;
	size_t n;

	TRY(store_issued_by_order(tx, j->a, j->g->order, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (v[i].fence >= j->g->fence || !policy_order_same(&v[i], j->g))
			continue;
		if (v[i].state == ISSUED_DENIED && v[i].hresult == HRESULT_MANAGER_DENIED)
			FAIL(ERR_REQUEST_DENIED, "request %lld: %s", (long long)v[i].id,
			    v[i].message);
		if (v[i].state != ISSUED_PENDING)
			continue;
		TRY(pending_request(tx, j->a, v[i].id, &was));
		TRY(policy_order_waits(j->a, &v[i], &was, j->g, &waits));
		if (waits)
			j->waiting = v[i].id;
	}
	return OK;
}

/* The waiting request under this order stays the one that waits, now for this key. */
static err_t
wait_on(struct tx *tx, struct job *j, struct pending *p)
{
	uint64_t highest = 0;
	bool closed = false;

	TRY(store_order_state_get(tx, j->g->order, &highest, &closed));
	if (closed || j->g->fence <= highest)
		FAIL(ERR_ORDER_STALE, "fence %llu, newest %llu", (unsigned long long)j->g->fence,
		    (unsigned long long)highest);
	TRY(store_order_state_put(tx, j->g->order, j->g->fence, false));
	p->id = j->row.id = j->waiting;
	TRY(store_issued_update(tx, &j->row, ISSUED_PENDING));
	TRY(store_pending_delete(tx, p->id));
	TRY(store_pending_insert(tx, p));
	return store_journal_add(tx, j->g->requester, "pending",
	    arena_printf(j->a, "request=%lld order=%s fence=%llu again", (long long)p->id,
		id_text(j->a, j->g->order), (unsigned long long)j->g->fence));
}

/* What waits has no serial, no bytes and no validity yet: they are made when it is approved. */
static err_t
pend_tx(struct tx *tx, void *arg)
{
	struct job *j = arg;
	struct pending p = *j->waits;

	TRY(policy_still(tx, j->a, j->ap));
	if (j->g->ordered)
		TRY(earlier_under(tx, j));
	if (j->g->ordered && j->waiting == 0)
		TRY(take_fence(tx, j));
	if (j->again)
		return OK;
	TRY(key_is_fit(tx, j));
	j->serial = "";
	j->row = record(j);
	j->row.state = ISSUED_PENDING;
	j->row.message = "Taken Under Submission";
	if (j->waiting != 0)
		return wait_on(tx, j, &p);
	TRY(store_issued_insert(tx, &j->row));
	p.id = j->row.id;
	TRY(store_pending_insert(tx, &p));
	TRY(note_wait(tx, j));
	return store_journal_add(tx, j->g->requester, "pending",
	    arena_printf(j->a, "request=%lld ca=%s template=%s subject=%s%s%s",
		(long long)j->row.id, j->row.ca, j->row.template, j->row.subject,
		j->g->ignored[0] != '\0' ? " ignored=" : "", j->g->ignored));
}

static err_t
valid_tx(struct tx *tx, void *arg)
{
	struct job *j = arg;
	struct issued x = j->row;

	x.state = ISSUED_VALID;
	x.tbs = STR_EMPTY;
	x.cert = j->der;
	x.cert_sha256 = STR(j->sha256);
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

static err_t
run(struct issuer *is, struct job *j, struct minted *ret)
{
	auto_cert struct cert *c = NULL;

	if (j->g->pend)
		FAIL(ERR_REQUEST_APPROVAL, "template %s", j->g->template.name);
	TRY(build(is, j));
	TRY(store_write(is->store, intent_tx, j));
	if (j->again) {
		*ret = (struct minted){ j->row.id, j->row.cert };
		return OK;
	}
	TRY(sign(is, j, &j->der));
	hash_sha256(j->der, j->sha256);
	if (j->also != NULL)
		TRY(cert_parse(j->der, &c));
	j->cert = c;
	TRY(make_valid(is, j));
	*ret = (struct minted){ j->row.id, j->der };
	return OK;
}

err_t
mint(struct issuer *is, struct arena *a, const struct approval *ap, mint_also also, void *arg,
    struct minted *ret)
{
	struct job j = { .a = a, .ap = ap, .g = approval_grant(ap), .also = also, .arg = arg };

	return run(is, &j, ret);
}

err_t
mint_approved(
    struct issuer *is, struct arena *a, const struct approval *ap, int64_t id, struct minted *ret)
{
	struct job j = { .a = a, .ap = ap, .g = approval_grant(ap), .approved = id };

	return run(is, &j, ret);
}

err_t
mint_pend(struct issuer *is, struct arena *a, const struct approval *ap,
    const struct pending *waits, const int64_t *after, struct minted *ret)
{
	struct job j = { .a = a,
		.ap = ap,
		.g = approval_grant(ap),
		.pend = true,
		.waits = waits,
		.after = after };

	TRY(store_write(is->store, pend_tx, &j));
	*ret = (struct minted){ j.row.id, j.row.cert };
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
		when_t since = v[i].resolved > v[i].requested ? v[i].resolved : v[i].requested;
		bool done;

		if (since <= l->before)
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/pending.h"

#include "ca/mint.h"
#include "ca/setting.h"
#include "ca/state.h"
#include "codec/ca_ipc.h"
#include "store/pending.h"

static err_t
room_tx(struct tx *tx, void *arg)
{
	return setting_get(tx, SETTING_PENDING_PER_PRINCIPAL, arg);
}

err_t
pending_put(struct issuer *is, struct arena *a, const struct ca_submit_req *q,
    const struct proof *who, const struct approval *ap, const int64_t *after,
    struct ca_submit_rep *ret)
{
	const struct grant *g = approval_grant(ap);
	struct ca_submit_req kept = *q;
	struct pending p = { .principal = g->requester };
	auto_buf struct buf b = { 0 }, stated = { 0 };
	struct minted made;

	TRY(store_read(is->store, room_tx, &p.room));
	kept.password = "";
	kept.user = who->user != NULL ? who->user : "";
	kept.ca = g->ca->name;
	buf_init(&b, LIMIT_IPC_MESSAGE);
	TRY(ca_submit_req_encode(&kept, &b));
	p.request = buf_str(&b);
	p.caller_sha256 = who->user == NULL ? STR(who->sha256) : STR_EMPTY;
	p.vouched = who->vouched;
	p.challenge = who->challenge;
	p.sha1 = who->sha1;
	buf_init(&stated, LIMIT_ORDER_BYTES);
	if (who->stated != NULL)
		TRY(order_encode(who->stated, &stated));
	p.stated = buf_str(&stated);
	TRY(mint_pend(is, a, ap, &p, after, &made));
	*ret = (struct ca_submit_rep){ .disposition = made.der.n > 0 ? CA_ISSUED : CA_PENDING,
		.message = made.der.n > 0 ? "Issued" : "Taken Under Submission",
		.fault = "",
		.request_id = (uint64_t)made.id,
		.leaf = made.der };
	if (made.der.n > 0)
		ret->chain = hierarchy_chain_of(a, issuer_hierarchy(is), g->ca, made.der);
	return OK;
}

struct load {
	struct arena *a;
	int64_t id;
	struct issued row;
	struct pending p;
	struct ca_submit_req q;
	struct proof who;
	struct order stated;
};

static err_t
load_waiting(struct tx *tx, struct load *l)
{
	err_t e = store_issued_get(tx, l->a, l->id, &l->row);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "there is no request %lld", (long long)l->id);
	}
	TRY(e);
	if (l->row.state != ISSUED_PENDING)
		FAIL(ERR_REQUEST_STATE, "request %lld: %s", (long long)l->id, l->row.message);
	return OK;
}

static err_t
load_vouched(struct load *l)
{
	if (l->p.vouched[0] == '\0')
		return OK;
	l->who.vouched = l->p.vouched;
	l->who.challenge = l->p.challenge;
	if (l->p.stated.n == 0)
		return OK;
	l->who.stated = &l->stated;
	return order_parse(l->a, l->p.stated, &l->stated);
}

/* Who asked has shown itself then; that it is still there and enabled, the policy asks again. */
static err_t
load_tx(struct tx *tx, void *arg)
{
	struct load *l = arg;
	struct principal p;

	TRY(load_waiting(tx, l));
	TRY(store_pending_get(tx, l->a, l->id, &l->p));
	TRY(ca_submit_req_parse(l->a, l->p.request, &l->q));
	l->who.asked = l->row.requested;
	l->who.sha1 = l->p.sha1; /* as it was taken then */
	l->who.renews = l->q.renews.n > 0 && str_eq(l->q.renews, l->q.caller);
	TRY(load_vouched(l));
	if (l->p.caller_sha256.n == sizeof(l->who.sha256)) {
		memcpy(l->who.sha256, l->p.caller_sha256.p, sizeof(l->who.sha256));
		return OK;
	}
	TRY(store_principal_get(tx, l->a, l->p.principal, &p));
	l->who.user = p.name;
	l->who.password = p.password;
	return OK;
}

err_t
pending_approve(struct issuer *is, struct arena *a, int64_t id, struct str *ret_der)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	auto_approval struct approval *ap = NULL;
	struct load l = { .a = a, .id = id };
	struct minted made;
	err_t e;

	TRY(store_read(is->store, load_tx, &l));
	TRY(policy_request_by(is->store, h, a, &l.q, &l.who, &ap));
	e = mint_approved(is, a, ap, id, &made);
	if (err_is(e, ERR_STATE_MOVED)) {
		err_forget(e);
		FAIL(ERR_REQUEST_STATE, "request %lld was decided on meanwhile", (long long)id);
	}
	TRY(e);
	*ret_der = made.der;
	return OK;
}

struct denial {
	struct load l;
	const char *reason;
};

static err_t
deny_tx(struct tx *tx, void *arg)
{
	struct denial *d = arg;
	struct issued *x = &d->l.row;

	TRY(load_waiting(tx, &d->l));
	x->state = ISSUED_DENIED;
	x->resolved = when_now();
	x->hresult = HRESULT_MANAGER_DENIED;
	x->message = arena_printf(
	    d->l.a, "Denied by administrator%s%s", d->reason[0] != '\0' ? ": " : "", d->reason);
	TRY(store_issued_update(tx, x, ISSUED_PENDING));
	TRY(store_pending_delete(tx, x->id));
	return store_journal_add(tx, "administrator", "denied",
	    arena_printf(d->l.a, "request=%lld requester=%s reason=%s", (long long)x->id,
		x->requester, d->reason));
}

err_t
pending_deny(struct issuer *is, struct arena *a, int64_t id, const char *reason)
{
	struct denial d = { .l = { .a = a, .id = id }, .reason = reason };

	return store_write(is->store, deny_tx, &d);
}

err_t
pending_request(struct tx *tx, struct arena *a, int64_t id, struct ca_submit_req *ret)
{
	struct pending p;

	TRY(store_pending_get(tx, a, id, &p));
	return ca_submit_req_parse(a, p.request, ret);
}

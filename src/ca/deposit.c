/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/deposit.h"

#include "ca/caller.h"
#include "ca/policy.h"
#include "ca/state.h"
#include "codec/ca_scep_ipc.h"
#include "store/scep.h"

struct leaving {
	struct arena *a;
	const struct ca_deposit_req *q;
	const uint8_t *sha256; /* of the caller's certificate */
	struct caller caller;
	struct order order;
};

static err_t
caller_tx(struct tx *tx, void *arg)
{
	struct leaving *l = arg;

	TRY(caller_principal(tx, l->a, l->sha256, &l->caller));
	if (!(l->caller.who.ca_rights & CA_RIGHT_REQUEST))
		FAIL(ERR_CA_ENROL_DENIED, "principal %s", l->caller.who.name);
	return OK;
}

static err_t
leave_tx(struct tx *tx, void *arg)
{
	struct leaving *l = arg;
	struct deposit d = { .sha256 = l->q->sha256,
		.ca = l->order.ca,
		.sealed = l->q->order,
		.order = l->order.id,
		.expires = l->order.expires };

	TRY(caller_tx(tx, l));
	d.principal = l->caller.who.name;
	TRY(store_deposit_put(tx, &d));
	return store_journal_add(tx, l->caller.who.name, "challenge-left",
	    arena_printf(l->a, "order=%s ca=%s template=%s expires=%s", id_text(l->a, l->order.id),
		l->order.ca, l->order.template, when_text(l->a, l->order.expires)));
}

err_t
deposit_on_message(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct issuer *is = ctx;
	const struct hierarchy *h = issuer_hierarchy(is);
	struct leaving l = { .a = a };
	struct ca_deposit_req q;
	const struct ca *ca;
	uint8_t sha256[32];

	(void)out;
	TRY(ca_deposit_req_parse(a, in, &q));
	TRY(caller_certificate(h, q.caller, sha256));
	l.q = &q;
	l.sha256 = sha256;
	TRY(store_read(is->store, caller_tx, &l));
	TRY(policy_order_open(is->store, a, ORDER_ISSUE, q.order,
	    &(struct policy_shown){ .challenge = q.sha256 }, &l.order));
	TRY(hierarchy_find(h, l.order.ca, &ca));
	if (ca->role == CA_ROLE_ROOT)
		FAIL(ERR_CA_UNKNOWN, "%s signs CAs only", ca->name);
	return store_write(is->store, leave_tx, &l);
}

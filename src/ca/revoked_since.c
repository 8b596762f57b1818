/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller has to know of revocations that others made: see revoke.h. */
#include "ca/revoke.h"

#include "ca/caller.h"
#include "ca/state.h"

struct since {
	struct arena *a;
	const struct ca_revoked_req *q;
	const uint8_t *sha256;
	struct revocation *v;
	size_t n;
};

static err_t
since_tx(struct tx *tx, void *arg)
{
	struct since *s = arg;
	struct caller c;

	TRY(caller_principal(tx, s->a, s->sha256, &c));
	return store_issued_revoked_since(
	    tx, s->a, c.who.name, when_now(), s->q->after.at, s->q->after.id, &s->v, &s->n);
}

err_t
revoked_since(
    struct issuer *is, struct arena *a, const struct ca_revoked_req *q, struct ca_revoked_rep *ret)
{
	struct since s = { .a = a, .q = q };
	struct ca_revoked_rep rep = { .next = q->after };
	uint8_t sha256[32];

	TRY(caller_certificate(issuer_hierarchy(is), q->caller, sha256));
	s.sha256 = sha256;
	TRY(store_read(is->store, since_tx, &s));
	rep.v = arena_array(a, s.n + 1, sizeof(*rep.v));
	for (; rep.n < s.n; rep.n++) {
		const struct revocation *r = &s.v[rep.n];

		rep.v[rep.n] = (struct ca_revoked){ r->order, r->serial, (uint8_t)r->reason };
		rep.next = (struct ca_revoked_place){ r->revoked, r->id };
	}
	*ret = rep;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/slots/{id}/revokedByHand: an administrator says that what could not be revoked through the protocol of its
 * authority (fault ca-no-revoke) was revoked there by hand.
 */
#include "api/reach.h"
#include "api/reply.h"
#include "api/users.h"
#include "model/request.h"
#include "store/access.h"

struct saying {
	struct arena *a;
	const struct caller *who;
	struct id id;
	size_t n;
};

static err_t
say(struct tx *tx, void *arg)
{
	struct saying *x = arg;
	struct slot s;

	TRY(store_slot_get(tx, x->a, x->id, &s));
	TRY(reach_slot(tx, x->a, x->who, PERM_CONFIG_WRITE, &s));
	TRY(request_revoked_there(tx, x->a, &s, x->who->actor, &x->n));
	if (x->n == 0)
		FAIL(ERR_NOT_FOUND,
		    "no revocation of this slot waits because its authority has none by protocol");
	return store_audit_add(tx, x->who->actor, "slot.revokedByHand",
	    target_text(x->a, "slot", x->id), arena_printf(x->a, "%zu certificates", x->n), "");
}

static err_t
post(struct http_req *r)
{
	struct saying x = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *out = json_object_new();

	TRY(param_id(r, "id", &x.id));
	TRY(store_write(api_of(r)->store, say, &x));
	json_set_int(out, "revoked", (int64_t)x.n);
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/chancery/v1/slots/{id}/revokedByHand", PERM_CONFIG_WRITE | PERM_SCOPED, post),
	{ 0 },
};

const struct resource resource_slot_revoked = { "slot_revoked", routes };

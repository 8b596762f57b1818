/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to a managed device: retire, DELETE, syncDevice; and of our own, lost and found.
 *
 * retire and DELETE do the same: certificates are removed and revoked, the identity is refused from then on. The record
 * stays, as retired, for the audit.
 */
#include "api/reach.h"
#include "api/users.h"
#include "model/enrol.h"
#include "model/life.h"

struct act {
	struct arena *a;
	const struct caller *who;
	unsigned perm;
	struct id id;
};

static err_t
may(void *ctx, const struct device *now)
{
	const struct act *x = ctx;

	return rights_demand(x->who, PERM_DEVICES_READ, x->perm, now->scope_tags, "device");
}

static err_t
post_retire(struct http_req *r)
{
	struct act x = { .a = http_arena(r), .who = http_caller(r) };

	x.perm = http_method(r) == HTTP_DELETE ? PERM_DEVICES_WRITE : PERM_DEVICES_ACT;
	TRY(param_id(r, "id", &x.id));
	TRY(device_retire_if(api_of(r)->store, x.a, x.who->actor, x.id, may, &x));
	return reply_empty(r, 204);
}

static err_t
sync_device(struct tx *tx, void *arg)
{
	struct act *x = arg;
	struct device d;

	TRY(store_device_get(tx, x->a, x->id, &d));
	TRY(may(x, &d));
	TRY(store_device_ask(tx, x->id, when_now()));
	tx_notify(tx, TOPIC_DEVICE, id_str(&x->id));
	return store_audit_add(
	    tx, x->who->actor, "device.sync", target_text(x->a, "device", x->id), "", "");
}

static err_t
post_sync(struct http_req *r)
{
	struct act x = { .a = http_arena(r), .who = http_caller(r), .perm = PERM_DEVICES_ACT };

	TRY(param_id(r, "id", &x.id));
	TRY(store_write(api_of(r)->store, sync_device, &x));
	return reply_empty(r, 204);
}

/* Lost: what it holds is revoked at once. Found: it is issued anew. */
static err_t
post_life(struct http_req *r,
    err_t (*fn)(struct store *, struct arena *, const struct life_actor *, struct id))
{
	struct act x = { .a = http_arena(r), .who = http_caller(r), .perm = PERM_DEVICES_ACT };
	struct life_actor by = { x.who->actor, may, &x };

	TRY(param_id(r, "id", &x.id));
	TRY(fn(api_of(r)->store, x.a, &by, x.id));
	return reply_empty(r, 204);
}

static err_t
post_lost(struct http_req *r)
{
	return post_life(r, device_lost);
}

static err_t
post_found(struct http_req *r)
{
	return post_life(r, device_found);
}

#define ONE "/deviceManagement/managedDevices/{id}"

static const struct http_route routes[] = {
	GRAPH(DELETE, ONE, PERM_DEVICES_WRITE | PERM_SCOPED, post_retire),
	GRAPH(POST, ONE "/retire", PERM_DEVICES_ACT | PERM_SCOPED, post_retire),
	GRAPH(POST, ONE "/microsoft.graph.retire", PERM_DEVICES_ACT | PERM_SCOPED, post_retire),
	GRAPH(POST, ONE "/syncDevice", PERM_DEVICES_ACT | PERM_SCOPED, post_sync),
	GRAPH(POST, ONE "/microsoft.graph.syncDevice", PERM_DEVICES_ACT | PERM_SCOPED, post_sync),
	ROUTE(POST, "/chancery/v1/devices/{id}/lost", PERM_DEVICES_ACT | PERM_SCOPED, post_lost),
	ROUTE(POST, "/chancery/v1/devices/{id}/found", PERM_DEVICES_ACT | PERM_SCOPED, post_found),
	{ 0 },
};

const struct resource resource_device_actions = { "device_actions", routes };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiping a device: Graph's action (POST managedDevices/{id}/wipe), and of our own, where the newest one stands and how it
 * is cancelled (GET, DELETE /chancery/v1/devices/{id}/wipe). What becomes of it is model/wipe.h.
 */
#include "api/reach.h"
#include "api/users.h"
#include "model/wipe.h"

struct act {
	struct arena *a;
	const struct caller *who;
	struct id id;
	struct device_life life;
};

static err_t
may(void *ctx, const struct device *now)
{
	const struct act *x = ctx;

	return rights_demand(
	    x->who, PERM_DEVICES_READ, PERM_DEVICES_WIPE, now->scope_tags, "device");
}

/* Graph's words for it; "": none of its own. */
static const struct {
	const char *management, *action;
} words[] = {
	[WIPE_NONE] = { "", "" },
	[WIPE_PENDING] = { "wipePending", "pending" },
	[WIPE_ISSUED] = { "wipeIssued", "active" },
	[WIPE_RESETTING] = { "wipeIssued", "active" },
	[WIPE_FAILED] = { "wipeFailed", "failed" },
	[WIPE_DONE] = { "", "done" },
	[WIPE_CANCELLED] = { "", "canceled" },
	[WIPE_EXPIRED] = { "", "canceled" },
};

static when_t
changed(const struct device_life *l)
{
	return l->wipe_ended != 0 ? l->wipe_ended :
	    l->wipe_issued != 0   ? l->wipe_issued :
				    l->wipe_asked;
}

err_t
device_wipe_json(struct tx *tx, struct arena *a, const struct device *d, json *j)
{
	struct device_life l;
	enum wipe_state s;
	json *list, *one;

	TRY(store_device_life_get(tx, a, d->id, &l));
	s = wipe_state_of(&l);
	if (s == WIPE_NONE)
		return OK;
	if (d->state == DEVICE_ACTIVE && words[s].management[0] != '\0')
		json_set_text(j, "managementState", words[s].management);
	if (d->state == DEVICE_GONE && s == WIPE_DONE)
		json_set_text(j, "managementState", "wipeIssued");
	list = json_array_new();
	one = json_object_new();
	json_set(j, "deviceActionResults", list);
	json_add(list, one);
	json_set_text(one, "actionName", "wipe");
	json_set_text(one, "actionState", words[s].action);
	json_set_when(a, one, "startDateTime", l.wipe_asked);
	json_set_when(a, one, "lastUpdatedDateTime", changed(&l));
	return OK;
}

/* The body may be left out: everything goes. */
static err_t
read_how(struct http_req *r, struct wipe_how *ret)
{
	auto_json json *body = NULL;

	if (http_body(r).n == 0)
		body = json_object_new();
	else
		TRY(body_object(r, &body));
	return field_read(http_arena(r), wipe_fields, wipe_nfields, body, FIELD_CREATE, NULL, ret);
}

static err_t
post_wipe(struct http_req *r)
{
	struct act x = { .a = http_arena(r), .who = http_caller(r) };
	struct life_actor by = { x.who->actor, may, &x };
	struct wipe_how how = { 0 };

	TRY(param_id(r, "id", &x.id));
	TRY(read_how(r, &how));
	TRY(wipe_seal(api_of(r)->keys, x.a, x.id, &how));
	TRY(device_wipe(api_of(r)->store, x.a, &by, x.id, &how));
	return reply_empty(r, 204);
}

static err_t
delete_wipe(struct http_req *r)
{
	struct act x = { .a = http_arena(r), .who = http_caller(r) };
	struct life_actor by = { x.who->actor, may, &x };

	TRY(param_id(r, "id", &x.id));
	TRY(device_wipe_cancel(api_of(r)->store, x.a, &by, x.id));
	return reply_empty(r, 204);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct act *x = arg;
	struct device d;

	TRY(reach_device(tx, x->a, x->who, PERM_DEVICES_READ, x->id));
	TRY(store_device_get(tx, x->a, x->id, &d));
	return store_device_life_get(tx, x->a, x->id, &x->life);
}

static err_t
life_json(struct arena *a, const struct device_life *l, json *j)
{
	const struct err_info *fault = l->wipe_fault == NULL ? NULL : err_info_by_id(l->wipe_fault);
	struct wipe_how how = { 0 };

	json_set_text(j, "state", wipe_state_name(wipe_state_of(l)));
	json_set_text(j, "requestedBy", l->wipe_by == NULL ? "" : l->wipe_by);
	json_set_when(a, j, "requestedDateTime", l->wipe_asked);
	json_set_when(a, j, "issuedDateTime", l->wipe_issued);
	json_set_when(a, j, "endedDateTime", l->wipe_ended);
	json_set_when(a, j, "expirationDateTime", l->wipe_expires);
	if (l->wipe_how != NULL && l->wipe_how[0] != '\0')
		TRY(wipe_how_parse(a, l->wipe_how, &how));
	TRY(field_write(a, wipe_fields, wipe_nfields, &how, j));
	json_set_text(j, "fault", fault == NULL ? "" : fault->id);
	json_set_text(j, "message", fault == NULL ? "" : fault->text);
	json_set_text(j, "detail", l->wipe_detail == NULL ? "" : l->wipe_detail);
	json_set_text(j, "hint", fault == NULL ? "" : fault->hint);
	return OK;
}

static err_t
get_wipe(struct http_req *r)
{
	struct act x = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *out = json_object_new();

	TRY(param_id(r, "id", &x.id));
	TRY(store_read(api_of(r)->store, look, &x));
	json_set_id(x.a, out, "deviceId", x.id);
	TRY(life_json(x.a, &x.life, out));
	return reply_json(r, 200, out);
}

#define ONE "/deviceManagement/managedDevices/{id}"
#define OWN "/chancery/v1/devices/{id}/wipe"

static const struct http_route routes[] = {
	GRAPH(POST, ONE "/wipe", PERM_DEVICES_WIPE | PERM_SCOPED, post_wipe),
	GRAPH(POST, ONE "/microsoft.graph.wipe", PERM_DEVICES_WIPE | PERM_SCOPED, post_wipe),
	ROUTE(GET, OWN, PERM_DEVICES_READ | PERM_SCOPED, get_wipe),
	ROUTE(DELETE, OWN, PERM_DEVICES_WIPE | PERM_SCOPED, delete_wipe),
	{ 0 },
};

const struct resource resource_device_wipe = { "device_wipe", routes };

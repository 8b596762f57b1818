/* SPDX-License-Identifier: Apache-2.0 */
/* /deviceManagement/managedDevices/{id}/users: the primary user of a device, as a list of one or none. Who is set there:
 * managed_devices.c. */
#include "api/rights.h"
#include "api/users.h"

struct look {
	struct arena *a;
	struct id id;
	unsigned perms;
	json *value;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;
	struct object who;
	struct device d;

	json_free(l->value);
	l->value = json_array_new();
	TRY(store_device_get(tx, l->a, l->id, &d));
	if (id_is_zero(d.user))
		return OK;
	TRY(object_find(tx, l->a, l->perms, d.user, &who));
	json_add(l->value, who.entity);
	return OK;
}

static err_t
list(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct look l = { .a = http_arena(r), .perms = who->perms };
	auto_json json *out = json_object_new();
	struct query q;
	err_t e;

	TRY(rights_device(r, PERM_DEVICES_READ));
	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	e = store_read(api_of(r)->store, look, &l);
	json_set_text(out, "@odata.context", reply_context(r, "users", &q, false));
	json_set(out, "value", l.value == NULL ? json_array_new() : l.value);
	TRY(e);
	for (size_t i = 0; i < json_count(l.value); i++)
		TRY(reply_narrow(&q, json_at(l.value, i)));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/deviceManagement/managedDevices/{id}/users", PERM_DEVICES_READ | PERM_SCOPED,
	    list),
	{ 0 },
};

const struct resource resource_device_users = { "device_users", routes };

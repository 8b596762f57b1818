/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/managedDevices/{id}/deviceConfigurationStates: where one device stands with each of its profiles
 * (Graph deviceConfigurationState). Who is limited by scope tags sees those of the profiles that it reaches.
 */
#include "api/reach.h"
#include "api/users.h"
#include "model/status.h"

struct look {
	struct arena *a;
	const struct caller *who;
	struct id id;
	struct user user;
	const struct user *of; /* NULL: none */
	json *list;
};

static err_t
add_state(struct tx *tx, struct look *l, const struct slot *slot)
{
	struct profile p;
	struct status s;
	json *j;
	err_t e = store_profile_get(tx, l->a, slot->profile, &p);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	TRY(status_of(tx, l->a, slot, &s));
	if (s.state == STATUS_REMOVED ||
	    !rights_reach(l->who, PERM_DEVICES_READ | PERM_CONFIG_READ, p.scope_tags))
		return OK;
	j = json_object_new();
	json_add(l->list, j);
	json_set_id(l->a, j, "id", slot->id);
	json_set_text(j, "displayName", p.display_name);
	json_set_text(j, "platformType", "all");
	json_set_int(j, "settingCount", 1);
	json_set(j, "settingStates", json_array_new());
	json_set_text(j, "state", s.compliance);
	json_set_text(j, "userId", l->of == NULL ? "" : id_text(l->a, l->of->id));
	json_set_text(j, "userPrincipalName", l->of == NULL ? "" : l->of->upn);
	json_set_int(j, "version", p.version);
	return OK;
}

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;
	struct device d;
	struct slot *v;
	size_t n;

	TRY(reach_device(tx, l->a, l->who, PERM_DEVICES_READ, l->id));
	TRY(store_device_get(tx, l->a, l->id, &d));
	TRY(device_user(tx, l->a, &d, &l->user, &l->of));
	TRY(store_slots_of_device(tx, l->a, l->id, &v, &n));
	for (size_t i = 0; i < n; i++)
		TRY(add_state(tx, l, &v[i]));
	return OK;
}

static err_t
list(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *out = json_object_new();
	struct query q;

	l.list = json_array_new();
	json_set_text(out, "@odata.context",
	    reply_context(
		r, "deviceManagement/managedDevices/deviceConfigurationStates", NULL, false));
	json_set(out, "value", l.list);
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(param_id(r, "id", &l.id));
	TRY(store_read(api_of(r)->store, look, &l));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/deviceManagement/managedDevices/{id}/deviceConfigurationStates",
	    PERM_DEVICES_READ | PERM_SCOPED, list),
	{ 0 },
};

const struct resource resource_device_states = { "device_states", routes };

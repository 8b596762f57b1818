/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/managedDevices: what enrolled, what it said of itself, and how to make it leave. Graph beta
 * managedDevice, the properties that Linux devices have.
 *
 * retire and DELETE do the same: certificates are removed and revoked, the identity is refused from then on. The record
 * stays, as retired, for the audit.
 */
#include "api/users.h"
#include "model/enrol.h"
#include "model/status.h"

#define NEVER "0001-01-01T00:00:00Z"

/* Properties that are the same for every device here; clients expect them to be there. */
static const struct constant {
	const char *name, *text;
} constants[] = {
	{ "managementAgent", "mdm" },
	{ "managedDeviceOwnerType", "company" },
	{ "ownerType", "company" },
	{ "deviceEnrollmentType", "userEnrollment" },
	{ "joinType", "unknown" },
	{ "deviceType", "linux" },
	{ "jailBroken", "Unknown" },
	{ "complianceState", "unknown" },
};

static void
set_when(struct arena *a, json *j, const char *name, when_t t)
{
	json_set_text(j, name, t == 0 ? NEVER : when_text(a, t));
}

static const char *
text_or_null(const char *s)
{
	return s == NULL || *s == '\0' ? NULL : s;
}

err_t
device_json(struct arena *a, const struct device *d, const struct user *user, json **ret)
{
	json *j = json_object_new();
	bool active = d->state == DEVICE_ACTIVE;
	bool is_linux = d->platform != NULL && strcmp(d->platform, "linux") == 0;

	json_set_id(a, j, "id", d->id);
	json_set_text(j, "deviceName", text_or_null(d->name));
	json_set_text(j, "managedDeviceName", text_or_null(d->name));
	json_set_id(a, j, "azureADDeviceId", d->id);
	json_set_id(a, j, "azureActiveDirectoryDeviceId", d->id);
	json_set_bool(j, "azureADRegistered", active);
	json_set_text(j, "deviceRegistrationState", active ? "registered" : "revoked");
	json_set_text(j, "managementState", active ? "managed" : "retireIssued");
	json_set_text(j, "serialNumber", text_or_null(d->serial));
	json_set_text(j, "manufacturer", text_or_null(d->manufacturer));
	json_set_text(j, "model", text_or_null(d->model));
	json_set_text(j, "operatingSystem", is_linux ? "Linux" : text_or_null(d->os));
	json_set_text(j, "osVersion", text_or_null(d->os_version));
	json_set_text(j, "userId", user == NULL ? "" : id_text(a, user->id));
	json_set_text(j, "userPrincipalName", user == NULL ? "" : user->upn);
	json_set_text(j, "userDisplayName", user == NULL ? "" : user->display_name);
	json_set_text(j, "emailAddress", user == NULL || user->mail == NULL ? "" : user->mail);
	set_when(a, j, "enrolledDateTime", d->enrolled);
	set_when(a, j, "lastSyncDateTime", d->last_seen);
	set_when(a, j, "managementCertificateExpirationDate", d->identity_not_after);
	for (size_t i = 0; i < COUNT(constants); i++)
		json_set_text(j, constants[i].name, constants[i].text);
	json_set_text(j, "fullyQualifiedDomainName", text_or_null(d->fqdn));
	json_set_text(j, "agentVersion", text_or_null(d->agent_version));
	*ret = j;
	return OK;
}

err_t
device_user(struct tx *tx, struct arena *a, const struct device *d, struct user *user,
    const struct user **ret_user)
{
	err_t e;

	*ret_user = NULL;
	if (id_is_zero(d->user))
		return OK;
	e = store_user_get(tx, a, d->user, user);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	*ret_user = user;
	return OK;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct device *v;
	size_t n;

	(void)arg;
	(void)q;
	TRY(store_device_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		struct user user;
		const struct user *of;
		json *j;

		TRY(device_user(tx, a, &v[i], &user, &of));
		TRY(device_json(a, &v[i], of, &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static const struct collection devices = {
	.set = "deviceManagement/managedDevices",
	.page = LIMIT_PAGE,
	.read = read_page,
};

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &devices, 0);
}

static err_t
count(struct http_req *r)
{
	return reply_count(r, &devices);
}

struct look {
	struct arena *a;
	struct id id;
	struct device device;
	struct user user;
	const struct user *of;
	json *list; /* states: the caller's */
	const char *actor;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(store_device_get(tx, l->a, l->id, &l->device));
	return device_user(tx, l->a, &l->device, &l->user, &l->of);
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r) };
	struct query q;
	json *j;

	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	TRY(device_json(l.a, &l.device, l.of, &j));
	return reply_entity(r, 200, "deviceManagement/managedDevices", NULL, &q, j);
}

/* Graph's deviceConfigurationState for each slot of the device. */
static err_t
states(struct tx *tx, void *arg)
{
	struct look *l = arg;
	struct slot *v;
	size_t n;

	TRY(look(tx, arg));
	TRY(store_slots_of_device(tx, l->a, l->id, &v, &n));
	for (size_t i = 0; i < n; i++) {
		struct profile p;
		struct status s;
		json *j;
		err_t e;

		TRY(status_of(tx, l->a, &v[i], &s));
		e = store_profile_get(tx, l->a, v[i].profile, &p);
		if (s.state == STATUS_REMOVED || err_is(e, ERR_NOT_FOUND)) {
			err_forget(e);
			continue;
		}
		TRY(e);
		j = json_object_new();
		json_add(l->list, j);
		json_set_id(l->a, j, "id", v[i].id);
		json_set_text(j, "displayName", p.display_name);
		json_set_text(j, "platformType", "all");
		json_set_int(j, "settingCount", 1);
		json_set(j, "settingStates", json_array_new());
		json_set_text(j, "state", s.compliance);
		json_set_text(j, "userId", l->of == NULL ? "" : id_text(l->a, l->of->id));
		json_set_text(j, "userPrincipalName", l->of == NULL ? "" : l->of->upn);
		json_set_int(j, "version", p.version);
	}
	return OK;
}

static err_t
get_states(struct http_req *r)
{
	struct look l = { .a = http_arena(r) };
	auto_json json *out = json_object_new();
	struct query q;

	l.list = json_array_new();
	json_set_text(out, "@odata.context",
	    reply_context(
		r, "deviceManagement/managedDevices/deviceConfigurationStates", NULL, false));
	json_set(out, "value", l.list);
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(param_id(r, "id", &l.id));
	TRY(store_read(api_of(r)->store, states, &l));
	return reply_json(r, 200, out);
}

static err_t
post_retire(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct id id;

	TRY(param_id(r, "id", &id));
	TRY(device_retire(api_of(r)->store, http_arena(r), who->actor, id));
	return reply_empty(r, 204);
}

static err_t
sync_device(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(look(tx, arg));
	tx_notify(tx, TOPIC_DEVICE, id_str(&l->id));
	return store_audit_add(
	    tx, l->actor, "device.sync", target_text(l->a, "device", l->id), "", "");
}

static err_t
post_sync(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct look l = { .a = http_arena(r), .actor = who->actor };

	TRY(param_id(r, "id", &l.id));
	TRY(store_write(api_of(r)->store, sync_device, &l));
	return reply_empty(r, 204);
}

#define DEVICES "/deviceManagement/managedDevices"

static const struct http_route routes[] = {
	GRAPH(GET, DEVICES, PERM_DEVICES_READ, list),
	GRAPH(GET, DEVICES "/$count", PERM_DEVICES_READ, count),
	GRAPH(GET, DEVICES "/{id}", PERM_DEVICES_READ, get),
	GRAPH(DELETE, DEVICES "/{id}", PERM_DEVICES_WRITE, post_retire),
	GRAPH(GET, DEVICES "/{id}/deviceConfigurationStates", PERM_DEVICES_READ, get_states),
	GRAPH(POST, DEVICES "/{id}/retire", PERM_DEVICES_ACT, post_retire),
	GRAPH(POST, DEVICES "/{id}/microsoft.graph.retire", PERM_DEVICES_ACT, post_retire),
	GRAPH(POST, DEVICES "/{id}/syncDevice", PERM_DEVICES_ACT, post_sync),
	GRAPH(POST, DEVICES "/{id}/microsoft.graph.syncDevice", PERM_DEVICES_ACT, post_sync),
	{ 0 },
};

const struct resource resource_managed_devices = { "managed_devices", routes };

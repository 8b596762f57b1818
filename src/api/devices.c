/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /devices: devices as the directory shows them (Graph 1.0 device), read only: they come by enrolment and are changed as
 * managed devices. Also by the alternate key: /devices(deviceId='...'); object and device have one identifier here.
 */
#include "api/reach.h"
#include "api/users.h"

static const char *const trusts[] = { [JOIN_UNKNOWN] = NULL,
	[JOIN_JOINED] = "AzureAd",
	[JOIN_REGISTERED] = "Workplace",
	[JOIN_HYBRID] = "ServerAd" };
static const char *const owners[] = { [OWNERSHIP_UNKNOWN] = "Unknown",
	[OWNERSHIP_COMPANY] = "Company",
	[OWNERSHIP_PERSONAL] = "Personal" };

static json *
directory_json(struct arena *a, const struct device *d)
{
	json *j = json_object_new();

	json_set_id(a, j, "id", d->id);
	json_set_id(a, j, "deviceId", d->id);
	json_set_text(j, "displayName", text_or_null(d->name));
	json_set_bool(j, "accountEnabled", d->state == DEVICE_ACTIVE);
	json_set_bool(j, "isManaged", d->state == DEVICE_ACTIVE);
	json_set_text(j, "operatingSystem", text_or_null(d->os));
	json_set_text(j, "operatingSystemVersion", text_or_null(d->os_version));
	json_set_text(j, "trustType", trusts[d->join_type]);
	json_set_text(j, "deviceOwnership", owners[d->ownership]);
	json_set_text(j, "manufacturer", text_or_null(d->manufacturer));
	json_set_text(j, "model", text_or_null(d->model));
	json_set_text(j, "enrollmentProfileName", text_or_null(d->enrol_profile));
	json_set_text(j, "onPremisesSecurityIdentifier", text_or_null(d->sid));
	json_set_when(a, j, "registrationDateTime", d->enrolled);
	json_set_when(a, j, "approximateLastSignInDateTime", d->last_seen);
	json_set(j, "physicalIds", json_array_new());
	json_set(j, "systemLabels", json_array_new());
	json_set(j, "alternativeSecurityIds", json_array_new());
	return j;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct device *v;
	size_t n;

	(void)q;
	TRY(store_device_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++)
		if (rights_reach(arg, PERM_DEVICES_READ, v[i].scope_tags))
			rows_add(rows, v[i].id, directory_json(a, &v[i]));
		else
			rows_pass(rows, v[i].id);
	return OK;
}

static const char *const searched[] = { "displayName", NULL };
static const struct collection devices = {
	.set = "devices", .read = read_page, .by_caller = true, .search = searched
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
	const struct caller *who;
	struct id id;
	struct device device;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(reach_device(tx, l->a, l->who, PERM_DEVICES_READ, l->id));
	return store_device_get(tx, l->a, l->id, &l->device);
}

/* "<id>" or "deviceId='<id>'". */
static err_t
key_of(struct http_req *r, struct id *ret)
{
	struct str key = str_c(http_param(r, "id")), rest = key;
	struct str name = str_cut(&rest, '=');

	if (str_ieq_c(name, "deviceId") && rest.n > 2 && rest.p[0] == '\'')
		key = str_of(rest.p + 1, rest.n - 2);
	if (!err_ok(id_parse(key, ret)))
		FAIL(ERR_NOT_FOUND, "device '%s'", text_safe(http_arena(r), key));
	return OK;
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .who = http_caller(r) };
	struct query q;

	TRY(key_of(r, &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	return reply_entity(r, 200, "devices", NULL, &q, directory_json(l.a, &l.device));
}

static const struct http_route routes[] = {
	GRAPH(GET, "/devices", PERM_DEVICES_READ | PERM_SCOPED, list),
	GRAPH(GET, "/devices/$count", PERM_DEVICES_READ | PERM_SCOPED, count),
	GRAPH(GET, "/devices/{id}", PERM_DEVICES_READ | PERM_SCOPED, get),
	{ 0 },
};

const struct resource resource_devices = { "devices", routes };

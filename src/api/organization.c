/* SPDX-License-Identifier: Apache-2.0 */
/* /organization: a collection of one, which tools ask for right after they signed in (Graph 1.0). */
#include "api/reply.h"

static err_t
list(struct http_req *r)
{
	const struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	auto_json json *out = json_object_new();
	json *value = json_array_new(), *one = json_object_new();
	struct query q;

	json_set_text(out, "@odata.context", reply_context(r, "organization", NULL, false));
	json_set(out, "value", value);
	json_add(value, one);
	json_set_id(a, one, "id", api->tenant);
	json_set_text(one, "displayName", api->organization);
	json_set(one, "verifiedDomains", json_array_new());
	json_set_text(one, "mobileDeviceManagementAuthority", "intune");
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(reply_narrow(&q, one));
	return reply_json(r, 200, out);
}

/* What tools ask first: whether there is such a service here, and whose. */
static err_t
management(struct http_req *r)
{
	const struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	json *j = json_object_new();
	struct query q;
	err_t e;

	json_set_id(a, j, "id", api->tenant);
	json_set_id(a, j, "intuneAccountId", api->tenant);
	json_set_text(j, "subscriptionState", "active");
	json_set(j, "settings", json_null_new());
	e = query_read(r, QUERY_ENTITY, &q);
	if (err_ok(e))
		return reply_entity(r, 200, "deviceManagement", NULL, &q, j);
	json_free(j);
	return e;
}

static const struct http_route routes[] = {
	GRAPH(GET, "/deviceManagement", PERM_CONFIG_READ | PERM_ORGANIZATION_READ, management),
	GRAPH(GET, "/organization", PERM_ORGANIZATION_READ, list),
	{ 0 },
};

const struct resource resource_organization = { "organization", routes };

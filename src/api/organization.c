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

static const struct http_route routes[] = {
	GRAPH(GET, "/organization", PERM_ORGANIZATION_READ, list),
	{ 0 },
};

const struct resource resource_organization = { "organization", routes };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the services for other people's SCEP servers are: what Intune's public client for such servers asks the directory
 * before it asks anything else, in the form of Graph and in that of the Graph before it, by whichever of both it is set to.
 *
 *   GET /v1.0/servicePrincipals/appId=<Intune>/endpoints                        {"value":[{"providerName","uri",...}]}
 *   GET /<tenant>/servicePrincipalsByAppId/<Intune>/serviceEndpoints            {"value":[{"serviceName","uri",...}]}
 *
 * Not here: what such a service does (scep_actions.c). Other service principals are not there.
 */
#include "api/oauth.h"

static const char intune[] = "0000000a-0000-0000-c000-000000000000";
static const char validation[] = "ScepRequestValidationFEService";

/* appId=<id>, appId='<id>', or the id alone. */
static err_t
need_intune(struct http_req *r, const char *key)
{
	static const struct str by_app = LIT("appId=");
	struct str id = str_c(key);

	if (id.n > by_app.n && str_ieq_c(str_of(id.p, by_app.n), "appId="))
		id = str_of(id.p + by_app.n, id.n - by_app.n);
	if (id.n >= 2 && id.p[0] == '\'' && id.p[id.n - 1] == '\'')
		id = str_of(id.p + 1, id.n - 2);
	if (!str_ieq_c(id, intune))
		FAIL(ERR_NOT_FOUND, "service principal '%s'", text_safe(http_arena(r), str_c(key)));
	return OK;
}

static const char *
address(struct http_req *r)
{
	return arena_printf(http_arena(r), "%s/%s", api_of(r)->base_url, validation);
}

static err_t
endpoints(struct http_req *r)
{
	auto_json json *out = json_object_new();
	json *value = json_array_new(), *one = json_object_new();
	struct query q;

	json_set_text(
	    out, "@odata.context", reply_context(r, "servicePrincipals/endpoints", NULL, false));
	json_set(out, "value", value);
	json_add(value, one);
	TRY(need_intune(r, http_param(r, "key")));
	TRY(query_read(r, QUERY_ENTITY, &q));
	json_set_id(http_arena(r), one, "id", api_of(r)->tenant);
	json_set_text(one, "capability", validation);
	json_set_text(one, "providerId", intune);
	json_set_text(one, "providerName", validation);
	json_set_text(one, "uri", address(r));
	TRY(reply_narrow(&q, one));
	return reply_json(r, 200, out);
}

static err_t
old_endpoints(struct http_req *r)
{
	auto_json json *out = json_object_new();
	json *value = json_array_new(), *one = json_object_new();

	json_set(out, "value", value);
	json_add(value, one);
	TRY(oauth_tenant(r));
	TRY(need_intune(r, http_param(r, "app")));
	json_set_text(one, "capability", validation);
	json_set_text(one, "serviceName", validation);
	json_set_text(one, "uri", address(r));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/servicePrincipals/{key}/endpoints", PERM_SCEP_VALIDATE, endpoints),
	ROUTE(GET, "/{tenant}/servicePrincipalsByAppId/{app}/serviceEndpoints", PERM_SCEP_VALIDATE,
	    old_endpoints),
	{ 0 },
};

const struct resource resource_service_endpoints = { "service_endpoints", routes };

/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of the issuer read first: OpenID Connect Discovery 1.0, the keys (RFC 7517), MSAL's instance discovery. */
#include "api/oauth.h"
#include "api/oidc.h"

#include <strings.h>

static json *
texts(const char *const *v, size_t n)
{
	json *array = json_array_new();

	for (size_t i = 0; i < n; i++)
		json_add(array, json_text_new(v[i]));
	return array;
}

static json *
permissions(void)
{
	static const char *const openid[] = { "openid", "profile" };
	json *array = texts(openid, COUNT(openid));

	for (const struct perm_name *p = perm_names; p->name != NULL; p++)
		json_add(array, json_text_new(p->name));
	return array;
}

static err_t
configuration(struct http_req *r)
{
	static const char *const code[] = { "code" };
	static const char *const s256[] = { "S256" };
	static const char *const pairwise[] = { "public" };
	static const char *const rs256[] = { "RS256" };
	static const char *const auth[] = { "client_secret_post", "client_secret_basic", "none" };
	static const char *const grants[] = { "client_credentials", "authorization_code",
		"refresh_token", "urn:ietf:params:oauth:grant-type:device_code" };
	const struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	auto_json json *d = json_object_new();
	const char *tenant = id_text(a, api->tenant);
	const char *asked = http_param(r, "tenant");

	TRY(oauth_tenant(r));
	/* For "common" and its like the issuer is a pattern that clients fill in from the token's tid. */
	bool many = asked != NULL &&
	    (strcasecmp(asked, "common") == 0 || strcasecmp(asked, "organizations") == 0 ||
		strcasecmp(asked, "consumers") == 0);
	const char *base = arena_printf(
	    a, "%s/%s/oauth2/v2.0", api->base_url, asked == NULL || many ? "common" : tenant);

	json_set_text(d, "issuer",
	    many ? arena_printf(a, "%s/{tenantid}/v2.0", api->base_url) : token_issuer(api, a));
	json_set_text(d, "authorization_endpoint", arena_printf(a, "%s/authorize", base));
	json_set_text(d, "token_endpoint", arena_printf(a, "%s/token", base));
	json_set_text(d, "device_authorization_endpoint", arena_printf(a, "%s/devicecode", base));
	json_set_text(d, "end_session_endpoint", arena_printf(a, "%s/logout", base));
	json_set_text(d, "revocation_endpoint", arena_printf(a, "%s/revoke", base));
	json_set_bool(d, "authorization_response_iss_parameter_supported", true);
	json_set(d, "code_challenge_methods_supported", texts(s256, COUNT(s256)));
	json_set_text(
	    d, "jwks_uri", arena_printf(a, "%s/%s/discovery/v2.0/keys", api->base_url, tenant));
	json_set(d, "response_types_supported", texts(code, COUNT(code)));
	json_set(d, "subject_types_supported", texts(pairwise, COUNT(pairwise)));
	json_set(d, "id_token_signing_alg_values_supported", texts(rs256, COUNT(rs256)));
	json_set(d, "token_endpoint_auth_methods_supported", texts(auth, COUNT(auth)));
	json_set(d, "grant_types_supported", texts(grants, COUNT(grants)));
	json_set(d, "scopes_supported", permissions());
	return reply_json(r, 200, d);
}

static err_t
get_configuration(struct http_req *r)
{
	return oauth_run(r, configuration);
}

static err_t
keys(struct http_req *r)
{
	TRY(oauth_tenant(r));
	return http_reply(r, 200, "application/json; charset=utf-8", str_c(api_of(r)->jwks));
}

static err_t
get_keys(struct http_req *r)
{
	return oauth_run(r, keys);
}

/* MSAL asks which authorities belong together: ours stands alone. */
static err_t
get_instance(struct http_req *r)
{
	const struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	auto_json json *d = json_object_new();
	json *metadata = json_array_new(), *one = json_object_new(), *aliases = json_array_new();
	const char *host = strstr(api->base_url, "://");

	host = host == NULL ? api->base_url : host + 3;
	json_set_text(d, "tenant_discovery_endpoint",
	    arena_printf(a, "%s/%s/v2.0/.well-known/openid-configuration", api->base_url,
		id_text(a, api->tenant)));
	json_set_text(d, "api-version", "1.1");
	json_set(d, "metadata", metadata);
	json_add(metadata, one);
	json_set_text(one, "preferred_network", host);
	json_set_text(one, "preferred_cache", host);
	json_set(one, "aliases", aliases);
	json_add(aliases, json_text_new(host));
	return reply_json(r, 200, d);
}

/* Where people sign in; without an outside issuer both are here. */
static err_t
get_sign_in(struct http_req *r)
{
	const struct api *api = api_of(r);
	const struct oidc_conf *o = api->oidc == NULL ? NULL : oidc_settings(api->oidc);
	auto_json json *d = json_object_new();

	json_set_text(d, "issuer", o == NULL ? NULL : o->issuer);
	json_set_text(d, "clientId", o == NULL ? NULL : o->client);
	json_set_text(d, "scope", o == NULL ? NULL : o->scope);
	json_set_text(d, "builtIn", token_issuer(api, http_arena(r)));
	return reply_json(r, 200, d);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/signIn", PERM_PUBLIC, get_sign_in),
	ROUTE(
	    GET, "/{tenant}/v2.0/.well-known/openid-configuration", PERM_PUBLIC, get_configuration),
	ROUTE(GET, "/{tenant}/.well-known/openid-configuration", PERM_PUBLIC, get_configuration),
	ROUTE(GET, "/.well-known/openid-configuration", PERM_PUBLIC, get_configuration),
	ROUTE(GET, "/{tenant}/discovery/v2.0/keys", PERM_PUBLIC, get_keys),
	ROUTE(GET, "/{tenant}/discovery/keys", PERM_PUBLIC, get_keys),
	ROUTE(GET, "/common/discovery/instance", PERM_PUBLIC, get_instance),
	{ 0 },
};

const struct resource resource_oauth_meta = { "oauth_meta", routes };

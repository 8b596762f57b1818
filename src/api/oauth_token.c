/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token endpoint: client credentials (RFC 6749 4.4), authorization code with PKCE (4.1, RFC 7636), device code (RFC 8628
 * 3.4), refresh token (RFC 6749 6).
 *
 * An application gets all permissions it was given, whatever the scope says beyond the resource. A person gets what both
 * the administrator's record and the application's allow, and no more than the scope asked for.
 */
#include "api/oauth.h"

/* AADSTS numbers stand in the catalogue's column for codes that people search for. */
static err_t
reply_error(struct http_req *r, err_t e)
{
	struct arena *a = http_arena(r);
	struct err_report rep;
	const struct err_info *info;
	auto_json json *body = json_object_new();
	json *codes = json_array_new();
	const char *request, *client, *error;
	struct str text;

	err_take(e, &rep);
	refusals_note(
	    api_of(r)->refusals, REFUSED_SIGN_IN, rep.code, http_peer_addr(r), rep.detail);
	info = err_info(rep.code);
	reply_headers(r, &request, &client);
	/* Of the rows outside the token endpoint's block RFC 6749 knows only these two words. */
	error = info->code >= ERR_OAUTH_GRANT && info->code <= ERR_OAUTH_CODE ? info->graph :
	    info->http >= 500 ? "temporarily_unavailable" :
				"invalid_request";
	json_set_text(body, "error", error);
	json_set_text(body, "error_description",
	    arena_printf(a, "AADSTS%u: %s%s%s. Trace ID: %s Correlation ID: %s Timestamp: %s",
		info->hresult, info->text, rep.detail[0] == '\0' || info->http >= 500 ? "" : ": ",
		info->http >= 500 ? "" : text_safe(a, str_c(rep.detail)), request, client,
		when_text(a, when_now())));
	json_set(body, "error_codes", codes);
	json_add(codes, json_int_new(info->hresult));
	json_set_text(body, "timestamp", when_text(a, when_now()));
	json_set_text(body, "trace_id", request);
	json_set_text(body, "correlation_id", client);
	json_set_text(body, "suberror", info->id);
	TRY(json_print(a, body, &text));
	if (info->http == 503)
		http_reply_header(r, "Retry-After", "2");
	http_reply_header(r, "Pragma", "no-cache");
	return http_reply(r, info->http, "application/json; charset=utf-8", text);
}

err_t
oauth_run(struct http_req *r, http_handler handler)
{
	err_t e = handler(r);

	return err_ok(e) ? OK : reply_error(r, e);
}

err_t
oauth_tenant(struct http_req *r)
{
	const char *tenant = http_param(r, "tenant");
	struct id id;
	err_t e;

	if (tenant == NULL)
		return OK;
	e = id_parse(str_c(tenant), &id);
	if (!err_ok(e)) {
		/* A name: common and its like, adfs, or a domain. There is one tenant behind all of them. */
		err_forget(e);
		return OK;
	}
	if (!id_eq(id, api_of(r)->tenant))
		FAIL(ERR_OAUTH_TENANT, "%s", id_text(http_arena(r), id));
	return OK;
}

err_t
oauth_reply_token(struct http_req *r, const char *token, const char *scope, const char *refresh)
{
	auto_json json *body = json_object_new();
	const char *request, *client;
	struct str text;

	json_set_text(body, "token_type", "Bearer");
	json_set_int(body, "expires_in", TOKEN_LIFE_S - 1);
	json_set_int(body, "ext_expires_in", TOKEN_LIFE_S - 1);
	json_set_text(body, "access_token", token);
	if (scope != NULL)
		json_set_text(body, "scope", scope);
	if (refresh != NULL)
		json_set_text(body, "refresh_token", refresh);
	TRY(json_print(http_arena(r), body, &text));
	reply_headers(r, &request, &client);
	http_reply_header(r, "Pragma", "no-cache");
	return http_reply(r, 200, "application/json; charset=utf-8", text);
}

static err_t
client_credentials(struct http_req *r)
{
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	const char *scope = http_form(r, "scope");
	const char *resource = http_form(r, "resource");
	struct oauth_scope s;
	struct app app;
	const char *token;

	if (scope == NULL && resource != NULL)
		scope = arena_printf(a, "%s/.default", resource);
	TRY(oauth_client(r, true, &app));
	TRY(oauth_scope_read(a, api->base_url, scope == NULL ? "" : scope, &s));
	if (!s.all)
		FAIL(ERR_OAUTH_SCOPE, "with client credentials the scope must end in /.default");
	TRY(token_make(api, a,
	    &(struct token_spec){ .app = true,
		.subject = app.id,
		.client = app.id,
		.name = app.name,
		.permissions = app.permissions },
	    &token));
	return oauth_reply_token(r, token, NULL, NULL);
}

static const struct grant {
	const char *name;
	err_t (*run)(struct http_req *r);
	enum sign_in_grant counted;
} grants[] = {
	{ "client_credentials", client_credentials, GRANT_CLIENT },
	{ "urn:ietf:params:oauth:grant-type:device_code", oauth_device_grant, GRANT_DEVICE },
	{ "device_code", oauth_device_grant, GRANT_DEVICE },
	{ "authorization_code", oauth_code_grant, GRANT_CODE },
	{ "refresh_token", oauth_refresh_grant, GRANT_REFRESH },
};

static err_t
run_counted(struct http_req *r, const struct grant *g)
{
	struct sign_ins *counts = &api_of(r)->sign_ins;
	err_t e = g->run(r);
	struct err_report rep;

	if (err_ok(e)) {
		sign_ins_grant(counts, g->counted, ERR_NONE);
		return e;
	}
	err_take(e, &rep);
	sign_ins_grant(counts, g->counted, rep.code);
	return err_raise(&rep);
}

static err_t
token(struct http_req *r)
{
	const char *name = http_form(r, "grant_type");

	TRY(oauth_tenant(r));
	if (name == NULL)
		FAIL(ERR_OAUTH_FIELD, "the body must contain 'grant_type'");
	for (size_t i = 0; i < COUNT(grants); i++)
		if (strcmp(name, grants[i].name) == 0)
			return run_counted(r, &grants[i]);
	FAIL(ERR_OAUTH_GRANT, "'%s'", text_safe(http_arena(r), str_c(name)));
}

static err_t
post_token(struct http_req *r)
{
	return oauth_run(r, token);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/{tenant}/oauth2/v2.0/token", PERM_PUBLIC, post_token),
	ROUTE(POST, "/{tenant}/oauth2/token", PERM_PUBLIC, post_token),
	{ 0 },
};

const struct resource resource_oauth_token = { "oauth_token", routes };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures as Graph's clients expect them:
 *
 *   {"error":{"code":"ResourceNotFound","message":"...","innerError":{"date":...,"request-id":...,"client-request-id":...},
 *    "details":[{"code":"<fault id>","message":"<next step>","target":"<code to search for>"}]}}
 *
 * Everything but the detail comes from the catalogue. Of failures of our own side (500) the detail stays in the log.
 */
#include "api/reply.h"

static json *
fault_detail(struct arena *a, const struct err_info *info)
{
	json *d = json_object_new();

	json_set_text(d, "code", info->id);
	json_set_text(d, "message", *info->hint == '\0' ? info->text : info->hint);
	json_set_text(
	    d, "target", info->hresult == 0 ? NULL : arena_printf(a, "0x%08X", info->hresult));
	return d;
}

/* RFC 6750 3; the addresses as Graph's clients read them from it. */
static void
challenge(struct http_req *r)
{
	const struct api *api = api_of(r);
	struct arena *a = http_arena(r);

	http_reply_header(r, "WWW-Authenticate",
	    arena_printf(a, "Bearer realm=\"\", authorization_uri=\"%s/%s/oauth2/authorize\"",
		api->base_url, id_text(a, api->tenant)));
}

/* Only the gate of the API port throttles, and it sets the caller first. */
static unsigned
throttled_for(struct http_req *r)
{
	const struct caller *who = http_caller(r);

	return who == NULL || who->wait_s == 0 ? 1 : who->wait_s;
}

void
api_on_error(struct http_req *r, err_t e)
{
	struct arena *a = http_arena(r);
	struct err_report rep;
	const struct err_info *info;
	auto_json json *body = json_object_new();
	json *error = json_object_new();
	json *inner = json_object_new();
	json *details = json_array_new();
	const char *request, *client;
	struct str text = STR_EMPTY;

	err_take(e, &rep);
	info = err_info(rep.code);
	if (info->http == 401)
		challenge(r);
	if (info->http == 429 || info->http == 503)
		http_reply_header(r, "Retry-After",
		    arena_printf(a, "%u", info->code == ERR_THROTTLED ? throttled_for(r) : 2));
	reply_headers(r, &request, &client);

	json_set(body, "error", error);
	json_set_text(error, "code", info->graph);
	json_set_text(error, "message",
	    rep.detail[0] == '\0' || info->http == 500 ?
		info->text :
		arena_printf(a, "%s: %s", info->text, text_safe(a, str_c(rep.detail))));
	json_set(error, "innerError", inner);
	json_set_text(inner, "date", when_text(a, when_now()));
	json_set_text(inner, "request-id", request);
	json_set_text(inner, "client-request-id", client);
	json_set(error, "details", details);
	json_add(details, fault_detail(a, info));

	e = json_print(a, body, &text);
	if (err_ok(e))
		e = http_reply(r, info->http, "application/json; charset=utf-8", text);
	err_forget(e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reply.h"

#define JSON_TYPE \
	"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;" \
	"charset=utf-8"

const char *
reply_root(struct http_req *r)
{
	const struct api *api = api_of(r);
	const char *host = http_header(r, "Host");
	const char *mark = strstr(api->base_url, "://");
	size_t scheme = mark == NULL ? 0 : (size_t)(mark - api->base_url);

	/* The name by which the client reached us: its token goes with links to that host only. */
	for (const char *p = host; p != NULL && *p != '\0'; p++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]",
			*p) == NULL)
			host = NULL;
	if (host == NULL || *host == '\0' || scheme == 0)
		return api->base_url;
	return arena_printf(http_arena(r), "%.*s://%s", (int)scheme, api->base_url, host);
}

const char *
reply_version(struct http_req *r)
{
	const char *path = http_path(r);

	while (*path == '/')
		path++;
	if (strncasecmp(path, "beta/", 5) == 0)
		return "beta";
	if (strncasecmp(path, "v1.0/", 5) == 0)
		return "v1.0";
	return "chancery/v1";
}

void
reply_headers(struct http_req *r, const char **ret_request, const char **ret_client)
{
	struct arena *a = http_arena(r);
	const char *client = http_header(r, "client-request-id");

	*ret_request = id_text(a, id_new());
	if (client == NULL || *client == '\0' || strlen(client) > 128 ||
	    !text_printable_ascii(str_c(client)))
		client = *ret_request;
	*ret_client = client;
	http_reply_header(r, "request-id", *ret_request);
	http_reply_header(r, "client-request-id", client);
	http_reply_header(r, "OData-Version", "4.0");
	http_reply_header(r, "Cache-Control", "no-store");
}

err_t
reply_json(struct http_req *r, int status, const json *body)
{
	const char *request, *client;
	struct str text;

	TRY(json_print(http_arena(r), body, &text));
	reply_headers(r, &request, &client);
	return http_reply(r, status, JSON_TYPE, text);
}

err_t
reply_empty(struct http_req *r, int status)
{
	const char *request, *client;

	reply_headers(r, &request, &client);
	return http_reply(r, status, NULL, STR_EMPTY);
}

/* "users(id,displayName)" when narrowed. */
static const char *
selected_set(struct arena *a, const char *set, const struct query *q)
{
	const char *list = "";

	if (q == NULL || q->o.nselect == 0)
		return set;
	for (size_t i = 0; i < q->o.nselect; i++)
		list = arena_printf(a, "%s%s%s", list, i == 0 ? "" : ",", q->o.select[i]);
	return arena_printf(a, "%s(%s)", set, list);
}

const char *
reply_context(struct http_req *r, const char *set, const struct query *q, bool entity)
{
	struct arena *a = http_arena(r);

	return arena_printf(a, "%s/%s/$metadata#%s%s", reply_root(r), reply_version(r),
	    selected_set(a, set, q), entity ? "/$entity" : "");
}

err_t
reply_narrow(const struct query *q, json *entity)
{
	if (q == NULL || q->o.nselect == 0)
		return OK;

	/* What was expanded stays, whether selected or not. */
	json *expanded = json_get(entity, "assignments");

	if (expanded != NULL)
		json_ref(expanded);

	err_t e = odata_select(&q->o, entity);

	if (expanded == NULL)
		return e;
	if (err_ok(e))
		json_set(entity, "assignments", expanded);
	else
		json_free(expanded);
	return e;
}

err_t
reply_entity(struct http_req *r, int status, const char *set, const char *location,
    const struct query *q, json *entity)
{
	struct arena *a = http_arena(r);
	auto_json json *own = entity;
	auto_json json *out = json_object_new();

	TRY(reply_narrow(q, own));
	json_set_text(out, "@odata.context", reply_context(r, set, q, true));
	for (void *it = json_iter(own); it != NULL; it = json_iter_next(own, it))
		json_set(out, json_iter_key(it), json_ref(json_iter_value(it)));
	if (location != NULL)
		http_reply_header(r, "Location",
		    arena_printf(a, "%s/%s%s", reply_root(r), reply_version(r), location));
	return reply_json(r, status, out);
}

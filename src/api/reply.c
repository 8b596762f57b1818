/* SPDX-License-Identifier: Apache-2.0 */
#include "api/annotate.h"

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

static err_t
print_bare(struct arena *a, struct str text, struct str *ret)
{
	auto_json json *copy = NULL;

	TRY(json_parse(text, text.n, &copy));
	annotate_strip(copy);
	return json_print(a, copy, ret);
}

err_t
reply_json(struct http_req *r, int status, const json *body)
{
	static const char *const names[] = {
		[DETAIL_NONE] = "none", [DETAIL_MINIMAL] = "minimal", [DETAIL_FULL] = "full"
	};
	enum detail detail = annotate_detail(r);
	const char *request, *client;
	struct str text;

	TRY(json_print(http_arena(r), body, &text));
	if (detail == DETAIL_NONE)
		TRY(print_bare(http_arena(r), text, &text));
	reply_headers(r, &request, &client);
	return http_reply(r, status,
	    arena_printf(http_arena(r),
		"application/json;odata.metadata=%s;odata.streaming=true;IEEE754Compatible=false;"
		"charset=utf-8",
		names[detail]),
	    text);
}

bool
reply_prefers(struct http_req *r, const char *preference)
{
	const char *header = http_header(r, "Prefer");
	struct str list = str_c(header == NULL ? "" : header);

	while (list.n > 0)
		if (str_ieq_c(str_trim(str_cut(&list, ',')), preference)) {
			http_reply_header(r, "Preference-Applied", preference);
			return true;
		}
	return false;
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
	static const char *const expanded[] = { "assignments", "groupAssignments", "members" };
	json *kept[COUNT(expanded)];
	err_t e;

	if (q == NULL || q->o.nselect == 0)
		return OK;
	/* What was expanded stays, whether selected or not. */
	for (size_t i = 0; i < COUNT(expanded); i++) {
		kept[i] = json_get(entity, expanded[i]);
		if (kept[i] != NULL)
			json_ref(kept[i]);
	}
	e = odata_select(&q->o, entity);
	for (size_t i = 0; i < COUNT(expanded); i++) {
		if (err_ok(e) && kept[i] != NULL)
			json_set(entity, expanded[i], kept[i]);
		else
			json_free(kept[i]);
	}
	return e;
}

err_t
reply_entity(struct http_req *r, int status, const char *set, const char *location,
    const struct query *q, json *entity)
{
	struct arena *a = http_arena(r);
	auto_json json *own = entity;
	auto_json json *out = json_object_new();

	const char *etag;

	TRY(etag_of(a, own, &etag));
	http_reply_header(r, "ETag", etag);
	TRY(reply_narrow(q, own));
	TRY(annotate_entity(r, set, own));
	json_set_text(out, "@odata.context", reply_context(r, set, q, true));
	for (void *it = json_iter(own); it != NULL; it = json_iter_next(own, it))
		json_set(out, json_iter_key(it), json_ref(json_iter_value(it)));
	if (location != NULL)
		http_reply_header(r, "Location",
		    arena_printf(a, "%s/%s%s", reply_root(r), reply_version(r), location));
	if (http_method(r) != HTTP_GET && reply_prefers(r, "return=minimal"))
		return reply_empty(r, 204);
	if (http_method(r) != HTTP_GET)
		(void)reply_prefers(r, "return=representation");
	return reply_json(r, status, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* /chancery/v1/faults: the catalogue of failures, as everything else shows them. Any signed-in caller may read it. */
#include "api/reply.h"

static json *
fault_json(struct arena *a, const struct err_info *info)
{
	json *j = json_object_new();

	json_set_text(j, "id", info->id);
	json_set_text(j, "text", info->text);
	json_set_text(j, "nextStep", *info->hint == '\0' ? NULL : info->hint);
	json_set_text(j, "whoMustAct", err_who_name(info->who));
	json_set_text(
	    j, "searchCode", info->hresult == 0 ? NULL : arena_printf(a, "0x%08X", info->hresult));
	json_set_int(j, "httpStatus", info->http);
	json_set_text(j, "graphCode", info->graph);
	return j;
}

static err_t
list(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *out = json_object_new();
	json *value = json_array_new();
	struct query q;

	json_set(out, "value", value);
	TRY(query_read(r, QUERY_ENTITY, &q));
	for (int code = ERR_NONE + 1; code < ERR_COUNT; code++) {
		json *j = fault_json(a, err_info((enum err_code)code));

		json_add(value, j);
		TRY(reply_narrow(&q, j));
	}
	return reply_json(r, 200, out);
}

static err_t
get(struct http_req *r)
{
	const struct err_info *info = err_info_by_id(http_param(r, "id"));
	struct query q;

	TRY(query_read(r, QUERY_ENTITY, &q));
	if (info == NULL || info->code == ERR_NONE)
		FAIL(ERR_NOT_FOUND, "fault '%s'",
		    text_safe(http_arena(r), str_c(http_param(r, "id"))));
	return reply_entity(r, 200, "faults", NULL, &q, fault_json(http_arena(r), info));
}

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/faults", PERM_SIGNED_IN, list),
	ROUTE(GET, "/chancery/v1/faults/{id}", PERM_SIGNED_IN, get),
	{ 0 },
};

const struct resource resource_faults = { "faults", routes };

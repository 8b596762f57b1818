/* SPDX-License-Identifier: Apache-2.0 */
/* chancery fault: the catalogue of failures. It is built in, so that it can be read without a service. */
#include "cli/args.h"
#include "cli/out.h"

static const struct column columns[] = {
	{ .head = "ID", .key = "id" },
	{ .head = "WHO ACTS", .key = "whoMustAct" },
	{ .head = "CODE", .key = "searchCode" },
	{ .head = "TEXT", .key = "text", .wrap = true },
	{ .head = "NEXT STEP", .key = "nextStep", .wrap = true },
	{ 0 },
};

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
	json_set_int(j, "exitStatus", info->exit);
	return j;
}

static err_t
list(struct cli *c)
{
	auto_json json *rows = json_array_new();

	for (int code = ERR_NONE + 1; code < ERR_COUNT; code++)
		json_add(rows, fault_json(c->arena, err_info((enum err_code)code)));
	return out_rows(c, columns, rows);
}

/* By id, or by the number that people search for. */
static err_t
show(struct cli *c)
{
	auto_json json *rows = json_array_new();
	const char *wanted = c->args->operands[0];

	for (int code = ERR_NONE + 1; code < ERR_COUNT; code++) {
		const struct err_info *info = err_info((enum err_code)code);

		if (str_eq_c(str_c(info->id), wanted) ||
		    (info->hresult != 0 &&
			str_ieq_c(str_c(arena_printf(c->arena, "0x%08x", info->hresult)), wanted)))
			json_add(rows, fault_json(c->arena, info));
	}
	if (json_count(rows) == 0)
		FAIL(ERR_NOT_FOUND, "no fault has the id or code \"%.64s\"", wanted);
	if (json_count(rows) == 1)
		return out_object(c, json_at(rows, 0));
	return out_rows(c, columns, rows);
}

static const struct verb verbs[] = {
	{ "list", "Every failure that there is.", NULL, NULL, list },
	{ "show", "What a failure means and what to do: by id, or by a code such as 0x80094800.",
	    "ID", NULL, show },
	{ 0 },
};

const struct command command_fault = { "fault", "The catalogue of failures.", verbs };

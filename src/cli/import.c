/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import.h"

#include "base/file.h"
#include "base/limits.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/out.h"
#include "codec/csv.h"

static const struct column error_columns[] = {
	{ .head = "LINE", .key = "line" },
	{ .head = "FAULT", .key = "code" },
	{ .head = "WHAT", .key = "message", .wrap = true },
	{ 0 },
};

/* Columns whose cells are lists, members joined by ';' or '|'. */
static const char *const lists[] = { "members", "roleScopeTagIds" };

static bool
is_list(const char *property)
{
	for (size_t i = 0; i < COUNT(lists); i++)
		if (strcmp(property, lists[i]) == 0)
			return true;
	return false;
}

/* A column by the option's name or the property's. */
static const char *
property_of(const struct opt *names, const char *column)
{
	for (; names != NULL && names->name != NULL; names++)
		if (names->property != NULL && str_ieq_c(str_c(column), names->name))
			return names->property;
	return column;
}

static bool
is_bool(const struct opt *names, const char *property)
{
	for (; names != NULL && names->name != NULL; names++)
		if (names->is_bool && names->property != NULL &&
		    strcmp(names->property, property) == 0)
			return true;
	return false;
}

static json *
list_of(struct arena *a, const char *cell)
{
	json *list = json_array_new();
	struct str rest = str_c(cell);

	while (rest.n > 0) {
		size_t n = 0;
		struct str one;

		while (n < rest.n && rest.p[n] != ';' && rest.p[n] != '|')
			n++;
		one = str_trim(str_of(rest.p, n));
		rest = n < rest.n ? str_of(rest.p + n + 1, rest.n - n - 1) : STR_EMPTY;
		if (one.n > 0)
			json_add(list, json_text_new(arena_cstr(a, one)));
	}
	return list;
}

/* An empty cell says nothing about its property. */
static void
put_cell(
    struct arena *a, json *row, const struct opt *names, const char *property, const char *cell)
{
	if (*cell == '\0')
		return;
	if (is_list(property))
		json_set(row, property, list_of(a, cell));
	else if (is_bool(names, property) &&
	    (str_ieq_c(str_c(cell), "true") || str_ieq_c(str_c(cell), "false")))
		json_set_bool(row, property, str_ieq_c(str_c(cell), "true"));
	else
		json_set_text(row, property, cell);
}

static err_t
read_csv(struct cli *c, struct str text, const struct opt *names, json *rows)
{
	struct csv_record head, r;
	struct csv csv;
	bool more;

	TRY(csv_open(c->arena, text, &csv));
	TRY(csv_next(&csv, &head, &more));
	if (!more)
		FAIL(ERR_IMPORT, "the file is empty");
	for (;;) {
		json *row;

		TRY(csv_next(&csv, &r, &more));
		if (!more)
			return OK;
		if (r.n > head.n)
			FAIL(ERR_IMPORT, "line %zu has %zu fields, the head has %zu", r.line, r.n,
			    head.n);
		row = json_object_new();
		json_add(rows, row);
		json_set_int(row, "line", (int64_t)r.line);
		for (size_t i = 0; i < r.n; i++)
			put_cell(c->arena, row, names, property_of(names, head.v[i]), r.v[i]);
	}
}

/* Objects are counted from 1: JSON keeps no lines. */
static err_t
read_json(struct str text, json *rows)
{
	auto_json json *list = NULL;

	TRY(json_parse(text, LIMIT_HTTP_BODY, &list));
	if (!json_is_array(list))
		FAIL(ERR_IMPORT, "a JSON file holds one array of objects");
	for (size_t i = 0; i < json_count(list); i++) {
		json *row = json_at(list, i);

		if (!json_is_object(row))
			FAIL(ERR_IMPORT, "item %zu is no object", i + 1);
		json_set_int(row, "line", (int64_t)i + 1);
		json_add(rows, json_ref(row));
	}
	return OK;
}

static err_t
read_rows(struct cli *c, const struct opt *names, json *rows)
{
	const char *path = c->args->operands[0];
	struct str text;

	TRY(file_read(c->arena, path, LIMIT_HTTP_BODY, &text));
	for (size_t i = 0; i < text.n; i++) {
		if (strchr(" \t\r\n", text.p[i]) != NULL)
			continue;
		if (text.p[i] == '[' || text.p[i] == '{')
			return read_json(text, rows);
		break;
	}
	return read_csv(c, text, names, rows);
}

err_t
import_run(struct cli *c, const char *set, const struct opt *names)
{
	auto_json json *body = json_object_new(), *answer = NULL;
	const char *path = arena_printf(c->arena, "/chancery/v1/%s/import", set);
	json *rows = json_array_new();
	bool dry = args_has(c->args, "dry-run");
	const json *errors;

	json_set(body, "rows", rows);
	TRY(read_rows(c, names, rows));
	/* Dry first: every line that is wrong is told, not the first ones only. */
	json_set_bool(body, "dryRun", true);
	TRY(api_send(c, "POST", path, body, &answer));
	errors = json_get(answer, "errors");
	if (json_count(errors) > 0) {
		TRY(c->json ? out_json(c, answer) : out_table(c, error_columns, errors));
		FAIL(ERR_IMPORT, "%lld of %zu records are wrong",
		    (long long)json_int(json_get(answer, "errorCount")), json_count(rows));
	}
	if (!dry) {
		json_free(steal(answer));
		json_set_bool(body, "dryRun", false);
		TRY(api_send(c, "POST", path, body, &answer));
	}
	if (c->json)
		return out_json(c, answer);
	out_say(c, "%lld %s, %lld changed, %lld as they were",
	    (long long)json_int(json_get(answer, "created")), dry ? "would be new" : "new",
	    (long long)json_int(json_get(answer, "updated")),
	    (long long)json_int(json_get(answer, "unchanged")));
	return OK;
}

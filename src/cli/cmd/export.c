/* SPDX-License-Identifier: Apache-2.0 */
/* chancery export: the configuration as files that chancery apply takes. */
#include "base/file.h"
#include "cli/args.h"
#include "cli/config_set.h"
#include "cli/out.h"

static int
by_name(const void *a, const void *b)
{
	return strcmp(json_text(json_get(*(json *const *)a, "displayName")),
	    json_text(json_get(*(json *const *)b, "displayName")));
}

/* The objects of a kind, sorted by name. */
static err_t
forms_of(struct cli *c, const struct config_world *w, enum config_kind k, json *out)
{
	size_t n = json_count(w->rows[k]);
	auto_json json *all = json_array_new();
	json **v = arena_array(c->arena, n + 1, sizeof(json *));

	for (size_t i = 0; i < n; i++) {
		json *row = json_at(w->rows[k], i);
		const char *name = json_text(json_get(row, "displayName"));

		if (*config_id(w, k, name) == '\0')
			FAIL(ERR_AMBIGUOUS,
			    "several %ss are named \"%s\"; in files each needs a name of its own",
			    config_sets[k].kind, name);
		TRY(config_to_file(c, w, k, row, &v[i]));
		json_add(all, v[i]);
	}
	qsort(v, n, sizeof(json *), by_name);
	for (size_t i = 0; i < n; i++)
		json_add(out, json_ref(v[i]));
	return OK;
}

static err_t
write_all(struct cli *c, const struct config_world *w, const char *dir, json *summary)
{
	for (unsigned k = 0; k < CONFIG_KINDS; k++) {
		auto_json json *list = json_array_new();
		const char *path = arena_printf(c->arena, "%s/%s", dir, config_sets[k].file);
		json *row;
		struct str text;

		if (w->closed[k]) {
			fprintf(
			    stderr, "%s left out: a permission is missing\n", config_sets[k].file);
			continue;
		}
		row = json_object_new();
		json_add(summary, row);
		TRY(forms_of(c, w, (enum config_kind)k, list));
		json_set_text(row, "file", path);
		json_set_int(row, "objects", (int64_t)json_count(list));
		TRY(json_print_pretty(c->arena, list, &text));
		TRY(file_write(path, text, 0644));
	}
	return OK;
}

static err_t
run(struct cli *c)
{
	static const struct column columns[] = {
		{ .head = "FILE", .key = "file" },
		{ .head = "OBJECTS", .key = "objects" },
		{ 0 },
	};
	struct config_world w = { .rows = { NULL } };
	const char *dir = c->args->operands[0];
	auto_json json *summary = json_array_new();
	err_t e = config_world_read(c, &w);

	if (err_ok(e))
		e = dir_make(dir, 0755);
	if (err_ok(e))
		e = write_all(c, &w, dir, summary);
	config_world_free(&w);
	TRY(e);
	return out_rows(c, columns, summary);
}

static const struct verb verbs[] = {
	{ NULL,
	    "Write groups, filters, scope tags, roles and profiles as files for chancery apply.",
	    "DIR", NULL, run },
	{ 0 },
};

const struct command command_export = { "export", "Configuration into files.", verbs };

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

enum { FILE_MAX = 256 << 20 };
/* Rows, and bytes as JSON: what one message holds; and the parts of a file that is larger, each a transaction that others wait for. */
static const struct part {
	size_t rows, bytes;
} whole = { 100000, 6 << 20 }, part = { 5000, 2 << 20 };

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

/* ---- rows, one after the other ---- */

struct source {
	struct cli *c;
	const struct opt *names;
	struct arena *a; /* of one pass */
	struct csv csv;
	struct csv_record head;
	const json *list; /* of a JSON file; NULL: it is CSV */
	size_t at;
	int64_t from; /* lines before are passed over */
	json *kept;   /* read and not taken: it begins the next part */
};

static err_t
csv_row(struct source *s, json **ret)
{
	auto_json json *row = json_object_new();
	struct csv_record r;
	bool more;

	*ret = NULL;
	TRY(csv_next(&s->csv, &r, &more));
	if (!more)
		return OK;
	if (r.n > s->head.n)
		FAIL(ERR_IMPORT, "line %zu has %zu fields, the head has %zu", r.line, r.n,
		    s->head.n);
	json_set_int(row, "line", (int64_t)r.line);
	for (size_t i = 0; i < r.n; i++)
		put_cell(s->a, row, s->names, property_of(s->names, s->head.v[i]), r.v[i]);
	*ret = steal(row);
	return OK;
}

/* Objects are counted from 1: JSON keeps no lines. */
static err_t
list_row(struct source *s, json **ret)
{
	json *row;

	*ret = NULL;
	if (s->at == json_count(s->list))
		return OK;
	row = json_at(s->list, s->at++);
	if (!json_is_object(row))
		FAIL(ERR_IMPORT, "item %zu is no object", s->at);
	json_set_int(row, "line", (int64_t)s->at);
	*ret = json_ref(row);
	return OK;
}

/* *ret NULL: there is none any more. */
static err_t
next_row(struct source *s, json **ret)
{
	for (;;) {
		TRY(s->list != NULL ? list_row(s, ret) : csv_row(s, ret));
		if (*ret == NULL || json_int(json_get(*ret, "line")) >= s->from)
			return OK;
		json_free(steal(*ret));
	}
}

/* About as long as it will be as JSON. */
static size_t
size_of(const json *row)
{
	size_t n = 16;

	for (void *it = json_iter(row); it != NULL; it = json_iter_next(row, it)) {
		const json *v = json_iter_value(it);

		n += strlen(json_iter_key(it)) + strlen(json_text(v)) + 8;
		for (size_t i = 0; i < json_count(v); i++)
			n += strlen(json_text(json_at(v, i))) + 4;
	}
	return n;
}

/* As many as a part may hold, one at least; none: the file is at its end. */
static err_t
next_part(struct source *s, struct part most, json *rows)
{
	size_t bytes = 0;

	while (json_count(rows) < most.rows) {
		auto_json json *row = steal(s->kept);

		if (row == NULL)
			TRY(next_row(s, &row));
		if (row == NULL)
			return OK;
		bytes += size_of(row);
		if (bytes > most.bytes && json_count(rows) > 0) {
			s->kept = steal(row);
			return OK;
		}
		json_add(rows, steal(row));
	}
	return OK;
}

/* ---- the file ---- */

struct file {
	struct cli *c;
	const char *path; /* of the API */
	const struct opt *names;
	struct str text;
	json *list; /* NULL: CSV */
	int64_t from;
	bool linked; /* rows may name what other rows make */
	json *sums;
};

static err_t
file_open(struct cli *c, struct file *f)
{
	TRY(file_read(c->arena, c->args->operands[0], FILE_MAX, &f->text));
	for (size_t i = 0; i < f->text.n; i++) {
		if (strchr(" \t\r\n", f->text.p[i]) != NULL)
			continue;
		if (f->text.p[i] != '[' && f->text.p[i] != '{')
			return OK;
		TRY(json_parse(f->text, FILE_MAX, &f->list));
		if (!json_is_array(f->list))
			FAIL(ERR_IMPORT, "a JSON file holds one array of objects");
		return OK;
	}
	return OK;
}

static err_t
source_open(const struct file *f, struct arena *a, struct source *ret)
{
	bool more;

	*ret = (struct source){
		.c = f->c, .names = f->names, .a = a, .list = f->list, .from = f->from
	};
	if (f->list != NULL)
		return OK;
	TRY(csv_open(a, f->text, &ret->csv));
	TRY(csv_next(&ret->csv, &ret->head, &more));
	if (!more)
		FAIL(ERR_IMPORT, "the file is empty");
	return OK;
}

/* Whether one message holds it all, which is then one transaction. */
static err_t
is_small(const struct file *f, bool *ret)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *rows = json_array_new(), *row = NULL;
	struct source s;

	TRY(source_open(f, a, &s));
	TRY(next_part(&s, whole, rows));
	*ret = s.kept == NULL;
	if (*ret)
		TRY(next_row(&s, &row));
	*ret = *ret && row == NULL;
	json_free(s.kept);
	return OK;
}

static const char *const counts[] = { "created", "updated", "unchanged", "errorCount", "reissue" };

static void
add_up(json *sums, const json *answer)
{
	json *errors = json_get(sums, "errors");

	for (size_t i = 0; i < COUNT(counts); i++)
		json_set_int(sums, counts[i],
		    json_int(json_get(sums, counts[i])) + json_int(json_get(answer, counts[i])));
	for (size_t i = 0; i < json_count(json_get(answer, "errors")); i++)
		json_add(errors, json_ref(json_at(json_get(answer, "errors"), i)));
}

static json *
sums_new(bool dry)
{
	json *j = json_object_new();

	json_set_bool(j, "dryRun", dry);
	json_set_bool(j, "applied", !dry);
	for (size_t i = 0; i < COUNT(counts); i++)
		json_set_int(j, counts[i], 0);
	json_set(j, "errors", json_array_new());
	return j;
}

static int64_t
line_at(const json *rows, size_t i)
{
	return json_int(json_get(json_at(rows, i), "line"));
}

/* A part that failed leaves those before it in place, and says how to go on. */
static err_t
send_part(struct file *f, json *rows, bool dry, bool first)
{
	auto_json json *body = json_object_new(), *answer = NULL;
	err_t e;

	json_set(body, "rows", json_ref(rows));
	json_set_bool(body, "dryRun", dry);
	json_set_bool(body, "reissue", args_has(f->c->args, "yes"));
	e = api_send(f->c, "POST", f->path, body, &answer);
	if (!err_ok(e) && !dry && !first)
		return err_context(e, __FILE__, __LINE__,
		    "lines before %lld are imported; go on with --from %lld",
		    (long long)line_at(rows, 0), (long long)line_at(rows, 0));
	TRY(e);
	add_up(f->sums, answer);
	return OK;
}

static err_t
pass(struct file *f, struct part most, bool dry)
{
	auto_arena struct arena *a = arena_new();
	size_t done = 0;
	struct source s;

	json_free(f->sums);
	f->sums = sums_new(dry);
	TRY(source_open(f, a, &s));
	for (;;) {
		auto_json json *rows = json_array_new();
		err_t e = next_part(&s, most, rows);

		if (err_ok(e) && json_count(rows) == 0 && done > 0)
			return OK;
		if (err_ok(e))
			e = send_part(f, rows, dry, done == 0);
		if (!err_ok(e)) {
			json_free(s.kept);
			return e;
		}
		done += json_count(rows);
		if (most.rows == part.rows)
			out_progress(f->c,
			    arena_printf(a, "%zu records %s", done, dry ? "checked" : "imported"));
		if (json_count(rows) == 0)
			return OK;
	}
}

static err_t
tell_errors(struct file *f)
{
	const json *errors = json_get(f->sums, "errors");
	int64_t n = json_int(json_get(f->sums, "errorCount"));

	if (n == 0)
		return OK;
	TRY(f->c->json ? out_json(f->c, f->sums) : out_table(f->c, error_columns, errors));
	FAIL(ERR_IMPORT, "%lld records are wrong", (long long)n);
}

static err_t
import_file(struct file *f, bool dry)
{
	struct cli *c = f->c;
	bool small;

	TRY(is_small(f, &small));
	/* Dry first: every line that is wrong is told, not the first ones only. In parts, a row that names what an earlier part
	 * would have made cannot be told from a wrong one. */
	if (small || !f->linked) {
		TRY(pass(f, small ? whole : part, true));
		TRY(tell_errors(f));
	} else if (dry) {
		FAIL(
		    ERR_IMPORT, "the file is too large for a dry run of rows that name each other");
	}
	if (!dry)
		TRY(pass(f, small ? whole : part, false));
	if (c->json)
		return out_json(c, f->sums);
	out_say(c, "%lld %s, %lld changed, %lld as they were",
	    (long long)json_int(json_get(f->sums, "created")), dry ? "would be new" : "new",
	    (long long)json_int(json_get(f->sums, "updated")),
	    (long long)json_int(json_get(f->sums, "unchanged")));
	if (json_int(json_get(f->sums, "reissue")) > 0)
		out_say(c, "%lld certificates %s issued again",
		    (long long)json_int(json_get(f->sums, "reissue")), dry ? "would be" : "are");
	return OK;
}

err_t
import_run(struct cli *c, const char *set, const struct opt *names)
{
	struct file f = { .c = c,
		.path = arena_printf(c->arena, "/chancery/v1/%s/import", set),
		.names = names,
		.linked = strcmp(set, "groups") == 0 };
	const char *from = args_text(c->args, "from");
	err_t e = OK;

	if (from != NULL)
		TRY_CTX(text_i64(str_c(from), 1, INT32_MAX, &f.from), "--from");
	e = file_open(c, &f);
	if (err_ok(e))
		e = import_file(&f, args_has(c->args, "dry-run"));
	json_free(f.list);
	json_free(f.sums);
	return e;
}

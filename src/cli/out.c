/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <assert.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <unistd.h>

#define BINARY_MIN 300u

static const struct {
	const char *word, *color;
} colors[] = {
	{ "installed", "green" },
	{ "active", "green" },
	{ "valid", "green" },
	{ "failed", "red" },
	{ "error", "red" },
	{ "denied", "red" },
	{ "revoked", "red" },
	{ "waiting", "yellow" },
	{ "issuing", "yellow" },
	{ "ready", "yellow" },
	{ "offered", "yellow" },
	{ "renewing", "yellow" },
	{ "removing", "yellow" },
};

static bool
wants_color(void)
{
	const char *no = getenv("NO_COLOR");

	return (no == NULL || no[0] == '\0') && isatty(STDOUT_FILENO);
}

const char *
out_value(struct arena *a, const json *j)
{
	const char *s = "-";

	if (json_is_bool(j))
		return json_true(j) ? "yes" : "no";
	if (json_is_int(j))
		return arena_printf(a, "%lld", (long long)json_int(j));
	if (json_is_text(j) && json_text(j)[0] != '\0')
		return text_safe(a, str_c(json_text(j)));
	if (json_is_array(j)) {
		for (size_t i = 0; i < json_count(j); i++)
			s = i == 0 ? out_value(a, json_at(j, i)) :
				     arena_printf(a, "%s,%s", s, out_value(a, json_at(j, i)));
	}
	return s;
}

const char *
out_duration(struct arena *a, int64_t ms)
{
	if (ms < 0)
		return "-";
	if (ms < 120 * 1000)
		return arena_printf(
		    a, "%lld.%02lld s", (long long)(ms / 1000), (long long)(ms % 1000 / 10));
	if (ms < 120 * 60 * 1000)
		return arena_printf(a, "%lld min", (long long)(ms / 60000));
	return arena_printf(a, "%lld h", (long long)(ms / 3600000));
}

static void
add_row(struct arena *a, struct libscols_table *t, const struct column *columns, const json *row)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);

	if (line == NULL)
		abort();
	for (size_t i = 0; columns[i].head != NULL; i++) {
		const char *text = out_value(a, json_get(row, columns[i].key));

		scols_line_set_data(line, i, text);
		for (size_t k = 0; columns[i].state && k < COUNT(colors); k++)
			if (str_eq_c(str_c(text), colors[k].word))
				scols_cell_set_color(scols_line_get_cell(line, i), colors[k].color);
	}
}

err_t
out_table(struct cli *c, const struct column *columns, const json *rows)
{
	struct libscols_table *t = scols_new_table();
	bool tty = isatty(STDOUT_FILENO);
	int rc;

	assert(t != NULL);
	scols_table_enable_colors(t, wants_color());
	for (size_t i = 0; columns[i].head != NULL; i++)
		if (scols_table_new_column(
			t, columns[i].head, 0, tty && columns[i].wrap ? SCOLS_FL_WRAP : 0) == NULL)
			abort();
	for (size_t i = 0; i < json_count(rows); i++)
		add_row(c->arena, t, columns, json_at(rows, i));
	rc = json_count(rows) == 0 ? 0 : scols_print_table(t);
	scols_unref_table(t);
	if (rc != 0)
		FAIL(ERR_SYSTEM, "the table could not be printed: %s", strerror(-rc));
	if (json_count(rows) == 0)
		out_say(c, "nothing");
	return OK;
}

err_t
out_list(struct cli *c, const struct column *columns, const json *answer, const char *member)
{
	return c->json ? out_json(c, answer) : out_table(c, columns, json_get(answer, member));
}

err_t
out_json(struct cli *c, const json *j)
{
	struct str text;

	TRY(json_print_pretty(c->arena, j, &text));
	fwrite(text.p, 1, text.n, stdout);
	putchar('\n');
	return OK;
}

err_t
out_rows(struct cli *c, const struct column *columns, const json *rows)
{
	auto_json json *all = NULL;

	if (!c->json)
		return out_table(c, columns, rows);
	all = json_object_new();
	json_set(all, "value", json_ref((json *)(uintptr_t)rows));
	return out_json(c, all);
}

static bool
is_shown(void *it)
{
	const json *v = json_iter_value(it);

	if (str_eq_c(str_c(json_iter_key(it)), "@odata.context"))
		return false;
	return !json_is_object(v) && !(json_is_array(v) && json_is_object(json_at(v, 0)));
}

/* One word without a blank that is this long is bytes in base64. */
static bool
is_binary(const json *v)
{
	const char *s = json_text(v);

	return json_is_text(v) && strlen(s) > BINARY_MIN && strchr(s, ' ') == NULL;
}

err_t
out_object(struct cli *c, const json *obj)
{
	int width = 0;

	if (c->json)
		return out_json(c, obj);
	for (void *it = json_iter(obj); it != NULL; it = json_iter_next(obj, it))
		if (is_shown(it) && (int)strlen(json_iter_key(it)) > width)
			width = (int)strlen(json_iter_key(it));
	for (void *it = json_iter(obj); it != NULL; it = json_iter_next(obj, it)) {
		const json *v = json_iter_value(it);

		if (!is_shown(it))
			continue;
		/* PEM and its like keep their lines. */
		if (json_is_text(v) && str_starts(str_c(json_text(v)), LIT("-----BEGIN ")))
			printf("%s\n%s", json_iter_key(it), json_text(v));
		else if (is_binary(v))
			printf("%-*s  %zu characters, shown with --json\n", width,
			    json_iter_key(it), strlen(json_text(v)));
		else
			printf("%-*s  %s\n", width, text_safe(c->arena, str_c(json_iter_key(it))),
			    out_value(c->arena, v));
	}
	return OK;
}

void
out_say(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->json)
		return;
	va_start(ap, fmt);
	fputs(text_safe(c->arena, str_c(arena_vprintf(c->arena, fmt, ap))), stdout);
	va_end(ap);
	putchar('\n');
}

void
out_progress(struct cli *c, const char *text)
{
	bool tty = isatty(STDERR_FILENO);
	const char *safe = text_safe(c->arena, str_c(text));

	if (c->progress != NULL && str_eq_c(str_c(c->progress), safe))
		return;
	if (tty)
		fprintf(stderr, "\r\033[K%s", safe);
	else if (safe[0] != '\0')
		fprintf(stderr, "%s\n", safe);
	fflush(stderr);
	c->progress = safe[0] == '\0' ? NULL : safe;
}

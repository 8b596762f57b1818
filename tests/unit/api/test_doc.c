/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doc/api.md names every route with the permissions that open it: its table "Every route" is the route tables, written
 * out. A line that is wanted is shown as it has to be.
 */
#include "expect.h"

#include "api/service.h"
#include "base/file.h"

#define HEAD "| method | path | one of |\n|---|---|---|\n"

static const char *
opened_by(struct arena *a, unsigned perm)
{
	if (perm == PERM_PUBLIC)
		return "*nothing*";
	if (perm == PERM_SIGNED_IN)
		return "*any token*";
	if (perm == PERM_CONNECTOR_ENROL)
		return "*one-time code*";
	if (perm == PERM_CONNECTOR)
		return "*connector's certificate*";
	return perm_describe(a, perm);
}

static const char *
row_of(struct arena *a, const struct http_route *r)
{
	return arena_printf(
	    a, "| %s | `%s` | %s |\n", http_method_name(r->method), r->path, opened_by(a, r->perm));
}

/* Rows that are not in the text; each is shown. */
static size_t
missing_rows(struct arena *a, const char *text, const struct http_route *routes, size_t *rows)
{
	size_t missing = 0;

	for (const struct http_route *r = routes; r->path != NULL; r++) {
		const char *row = row_of(a, r);

		if (strncmp(r->path, "/beta/", 6) == 0)
			continue; /* the same as /v1.0 */
		(*rows)++;
		if (strstr(text, row) != NULL)
			continue;
		missing++;
		print_error("doc/api.md lacks: %s", row);
	}
	return missing;
}

static size_t
rows_after(const char *table)
{
	size_t n = 0;

	for (const char *p = table; *p == '|'; n++) {
		const char *end = strchr(p, '\n');

		if (end == NULL)
			return n + 1;
		p = end + 1;
	}
	return n;
}

static void
every_route_is_described_with_its_permission_and_nothing_else_is(void **state)
{
	auto_arena struct arena *a = arena_new();
	size_t missing = 0, rows = 0;
	struct str file;
	const char *text, *table;

	(void)state;
	expect_ok(file_read(a, API_DOC, 1 << 20, &file));
	text = arena_cstr(a, file);
	for (size_t i = 0; i < resource_count; i++)
		missing += missing_rows(a, text, resource_table[i]->routes, &rows);
	missing += missing_rows(a, text, api_connector_routes, &rows);
	assert_int_equal(missing, 0);
	table = strstr(text, HEAD);
	assert_non_null(table);
	assert_int_equal(rows_after(table + strlen(HEAD)), rows);
}

static void
every_name_of_a_permission_is_described(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str file;
	const char *text;

	(void)state;
	expect_ok(file_read(a, API_DOC, 1 << 20, &file));
	text = arena_cstr(a, file);
	for (const struct perm_name *p = perm_names; p->name != NULL; p++)
		if (strstr(text, p->name) == NULL)
			fail_msg("doc/api.md lacks %s", p->name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_described_with_its_permission_and_nothing_else_is),
		cmocka_unit_test(every_name_of_a_permission_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

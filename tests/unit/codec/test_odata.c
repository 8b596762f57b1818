/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/odata.h"

static const char entity_text[] =
    "{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\","
    "\"displayName\":\"Ada O'Hara\",\"age\":36,\"accountEnabled\":true,\"mail\":null,"
    "\"createdDateTime\":\"2024-01-02T03:04:05Z\",\"place\":{\"city\":\"Oslo\"},\"tags\":[\"x\"]}";

static err_t
match(struct arena *a, const char *filter, bool *ret)
{
	auto_json json *entity = NULL;
	struct odata_expr *e;

	TRY(json_parse(str_c(entity_text), 10000, &entity));
	TRY(odata_filter_parse(a, filter, &e));
	return odata_match(e, entity, ret);
}

static void
filters_that_hold(void **state)
{
	static const char *const good[] = { "displayName eq 'ada o''hara'",
		"'Ada O''Hara' eq displayName", "id eq 6F9619FF-8B86-D011-B42D-00CF4FC964FF",
		"id eq '6f9619ff-8b86-d011-b42d-00cf4fc964ff'", "age gt 35",
		"age ge 36 and age le 36", "age lt 37", "not (age eq 1)",
		"not contains(displayName,'xx')", "accountEnabled eq true", "mail eq null",
		"mail ne 'x'", "age ne null", "contains(displayName, 'HARA')",
		"startswith(displayName,'Ada')", "endswith(displayName,'hara')", "age in (1, 36)",
		"displayName in ('x','ada o''hara')", "isof('microsoft.graph.user')",
		"createdDateTime ge 2024-01-02T03:04:05Z", "createdDateTime lt 2024-01-03",
		"place/city eq 'oslo'", "microsoft.graph.user/age eq 36",
		"age eq 1 or age eq 2 or age eq 36",
		"(age eq 1 or age eq 36) and accountEnabled eq true",
		"tolower(displayName) eq 'ada o''hara'",
		"displayName eq microsoft.graph.name'Ada O''Hara'",
		"not(isof('microsoft.graph.group') and members eq 'x')" };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		bool yes = false;

		expect_ok(match(a, good[i], &yes));
		if (!yes)
			print_error("%s\n", good[i]);
		assert_true(yes);
	}
}

static void
filters_that_do_not_hold(void **state)
{
	static const char *const none[] = { "displayName eq 'Ada'", "age gt 36", "mail eq 'x'",
		"mail gt 'a'", "contains(mail,'a')", "startswith(displayName,'Hara')",
		"age in (1,2)", "isof('microsoft.graph.group')",
		"createdDateTime gt 2025-01-01T00:00:00Z", "age eq 36 and accountEnabled eq false",
		"not (age eq 36)", "age eq null" };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++) {
		bool yes = true;

		expect_ok(match(a, none[i], &yes));
		assert_false(yes);
	}
}

static void
lists_flags_and_searches_match(void **state)
{
	static const char *const search[] = { "displayName", NULL };
	auto_arena struct arena *a = arena_new();
	auto_json json *j = NULL;
	struct odata_expr *e;
	struct odata o;
	bool yes, taken;

	(void)state;
	expect_ok(
	    json_parse(LIT("{\"tags\":[\"0\",\"Blue\"],\"use\":\"a,keyAgreement\",\"displayName\":"
			   "\"Ada Lovelace\",\"mail\":\"x\"}"),
		1000, &j));
	expect_ok(odata_filter_parse(a, "tags/any(t:t eq 'blue') and use has 'KeyAgreement'", &e));
	expect_ok(odata_match(e, j, &yes));
	assert_true(yes);
	expect_ok(odata_filter_parse(a, "tags/any(t: t eq '1') or use has 'a,b'", &e));
	expect_ok(odata_match(e, j, &yes));
	assert_false(yes);
	odata_init(&o);
	expect_ok(odata_option(a, "$search", "\"displayName:LOVE\"", &o, &taken));
	expect_ok(odata_found(&o, search, j, &yes));
	assert_true(yes);
	odata_init(&o);
	expect_ok(odata_option(a, "$search", "\"mail:x\"", &o, &taken));
	expect_err(ERR_BAD_REQUEST, odata_found(&o, search, j, &yes));
	odata_init(&o);
	expect_ok(odata_option(a, "$search", "bob", &o, &taken));
	expect_ok(odata_found(&o, search, j, &yes));
	assert_false(yes);
}

static void
rejects_what_is_not_supported(void **state)
{
	static const char *const bad[] = { "", "age", "age eq", "eq 5", "age eq 5 5", "age has 5",
		"age eq 'x'", "nothing eq 5", "age eq 36 or nothing eq 1",
		"age eq 1 and nothing eq 1", "length(displayName) eq 3", "displayName eq 'x",
		"(age eq 1", "age eq 1)", "tags/any(t:t ne 'x')", "tags/any(eq 'x')",
		"age/any(t:t eq 'x')", "tags/all(t:t eq 'x')", "age eq 1.5", "contains(age,'3')",
		"contains(displayName)", "age in ()", "age in (1", "tags eq 'x'", "isof(user)",
		"not", "age eq 1 and", "place/none eq 1", "createdDateTime gt 5",
		"age add 1 eq 2" };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		bool yes;

		expect_err(ERR_BAD_REQUEST, match(a, bad[i], &yes));
	}
}

static void
rejects_filters_that_are_nested_too_deep(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct odata_expr *e;

	(void)state;
	buf_init(&b, 1000);
	for (unsigned i = 0; i <= LIMIT_FILTER_DEPTH; i++)
		expect_ok(buf_putc(&b, '('));
	expect_err(ERR_BAD_REQUEST, odata_filter_parse(a, arena_cstr(a, buf_str(&b)), &e));
}

static void
options_are_taken_once(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct odata o;
	bool taken = false;

	(void)state;
	odata_init(&o);
	assert_int_equal(o.top, -1);
	expect_ok(odata_option(a, "$top", "5", &o, &taken));
	assert_true(taken);
	expect_ok(odata_option(a, "skip", "7", &o, &taken));
	expect_ok(odata_option(a, "$select", "id, displayName", &o, &taken));
	expect_ok(odata_option(a, "$orderby", "displayName desc,age", &o, &taken));
	expect_ok(odata_option(a, "$count", "true", &o, &taken));
	expect_ok(odata_option(a, "$expand", "assignments", &o, &taken));
	assert_int_equal(o.top, 5);
	assert_int_equal(o.skip, 7);
	assert_string_equal(o.select[1], "displayName");
	assert_true(o.orders[0].descending);
	assert_false(o.orders[1].descending);
	expect_ok(odata_option(a, "other", "1", &o, &taken));
	assert_false(taken);
	expect_err(ERR_BAD_REQUEST, odata_option(a, "$top", "6", &o, &taken));
}

static void
rejects_options_that_are_not_supported(void **state)
{
	static const struct {
		const char *name, *value;
	} bad[] = { { "$search", "" }, { "$search", "\"a\" OR \"b\"" }, { "$apply", "x" },
		{ "$top", "-1" }, { "$top", "x" }, { "$top", "1001" }, { "$skip", "" },
		{ "$count", "1" }, { "$select", "" }, { "$select", "a,,b" }, { "$orderby", "a up" },
		{ "$expand", "a($select=b)" }, { "$filter", "x" } };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct odata o;
		bool taken;

		odata_init(&o);
		expect_err(ERR_BAD_REQUEST, odata_option(a, bad[i].name, bad[i].value, &o, &taken));
	}
}

static void
select_leaves_what_is_named(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *entity = NULL;
	struct odata o;
	struct str text = STR_EMPTY;
	bool taken;

	(void)state;
	odata_init(&o);
	expect_ok(json_parse(str_c(entity_text), 10000, &entity));
	expect_ok(odata_option(a, "$select", "AGE,place/city,microsoft.graph.x/none", &o, &taken));
	expect_ok(odata_select(&o, entity));
	expect_ok(json_print(a, entity, &text));
	assert_string_equal(arena_cstr(a, text),
	    "{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\",\"age\":36,"
	    "\"place\":{\"city\":\"Oslo\"}}");
	odata_init(&o);
	expect_ok(odata_option(a, "$select", "none", &o, &taken));
	expect_err(ERR_BAD_REQUEST, odata_select(&o, entity));
}

static void
sorting_is_stable_and_puts_null_first(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *list = NULL;
	json *v[4];
	struct odata o;
	bool taken;

	(void)state;
	odata_init(&o);
	expect_ok(json_parse(
	    LIT("[{\"n\":\"b\",\"i\":1},{\"n\":\"A\",\"i\":2},{\"n\":null,\"i\":3},{\"n\":\"B\",\"i\":4}]"),
	    1000, &list));
	for (size_t i = 0; i < 4; i++)
		v[i] = json_at(list, i);
	expect_ok(odata_option(a, "$orderby", "n", &o, &taken));
	expect_ok(odata_sort(a, &o, v, 4));
	assert_int_equal(json_int(json_get(v[0], "i")), 3);
	assert_int_equal(json_int(json_get(v[1], "i")), 2);
	assert_int_equal(json_int(json_get(v[2], "i")), 1);
	assert_int_equal(json_int(json_get(v[3], "i")), 4);
	odata_init(&o);
	expect_ok(odata_option(a, "$orderby", "x desc", &o, &taken));
	expect_err(ERR_BAD_REQUEST, odata_sort(a, &o, v, 4));
}

static void
a_demanded_key_is_found(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct odata_expr *e = NULL;

	(void)state;
	expect_ok(odata_filter_parse(a, "age gt 1 and displayName eq 'x'", &e));
	assert_string_equal(odata_demands(e, "displayName"), "x");
	assert_null(odata_demands(e, "age"));
	expect_ok(odata_filter_parse(a, "age gt 1 or displayName eq 'x'", &e));
	assert_null(odata_demands(e, "displayName"));
	assert_null(odata_demands(NULL, "displayName"));
}

static void
a_demanded_bound_is_found(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct odata_expr *e = NULL;
	int64_t until = 7;

	(void)state;
	expect_ok(odata_filter_parse(a, "age gt 1 and notAfter le 1970-01-02T00:00:00Z", &e));
	assert_true(odata_bounds(e, "notafter", &until));
	assert_int_equal(until, 86400);
	assert_false(odata_bounds(e, "age", &until));
	expect_ok(odata_filter_parse(a, "notAfter gt 1970-01-02T00:00:00Z", &e));
	assert_false(odata_bounds(e, "notAfter", &until));
	expect_ok(odata_filter_parse(a, "age gt 1 or notAfter lt 1970-01-02T00:00:00Z", &e));
	assert_false(odata_bounds(e, "notAfter", &until));
	expect_ok(odata_filter_parse(a, "state eq 'x' and notAfter ge 2030-01-01T00:00:00Z", &e));
	assert_true(odata_since(e, "NotAfter", &until));
	assert_int_equal(until, 1893456000);
	assert_false(odata_since(e, "state", &until));
	assert_false(odata_bounds(e, "notAfter", &until));
	expect_ok(odata_filter_parse(a, "state eq 'x' or notAfter gt 2030-01-01T00:00:00Z", &e));
	assert_false(odata_since(e, "notAfter", &until));
	assert_false(odata_since(NULL, "notAfter", &until));
	assert_false(odata_bounds(NULL, "notAfter", &until));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_that_hold),
		cmocka_unit_test(filters_that_do_not_hold),
		cmocka_unit_test(lists_flags_and_searches_match),
		cmocka_unit_test(rejects_what_is_not_supported),
		cmocka_unit_test(rejects_filters_that_are_nested_too_deep),
		cmocka_unit_test(options_are_taken_once),
		cmocka_unit_test(rejects_options_that_are_not_supported),
		cmocka_unit_test(select_leaves_what_is_named),
		cmocka_unit_test(sorting_is_stable_and_puts_null_first),
		cmocka_unit_test(a_demanded_key_is_found),
		cmocka_unit_test(a_demanded_bound_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "codec/json.h"

static void
reads_and_writes_in_order(void **state)
{
	static const char text[] =
	    "{\"b\":1,\"a\":[true,false,null,\"x\\u00e9\"],\"c\":{\"d\":-5}}";
	auto_arena struct arena *a = arena_new();
	auto_json json *j = NULL;
	struct str out;

	(void)state;
	expect_ok(json_parse(str_c(text), 1000, &j));
	expect_ok(json_print(a, j, &out));
	assert_true(
	    str_eq_c(out, "{\"b\":1,\"a\":[true,false,null,\"x\xc3\xa9\"],\"c\":{\"d\":-5}}"));
	assert_int_equal(json_int(json_get(json_get(j, "c"), "d")), -5);
	assert_true(json_true(json_at(json_get(j, "a"), 0)));
	assert_false(json_true(json_at(json_get(j, "a"), 1)));
	assert_true(json_is_null(json_at(json_get(j, "a"), 2)));
	assert_null(json_at(json_get(j, "a"), 4));
	assert_non_null(json_get_icase(j, "B"));
}

static void
rejects_what_is_no_json(void **state)
{
	static const char *const bad[] = { "", "{", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "[1] x",
		"{a:1}", "\"\\u0000\"", "\"\xff\"", "'x'", "01", "[1,]", "nul" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_json json *j = NULL;

		expect_err(ERR_JSON, json_parse(str_c(bad[i]), 1000, &j));
		assert_null(j);
	}
}

static void
rejects_deep_and_large_texts(void **state)
{
	char deep[2 * LIMIT_JSON_DEPTH + 3] = { 0 };
	auto_json json *j = NULL;

	(void)state;
	memset(deep, '[', LIMIT_JSON_DEPTH + 1);
	memset(deep + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH + 1);
	expect_err(ERR_JSON, json_parse(str_c(deep), 1000, &j));
	expect_ok(json_parse(str_of(deep + 1, 2 * LIMIT_JSON_DEPTH), 1000, &j));
	json_free(steal(j));
	expect_err(ERR_TOO_LARGE, json_parse(LIT("[1]"), 2, &j));
}

static void
demanded_members_are_checked(void **state)
{
	static const char text[] =
	    "{\"t\":\"abc\",\"i\":7,\"b\":\"AQI=\",\"n\":null,\"l\":[1,2],\"o\":{},"
	    "\"id\":\"6F9619FF-8B86-D011-B42D-00CF4FC964FF\"}";
	auto_arena struct arena *a = arena_new();
	auto_json json *j = NULL;
	const char *t;
	struct str b;
	struct id id;
	json *m;
	int64_t i;

	(void)state;
	expect_ok(json_parse(str_c(text), 1000, &j));
	expect_ok(json_need_text(j, "t", 3, &t));
	expect_ok(json_need_int(j, "i", 0, 7, &i));
	expect_ok(json_need_base64(a, j, "b", 2, &b));
	expect_ok(json_need_id(j, "id", &id));
	expect_ok(json_need_array(j, "l", 2, &m));
	expect_ok(json_need_object(j, "o", &m));
	assert_int_equal(b.n, 2);
	expect_err(ERR_BAD_REQUEST, json_need_text(j, "t", 2, &t));
	expect_err(ERR_BAD_REQUEST, json_need_text(j, "i", 2, &t));
	expect_err(ERR_BAD_REQUEST, json_need_text(j, "n", 2, &t));
	expect_err(ERR_BAD_REQUEST, json_need_text(j, "none", 2, &t));
	expect_err(ERR_BAD_REQUEST, json_need_int(j, "i", 8, 9, &i));
	expect_err(ERR_BAD_REQUEST, json_need_int(j, "t", 8, 9, &i));
	expect_err(ERR_BAD_REQUEST, json_need_base64(a, j, "id", 3, &b));
	expect_err(ERR_BAD_REQUEST, json_need_base64(a, j, "b", 1, &b));
	expect_err(ERR_BAD_REQUEST, json_need_id(j, "t", &id));
	expect_err(ERR_BAD_REQUEST, json_need_array(j, "l", 1, &m));
	expect_err(ERR_BAD_REQUEST, json_need_object(j, "l", &m));
}

static void
wanted_members_may_be_absent(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *j = NULL;
	const char *t = "";
	struct str b;
	int64_t i;
	json *m;

	(void)state;
	expect_ok(json_parse(LIT("{\"n\":null,\"t\":1}"), 1000, &j));
	expect_ok(json_want_text(j, "n", 2, &t));
	assert_null(t);
	expect_ok(json_want_int(j, "none", 0, 1, 42, &i));
	assert_int_equal(i, 42);
	expect_ok(json_want_base64(a, j, "n", 1, &b));
	assert_int_equal(b.n, 0);
	expect_ok(json_want_array(j, "n", 1, &m));
	assert_null(m);
	expect_err(ERR_BAD_REQUEST, json_want_text(j, "t", 2, &t));
	expect_err(ERR_BAD_REQUEST, json_want_array(j, "t", 2, &m));
}

static void
built_values_compare(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *x = json_object_new();
	auto_json json *y = NULL;
	json *l = json_array_new();

	(void)state;
	json_set_text(x, "t", "v");
	json_set_text(x, "z", NULL);
	json_set_bool(x, "b", true);
	json_set_id(a, x, "id", (struct id){ { 0 } });
	json_set_when(a, x, "w", 0);
	json_set_base64(a, x, "d", LIT("\x01\x02"));
	json_add(l, json_int_new(5));
	json_set(x, "l", l);
	expect_ok(
	    json_parse(LIT("{\"l\":[5],\"d\":\"AQI=\",\"b\":true,\"id\":null,\"w\":null,\"z\":null,"
			   "\"t\":\"v\"}"),
		1000, &y));
	assert_true(json_equal(x, y));
	json_del(x, "t");
	assert_false(json_equal(x, y));
	assert_int_equal(json_count(x), 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_in_order),
		cmocka_unit_test(rejects_what_is_no_json),
		cmocka_unit_test(rejects_deep_and_large_texts),
		cmocka_unit_test(demanded_members_are_checked),
		cmocka_unit_test(wanted_members_may_be_absent),
		cmocka_unit_test(built_values_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

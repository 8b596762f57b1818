/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/field.h"

struct part {
	const char *name;
	int64_t rank;
};

struct thing {
	const char *name, *note, *password;
	int64_t size, color, uses, changes;
	bool on;
	struct str data;
	struct id owner;
	when_t made;
	struct field_texts tags;
	struct field_list parts;
};

static const struct field_member colors[] = { { "red", 1 }, { "darkGreen", 2 }, { NULL, 0 } };
static const struct field_member uses[] = { { "keyEncipherment", 1 }, { "digitalSignature", 2 },
	{ "both", 3 }, { NULL, 0 } };

static const struct field part_fields[] = {
	FIELD(struct part, name, FIELD_TEXT, .name = "name", .flags = FIELD_REQUIRED),
	FIELD(struct part, rank, FIELD_INT, .name = "rank", .min = 1, .max = 9, .fallback = 5),
};

static err_t
even(struct arena *a, const struct field *f, const void *at)
{
	(void)a;
	(void)f;
	if (*(const int64_t *)at % 2 != 0)
		FAIL(ERR_MODEL_INVALID, "must be even");
	return OK;
}

static const struct field fields[] = {
	FIELD(struct thing, name, FIELD_TEXT, .name = "displayName", .flags = FIELD_REQUIRED,
	    .max = 8),
	FIELD(struct thing, note, FIELD_TEXT, .name = "description"),
	FIELD(struct thing, password, FIELD_TEXT, .name = "password", .flags = FIELD_SECRET),
	FIELD(struct thing, size, FIELD_INT, .name = "size", .min = 2, .max = 8, .fallback = 4,
	    .check = even),
	FIELD(struct thing, color, FIELD_ENUM, .name = "color", .members = colors, .fallback = 1,
	    .flags = FIELD_CREATE_ONLY),
	FIELD(struct thing, uses, FIELD_FLAGS, .name = "keyUsage", .members = uses),
	FIELD(struct thing, changes, FIELD_INT, .name = "version", .flags = FIELD_READONLY,
	    .fallback = 1),
	FIELD(struct thing, on, FIELD_BOOL, .name = "enabled", .fallback = 1),
	FIELD(struct thing, data, FIELD_BINARY, .name = "data", .max = 4),
	FIELD(struct thing, owner, FIELD_ID, .name = "ownerId"),
	FIELD(struct thing, made, FIELD_WHEN, .name = "madeDateTime"),
	FIELD(struct thing, tags, FIELD_TEXTS, .name = "tags", .max = 2),
	FIELD(struct thing, parts, FIELD_LIST, .name = "parts", .fields = part_fields,
	    .nfields = COUNT(part_fields), .size = sizeof(struct part), .max = 2),
};

static const char *const known[] = { "id", NULL };

static err_t
read_text(struct arena *a, const char *text, enum field_mode mode, struct thing *t)
{
	auto_json json *j = NULL;

	TRY(json_parse(str_c(text), 10000, &j));
	return field_read(a, fields, COUNT(fields), j, mode, known, t);
}

static const char whole[] =
    "{\"displayName\":\"a\",\"description\":null,\"size\":6,\"color\":\"DARKGREEN\",\"keyUsage\":\"both\",\"version\":9,"
    "\"enabled\":false,\"data\":\"AQI=\",\"ownerId\":\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\","
    "\"madeDateTime\":\"2024-01-02T03:04:05Z\",\"tags\":[\"x\",\"y\"],\"parts\":[{\"name\":\"p\"}],"
    "\"@odata.type\":\"#x\",\"owner@odata.bind\":\"y\",\"id\":\"z\"}";

static void
objects_are_read_and_written(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *out = json_object_new();
	struct thing t = { 0 };
	struct str text = STR_EMPTY;

	(void)state;
	expect_ok(read_text(a, whole, FIELD_CREATE, &t));
	assert_int_equal(t.color, 2);
	assert_int_equal(t.uses, 3);
	assert_int_equal(t.changes, 1);
	assert_false(t.on);
	assert_null(t.note);
	assert_int_equal(((struct part *)t.parts.v)[0].rank, 5);
	t.uses = 2;
	t.password = "secret";
	expect_ok(field_write(a, fields, COUNT(fields), &t, out));
	expect_ok(json_print(a, out, &text));
	assert_string_equal(arena_cstr(a, text),
	    "{\"displayName\":\"a\",\"description\":null,\"size\":6,\"color\":\"darkGreen\","
	    "\"keyUsage\":\"digitalSignature\",\"version\":1,\"enabled\":false,\"data\":\"AQI=\","
	    "\"ownerId\":\"6f9619ff-8b86-d011-b42d-00cf4fc964ff\",\"madeDateTime\":\"2024-01-02T03:04:05Z\","
	    "\"tags\":[\"x\",\"y\"],\"parts\":[{\"name\":\"p\",\"rank\":5}]}");
}

static void
an_update_leaves_the_rest(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct thing t = { 0 };

	(void)state;
	expect_ok(read_text(a, whole, FIELD_CREATE, &t));
	expect_ok(read_text(a, "{\"size\":8,\"version\":77,\"color\":\"darkGreen\",\"tags\":null}",
	    FIELD_UPDATE, &t));
	assert_int_equal(t.size, 8);
	assert_int_equal(t.changes, 1);
	assert_string_equal(t.name, "a");
	assert_int_equal(t.tags.n, 0);
	expect_err(
	    ERR_MODEL_INVALID, read_text(a, "{\"size\":2,\"color\":\"red\"}", FIELD_UPDATE, &t));
	assert_int_equal(t.size, 8);
}

static void
rejects_members_that_do_not_fit(void **state)
{
	static const char *const bad[] = { "{}", "[]", "1", "{\"displayName\":null}",
		"{\"displayName\":\"\"}", "{\"displayName\":\"123456789\"}", "{\"displayName\":5}",
		"{\"displayName\":\"a\",\"displayNam\":\"b\"}",
		"{\"displayName\":\"a\",\"size\":1}", "{\"displayName\":\"a\",\"size\":9}",
		"{\"displayName\":\"a\",\"size\":3}", "{\"displayName\":\"a\",\"size\":\"4\"}",
		"{\"displayName\":\"a\",\"color\":\"blue\"}", "{\"displayName\":\"a\",\"color\":1}",
		"{\"displayName\":\"a\",\"keyUsage\":\"keyEncipherment,none\"}",
		"{\"displayName\":\"a\",\"enabled\":1}", "{\"displayName\":\"a\",\"data\":\"*\"}",
		"{\"displayName\":\"a\",\"data\":\"AQIDBAU=\"}",
		"{\"displayName\":\"a\",\"ownerId\":\"x\"}",
		"{\"displayName\":\"a\",\"madeDateTime\":\"now\"}",
		"{\"displayName\":\"a\",\"tags\":[1]}",
		"{\"displayName\":\"a\",\"tags\":[\"1\",\"2\",\"3\"]}",
		"{\"displayName\":\"a\",\"parts\":{}}", "{\"displayName\":\"a\",\"parts\":[{}]}",
		"{\"displayName\":\"a\",\"parts\":[{\"name\":\"x\",\"z\":1}]}" };
	auto_arena struct arena *a = arena_new();
	struct thing t = { .size = 77 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_MODEL_INVALID, read_text(a, bad[i], FIELD_CREATE, &t));
	assert_int_equal(t.size, 77);
}

static void
an_unknown_property_names_its_neighbour(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct thing t;
	struct err_report rep;

	(void)state;
	err_take(read_text(a, "{\"displayNam\":\"a\"}", FIELD_CREATE, &t), &rep);
	assert_string_equal(
	    rep.detail, "unknown property \"displayNam\"; did you mean \"displayName\"?");
}

static void
flags_of_several_parts_come_out_in_bit_order(void **state)
{
	static const struct field_member bits[] = { { "b", 2 }, { "a", 1 }, { "c", 4 },
		{ NULL, 0 } };
	static const struct field f[] = { FIELD(
	    struct part, rank, FIELD_FLAGS, .name = "f", .members = bits) };
	auto_arena struct arena *a = arena_new();
	auto_json json *in = NULL;
	auto_json json *out = json_object_new();
	struct part p = { 0 };

	(void)state;
	expect_ok(json_parse(LIT("{\"f\":\"C, a\"}"), 100, &in));
	expect_ok(field_read(a, f, 1, in, FIELD_CREATE, NULL, &p));
	expect_ok(field_write(a, f, 1, &p, out));
	assert_string_equal(json_text(json_get(out, "f")), "a,c");
}

struct holder {
	struct part *part;
	const char *line;
	int64_t uses;
};

static void
flags_that_are_an_array_are_read_and_written_so(void **state)
{
	static const struct field_member bits[] = { { "a", 1 }, { "b", 2 }, { "c", 4 },
		{ NULL, 0 } };
	static const struct field f[] = { FIELD(
	    struct part, rank, FIELD_FLAGS, .name = "f", .members = bits, .flags = FIELD_ARRAY) };
	static const char *const bad[] = { "{\"f\":\"a\"}", "{\"f\":{}}", "{\"f\":[1]}",
		"{\"f\":[\"a,b\"]}", "{\"f\":[\"d\"]}", "{\"f\":[null]}", "{\"f\":[[\"a\"]]}" };
	auto_arena struct arena *a = arena_new();
	auto_json json *in = NULL;
	auto_json json *out = json_object_new();
	struct part p = { 0 };

	(void)state;
	expect_ok(json_parse(LIT("{\"f\":[\"C\",\"a\",\"c\"]}"), 100, &in));
	expect_ok(field_read(a, f, 1, in, FIELD_CREATE, NULL, &p));
	assert_int_equal(p.rank, 5);
	expect_ok(field_write(a, f, 1, &p, out));
	assert_int_equal(json_count(json_get(out, "f")), 2);
	assert_string_equal(json_text(json_at(json_get(out, "f"), 0)), "a");
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_json json *j = NULL;

		expect_ok(json_parse(str_c(bad[i]), 100, &j));
		expect_err(ERR_MODEL_INVALID, field_read(a, f, 1, j, FIELD_CREATE, NULL, &p));
	}
}

static void
objects_and_enumerations_may_be_null(void **state)
{
	static const struct field f[] = {
		FIELD(struct holder, part, FIELD_OBJECT, .name = "part", .fields = part_fields,
		    .nfields = COUNT(part_fields), .size = sizeof(struct part)),
		FIELD(struct holder, uses, FIELD_FLAGS, .name = "uses", .members = uses,
		    .fallback = FIELD_UNSET),
		FIELD(struct holder, line, FIELD_TEXT, .name = "line", .flags = FIELD_LINES),
	};
	static const char *const texts[] = { "{\"part\":null,\"uses\":null,\"line\":null}",
		"{\"part\":{\"name\":\"x\",\"rank\":3},\"uses\":\"both\",\"line\":\"a\\n\\tb\"}" };
	static const char *const bad[] = { "{\"part\":[]}", "{\"part\":{}}",
		"{\"part\":{\"name\":\"x\",\"z\":1}}", "{\"line\":\"a\\u0007\"}",
		"{\"line\":\"\\u202e\"}" };
	auto_arena struct arena *a = arena_new();
	struct holder h = { 0 };
	struct str text;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		auto_json json *in = NULL;
		auto_json json *out = json_object_new();

		expect_ok(json_parse(str_c(texts[i]), 1000, &in));
		expect_ok(field_read(a, f, COUNT(f), in, FIELD_CREATE, NULL, &h));
		expect_ok(field_write(a, f, COUNT(f), &h, out));
		expect_ok(json_print(a, out, &text));
		assert_string_equal(arena_cstr(a, text), texts[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_json json *in = NULL;

		expect_ok(json_parse(str_c(bad[i]), 1000, &in));
		expect_err(
		    ERR_MODEL_INVALID, field_read(a, f, COUNT(f), in, FIELD_UPDATE, NULL, &h));
	}
}

static void
rows_are_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(field_by_name(fields, COUNT(fields), "DISPLAYNAME"), &fields[0]);
	assert_null(field_by_name(fields, COUNT(fields), "x"));
	assert_string_equal(field_member_name(&fields[4], 2), "darkGreen");
	assert_null(field_member_name(&fields[4], 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_read_and_written),
		cmocka_unit_test(an_update_leaves_the_rest),
		cmocka_unit_test(rejects_members_that_do_not_fit),
		cmocka_unit_test(an_unknown_property_names_its_neighbour),
		cmocka_unit_test(flags_of_several_parts_come_out_in_bit_order),
		cmocka_unit_test(objects_and_enumerations_may_be_null),
		cmocka_unit_test(rows_are_found_by_name),
		cmocka_unit_test(flags_that_are_an_array_are_read_and_written_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/text.h"

static void
accepts_well_formed_utf8(void **state)
{
	static const char *const good[] = {
		"",
		"abc",
		"\x7f",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"Zo\xc3\xab \xf0\x9f\x94\x91",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		expect_ok(text_utf8(str_c(good[i])));
}

static void
rejects_bad_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2g",
		"\xe0\x9f\xbf",
		"\xe0\xa0",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xef\xbfx",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x90\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"ok\xfe",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_UTF8, text_utf8(str_c(bad[i])));
}

static void
rejects_nul(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *s = "untouched";

	(void)state;
	expect_err(ERR_UTF8, text_utf8(str_of("", 1)));
	expect_err(ERR_UTF8, text_cstr(a, str_of("a\0b", 3), &s));
	assert_string_equal(s, "untouched");
	expect_ok(text_cstr(a, str_of("abc", 2), &s));
	assert_string_equal(s, "ab");
}

static void
reads_whole_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t v;
	} good[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "-1", -1 },
		{ "007", 7 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};
	int64_t v;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		expect_ok(text_i64(str_c(good[i].text), INT64_MIN, INT64_MAX, &v));
		assert_true(v == good[i].v);
	}
}

static void
rejects_what_is_not_a_number(void **state)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1.0", "0x1", "--1", "1-",
		"\xd9\xa1" };
	int64_t v = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_NUMBER, text_i64(str_c(bad[i]), INT64_MIN, INT64_MAX, &v));
	expect_err(ERR_NUMBER, text_i64(str_of("1\0", 2), 0, 9, &v));
	assert_int_equal(v, 7);
}

static void
rejects_numbers_out_of_range(void **state)
{
	int64_t v = 7;

	(void)state;
	expect_err(ERR_RANGE, text_i64(LIT("9223372036854775808"), INT64_MIN, INT64_MAX, &v));
	expect_err(ERR_RANGE, text_i64(LIT("-9223372036854775809"), INT64_MIN, INT64_MAX, &v));
	expect_err(ERR_RANGE, text_i64(LIT("99999999999999999999999"), INT64_MIN, INT64_MAX, &v));
	expect_err(ERR_RANGE, text_i64(LIT("5"), 6, 10, &v));
	expect_err(ERR_RANGE, text_i64(LIT("11"), 6, 10, &v));
	assert_int_equal(v, 7);
	expect_ok(text_i64(LIT("6"), 6, 10, &v));
}

static void
printable_is_ascii_without_controls(void **state)
{
	(void)state;
	assert_true(text_printable_ascii(LIT("")));
	assert_true(text_printable_ascii(LIT(" ~A")));
	assert_false(text_printable_ascii(LIT("\x1f")));
	assert_false(text_printable_ascii(LIT("\x7f")));
	assert_false(text_printable_ascii(LIT("\xc3\xa9")));
}

static void
hex_goes_both_ways(void **state)
{
	static const uint8_t bytes[] = { 0, 0x9a, 0xff };
	auto_arena struct arena *a = arena_new();
	struct str s;

	(void)state;
	assert_string_equal(text_hex(a, STR(bytes)), "009aff");
	assert_string_equal(text_hex(a, STR_EMPTY), "");
	expect_ok(text_unhex(a, LIT("009aFF"), &s));
	assert_true(str_eq(s, STR(bytes)));
	expect_ok(text_unhex(a, STR_EMPTY, &s));
	assert_int_equal(s.n, 0);
}

static void
rejects_bad_hex(void **state)
{
	static const char *const bad[] = { "0", "0g", "g0", "00 ", " 00", "0x00", "0:", "@0",
		"`0" };
	auto_arena struct arena *a = arena_new();
	struct str s = STR_EMPTY;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_MALFORMED, text_unhex(a, str_c(bad[i]), &s));
	assert_null(s.p);
}

static void
safe_text_shows_what_could_deceive(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain \xc3\xa9 \xf0\x9f\x94\x91", "plain \xc3\xa9 \xf0\x9f\x94\x91" },
		{ "a\nlevel=info", "a\\x0alevel=info" },
		{ "\x1b[31m", "\\x1b[31m" },
		{ "\x7f", "\\x7f" },
		{ "\xff", "\\xff" },
		{ "\xe2\x82", "\\xe2\\x82" },
		{ "\xc2\x9b", "\\xc2\\x9b" },
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },
		{ "", "" },
	};
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(text_safe(a, str_c(rows[i].in)), rows[i].out);
	assert_string_equal(text_safe(a, str_of("a\0b", 3)), "a\\x00b");
}

static void
distance_finds_near_words(void **state)
{
	char longer[400];

	(void)state;
	assert_int_equal(text_distance("UserNam", "UserName", 2), 1);
	assert_int_equal(text_distance("username", "UserName", 2), 0);
	assert_int_equal(text_distance("kitten", "sitting", 5), 3);
	assert_int_equal(text_distance("kitten", "sitting", 2), 3);
	assert_int_equal(text_distance("", "abc", 5), 3);
	assert_int_equal(text_distance("abc", "", 1), 2);
	assert_int_equal(text_distance("", "", 1), 0);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(text_distance(longer, longer, 3), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_well_formed_utf8),
		cmocka_unit_test(rejects_bad_utf8),
		cmocka_unit_test(rejects_nul),
		cmocka_unit_test(reads_whole_numbers),
		cmocka_unit_test(rejects_what_is_not_a_number),
		cmocka_unit_test(rejects_numbers_out_of_range),
		cmocka_unit_test(printable_is_ascii_without_controls),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(rejects_bad_hex),
		cmocka_unit_test(safe_text_shows_what_could_deceive),
		cmocka_unit_test(distance_finds_near_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

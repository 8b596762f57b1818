/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/when.h"

#define HOUR 3600
#define DAY 86400

static const struct {
	const char *text;
	when_t t;
} known[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2000-02-29T12:34:56Z", 951827696 },
	{ "2026-01-31T12:00:00Z", 1769860800 },
	{ "2038-01-19T03:14:08Z", 2147483648 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "9999-12-31T23:59:59Z", 253402300799 },
	{ "0001-01-01T00:00:00Z", -62135596800 },
	{ "1900-03-01T00:00:00Z", -2203891200 },
};

static void
text_goes_both_ways(void **state)
{
	auto_arena struct arena *a = arena_new();
	when_t t;

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		assert_string_equal(when_text(a, known[i].t), known[i].text);
		expect_ok(when_parse(str_c(known[i].text), &t));
		assert_true(t == known[i].t);
	}
	for (t = -5000000000; t < 8000000000; t += 98765432) {
		when_t again;

		expect_ok(when_parse(str_c(when_text(a, t)), &again));
		assert_true(t == again);
	}
}

static void
accepts_offsets_and_fractions(void **state)
{
	static const struct {
		const char *text;
		when_t t;
	} good[] = {
		{ "1970-01-01T02:00:00+02:00", 0 },
		{ "1969-12-31T18:30:00-05:30", 0 },
		{ "1970-01-01T00:00:00.5Z", 0 },
		{ "1970-01-01T00:00:00.1234567890123Z", 0 },
		{ "1970-01-01T00:00:01.999+00:00", 1 },
		{ "1970-01-01T00:00:00", 0 },
		{ "1970-01-01T00:00:00.123", 0 },
	};
	when_t t;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		expect_ok(when_parse(str_c(good[i].text), &t));
		assert_true(t == good[i].t);
	}
}

static void
rejects_what_is_not_a_time(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-01-31",
		"2026-01-31T",
		"2026-01-31T12:00",
		"2026-01-31 12:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00ZZ",
		"2026-01-01T00:00:00+0200",
		"2026-01-01T00:00:00+2:00",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+00:60",
		"2026-01-01T00:00:00+",
		"26-01-01T00:00:00Z",
		"0000-01-01T00:00:00Z",
		" 2026-01-01T00:00:00Z",
		"2026-01-01T00:00:00Z ",
		"+026-01-01T00:00:00Z",
		"2026-1-01T00:00:00Z",
	};
	when_t t = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_TIME, when_parse(str_c(bad[i]), &t));
	assert_int_equal(t, 7);
}

static void
milliseconds_are_three_digits(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(when_text_ms(a, 1005), "1970-01-01T00:00:01.005Z");
	assert_string_equal(when_text_ms(a, -1), "1969-12-31T23:59:59.999Z");
}

static void
the_clock_stands_where_tests_set_it(void **state)
{
	(void)state;
	when_set(1769860800);
	assert_true(when_now() == 1769860800);
	assert_true(when_now_ms() == 1769860800000);
	when_set(0);
	assert_true(when_now() != 1769860800);
	assert_true(when_now() > 1700000000);
}

static void
the_monotonic_clock_does_not_go_back(void **state)
{
	int64_t before = when_mono_ms();

	(void)state;
	when_set(1);
	assert_true(when_mono_ms() >= before);
	when_set(0);
}

static when_t
at(const char *text)
{
	when_t t = 0;

	expect_ok(when_parse(str_c(text), &t));
	return t;
}

static void
months_end_with_the_month(void **state)
{
	static const struct {
		const char *from;
		int months;
		const char *to;
	} rows[] = {
		{ "2026-01-31T01:02:03Z", 1, "2026-02-28T01:02:03Z" },
		{ "2024-01-31T00:00:00Z", 1, "2024-02-29T00:00:00Z" },
		{ "2024-02-29T00:00:00Z", 12, "2025-02-28T00:00:00Z" },
		{ "2026-01-15T00:00:00Z", 24, "2028-01-15T00:00:00Z" },
		{ "2026-12-31T23:59:59Z", 2, "2027-02-28T23:59:59Z" },
		{ "2026-03-31T00:00:00Z", -1, "2026-02-28T00:00:00Z" },
		{ "2026-01-01T00:00:00Z", -1, "2025-12-01T00:00:00Z" },
		{ "2026-05-05T05:05:05Z", 0, "2026-05-05T05:05:05Z" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(when_add_months(at(rows[i].from), rows[i].months) == at(rows[i].to));
}

static void
people_read_spans(void **state)
{
	static const struct {
		int64_t span;
		const char *text;
	} rows[] = {
		{ 0, "now" },
		{ -1, "1 s ago" },
		{ 59, "in 59 s" },
		{ -60, "1 min ago" },
		{ -3 * 60, "3 min ago" },
		{ 2 * HOUR, "in 2 h" },
		{ -DAY, "1 day ago" },
		{ 5 * DAY, "in 5 days" },
		{ -729 * DAY, "729 days ago" },
		{ 730 * DAY, "in 2 years" },
	};
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
		    when_ago(a, 1000000000 + rows[i].span, 1000000000), rows[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_both_ways),
		cmocka_unit_test(accepts_offsets_and_fractions),
		cmocka_unit_test(rejects_what_is_not_a_time),
		cmocka_unit_test(milliseconds_are_three_digits),
		cmocka_unit_test(the_clock_stands_where_tests_set_it),
		cmocka_unit_test(the_monotonic_clock_does_not_go_back),
		cmocka_unit_test(months_end_with_the_month),
		cmocka_unit_test(people_read_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

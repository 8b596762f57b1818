/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"
#include "net/http_range.h"

static void
expect_part(const char *value, uint64_t from, uint64_t end)
{
	uint64_t f = 0, e = 0;

	if (http_range_read(str_c(value), 1000, &f, &e) != HTTP_RANGE_PART || f != from || e != end)
		fail_msg("%s: %llu to %llu", value, (unsigned long long)f, (unsigned long long)e);
}

static void
one_range_is_a_part(void **state)
{
	(void)state;
	expect_part("bytes=0-0", 0, 1);
	expect_part("bytes=0-499", 0, 500);
	expect_part("Bytes = 500-", 500, 1000);
	expect_part("bytes=999-", 999, 1000);
	expect_part("bytes=-1", 999, 1000);
	expect_part("bytes=-5000", 0, 1000);
	expect_part("bytes=10-5000", 10, 1000);
	expect_part("bytes=10-99999999999999999999999999", 10, 1000);
	expect_part("bytes=-99999999999999999999999999", 0, 1000);
}

static void
what_lies_past_the_end_is_none(void **state)
{
	static const char *const rows[] = { "bytes=1000-", "bytes=1000-1000", "bytes=-0",
		"bytes=99999999999999999999999999-" };
	uint64_t f, e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(http_range_read(str_c(rows[i]), 1000, &f, &e), HTTP_RANGE_NEVER);
	assert_int_equal(http_range_read(LIT("bytes=0-"), 0, &f, &e), HTTP_RANGE_NEVER);
	assert_int_equal(http_range_read(LIT("bytes=-5"), 0, &f, &e), HTTP_RANGE_NEVER);
}

static void
what_is_no_single_range_means_the_whole(void **state)
{
	static const char *const rows[] = { "", "bytes", "bytes=", "bytes=-", "bytes=5",
		"bytes=5-4", "bytes=0-1,3-4", "bytes=+1-2", "bytes=1 -2", "bytes=0x1-2",
		"bytes=1-2-3", "bytes=--1", "lines=0-1", "=0-1", "bytes=a-b" };
	uint64_t f, e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (http_range_read(str_c(rows[i]), 1000, &f, &e) != HTTP_RANGE_WHOLE)
			fail_msg("%s", rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_range_is_a_part),
		cmocka_unit_test(what_lies_past_the_end_is_none),
		cmocka_unit_test(what_is_no_single_range_means_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

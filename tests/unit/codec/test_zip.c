/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/zip.h"
#include "expect.h"

static void
the_checksum_is_that_of_the_standard_and_goes_on(void **state)
{
	(void)state;
	assert_int_equal(zip_crc(0, LIT("123456789")), 0xcbf43926);
	assert_int_equal(zip_crc(zip_crc(0, LIT("1234")), LIT("56789")), 0xcbf43926);
	assert_int_equal(zip_crc(0, STR_EMPTY), 0);
}

static void
an_archive_is_head_bytes_and_tail(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct zip_file f = {
		.name = "a.csv", .crc = 0x11223344, .size = 9, .modified = 1700000000
	};
	struct str head, tail;

	(void)state;
	expect_ok(zip_head(a, &f, &head));
	expect_ok(zip_tail(a, &f, &tail));
	assert_int_equal(head.n, 30 + 5);
	assert_int_equal(tail.n, 46 + 5 + 22);
	assert_memory_equal(head.p, "PK\3\4", 4);
	assert_memory_equal(head.p + 14, "\x44\x33\x22\x11\x09\0\0\0\x09\0\0\0\5\0\0\0a.csv", 21);
	assert_memory_equal(tail.p, "PK\1\2", 4);
	assert_memory_equal(tail.p + 51, "PK\5\6\0\0\0\0\1\0\1\0\x33\0\0\0\x2c\0\0\0\0\0", 22);
}

/* APPNOTE 4.5.3, 4.3.14, 4.3.15 */
static void
from_4_gib_on_the_sizes_stand_elsewhere(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct zip_file f = { .name = "a.csv", .size = (uint64_t)5 << 30 };
	struct str head, tail;

	(void)state;
	expect_ok(zip_head(a, &f, &head));
	expect_ok(zip_tail(a, &f, &tail));
	assert_int_equal(head.n, 30 + 5 + 20);
	assert_int_equal(tail.n, 46 + 5 + 20 + 56 + 20 + 22);
	assert_memory_equal(head.p + 18, "\xff\xff\xff\xff\xff\xff\xff\xff\5\0\x14\0", 12);
	assert_memory_equal(head.p + 35, "\1\0\x10\0\0\0\0\x40\1\0\0\0\0\0\0\x40\1\0\0\0", 20);
	assert_memory_equal(tail.p + 71, "PK\6\6", 4);
	assert_memory_equal(tail.p + 127, "PK\6\7", 4);
	assert_memory_equal(
	    tail.p + 147, "PK\5\6\0\0\0\0\1\0\1\0\x47\0\0\0\xff\xff\xff\xff\0\0", 22);
	f.size = 0xffffffff - 1024;
	expect_ok(zip_head(a, &f, &head));
	assert_int_equal(head.n, 55);
	f.size--;
	expect_ok(zip_head(a, &f, &head));
	assert_int_equal(head.n, 35);
}

static void
a_name_that_is_too_long_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	char name[300];
	struct zip_file f = { .name = name };
	struct str out;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	expect_err(ERR_TOO_LARGE, zip_head(a, &f, &out));
	expect_err(ERR_TOO_LARGE, zip_tail(a, &f, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_checksum_is_that_of_the_standard_and_goes_on),
		cmocka_unit_test(an_archive_is_head_bytes_and_tail),
		cmocka_unit_test(from_4_gib_on_the_sizes_stand_elsewhere),
		cmocka_unit_test(a_name_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

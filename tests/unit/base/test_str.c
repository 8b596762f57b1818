/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/str.h"

static void
equality_counts_bytes_and_length(void **state)
{
	(void)state;
	assert_true(str_eq(LIT("a"), LIT("a")));
	assert_true(str_eq(STR_EMPTY, LIT("")));
	assert_true(str_eq_c(LIT("ab"), "ab"));
	assert_true(str_eq_c(STR_EMPTY, NULL));
	assert_false(str_eq(LIT("a"), LIT("ab")));
	assert_false(str_eq(LIT("a"), LIT("A")));
	assert_false(str_eq_c(str_of("a\0b", 3), "a"));
}

static void
case_is_ignored_in_ascii_only(void **state)
{
	(void)state;
	assert_true(str_ieq_c(LIT("Content-TYPE"), "content-type"));
	assert_false(str_ieq_c(LIT("a"), "ab"));
	assert_false(str_ieq_c(LIT("@"), "`"));
	assert_false(str_ieq_c(LIT("\xc3\x84"), "\xc3\xa4"));
}

static void
order_is_by_bytes_then_length(void **state)
{
	(void)state;
	assert_true(str_cmp(LIT("a"), LIT("b")) < 0);
	assert_true(str_cmp(LIT("a"), LIT("aa")) < 0);
	assert_true(str_cmp(LIT("\xff"), LIT("a")) > 0);
	assert_int_equal(str_cmp(LIT("a"), LIT("a")), 0);
	assert_int_equal(str_cmp(STR_EMPTY, LIT("")), 0);
}

static void
a_prefix_starts(void **state)
{
	(void)state;
	assert_true(str_starts(LIT("abc"), LIT("ab")));
	assert_true(str_starts(LIT("abc"), STR_EMPTY));
	assert_false(str_starts(LIT("ab"), LIT("abc")));
	assert_false(str_starts(LIT("xbc"), LIT("ab")));
}

static void
cutting_walks_a_list(void **state)
{
	struct str in = LIT("a,,b");

	(void)state;
	assert_true(str_eq_c(str_cut(&in, ','), "a"));
	assert_true(str_eq_c(str_cut(&in, ','), ""));
	assert_true(str_eq_c(str_cut(&in, ','), "b"));
	assert_int_equal(in.n, 0);
	assert_int_equal(str_cut(&in, ',').n, 0);
}

static void
blanks_go_from_both_ends_only(void **state)
{
	(void)state;
	assert_true(str_eq_c(str_trim(LIT(" \t a b\r\n")), "a b"));
	assert_true(str_eq_c(str_trim(LIT("  ")), ""));
	assert_true(str_eq_c(str_trim(STR_EMPTY), ""));
}

static void
hashes_differ(void **state)
{
	(void)state;
	assert_true(str_hash(LIT("a")) == str_hash(LIT("a")));
	assert_true(str_hash(LIT("a")) != str_hash(LIT("b")));
	assert_true(str_hash(STR_EMPTY) != str_hash(str_of("", 1)));
}

static void
a_buffer_collects_up_to_its_maximum(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (int i = 0; i < 1000; i++)
		expect_ok(buf_putc(&b, (uint8_t)i));
	expect_err(ERR_TOO_LARGE, buf_putc(&b, 'x'));
	assert_int_equal(b.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(b.p[i], (uint8_t)i);
}

static void
a_write_too_large_changes_nothing(void **state)
{
	auto_buf struct buf b;
	uint8_t *p = NULL;

	(void)state;
	buf_init(&b, 4);
	expect_ok(buf_puts(&b, "abc"));
	expect_err(ERR_TOO_LARGE, buf_puts(&b, "de"));
	expect_err(ERR_TOO_LARGE, buf_printf(&b, "%d", 10));
	expect_err(ERR_TOO_LARGE, buf_reserve(&b, SIZE_MAX, &p));
	assert_null(p);
	assert_true(str_eq_c(buf_str(&b), "abc"));
	expect_ok(buf_printf(&b, "%d", 1));
	assert_true(str_eq_c(buf_str(&b), "abc1"));
}

static void
reserved_bytes_count_once_committed(void **state)
{
	auto_buf struct buf b;
	uint8_t *p;

	(void)state;
	buf_init(&b, 10);
	expect_ok(buf_reserve(&b, 10, &p));
	memcpy(p, "0123456789", 10);
	assert_int_equal(b.n, 0);
	buf_commit(&b, 3);
	assert_true(str_eq_c(buf_str(&b), "012"));
}

static void
a_freed_buffer_is_usable_again(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 5);
	expect_ok(buf_puts(&b, "12345"));
	buf_free(&b);
	assert_int_equal(b.n, 0);
	expect_ok(buf_puts(&b, "12345"));
	expect_err(ERR_TOO_LARGE, buf_putc(&b, '6'));
	buf_reset(&b);
	expect_ok(buf_puts(&b, "abc"));
	assert_true(str_eq_c(buf_str(&b), "abc"));
}

static void
nothing_can_be_written(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 0);
	expect_ok(buf_put(&b, STR_EMPTY));
	expect_ok(buf_printf(&b, "%s", ""));
	expect_err(ERR_TOO_LARGE, buf_putc(&b, 0));
	assert_int_equal(b.n, 0);
}

static void
stealing_leaves_null(void **state)
{
	auto_free char *p = strdup("x");
	auto_free char *q = steal(p);

	(void)state;
	assert_null(p);
	assert_string_equal(q, "x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_counts_bytes_and_length),
		cmocka_unit_test(case_is_ignored_in_ascii_only),
		cmocka_unit_test(order_is_by_bytes_then_length),
		cmocka_unit_test(a_prefix_starts),
		cmocka_unit_test(cutting_walks_a_list),
		cmocka_unit_test(blanks_go_from_both_ends_only),
		cmocka_unit_test(hashes_differ),
		cmocka_unit_test(a_buffer_collects_up_to_its_maximum),
		cmocka_unit_test(a_write_too_large_changes_nothing),
		cmocka_unit_test(reserved_bytes_count_once_committed),
		cmocka_unit_test(a_freed_buffer_is_usable_again),
		cmocka_unit_test(nothing_can_be_written),
		cmocka_unit_test(stealing_leaves_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

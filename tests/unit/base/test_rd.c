/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/rd.h"

static void
what_is_written_is_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct str in, blob;
	const char *text;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	int64_t i64;

	(void)state;
	buf_init(&b, 1000);
	expect_ok(wr_u8(&b, 0xfe));
	expect_ok(wr_u16(&b, 0xfedc));
	expect_ok(wr_u32(&b, 0xfedcba98));
	expect_ok(wr_u64(&b, 0xfedcba9876543210));
	expect_ok(wr_i64(&b, INT64_MIN));
	expect_ok(wr_blob(&b, LIT("blob")));
	expect_ok(wr_text(&b, "t\xc3\xa9xt"));
	expect_ok(wr_text(&b, NULL));

	in = buf_str(&b);
	expect_ok(rd_u8(&in, &u8));
	expect_ok(rd_u16(&in, &u16));
	expect_ok(rd_u32(&in, &u32));
	expect_ok(rd_u64(&in, &u64));
	expect_ok(rd_i64(&in, &i64));
	expect_ok(rd_blob(&in, 4, &blob));
	expect_ok(rd_text(a, &in, 100, &text));
	assert_int_equal(u8, 0xfe);
	assert_int_equal(u16, 0xfedc);
	assert_int_equal(u32, 0xfedcba98);
	assert_true(u64 == 0xfedcba9876543210);
	assert_true(i64 == INT64_MIN);
	assert_true(str_eq_c(blob, "blob"));
	assert_string_equal(text, "t\xc3\xa9xt");
	expect_ok(rd_text(a, &in, 0, &text));
	assert_string_equal(text, "");
	expect_ok(rd_end(&in));
}

static void
integers_are_big_endian(void **state)
{
	static const uint8_t msg[] = { 1, 2, 3, 4 };
	struct str in = STR(msg);
	uint32_t v;

	(void)state;
	expect_ok(rd_u32(&in, &v));
	assert_int_equal(v, 0x01020304);
}

static void
rejects_short_input_and_takes_nothing(void **state)
{
	static const uint8_t msg[] = { 0 };
	struct str in = STR(msg), s = STR_EMPTY;
	uint16_t u16 = 7;
	uint32_t u32 = 7;
	uint64_t u64 = 7;

	(void)state;
	expect_err(ERR_TRUNCATED, rd_u16(&in, &u16));
	expect_err(ERR_TRUNCATED, rd_u32(&in, &u32));
	expect_err(ERR_TRUNCATED, rd_u64(&in, &u64));
	expect_err(ERR_TRUNCATED, rd_take(&in, 2, &s));
	expect_err(ERR_TRUNCATED, rd_blob(&in, 9, &s));
	assert_int_equal(in.n, 1);
	assert_int_equal(u16 + u32 + u64, 21);
	assert_null(s.p);
}

static void
rejects_empty_input(void **state)
{
	struct str in = STR_EMPTY;
	uint8_t v;

	(void)state;
	expect_err(ERR_TRUNCATED, rd_u8(&in, &v));
}

static void
takes_nothing_from_nothing(void **state)
{
	struct str in = STR_EMPTY, s;

	(void)state;
	expect_ok(rd_take(&in, 0, &s));
	assert_int_equal(s.n, 0);
	expect_ok(rd_end(&in));
}

static void
rejects_trailing_bytes(void **state)
{
	struct str in = LIT("x");

	(void)state;
	expect_err(ERR_TRAILING, rd_end(&in));
}

static void
rejects_a_blob_over_its_maximum(void **state)
{
	static const uint8_t msg[] = { 0, 0, 0, 3, 'a', 'b', 'c' };
	struct str in = STR(msg), s;

	(void)state;
	expect_err(ERR_TOO_LARGE, rd_blob(&in, 2, &s));
	assert_int_equal(in.n, sizeof(msg));
	expect_ok(rd_blob(&in, 3, &s));
}

static void
rejects_a_blob_longer_than_the_input(void **state)
{
	static const uint8_t msg[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	struct str in = STR(msg), s;

	(void)state;
	expect_err(ERR_TRUNCATED, rd_blob(&in, SIZE_MAX, &s));
	assert_int_equal(in.n, sizeof(msg));
}

static void
rejects_text_with_nul_or_bad_utf8(void **state)
{
	static const uint8_t nul[] = { 0, 0, 0, 2, 'a', 0 };
	static const uint8_t bad[] = { 0, 0, 0, 2, 'a', 0xff };
	auto_arena struct arena *a = arena_new();
	struct str in = STR(nul);
	const char *text = NULL;

	(void)state;
	expect_err(ERR_UTF8, rd_text(a, &in, 9, &text));
	assert_int_equal(in.n, sizeof(nul));
	in = STR(bad);
	expect_err(ERR_UTF8, rd_text(a, &in, 9, &text));
	assert_null(text);
}

static void
a_write_past_the_maximum_changes_nothing(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 7);
	expect_err(ERR_TOO_LARGE, wr_u64(&b, 1));
	expect_err(ERR_TOO_LARGE, wr_blob(&b, LIT("abcd")));
	assert_int_equal(b.n, 0);
	expect_ok(wr_blob(&b, LIT("abc")));
	expect_err(ERR_TOO_LARGE, wr_u8(&b, 1));
	expect_err(ERR_TOO_LARGE, wr_text(&b, ""));
	assert_int_equal(b.n, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(rejects_short_input_and_takes_nothing),
		cmocka_unit_test(rejects_empty_input),
		cmocka_unit_test(takes_nothing_from_nothing),
		cmocka_unit_test(rejects_trailing_bytes),
		cmocka_unit_test(rejects_a_blob_over_its_maximum),
		cmocka_unit_test(rejects_a_blob_longer_than_the_input),
		cmocka_unit_test(rejects_text_with_nul_or_bad_utf8),
		cmocka_unit_test(a_write_past_the_maximum_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

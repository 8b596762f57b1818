/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include "base/rd.h"
#include "codec/der.h"

static void
every_length_form_comes_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 200000 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		auto_arena struct arena *a = arena_new();
		auto_buf struct buf b;
		struct str in, content;
		uint8_t tag;

		buf_init(&b, 300000);
		expect_ok(der_put(&b, DER_OCTETS, str_of(arena_alloc(a, sizes[i]), sizes[i])));
		in = buf_str(&b);
		expect_ok(der_next(&in, &tag, &content));
		assert_int_equal(tag, DER_OCTETS);
		assert_int_equal(content.n, sizes[i]);
		expect_ok(rd_end(&in));
	}
}

static void
rejects_what_is_not_der(void **state)
{
	static const struct {
		const char *hex;
		enum err_code code;
	} bad[] = { { "", ERR_TRUNCATED }, { "04", ERR_TRUNCATED }, { "0401", ERR_TRUNCATED },
		{ "0480", ERR_DER }, { "048105", ERR_DER }, { "04820080", ERR_DER },
		{ "0482ff", ERR_TRUNCATED }, { "0485", ERR_DER }, { "1f0100", ERR_DER },
		{ "0484ffffffff00", ERR_TRUNCATED } };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct str in = hex(a, bad[i].hex), all = in, content = STR_EMPTY;
		uint8_t tag;

		expect_err(bad[i].code, der_next(&in, &tag, &content));
		assert_int_equal(in.n, all.n);
	}
}

static void
take_wants_its_tag(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str in = hex(a, "0500"), content;

	(void)state;
	expect_err(ERR_DER, der_take(&in, DER_INTEGER, &content));
	expect_ok(der_take(&in, DER_NULL, &content));
	assert_int_equal(in.n, 0);
}

static void
a_write_past_the_maximum_leaves_nothing(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 4);
	expect_err(ERR_TOO_LARGE, der_put(&b, DER_OCTETS, LIT("abc")));
	assert_int_equal(b.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_form_comes_back),
		cmocka_unit_test(rejects_what_is_not_der),
		cmocka_unit_test(take_wants_its_tag),
		cmocka_unit_test(a_write_past_the_maximum_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

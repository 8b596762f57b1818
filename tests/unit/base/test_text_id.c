/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/text.h"
#include "base/when.h"

#define TEXT "00112233-4455-6677-8899-aabbccddeeff"

static void
text_goes_both_ways(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct id id;

	(void)state;
	expect_ok(id_parse(LIT(TEXT), &id));
	assert_int_equal(id.b[0], 0);
	assert_int_equal(id.b[15], 0xff);
	assert_string_equal(id_text(a, id), TEXT);
	assert_int_equal(strlen(id_text(a, id)) + 1, ID_TEXT);
	assert_int_equal(id_str(&id).n, 16);
	assert_ptr_equal(id_str(&id).p, id.b);
}

static void
accepts_any_case_and_braces(void **state)
{
	struct id a, b;

	(void)state;
	expect_ok(id_parse(LIT(TEXT), &a));
	expect_ok(id_parse(LIT("00112233-4455-6677-8899-AABBCCDDEEFF"), &b));
	assert_true(id_eq(a, b));
	expect_ok(id_parse(LIT("{" TEXT "}"), &b));
	assert_true(id_eq(a, b));
}

static void
rejects_what_is_not_an_id(void **state)
{
	static const char *const bad[] = {
		"",
		TEXT "0",
		"{" TEXT,
		TEXT "}",
		"(" TEXT ")",
		"{{" TEXT "}}",
		" " TEXT,
		"00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeefg",
		"001122334-455-6677-8899-aabbccddeeff",
		"00112233445566778899aabbccddeeff",
		"00112233_4455_6677_8899_aabbccddeeff",
		"00112233-4455-6677-8899aabbccddeeff--",
		"{0112233-4455-6677-8899-aabbccddeef}",
	};
	struct id id = { { 1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_ID, id_parse(str_c(bad[i]), &id));
	assert_int_equal(id.b[0], 1);
}

static void
new_ids_are_random_and_of_version_four(void **state)
{
	struct id a = id_new(), b = id_new();

	(void)state;
	assert_false(id_eq(a, b));
	assert_false(id_is_zero(a));
	assert_int_equal(a.b[6] >> 4, 4);
	assert_int_equal(a.b[8] >> 6, 2);
}

static void
ids_in_order_lie_by_their_time_and_are_random_beside_it(void **state)
{
	struct id a, b, later;

	(void)state;
	when_set(1700000000);
	a = id_new_ordered();
	b = id_new_ordered();
	when_set(1700000001);
	later = id_new_ordered();
	when_set(0);
	assert_false(id_eq(a, b));
	assert_memory_equal(a.b, b.b, 6);
	assert_memory_equal(a.b, ((uint8_t[]){ 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00 }), 6);
	assert_memory_not_equal(a.b + 8, b.b + 8, 8);
	assert_true(memcmp(b.b, later.b, sizeof(b.b)) < 0);
	assert_int_equal(a.b[6] >> 4, 7);
	assert_int_equal(a.b[8] >> 6, 2);
}

static void
zero_is_known(void **state)
{
	struct id zero = { { 0 } }, last = { { 0 } };

	(void)state;
	last.b[15] = 1;
	assert_true(id_is_zero(zero));
	assert_false(id_is_zero(last));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_both_ways),
		cmocka_unit_test(accepts_any_case_and_braces),
		cmocka_unit_test(rejects_what_is_not_an_id),
		cmocka_unit_test(new_ids_are_random_and_of_version_four),
		cmocka_unit_test(ids_in_order_lie_by_their_time_and_are_random_beside_it),
		cmocka_unit_test(zero_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

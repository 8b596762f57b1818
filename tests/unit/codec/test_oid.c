/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include "codec/oid.h"

static const struct {
	const char *text, *content;
} pairs[] = {
	{ "2.5.4.3", "550403" },
	{ OID_UPN, "2b060104018237140203" },
	{ "2.999.1", "883701" },
	{ "0.9.2342.19200300.100.1.25", "0992268993f22c640119" },
	{ "1.3.6.1.4.1.311.21.8.1234567.7654321.11111111.2222222.3333333.44.5555555.6666666",
	    "2b0601040182371508cbad0783d3973185a695478187d10e81cbb9552c82d38a638396f32a" },
};

static void
text_and_content_say_the_same(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		const char *text;
		struct str content;

		expect_ok(oid_content(a, pairs[i].text, &content));
		assert_hex(a, content, pairs[i].content);
		expect_ok(oid_text(a, content, &text));
		assert_string_equal(text, pairs[i].text);
	}
}

static void
rejects_text_that_is_no_oid(void **state)
{
	static const char *const bad[] = { "", "1", "1.", ".1", "1..2", "1.2.", "3.1", "1.40",
		"01.2", "1.02", "1.2.x", "1.2 ", "-1.2", "1.2.99999999999999999999" };
	auto_arena struct arena *a = arena_new();
	struct str content;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		expect_err(ERR_DER, oid_content(a, bad[i], &content));
		assert_false(oid_valid(bad[i]));
	}
}

static void
rejects_content_that_is_no_oid(void **state)
{
	static const char *const bad[] = { "", "80", "8001", "5504 80", "55048003", "81",
		"2affffffffffffffffff7f" };
	auto_arena struct arena *a = arena_new();
	const char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_DER, oid_text(a, hex(a, bad[i]), &text));
}

static void
names_the_usual_purposes(void **state)
{
	(void)state;
	assert_string_equal(oid_name(OID_EKU_CLIENT_AUTH), "Client Authentication");
	assert_string_equal(oid_name("1.2.3"), "1.2.3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_content_say_the_same),
		cmocka_unit_test(rejects_text_that_is_no_oid),
		cmocka_unit_test(rejects_content_that_is_no_oid),
		cmocka_unit_test(names_the_usual_purposes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

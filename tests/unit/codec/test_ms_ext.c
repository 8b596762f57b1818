/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include "codec/ms_ext.h"
#include "codec/oid.h"

#define SID "S-1-5-21-1004336348-1177238915-682003330-1104"

static void
template_name_has_the_known_bytes(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;
	const char *name = NULL;

	(void)state;
	expect_ok(ms_template_name_encode(a, "User", &der));
	assert_hex(a, der, "1e080055007300650072");
	expect_ok(ms_template_name_parse(a, der, &name));
	assert_string_equal(name, "User");
	expect_ok(ms_template_name_encode(a, "B\xc3\xbcro \xe2\x82\xac", &der));
	expect_ok(ms_template_name_parse(a, der, &name));
	assert_string_equal(name, "B\xc3\xbcro \xe2\x82\xac");
	expect_ok(ms_template_name_parse(a, LIT("\x0c\x07Servers"), &name));
	assert_string_equal(name, "Servers");
}

static void
template_info_has_the_known_bytes(void **state)
{
	static const struct ms_template_info t = {
		"1.3.6.1.4.1.311.21.8.1234567.7654321.11111111.2222222.3333333.44.5555555.6666666",
		100, 4
	};
	auto_arena struct arena *a = arena_new();
	struct ms_template_info back = { 0 };
	struct str der = STR_EMPTY;

	(void)state;
	expect_ok(ms_template_info_encode(a, &t, &der));
	assert_hex(a, der,
	    "302d 0625 2b0601040182371508 cbad07 83d39731 85a69547 8187d10e 81cbb955 2c 82d38a63 8396f32a"
	    "020164 020104");
	expect_ok(ms_template_info_parse(a, der, &back));
	assert_string_equal(back.oid, t.oid);
	assert_int_equal(back.major, 100);
	expect_ok(ms_template_info_encode(
	    a, &(struct ms_template_info){ "1.2.3", UINT32_MAX, 128 }, &der));
	expect_ok(ms_template_info_parse(a, der, &back));
	assert_int_equal(back.major, UINT32_MAX);
	assert_int_equal(back.minor, 128);
}

static void
application_policies_have_the_known_bytes(void **state)
{
	static const char *const oids[] = { OID_EKU_EFS, OID_EKU_EMAIL, OID_EKU_CLIENT_AUTH };
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;
	const char **back = NULL;
	size_t n = 0;

	(void)state;
	expect_ok(ms_app_policies_encode(a, oids, 3, &der));
	assert_hex(a, der,
	    "3026 300c060a2b0601040182370a0304 300a06082b06010505070304 300a06082b06010505070302");
	expect_ok(ms_app_policies_parse(a, der, &back, &n));
	assert_int_equal(n, 3);
	assert_string_equal(back[0], OID_EKU_EFS);
}

static void
the_sid_extension_has_the_known_bytes(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;
	const char *sid = NULL;

	(void)state;
	expect_ok(ms_sid_encode(a, SID, &der));
	assert_hex(a, der,
	    "303fa03d060a2b060104018237190201a02f042d532d312d352d32312d313030343333363334382d31313737323338"
	    "3931352d3638323030333333302d31313034");
	expect_ok(ms_sid_parse(a, der, &sid));
	assert_string_equal(sid, SID);
}

static void
rejects_texts_that_are_no_sid(void **state)
{
	static const char *const bad[] = { "", "S-1", "S-1-5", "S-1-5-", "S-1-5-21-x", "S-2-5-21",
		"S-1--5", "S-1-5-21-1 ", "S-1-0x-1", "s-1-5-21", "S-1-5-021",
		"S-1-5-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1" };
	auto_arena struct arena *a = arena_new();
	struct str der;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_MALFORMED, ms_sid_encode(a, bad[i], &der));
	assert_true(ms_sid_valid("S-1-0x1f-7"));
}

static void
rejects_values_that_are_something_else(void **state)
{
	static const char *const bad[] = { "", "3000", "0c00", "1e00", "1e0161", "1e02d800",
		"1e0200610000", "30030601ff", "3006 06022a03 020100",
		"300a 06022a03 0206 010000000000", "3008 06022a03 0202 0001",
		"300906022a030201ff020100", "3014a012060a2b060104018237190201a0040402 5300",
		"3003a00106" };
	auto_arena struct arena *a = arena_new();
	struct ms_template_info info;
	const char *text, **oids;
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct str der = hex(a, bad[i]);

		assert_false(err_ok(ms_template_name_parse(a, der, &text)));
		if (i != 8)
			assert_false(err_ok(ms_template_info_parse(a, der, &info)));
		assert_false(err_ok(ms_app_policies_parse(a, der, &oids, &n)));
		assert_false(err_ok(ms_sid_parse(a, der, &text)));
	}
	expect_err(ERR_MALFORMED, ms_template_name_encode(a, "", &(struct str){ 0 }));
	expect_err(
	    ERR_MALFORMED, ms_template_name_encode(a, "\xf0\x9f\x98\x80", &(struct str){ 0 }));
	expect_err(ERR_MALFORMED, ms_app_policies_encode(a, NULL, 0, &(struct str){ 0 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_name_has_the_known_bytes),
		cmocka_unit_test(template_info_has_the_known_bytes),
		cmocka_unit_test(application_policies_have_the_known_bytes),
		cmocka_unit_test(the_sid_extension_has_the_known_bytes),
		cmocka_unit_test(rejects_texts_that_are_no_sid),
		cmocka_unit_test(rejects_values_that_are_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

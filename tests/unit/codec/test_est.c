/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/text.h"
#include "codec/est_msg.h"

static void
a_body_is_read_in_one_line_in_many_and_as_pem(void **state)
{
	static const char *const bodies[] = {
		"MAMCAQU=", "MAMC\r\nAQU=\r\n", " MAMCAQU= ",
		"-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQU=\n-----END CERTIFICATE REQUEST-----\n"
	};
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		expect_ok(est_body_parse(a, str_c(bodies[i]), 100, &der));
		assert_true(str_eq(der, LIT("\x30\x03\x02\x01\x05")));
	}
}

static void
a_body_that_is_empty_too_long_or_no_base64_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY, big;
	uint8_t *bytes = arena_alloc(a, 101);

	(void)state;
	expect_err(ERR_MALFORMED, est_body_parse(a, LIT(""), 100, &der));
	expect_err(ERR_MALFORMED, est_body_parse(a, LIT(" \n"), 100, &der));
	expect_err(ERR_BASE64, est_body_parse(a, LIT("MAMC*QU="), 100, &der));
	assert_false(err_ok(est_body_parse(a, LIT("-----BEGIN X-----\nMAMC"), 100, &der)));
	big = str_c(text_base64(a, str_of(bytes, 101)));
	expect_err(ERR_TOO_LARGE, est_body_parse(a, big, 100, &der));
	expect_ok(est_body_parse(a, big, 101, &der));
	memset(bytes, 'A', 101);
	expect_err(ERR_TOO_LARGE, est_body_parse(a, str_of(arena_alloc(a, 500), 500), 100, &der));
	assert_int_equal(der.n, 101);
}

static void
libest_gets_lines_and_others_none(void **state)
{
	auto_arena struct arena *a = arena_new();
	uint8_t bytes[100] = { 0 };
	char *lines = est_body_print(a, STR(bytes), true),
	     *one = est_body_print(a, STR(bytes), false);

	(void)state;
	assert_int_equal(strlen(one), 136);
	assert_null(strchr(one, '\n'));
	assert_int_equal(strlen(lines), 139);
	assert_int_equal(lines[64], '\n');
	assert_int_equal(lines[138], '\n');
	assert_string_equal(est_body_print(a, STR_EMPTY, true), "");
	assert_true(est_wants_lines("libest 3.2.0"));
	assert_false(est_wants_lines("curl/7.88 libest"));
	assert_false(est_wants_lines(NULL));
}

static void
a_media_type_is_compared_without_case_and_parameters(void **state)
{
	(void)state;
	assert_true(est_media_type("application/pkcs10", "application/pkcs10"));
	assert_true(est_media_type("Application/PKCS10; charset=x", "application/pkcs10"));
	assert_false(est_media_type("application/pkcs10x", "application/pkcs10"));
	assert_false(est_media_type("", "application/pkcs10"));
	assert_false(est_media_type(NULL, "application/pkcs10"));
}

static void
name_and_password_are_cut_at_the_first_colon(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *name = "", *password = "";

	(void)state;
	/* "jane:a:b c" */
	expect_ok(est_basic_parse(a, "Basic amFuZTphOmIgYw==", &name, &password));
	assert_string_equal(name, "jane");
	assert_string_equal(password, "a:b c");
	expect_ok(est_basic_parse(a, "basic amFuZTo=", &name, &password));
	assert_string_equal(password, "");
}

static void
an_authorization_of_another_kind_or_shape_is_refused(void **state)
{
	/* ..., no colon, empty name, NUL in the name, no UTF-8 */
	static const char *const bad[] = { "", "Basic", "Bearer amFuZTphOmIgYw==", "Basic *",
		"Basic amFuZQ==", "Basic OnNlY3JldA==", "Basic YQBiOmM=", "Basic //46eA==" };
	auto_arena struct arena *a = arena_new();
	const char *name = NULL, *password = NULL;
	char *longer =
	    arena_printf(a, "Basic %s", text_base64(a, str_c(arena_printf(a, "jane:%0300d", 0))));

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_CREDENTIALS, est_basic_parse(a, bad[i], &name, &password));
	expect_err(ERR_CREDENTIALS, est_basic_parse(a, NULL, &name, &password));
	expect_err(ERR_CREDENTIALS, est_basic_parse(a, longer, &name, &password));
	assert_null(name);
}

static void
key_and_certificate_are_two_parts(void **state)
{
	static const char wanted[] =
	    "--b_1\r\nContent-Type: application/pkcs8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	    "a2V5\r\n--b_1\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nY2VydHM=\r\n--b_1--\r\n";
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 4096);
	expect_ok(est_keygen_print(a, "b_1", LIT("key"), LIT("certs"), false, &b));
	assert_true(str_eq_c(buf_str(&b), wanted));
	expect_err(ERR_RANGE, est_keygen_print(a, "", LIT("key"), LIT("certs"), false, &b));
}

static void
attributes_of_a_key_have_the_known_bytes(void **state)
{
	const struct est_attrs rsa = { .rsa_bits = 2048 }, both = { 3072, true, true },
			       none = { 0 };
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;

	(void)state;
	expect_ok(est_attrs_encode(a, &rsa, &der));
	assert_string_equal(text_hex(a, der),
	    "301e"
	    "3011"
	    "06092a864886f70d010101"
	    "3104"
	    "02020800"
	    "06092a864886f70d01010b");
	expect_ok(est_attrs_encode(a, &both, &der));
	assert_string_equal(text_hex(a, der),
	    "3046"
	    "301c"
	    "06072a8648ce3d0201"
	    "3111"
	    "06052b81040022"
	    "06082a8648ce3d030107"
	    "06082a8648ce3d040302"
	    "3011"
	    "06092a864886f70d010101"
	    "3104"
	    "02020c00"
	    "06092a864886f70d01010b");
	expect_ok(est_attrs_encode(a, &none, &der));
	assert_string_equal(text_hex(a, der), "3000");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_body_is_read_in_one_line_in_many_and_as_pem),
	cmocka_unit_test(a_body_that_is_empty_too_long_or_no_base64_is_refused),
	cmocka_unit_test(libest_gets_lines_and_others_none),
	cmocka_unit_test(a_media_type_is_compared_without_case_and_parameters),
	cmocka_unit_test(name_and_password_are_cut_at_the_first_colon),
	cmocka_unit_test(an_authorization_of_another_kind_or_shape_is_refused),
	cmocka_unit_test(key_and_certificate_are_two_parts),
	cmocka_unit_test(attributes_of_a_key_have_the_known_bytes),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

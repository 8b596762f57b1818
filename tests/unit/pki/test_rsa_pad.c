/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <string.h>

#include "pki/rsa_pad.h"

static void
block_make(uint8_t b[64], const char *text)
{
	size_t n = strlen(text);

	memset(b, 0xaa, 64);
	b[0] = 0;
	b[1] = 2;
	b[63 - n] = 0;
	memcpy(b + 64 - n, text, n);
}

static void
pkcs1_text_comes_out(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str out;
	uint8_t b[64];

	(void)state;
	block_make(b, "hello");
	expect_ok(rsa_unpad_pkcs1(a, STR(b), &out));
	assert_true(str_eq(out, LIT("hello")));
	block_make(b, "");
	expect_ok(rsa_unpad_pkcs1(a, STR(b), &out));
	assert_int_equal(out.n, 0);
}

static void
bad_pkcs1_blocks_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str out;
	uint8_t b[64];

	(void)state;
	block_make(b, "hello");
	b[0] = 1;
	expect_err(ERR_CRYPTO, rsa_unpad_pkcs1(a, STR(b), &out));
	block_make(b, "hello");
	b[1] = 1;
	expect_err(ERR_CRYPTO, rsa_unpad_pkcs1(a, STR(b), &out));
	block_make(b, "hello");
	b[9] = 0; /* seven bytes of padding */
	expect_err(ERR_CRYPTO, rsa_unpad_pkcs1(a, STR(b), &out));
	block_make(b, "hello");
	b[58] = 1; /* no end of the padding */
	expect_err(ERR_CRYPTO, rsa_unpad_pkcs1(a, STR(b), &out));
	expect_err(ERR_CRYPTO, rsa_unpad_pkcs1(a, str_of(b, 10), &out));
}

static void
eight_bytes_of_padding_are_enough(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str out;
	uint8_t b[64];

	(void)state;
	block_make(b, "hello");
	b[10] = 0;
	expect_ok(rsa_unpad_pkcs1(a, STR(b), &out));
	assert_int_equal(out.n, 53);
}

static void
a_signature_block_has_the_form_of_rfc_8017(void **state)
{
	auto_arena struct arena *a = arena_new();
	uint8_t digest[32] = { 0 };
	struct str out;

	(void)state;
	expect_ok(rsa_pad_pkcs1(a, "SHA256", STR(digest), 256, &out));
	assert_int_equal(out.n, 256);
	assert_memory_equal(out.p, "\0\1\xff\xff", 4);
	assert_memory_equal(out.p + 256 - 51 - 1, "\0\x30\x31\x30\x0d\x06\x09", 7);
}

static void
digests_and_sizes_that_do_not_fit_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	uint8_t digest[32] = { 0 };
	struct str out;

	(void)state;
	expect_err(ERR_RANGE, rsa_pad_pkcs1(a, "SHA384", STR(digest), 256, &out));
	expect_err(ERR_RANGE, rsa_pad_pkcs1(a, "SHA1", STR(digest), 256, &out));
	expect_err(ERR_KEY_SIZE, rsa_pad_pkcs1(a, "SHA256", STR(digest), 61, &out));
	expect_err(ERR_KEY_SIZE, rsa_pad_pss(a, "SHA256", STR(digest), 512, &out));
}

static void
oaep_blocks_of_rubbish_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	uint8_t b[256] = { 0 };
	struct str out;

	(void)state;
	expect_err(ERR_CRYPTO, rsa_unpad_oaep(a, "SHA1", STR(b), &out));
	expect_err(ERR_CRYPTO, rsa_unpad_oaep(a, "SHA256", str_of(b, 65), &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pkcs1_text_comes_out),
		cmocka_unit_test(bad_pkcs1_blocks_are_refused),
		cmocka_unit_test(eight_bytes_of_padding_are_enough),
		cmocka_unit_test(a_signature_block_has_the_form_of_rfc_8017),
		cmocka_unit_test(digests_and_sizes_that_do_not_fit_are_refused),
		cmocka_unit_test(oaep_blocks_of_rubbish_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

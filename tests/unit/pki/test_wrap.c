/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "pki/wrap.h"

static const struct {
	enum wrap_padding padding;
	const char *name, *md;
	size_t most; /* with a key of 2048 bits */
} ways[] = {
	{ WRAP_OAEP_SHA256, "oaepSha256", "sha256", 190 },
	{ WRAP_OAEP_SHA384, "oaepSha384", "sha384", 158 },
	{ WRAP_OAEP_SHA512, "oaepSha512", "sha512", 126 },
};

static struct key *rsa;

static int
make_rsa(void **state)
{
	(void)state;
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &rsa));
	return 0;
}

static int
free_rsa(void **state)
{
	(void)state;
	key_free(rsa);
	return 0;
}

static void
what_is_sealed_opens_with_the_same_scheme_only(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct str sealed, opened;

		expect_ok(wrap_seal(a, rsa, ways[i].padding, LIT("password"), &sealed));
		assert_int_equal(sealed.n, 256);
		for (size_t k = 0; k < COUNT(ways); k++) {
			err_t e = wrap_open(a, rsa, ways[k].padding, sealed, &opened);

			if (k != i) {
				expect_err(ERR_PFX_UNWRAP, e);
				continue;
			}
			expect_ok(e);
			assert_true(str_eq(opened, LIT("password")));
		}
	}
}

static void
openssl_opens_it_and_is_opened(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *dir = made_dir(a);

	(void)state;
	made_key(a, dir, "key", rsa);
	for (size_t i = 0; i < COUNT(ways); i++) {
		const char *opts = arena_printf(a,
		    "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:%s -pkeyopt rsa_mgf1_md:%s",
		    ways[i].md, ways[i].md);
		struct str sealed, opened;

		expect_ok(wrap_seal(a, rsa, ways[i].padding, LIT("secret"), &sealed));
		made_write(a, dir, "sealed", sealed);
		assert_true(made_run(a, dir,
		    arena_printf(
			a, "openssl pkeyutl -decrypt -inkey key -in sealed -out opened %s", opts)));
		expect_ok(file_read(a, arena_printf(a, "%s/opened", dir), 100, &opened));
		assert_true(str_eq(opened, LIT("secret")));
		made_write(a, dir, "plain", LIT("theirs"));
		assert_true(made_run(a, dir,
		    arena_printf(
			a, "openssl pkeyutl -encrypt -inkey key -in plain -out sealed %s", opts)));
		expect_ok(file_read(a, arena_printf(a, "%s/sealed", dir), 1024, &sealed));
		expect_ok(wrap_open(a, rsa, ways[i].padding, sealed, &opened));
		assert_true(str_eq(opened, LIT("theirs")));
	}
	made_dir_free(a, dir);
}

static void
the_longest_secret_is_known(void **state)
{
	auto_arena struct arena *a = arena_new();
	uint8_t *long_one = arena_alloc(a, 256);
	struct str sealed;

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		expect_ok(
		    wrap_seal(a, rsa, ways[i].padding, str_of(long_one, ways[i].most), &sealed));
		expect_err(ERR_TOO_LARGE,
		    wrap_seal(
			a, rsa, ways[i].padding, str_of(long_one, ways[i].most + 1), &sealed));
	}
}

static void
what_is_damaged_or_of_another_key_does_not_say_why(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *other = NULL;
	struct str sealed, opened;

	(void)state;
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &other));
	expect_ok(wrap_seal(a, rsa, WRAP_OAEP_SHA256, LIT("password"), &sealed));
	expect_err(ERR_PFX_UNWRAP, wrap_open(a, other, WRAP_OAEP_SHA256, sealed, &opened));
	expect_err(ERR_PFX_UNWRAP, wrap_open(a, rsa, WRAP_OAEP_SHA256, STR_EMPTY, &opened));
	expect_err(
	    ERR_PFX_UNWRAP, wrap_open(a, rsa, WRAP_OAEP_SHA256, str_of(sealed.p, 255), &opened));
	((uint8_t *)(uintptr_t)sealed.p)[100] ^= 1;
	expect_err(ERR_PFX_UNWRAP, wrap_open(a, rsa, WRAP_OAEP_SHA256, sealed, &opened));
}

static void
other_schemes_and_keys_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *ec = NULL;
	struct str sealed;

	(void)state;
	expect_ok(key_make(KEY_EC, KEY_P256, &ec));
	expect_err(ERR_KEY, wrap_seal(a, ec, WRAP_OAEP_SHA256, LIT("x"), &sealed));
	expect_err(ERR_PFX_PADDING, wrap_seal(a, rsa, 0, LIT("x"), &sealed));
	expect_err(ERR_PFX_PADDING, wrap_seal(a, rsa, 1, LIT("x"), &sealed));
	expect_err(ERR_PFX_PADDING, wrap_seal(a, rsa, 6, LIT("x"), &sealed));
	expect_err(ERR_PFX_PADDING, wrap_seal(a, rsa, WRAP_OAEP_SHA1, LIT("x"), &sealed));
	expect_err(ERR_PFX_PADDING, wrap_open(a, rsa, 1, LIT("x"), &sealed));
}

static void
schemes_go_by_the_names_that_clients_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		assert_int_equal(wrap_padding_of(str_c(ways[i].name)), ways[i].padding);
		assert_string_equal(wrap_padding_name(ways[i].padding), ways[i].name);
	}
	assert_int_equal(wrap_padding_of(LIT("OaepSha512")), WRAP_OAEP_SHA512);
	assert_int_equal(wrap_padding_of(LIT("none")), 0);
	assert_int_equal(wrap_padding_of(LIT("pkcs1")), 0);
	assert_int_equal(wrap_padding_of(LIT("")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens_with_the_same_scheme_only),
		cmocka_unit_test(openssl_opens_it_and_is_opened),
		cmocka_unit_test(the_longest_secret_is_known),
		cmocka_unit_test(what_is_damaged_or_of_another_key_does_not_say_why),
		cmocka_unit_test(other_schemes_and_keys_are_refused),
		cmocka_unit_test(schemes_go_by_the_names_that_clients_write),
	};

	return cmocka_run_group_tests(tests, make_rsa, free_rsa);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>

#include "made.h"

#include "pki/pfx.h"

static struct str
make(struct arena *a, enum pfx_profile profile, struct made *root, struct made *leaf)
{
	struct str chain[] = { cert_der(root->cert) }, der;

	expect_ok(pfx_make(
	    a, profile, leaf->key, cert_der(leaf->cert), chain, 1, "password", "name", &der));
	return der;
}

static void
a_file_comes_back_whole(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_RSA, 2048);

	(void)state;
	for (enum pfx_profile pr = PFX_AES; pr <= PFX_3DES; pr++) {
		auto_pfx struct pfx p = { 0 };

		expect_ok(pfx_open(a, make(a, pr, &root, &leaf), "password", &p));
		assert_true(key_same_public(p.key, leaf.key));
		assert_true(key_is_private(p.key));
		assert_true(str_eq(p.leaf, cert_der(leaf.cert)));
		assert_int_equal(p.nchain, 1);
		assert_true(str_eq(p.chain[0], cert_der(root.cert)));
	}
}

static void
openssl_reads_every_profile(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_RSA, 2048);
	const char *dir = made_dir(a);

	(void)state;
	made_write(a, dir, "aes", make(a, PFX_AES, &root, &leaf));
	made_write(a, dir, "quick", make(a, PFX_AES_QUICK, &root, &leaf));
	made_write(a, dir, "des", make(a, PFX_3DES, &root, &leaf));
	assert_true(made_run(a, dir, "openssl pkcs12 -in aes -passin pass:password -info -nodes"));
	made_says(a, dir, "MAC: sha256");
	made_says(a, dir, "AES-256-CBC, Iteration 2048, PRF hmacWithSHA256");
	made_says(a, dir, "friendlyName: name");
	assert_true(
	    made_run(a, dir, "openssl pkcs12 -in quick -passin pass:password -info -nodes"));
	made_says(a, dir, "AES-256-CBC, Iteration 1, PRF hmacWithSHA256");
	assert_true(made_run(a, dir, "openssl pkcs12 -in des -passin pass:password -info -nodes"));
	made_says(a, dir, "MAC: sha1");
	made_says(a, dir, "pbeWithSHA1And3-KeyTripleDES-CBC");
	made_dir_free(a, dir);
}

static void
files_of_openssl_are_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	const char *dir = made_dir(a);
	static const char *const make_them[] = { "-passout pass:password",
		"-passout pass:", "-passout pass:password -keypbe NONE -certpbe NONE" };

	(void)state;
	made_pem(a, dir, "cert", leaf.cert);
	made_key(a, dir, "key", leaf.key);
	for (size_t i = 0; i < COUNT(make_them); i++) {
		auto_pfx struct pfx p = { 0 };
		struct str der;

		assert_true(made_run(a, dir,
		    arena_printf(a, "openssl pkcs12 -export -in cert -inkey key -out p12 %s",
			make_them[i])));
		expect_ok(file_read(a, arena_printf(a, "%s/p12", dir), 65536, &der));
		expect_ok(pfx_open(a, der, i == 1 ? "" : "password", &p));
		assert_true(key_same_public(p.key, leaf.key));
	}
	made_dir_free(a, dir);
}

static void
the_password_must_be_right(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	struct str der = make(a, PFX_AES, &root, &leaf);
	struct pfx p = { 0 };

	(void)state;
	expect_err(ERR_PFX_PASSWORD, pfx_open(a, der, "passwort", &p));
	expect_err(ERR_PFX_PASSWORD, pfx_open(a, der, "", &p));
	assert_null(p.key);
}

static void
a_key_that_is_not_the_certificates_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	struct str der;

	(void)state;
	expect_err(
	    ERR_PFX, pfx_make(a, PFX_AES, root.key, cert_der(leaf.cert), NULL, 0, "pw", "n", &der));
}

static void
damaged_and_foreign_bytes_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	struct str der = make(a, PFX_AES, &root, &leaf), bad = arena_str(a, der);
	struct pfx p = { 0 };

	(void)state;
	expect_err(ERR_PFX, pfx_open(a, STR_EMPTY, "password", &p));
	expect_err(ERR_PFX, pfx_open(a, LIT("hello"), "password", &p));
	expect_err(ERR_PFX, pfx_open(a, cert_der(leaf.cert), "password", &p));
	for (size_t n = 1; n < der.n; n += 31)
		expect_err(ERR_PFX, pfx_open(a, str_of(der.p, n), "password", &p));
	((uint8_t *)(uintptr_t)bad.p)[200] ^= 1;
	assert_false(err_ok(pfx_open(a, bad, "password", &p)));
	assert_null(p.key);
}

static void
a_file_that_would_keep_us_busy_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	const char *dir = made_dir(a);
	struct pfx p = { 0 };
	struct str der;

	(void)state;
	made_pem(a, dir, "cert", leaf.cert);
	made_key(a, dir, "key", leaf.key);
	assert_true(made_run(a, dir,
	    "openssl pkcs12 -export -in cert -inkey key -out p12 "
	    "-passout pass:password -iter 2000001 -nomaciter"));
	expect_ok(file_read(a, arena_printf(a, "%s/p12", dir), 65536, &der));
	expect_err(ERR_PFX, pfx_open(a, der, "password", &p));
	assert_true(made_run(a, dir,
	    "openssl pkcs12 -export -in cert -inkey key -out p12 "
	    "-passout pass:password -nomac"));
	expect_ok(file_read(a, arena_printf(a, "%s/p12", dir), 65536, &der));
	expect_err(ERR_PFX, pfx_open(a, der, "password", &p));
	made_dir_free(a, dir);
}

static void
a_file_without_a_key_is_told_from_a_broken_one(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	const char *dir = made_dir(a);
	struct pfx p = { 0 };
	struct str der;

	(void)state;
	made_pem(a, dir, "cert", root.cert);
	assert_true(made_run(
	    a, dir, "openssl pkcs12 -export -nokeys -in cert -out p12 -passout pass:password"));
	expect_ok(file_read(a, arena_printf(a, "%s/p12", dir), 65536, &der));
	expect_err(ERR_PFX_NO_KEY, pfx_open(a, der, "password", &p));
	made_dir_free(a, dir);
}

/* The last test: there is no way back. */
static void
old_files_open_with_the_legacy_provider_only(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_RSA, 2048);
	const char *dir = made_dir(a);
	auto_pfx struct pfx p = { 0 };
	struct str der;

	(void)state;
	made_pem(a, dir, "cert", leaf.cert);
	made_key(a, dir, "key", leaf.key);
	assert_true(made_run(a, dir,
	    "openssl pkcs12 -export -legacy -in cert -inkey key -out p12 -passout pass:password"));
	expect_ok(file_read(a, arena_printf(a, "%s/p12", dir), 65536, &der));
	expect_err(ERR_PFX_LEGACY, pfx_open(a, der, "password", &p));
	/* As fips_enable() leaves it, where there is a provider for it. */
	assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
	assert_false(pfx_legacy());
	assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
	expect_err(ERR_PFX_LEGACY, pfx_open(a, der, "password", &p));
	assert_true(pfx_legacy());
	assert_true(pfx_legacy());
	expect_ok(pfx_open(a, der, "password", &p));
	assert_true(key_same_public(p.key, leaf.key));
	made_dir_free(a, dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_comes_back_whole),
		cmocka_unit_test(openssl_reads_every_profile),
		cmocka_unit_test(files_of_openssl_are_read),
		cmocka_unit_test(the_password_must_be_right),
		cmocka_unit_test(a_key_that_is_not_the_certificates_is_refused),
		cmocka_unit_test(damaged_and_foreign_bytes_are_refused),
		cmocka_unit_test(a_file_that_would_keep_us_busy_is_refused),
		cmocka_unit_test(a_file_without_a_key_is_told_from_a_broken_one),
		cmocka_unit_test(old_files_open_with_the_legacy_provider_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

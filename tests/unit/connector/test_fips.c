/* SPDX-License-Identifier: Apache-2.0 */
/* FIPS mode, with a stand-in for its provider (tests/unit/pki/fips_module.c): what takes an unapproved algorithm is refused. */
#include "pki/made.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "connector/job_pack.h"
#include "connector/pack.h"
#include "net/fetch.h"
#include "pki/cms.h"
#include "pki/fips.h"
#include "pki/keyprov.h"
#include "pki/password.h"
#include "pki/pfx.h"
#include "pki/scep.h"
#include "pki/vault.h"
#include "pki/wrap.h"

struct lab {
	struct arena *a;
	struct made root, device;
	const char *argon2; /* stored before FIPS mode was on */
	const char *vault;  /* made before */
};

static struct lab lab;

static int
make_lab(void **state)
{
	struct vault *v = NULL;
	struct issue_spec s;

	(void)state;
	when_set(MADE_NOW);
	lab.a = arena_new();
	expect_ok(password_hash(lab.a, PASSWORD_RANDOM, "secret", &lab.argon2));
	lab.vault = made_dir(lab.a);
	expect_ok(vault_open(lab.vault, "a passphrase", &v));
	vault_free(v);
	expect_ok(fips_enable());
	lab.root = made_root(lab.a, "Root", KEY_EC, KEY_P256);
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &lab.device.key));
	s = made_spec(lab.a, "device", lab.device.key);
	s.issuer = lab.root.cert;
	lab.device.cert = made_cert(lab.a, &s, lab.root.key);
	return 0;
}

static int
free_lab(void **state)
{
	(void)state;
	made_dir_free(lab.a, lab.vault);
	made_free(&lab.root);
	made_free(&lab.device);
	arena_free(lab.a);
	when_set(0);
	return 0;
}

static bool
md_there(const char *name)
{
	EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);

	EVP_MD_free(md);
	return md != NULL;
}

static bool
cipher_there(const char *name)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, name, NULL);

	EVP_CIPHER_free(c);
	return c != NULL;
}

static void
unapproved_algorithms_do_not_resolve_and_keys_elsewhere_do_not_bring_them_back(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(fips_is_on());
		assert_true(md_there("SHA256"));
		assert_true(cipher_there("AES-256-GCM"));
		assert_false(md_there("MD5"));
		assert_false(cipher_there("RC2-CBC"));
		assert_false(cipher_there("CHACHA20-POLY1305"));
		assert_null(EVP_KDF_fetch(NULL, "PKCS12KDF", NULL));
		assert_false(pfx_legacy());
		expect_ok(keyprov_init());
	}
}

static void
a_file_for_old_importers_is_refused_and_one_by_aes_is_made(void **state)
{
	struct str der = STR_EMPTY, leaf = cert_der(lab.device.cert);
	auto_pfx struct pfx p = { 0 };
	const char *dir = made_dir(lab.a);

	(void)state;
	expect_err(ERR_FIPS_REFUSED,
	    pfx_make(lab.a, PFX_3DES, lab.device.key, leaf, NULL, 0, "password", "n", &der));
	assert_int_equal(der.n, 0);
	expect_ok(
	    pfx_make(lab.a, PFX_AES_QUICK, lab.device.key, leaf, NULL, 0, "password", "n", &der));
	/* Another program, not in FIPS mode: rounds and digest as SP 800-132 has them. */
	made_write(lab.a, dir, "p12", der);
	assert_true(made_run(lab.a, dir,
	    "OPENSSL_MODULES= openssl pkcs12 -in p12 -passin pass:password -info -nodes"));
	made_says(lab.a, dir, "PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256");
	expect_err(ERR_FIPS_REFUSED, pfx_open(lab.a, der, "password", &p));
	made_dir_free(lab.a, dir);
}

static void
envelopes_are_by_oaep_for_agents_and_refused_for_systems_that_open_none(void **state)
{
	const struct str pfx = LIT("a file"), password = LIT("password");
	struct pack p = { .form = PACK_AGENT, .format = PFX_FORMAT_AES };
	struct packed out = { 0 };
	struct str opened;

	(void)state;
	expect_ok(pack_seal(lab.a, &p, lab.device.cert, pfx, password, &out));
	expect_ok(cms_open(lab.a, lab.device.cert, lab.device.key, out.pfx, &opened));
	assert_true(str_eq(opened, pfx));
	p.form = PACK_WINDOWS;
	expect_err(ERR_FIPS_REFUSED, pack_seal(lab.a, &p, lab.device.cert, pfx, password, &out));
	p = (struct pack){ PACK_APPLE, PFX_FORMAT_3DES, LIT(PACK_MARK_PASSWORD "|" PACK_MARK_PFX) };
	expect_err(ERR_FIPS_REFUSED, pack_seal(lab.a, &p, lab.device.cert, pfx, password, &out));
}

/* The link looks as well, before a CA is asked for what could not be delivered. */
static void
a_job_for_a_platform_that_opens_nothing_approved_is_refused_before_it_begins(void **state)
{
	static const char *const bad[] = { "{\"pack\":\"windows\"}",
		"{\"pack\":\"apple\",\"format\":\"3des\",\"frame\":\"QUJD\"}",
		"{\"pack\":\"agent\",\"format\":\"3des\"}" };
	auto_json json *good = NULL;
	struct pack p;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_json json *job = NULL;

		expect_ok(json_parse(str_c(bad[i]), 1000, &job));
		expect_err(ERR_FIPS_REFUSED, job_pack_read(lab.a, job, &p));
	}
	expect_ok(json_parse(LIT("{\"pack\":\"agent\",\"format\":\"aes\"}"), 1000, &good));
	expect_ok(job_pack_read(lab.a, good, &p));
}

static void
scep_neither_seals_nor_opens(void **state)
{
	struct str out;

	(void)state;
	expect_err(
	    ERR_FIPS_REFUSED, scep_seal(lab.a, lab.device.cert, SCEP_AES256, LIT("request"), &out));
	expect_err(ERR_FIPS_REFUSED, scep_open(lab.a, lab.device.key, LIT("envelope"), &out));
}

static void
passwords_are_encrypted_by_oaep_without_sha1(void **state)
{
	struct str wrapped, opened;

	(void)state;
	expect_ok(wrap_seal(lab.a, lab.device.key, WRAP_OAEP_SHA256, LIT("password"), &wrapped));
	expect_ok(wrap_open(lab.a, lab.device.key, WRAP_OAEP_SHA256, wrapped, &opened));
	assert_true(str_eq(opened, LIT("password")));
	expect_err(
	    ERR_FIPS_REFUSED, wrap_open(lab.a, lab.device.key, WRAP_OAEP_SHA1, wrapped, &opened));
}

static void
stored_passwords_are_by_pbkdf2_and_those_by_argon2_match_nothing(void **state)
{
	const char *hash,
	    *damaged[] = { "$pbkdf2-sha256$", "$pbkdf2-sha256$1000$00$00",
		    "$pbkdf2-sha256$0$00112233445566778899aabbccddeeff$00",
		    "$pbkdf2-sha256$x$y$z" };

	(void)state;
	expect_ok(password_hash(lab.a, PASSWORD_RANDOM, "secret", &hash));
	assert_memory_equal(hash, "$pbkdf2-sha256$1000$", 20);
	assert_true(password_matches(hash, "secret"));
	assert_false(password_matches(hash, "Secret"));
	assert_false(password_matches(hash, ""));
	assert_false(password_matches(lab.argon2, "secret"));
	for (size_t i = 0; i < COUNT(damaged); i++)
		assert_false(password_matches(damaged[i], "secret"));
}

static void
a_vault_by_argon2_is_refused_and_one_by_pbkdf2_opens_for_its_passphrase_alone(void **state)
{
	const char *dir = made_dir(lab.a);
	struct vault *v = NULL;

	(void)state;
	expect_err(ERR_FIPS_REFUSED, vault_open(lab.vault, "a passphrase", &v));
	expect_ok(vault_open(dir, "a passphrase", &v));
	vault_free(v);
	v = NULL;
	expect_err(ERR_KEY_PASSPHRASE, vault_open(dir, "another one", &v));
	expect_ok(vault_open(dir, "a passphrase", &v));
	vault_free(v);
	made_dir_free(lab.a, dir);
}

static void
kerberos_is_refused(void **state)
{
	const struct tls_client_conf tls = { 0 };
	auto_fetch struct fetch *f = NULL;

	(void)state;
	expect_ok(fetch_new(&tls, &f));
	expect_err(ERR_FIPS_REFUSED, fetch_negotiate(f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    unapproved_algorithms_do_not_resolve_and_keys_elsewhere_do_not_bring_them_back),
		cmocka_unit_test(a_file_for_old_importers_is_refused_and_one_by_aes_is_made),
		cmocka_unit_test(
		    envelopes_are_by_oaep_for_agents_and_refused_for_systems_that_open_none),
		cmocka_unit_test(
		    a_job_for_a_platform_that_opens_nothing_approved_is_refused_before_it_begins),
		cmocka_unit_test(scep_neither_seals_nor_opens),
		cmocka_unit_test(passwords_are_encrypted_by_oaep_without_sha1),
		cmocka_unit_test(stored_passwords_are_by_pbkdf2_and_those_by_argon2_match_nothing),
		cmocka_unit_test(
		    a_vault_by_argon2_is_refused_and_one_by_pbkdf2_opens_for_its_passphrase_alone),
		cmocka_unit_test(kerberos_is_refused),
	};

	return cmocka_run_group_tests(tests, make_lab, free_lab);
}

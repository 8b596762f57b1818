/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include <sys/stat.h>

#include "codec/sign_ipc.h"

static struct key *
make(enum key_alg alg, unsigned bits)
{
	struct key *k = NULL;

	expect_ok(key_make(alg, bits, &k));
	return k;
}

static void
sizes_that_are_not_ours_are_refused(void **state)
{
	struct key *k = NULL;

	(void)state;
	expect_err(ERR_KEY_SIZE, key_make(KEY_RSA, 1024, &k));
	expect_err(ERR_KEY_SIZE, key_make(KEY_RSA, 2049, &k));
	expect_err(ERR_KEY_SIZE, key_make(KEY_EC, 521, &k));
	assert_null(k);
}

static void
a_signature_holds_for_its_message_only(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *rsa = make(KEY_RSA, 2048), *p256 = make(KEY_EC, 256);
	auto_key struct key *p384 = make(KEY_EC, 384);
	struct key *keys[] = { rsa, p256, p384 };

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct str sig;

		expect_ok(key_sign(a, keys[i], LIT("message"), &sig));
		expect_ok(key_verify(keys[i], LIT("message"), sig));
		expect_err(ERR_SIGNATURE, key_verify(keys[i], LIT("messagf"), sig));
		expect_err(ERR_SIGNATURE, key_verify(keys[(i + 1) % 3], LIT("message"), sig));
		sig.n--;
		expect_err(ERR_SIGNATURE, key_verify(keys[i], LIT("message"), sig));
	}
}

static void
a_signed_digest_is_the_signature_of_the_message(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *rsa = make(KEY_RSA, 2048), *p256 = make(KEY_EC, 256);
	uint8_t digest[32];
	struct str sig;

	(void)state;
	hash_sha256(LIT("message"), digest);
	expect_ok(key_sign_digest(a, rsa, SIGN_RSA_PKCS1_SHA256, STR(digest), &sig));
	expect_ok(key_verify(rsa, LIT("message"), sig));
	expect_ok(key_sign_digest(a, p256, SIGN_ECDSA_SHA256, STR(digest), &sig));
	expect_ok(key_verify(p256, LIT("message"), sig));
	expect_ok(key_sign_digest(a, rsa, SIGN_RSA_PSS_SHA256, STR(digest), &sig));
}

static void
a_scheme_that_does_not_fit_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *rsa = make(KEY_RSA, 2048);
	uint8_t digest[32] = { 0 };
	struct str sig;

	(void)state;
	expect_err(ERR_KEY, key_sign_digest(a, rsa, SIGN_ECDSA_SHA256, STR(digest), &sig));
	expect_err(ERR_KEY, key_sign_digest(a, rsa, 0, STR(digest), &sig));
	expect_err(ERR_RANGE, key_sign_digest(a, rsa, SIGN_RSA_PKCS1_SHA384, STR(digest), &sig));
}

static void
a_key_comes_back_from_pem(void **state)
{
	auto_key struct key *k = make(KEY_EC, 256), *back = NULL;
	auto_buf struct buf pem;

	(void)state;
	buf_init(&pem, 16384);
	expect_ok(key_write(&pem, k, NULL));
	expect_ok(key_read(buf_str(&pem), NULL, &back));
	assert_true(key_same_public(k, back));
	assert_true(key_is_private(back));
}

static void
an_encrypted_key_opens_with_its_passphrase_only(void **state)
{
	auto_key struct key *k = make(KEY_EC, 256), *back = NULL;
	auto_buf struct buf pem;

	(void)state;
	buf_init(&pem, 16384);
	expect_ok(key_write(&pem, k, "passphrase"));
	expect_err(ERR_KEY_PASSPHRASE, key_read(buf_str(&pem), "passphrasf", &back));
	expect_err(ERR_KEY_PASSPHRASE, key_read(buf_str(&pem), NULL, &back));
	assert_null(back);
	expect_ok(key_read(buf_str(&pem), "passphrase", &back));
	assert_true(key_same_public(k, back));
}

static void
text_that_is_no_key_is_refused(void **state)
{
	struct key *k = NULL;

	(void)state;
	expect_err(ERR_KEY, key_read(LIT(""), NULL, &k));
	expect_err(ERR_KEY, key_read(LIT("hello"), NULL, &k));
	expect_err(ERR_KEY,
	    key_read(
		LIT("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), NULL, &k));
	expect_err(ERR_KEY,
	    key_read(
		LIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), NULL, &k));
	assert_null(k);
}

static void
openssl_reads_our_encrypted_keys(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = make(KEY_RSA, 2048);
	auto_buf struct buf pem;
	const char *dir = made_dir(a);

	(void)state;
	buf_init(&pem, 16384);
	expect_ok(key_write(&pem, k, "pw"));
	made_write(a, dir, "k.pem", buf_str(&pem));
	assert_true(made_run(a, dir, "openssl pkey -in k.pem -passin pass:pw -noout -text"));
	made_says(a, dir, "2048 bit");
	assert_true(made_run(a, dir, "openssl asn1parse -in k.pem"));
	made_says(a, dir, "hmacWithSHA256");
	made_says(a, dir, "aes-256-cbc");
	made_dir_free(a, dir);
}

static void
a_key_file_is_made_once_and_private(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL, *again = NULL;
	const char *dir = made_dir(a), *path = arena_printf(a, "%s/key.pem", dir);
	struct stat st;

	(void)state;
	expect_ok(key_file(a, path, KEY_EC, 256, &k));
	expect_ok(key_file(a, path, KEY_EC, 256, &again));
	assert_true(key_same_public(k, again));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	made_dir_free(a, dir);
}

static void
a_public_key_goes_through_spki(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = make(KEY_EC, 384), *pub = NULL, *bad = NULL;
	struct str spki, sig;

	(void)state;
	expect_ok(key_spki(a, k, &spki));
	expect_ok(key_from_spki(spki, &pub));
	assert_true(key_same_public(k, pub));
	assert_false(key_is_private(pub));
	expect_err(ERR_KEY, key_sign(a, pub, LIT("m"), &sig));
	spki.n--;
	expect_err(ERR_KEY, key_from_spki(spki, &bad));
	expect_err(ERR_KEY, key_from_spki(STR_EMPTY, &bad));
	assert_null(bad);
}

/* Else a key that was compromised would pass for another one. */
static void
a_compressed_point_is_the_same_key(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *dir = made_dir(a);

	(void)state;
	for (int i = 0; i < 2; i++) {
		static const char *const forms[] = { "compressed", "hybrid" };
		auto_key struct key *plain = NULL, *other = NULL;
		struct str der, spki;

		assert_true(made_run(a, dir,
		    arena_printf(a,
			"openssl ecparam -name %s -genkey -noout -out k && openssl ec -in k -pubout -outform DER -out p && "
			"openssl ec -in k -pubout -outform DER -conv_form %s -out c",
			i == 0 ? "prime256v1" : "secp384r1", forms[i])));
		expect_ok(file_read(a, arena_printf(a, "%s/p", dir), 65536, &der));
		expect_ok(key_from_spki(der, &plain));
		expect_ok(file_read(a, arena_printf(a, "%s/c", dir), 65536, &spki));
		assert_false(str_eq(der, spki));
		expect_ok(key_from_spki(spki, &other));
		assert_true(key_same_public(plain, other));
		expect_ok(key_spki(a, other, &spki));
		assert_true(str_eq(der, spki));
	}
	made_dir_free(a, dir);
}

static void
foreign_kinds_of_keys_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *dir = made_dir(a);
	static const char *const make_them[] = {
		"openssl genpkey -algorithm ED25519 -out k && openssl pkey -in k -pubout -outform DER -out p",
		"openssl ecparam -name secp256k1 -genkey -noout -out k && openssl pkey -in k -pubout -outform DER -out p",
		"openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out k && openssl ec -in k -param_enc explicit -pubout -outform DER -out p",
		"openssl genrsa -out k 512 && openssl pkey -in k -pubout -outform DER -out p",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(make_them); i++) {
		struct key *k = NULL;
		struct str der;
		err_t e;

		assert_true(made_run(a, dir, make_them[i]));
		expect_ok(file_read(a, arena_printf(a, "%s/p", dir), 65536, &der));
		e = key_from_spki(der, &k);
		assert_true(err_is(e, ERR_KEY) || err_is(e, ERR_KEY_SIZE));
		assert_null(k);
	}
	made_dir_free(a, dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_that_are_not_ours_are_refused),
		cmocka_unit_test(a_signature_holds_for_its_message_only),
		cmocka_unit_test(a_signed_digest_is_the_signature_of_the_message),
		cmocka_unit_test(a_scheme_that_does_not_fit_is_refused),
		cmocka_unit_test(a_key_comes_back_from_pem),
		cmocka_unit_test(an_encrypted_key_opens_with_its_passphrase_only),
		cmocka_unit_test(text_that_is_no_key_is_refused),
		cmocka_unit_test(openssl_reads_our_encrypted_keys),
		cmocka_unit_test(a_key_file_is_made_once_and_private),
		cmocka_unit_test(a_public_key_goes_through_spki),
		cmocka_unit_test(a_compressed_point_is_the_same_key),
		cmocka_unit_test(foreign_kinds_of_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

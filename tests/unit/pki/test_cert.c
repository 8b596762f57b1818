/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>

#include "pki/key_int.h"
#include "pki/ssl_err.h"

static void
facts_of_a_certificate_are_at_hand(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_RSA, 2048);
	auto_key struct key *k = NULL;
	uint8_t sha[32];

	(void)state;
	assert_string_equal(cert_subject(leaf.cert), "CN=leaf, O=Test");
	assert_string_equal(cert_issuer(leaf.cert), "CN=root, O=Test");
	assert_int_equal(strlen(cert_serial(leaf.cert)), 40);
	assert_int_equal(cert_not_before(leaf.cert), MADE_NOW - MADE_DAY);
	assert_int_equal(cert_key_usage(leaf.cert), 0xa0);
	assert_true(cert_has_eku(leaf.cert, OID_EKU_CLIENT_AUTH));
	assert_false(cert_has_eku(leaf.cert, OID_EKU_SERVER_AUTH));
	assert_false(cert_has_eku(root.cert, OID_EKU_CLIENT_AUTH));
	assert_false(cert_is_ca(leaf.cert));
	assert_true(cert_is_ca(root.cert));
	assert_true(cert_self_issued(root.cert));
	assert_false(cert_self_issued(leaf.cert));
	expect_ok(cert_key(leaf.cert, &k));
	assert_true(key_same_public(k, leaf.key));
	expect_ok(key_spki_sha256(leaf.key, sha));
	assert_memory_equal(sha, cert_spki_sha256(leaf.cert), 32);
	hash_sha256(cert_der(leaf.cert), sha);
	assert_memory_equal(sha, cert_sha256(leaf.cert), 32);
}

static void
an_extension_is_found_by_its_oid(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	struct str v;

	(void)state;
	expect_ok(cert_extension(a, root.cert, "2.5.29.19", &v));
	assert_true(str_eq(v, LIT("\x30\x03\x01\x01\xff")));
	expect_err(ERR_NOT_FOUND, cert_extension(a, root.cert, "2.5.29.17", &v));
	expect_err(ERR_NOT_FOUND, cert_extension(a, root.cert, "nonsense", &v));
}

static void
anything_but_one_whole_certificate_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	struct str der = cert_der(root.cert);
	uint8_t *longer = arena_alloc(a, der.n + 1);
	struct cert *c = NULL;

	(void)state;
	memcpy(longer, der.p, der.n);
	expect_err(ERR_CERTIFICATE, cert_parse(str_of(longer, der.n + 1), &c));
	expect_err(ERR_CERTIFICATE, cert_parse(STR_EMPTY, &c));
	expect_err(ERR_CERTIFICATE, cert_parse(LIT("hello"), &c));
	expect_err(ERR_CERTIFICATE, cert_parse(str_of(longer, 40000), &c));
	for (size_t n = 1; n < der.n; n += 7)
		expect_err(ERR_CERTIFICATE, cert_parse(str_of(der.p, n), &c));
	assert_null(c);
}

static void
a_certificate_verifies_under_its_issuer_only(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made twin = made_root(a, "root", KEY_EC, 256);
	auto_made struct made other = made_root(a, "other", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	auto_made struct made below = made_under(a, &leaf, "below", KEY_EC, 256);

	(void)state;
	expect_ok(cert_verify(leaf.cert, root.cert, MADE_NOW));
	expect_ok(cert_verify(root.cert, root.cert, MADE_NOW));
	expect_err(ERR_CHAIN, cert_verify(leaf.cert, twin.cert, MADE_NOW));
	expect_err(ERR_CHAIN, cert_verify(leaf.cert, other.cert, MADE_NOW));
	expect_err(ERR_CHAIN, cert_verify(below.cert, leaf.cert, MADE_NOW));
	expect_err(ERR_EXPIRED, cert_verify(leaf.cert, root.cert, MADE_NOW - 2 * MADE_DAY));
	expect_err(ERR_EXPIRED, cert_verify(leaf.cert, root.cert, MADE_NOW + 366 * MADE_DAY));
}

static void
a_changed_certificate_does_not_verify(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	auto_cert struct cert *c = NULL;
	struct str der = arena_str(a, cert_der(leaf.cert));
	uint8_t *cn = memmem(der.p, der.n, "leaf", 4);

	(void)state;
	cn[0] = 'L';
	expect_ok(cert_parse(der, &c));
	expect_err(ERR_CHAIN, cert_verify(c, root.cert, MADE_NOW));
}

static X509 *
signed_by(const struct made *root, EVP_PKEY *of, bool pss)
{
	auto_md_ctx EVP_MD_CTX *c = EVP_MD_CTX_new();
	auto_x509 X509 *x = X509_new();
	EVP_PKEY_CTX *by = NULL;

	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(cert_x509(root->cert))), 1);
	ASN1_TIME_set(X509_getm_notBefore(x), MADE_NOW - MADE_DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), MADE_NOW + MADE_DAY);
	assert_int_equal(X509_set_pubkey(x, of), 1);
	assert_int_equal(EVP_DigestSignInit(
			     c, &by, pss ? EVP_sha256() : EVP_sha384(), NULL, key_pkey(root->key)),
	    1);
	if (pss)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(by, RSA_PKCS1_PSS_PADDING), 1);
	assert_true(X509_sign_ctx(x, c) > 0);
	return steal(x);
}

static struct cert *
parsed(X509 *x)
{
	auto_ossl_bytes unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	struct cert *c = NULL;

	assert_true(n > 0);
	expect_ok(cert_parse(str_of(der, (size_t)n), &c));
	X509_free(x);
	return c;
}

static void
other_signatures_are_checked_too(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made ec = made_root(a, "ec", KEY_EC, 384);
	auto_made struct made rsa = made_root(a, "rsa", KEY_RSA, 2048);
	auto_made struct made other = made_root(a, "rsa", KEY_RSA, 2048);
	const struct {
		const struct made *by;
		bool pss;
	} ways[] = { { &ec, false }, { &rsa, false }, { &rsa, true } };

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		auto_cert struct cert *c =
		    parsed(signed_by(ways[i].by, key_pkey(ec.key), ways[i].pss));

		expect_ok(cert_verify(c, ways[i].by->cert, MADE_NOW));
		expect_err(ERR_CHAIN, cert_verify(c, other.cert, MADE_NOW));
	}
}

/* RFC 5280 4.1.1.2: the algorithm stands there twice, and only one of them is signed. */
static void
an_algorithm_that_is_not_the_signed_one_is_refused(void **state)
{
	static const uint8_t sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	struct str der = cert_der(leaf.cert);
	uint8_t *changed = arena_alloc(a, der.n);
	uint8_t *last = NULL;
	auto_cert struct cert *c = NULL;

	(void)state;
	memcpy(changed, der.p, der.n);
	for (size_t i = 0; i + sizeof(sha256) <= der.n; i++)
		if (memcmp(changed + i, sha256, sizeof(sha256)) == 0)
			last = changed + i;
	assert_non_null(last);
	last[7] = 0x03;
	expect_ok(cert_parse(str_of(changed, der.n), &c));
	expect_err(ERR_CHAIN, cert_verify(c, root.cert, MADE_NOW));
}

static void
a_certificate_for_a_key_of_another_kind_is_read_and_has_no_key_for_us(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_RSA, 2048);
	auto_pkey EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	auto_cert struct cert *c = parsed(signed_by(&root, ed, false));
	struct key *k = NULL;

	(void)state;
	expect_ok(cert_verify(c, root.cert, MADE_NOW));
	expect_err(ERR_KEY, cert_key(c, &k));
	assert_null(k);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert_x509(c)), ed), 1);
	assert_ptr_equal(cert_x509(c), cert_x509(c));
}

static void *
ask_for_x509(void *arg)
{
	return cert_x509(arg);
}

static void
all_threads_get_the_same_one(void **state)
{
	enum { THREADS = 8 };
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_cert struct cert *c = NULL;
	pthread_t t[THREADS];
	void *got;

	(void)state;
	expect_ok(cert_parse(cert_der(root.cert), &c));
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask_for_x509, c), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &got), 0);
		assert_ptr_equal(got, cert_x509(c));
	}
}

static void
a_path_needs_each_step_and_an_anchor(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made other = made_root(a, "other", KEY_EC, 256);
	auto_made struct made mid = { 0 };
	auto_made struct made leaf = { 0 };
	struct str middle, anchor, wrong;
	struct issue_spec s;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &mid.key));
	s = made_ca_spec(a, "mid", mid.key);
	s.issuer = root.cert;
	mid.cert = made_cert(a, &s, root.key);
	leaf = made_under(a, &mid, "leaf", KEY_RSA, 2048);
	middle = cert_der(mid.cert);
	anchor = cert_der(root.cert);
	wrong = cert_der(other.cert);
	expect_ok(cert_verify_path(leaf.cert, &middle, 1, &anchor, 1, NULL, MADE_NOW));
	expect_ok(cert_verify_path(leaf.cert, NULL, 0, &middle, 1, NULL, MADE_NOW));
	expect_ok(
	    cert_verify_path(leaf.cert, &middle, 1, &anchor, 1, OID_EKU_CLIENT_AUTH, MADE_NOW));
	expect_err(ERR_CHAIN, cert_verify_path(leaf.cert, NULL, 0, &anchor, 1, NULL, MADE_NOW));
	expect_err(ERR_CHAIN, cert_verify_path(leaf.cert, &middle, 1, &wrong, 1, NULL, MADE_NOW));
	expect_err(ERR_CHAIN, cert_verify_path(leaf.cert, &middle, 1, NULL, 0, NULL, MADE_NOW));
	expect_err(ERR_CHAIN,
	    cert_verify_path(leaf.cert, &middle, 1, &anchor, 1, OID_EKU_SERVER_AUTH, MADE_NOW));
	expect_err(ERR_EXPIRED,
	    cert_verify_path(leaf.cert, &middle, 1, &anchor, 1, NULL, MADE_NOW + 400 * MADE_DAY));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_of_a_certificate_are_at_hand),
		cmocka_unit_test(an_extension_is_found_by_its_oid),
		cmocka_unit_test(anything_but_one_whole_certificate_is_refused),
		cmocka_unit_test(a_certificate_verifies_under_its_issuer_only),
		cmocka_unit_test(a_changed_certificate_does_not_verify),
		cmocka_unit_test(other_signatures_are_checked_too),
		cmocka_unit_test(an_algorithm_that_is_not_the_signed_one_is_refused),
		cmocka_unit_test(
		    a_certificate_for_a_key_of_another_kind_is_read_and_has_no_key_for_us),
		cmocka_unit_test(all_threads_get_the_same_one),
		cmocka_unit_test(a_path_needs_each_step_and_an_anchor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "codec/sign_ipc.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/key_int.h"
#include "pki/keyprov.h"
#include "pki/ssl_err.h"

/* The far side of the tests: a key in this process, and a count of how often it was asked. */
struct far {
	struct key *key;
	int signs, decrypts;
	bool broken;
};

static err_t
far_sign(void *ctx, struct arena *a, uint8_t scheme, struct str digest, struct str *ret)
{
	struct far *f = ctx;

	f->signs++;
	if (f->broken)
		FAIL(ERR_UNREACHABLE, "far side is away");
	return key_sign_digest(a, f->key, scheme, digest, ret);
}

static err_t
far_decrypt(void *ctx, struct arena *a, unsigned padding, struct str in, struct str *ret)
{
	struct far *f = ctx;
	auto_pkey_ctx EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key_pkey(f->key), NULL);
	uint8_t *out = arena_alloc(a, 1024);
	size_t n = 1024;

	f->decrypts++;
	assert_int_equal(padding, FAR_PKCS1);
	assert_int_equal(EVP_PKEY_decrypt_init(c), 1);
	if (EVP_PKEY_decrypt(c, out, &n, in.p, in.n) != 1) {
		ssl_forget();
		FAIL(ERR_CRYPTO, "%s", "");
	}
	*ret = str_of(out, n);
	return OK;
}

static struct key *
far_key(struct arena *a, struct far *f)
{
	struct far_key fk = { f, far_sign, far_decrypt };
	struct key *k = NULL;
	struct str spki;

	expect_ok(key_spki(a, f->key, &spki));
	expect_ok(keyprov_key(&fk, spki, &k));
	return k;
}

static int
setup(void **state)
{
	(void)state;
	expect_ok(keyprov_init());
	expect_ok(keyprov_init());
	return 0;
}

static void
check_signature(enum key_alg alg, unsigned bits)
{
	auto_arena struct arena *a = arena_new();
	struct far f = { 0 };
	auto_key struct key *k = NULL;
	struct str sig;

	expect_ok(key_make(alg, bits, &f.key));
	k = far_key(a, &f);
	assert_true(key_is_private(k));
	assert_true(key_same_public(k, f.key));
	expect_ok(key_sign(a, k, LIT("message"), &sig));
	assert_int_equal(f.signs, 1);
	expect_ok(key_verify(f.key, LIT("message"), sig));
	expect_ok(key_verify(k, LIT("message"), sig));
	expect_err(ERR_SIGNATURE, key_verify(k, LIT("massage"), sig));
	key_free(f.key);
}

static void
a_far_key_signs_like_a_near_one(void **state)
{
	(void)state;
	check_signature(KEY_RSA, 2048);
	check_signature(KEY_EC, 256);
	check_signature(KEY_EC, 384);
}

static void
ordinary_keys_stay_in_openssls_provider(void **state)
{
	auto_key struct key *k = NULL, *back = NULL;
	auto_buf struct buf pem;

	(void)state;
	buf_init(&pem, 16384);
	expect_ok(key_make(KEY_RSA, 2048, &k));
	expect_ok(key_write(&pem, k, NULL));
	expect_ok(key_read(buf_str(&pem), NULL, &back));
	assert_true(key_same_public(k, back));
	assert_string_equal(
	    OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key_pkey(back))), "default");
}

static void
the_private_half_of_a_far_key_cannot_be_written(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct far f = { 0 };
	auto_key struct key *k = NULL;
	auto_buf struct buf pem;

	(void)state;
	buf_init(&pem, 16384);
	expect_ok(key_make(KEY_EC, 256, &f.key));
	k = far_key(a, &f);
	expect_err(ERR_KEY, key_write(&pem, k, NULL));
	key_free(f.key);
}

static void
the_cause_of_a_far_failure_is_told(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct far f = { 0 };
	auto_key struct key *k = NULL;
	struct str sig;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &f.key));
	k = far_key(a, &f);
	f.broken = true;
	assert_true(err_is(key_sign(a, k, LIT("message"), &sig), ERR_UNREACHABLE));
	assert_non_null(strstr(err_detail(), "far side is away"));
	key_free(f.key);
}

static void
a_csr_with_a_far_key_is_good(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct far f = { 0 };
	auto_key struct key *k = NULL;
	struct csr_spec spec = { .subject = made_name(a, "far"), .key_usage = 0xa0 };
	auto_csr struct csr csr = { 0 };
	struct str der;

	(void)state;
	expect_ok(key_make(KEY_RSA, 2048, &f.key));
	k = far_key(a, &f);
	expect_ok(csr_make(a, k, &spec, &der));
	expect_ok(csr_parse(a, der, &csr));
	assert_true(key_same_public(csr.key, k));
	key_free(f.key);
}

static void
openssl_itself_signs_certificates_with_a_far_key(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made rsa_root = made_root(a, "root", KEY_RSA, 2048);
	struct made *roots[] = { &root, &rsa_root };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct far f = { .key = roots[i]->key };
		auto_key struct key *k = far_key(a, &f);
		auto_x509 X509 *x = X509_dup(cert_x509(roots[i]->cert));

		assert_int_equal(X509_set_pubkey(x, key_pkey(k)), 1);
		assert_true(X509_sign(x, key_pkey(k), EVP_sha256()) > 0);
		assert_int_equal(f.signs, 1);
		assert_int_equal(X509_verify(x, key_pkey(root.key)) == 1, i == 0);
		assert_int_equal(X509_check_private_key(x, key_pkey(k)), 1);
	}
}

static void
cms_opens_with_a_far_key(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_RSA, 2048);
	struct far f = { .key = leaf.key };
	auto_key struct key *k = far_key(a, &f);
	struct str sealed, plain;

	(void)state;
	expect_ok(cms_seal(a, leaf.cert, LIT("secret"), &sealed));
	expect_ok(cms_open(a, leaf.cert, k, sealed, &plain));
	assert_true(str_eq(plain, LIT("secret")));
	assert_int_equal(f.decrypts, 1);
}

static int
accept_any(int ok, X509_STORE_CTX *c)
{
	(void)ok;
	(void)c;
	return 1;
}

static SSL_CTX *
tls_ctx(int version, const struct cert *c, const struct key *k)
{
	SSL_CTX *x = SSL_CTX_new(TLS_method());

	assert_non_null(x);
	SSL_CTX_set_min_proto_version(x, version);
	SSL_CTX_set_max_proto_version(x, version);
	assert_int_equal(SSL_CTX_use_certificate(x, cert_x509(c)), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(x, key_pkey(k)), 1);
	assert_int_equal(SSL_CTX_check_private_key(x), 1);
	SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
	return x;
}

/* Both ends in this thread, over two memory queues. */
static bool
shake(SSL *server, SSL *client)
{
	BIO *s = NULL, *c = NULL;

	assert_int_equal(BIO_new_bio_pair(&s, 0, &c, 0), 1);
	SSL_set_bio(server, s, s);
	SSL_set_bio(client, c, c);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (int i = 0; i < 20; i++) {
		int rc = SSL_do_handshake(client), rs = SSL_do_handshake(server);

		if (rc == 1 && rs == 1)
			return true;
	}
	ssl_forget();
	return false;
}

/* Server and client both with far keys. */
static void
check_tls(int version, enum key_alg alg, unsigned bits, bool broken)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	struct made near[2] = { made_under(a, &root, "server", alg, bits),
		made_under(a, &root, "client", alg, bits) };
	struct far f[2] = { { .key = near[0].key, .broken = broken }, { .key = near[1].key } };
	auto_key struct key *sk = far_key(a, &f[0]), *ck = far_key(a, &f[1]);
	SSL_CTX *s = tls_ctx(version, near[0].cert, sk), *c = tls_ctx(version, near[1].cert, ck);
	SSL *server = SSL_new(s), *client = SSL_new(c);

	assert_int_equal(shake(server, client), !broken);
	assert_true(f[0].signs > 0);
	assert_true(broken || f[1].signs > 0);
	SSL_free(server);
	SSL_free(client);
	SSL_CTX_free(s);
	SSL_CTX_free(c);
	made_free(&near[0]);
	made_free(&near[1]);
}

static void
tls_12_shakes_hands_with_far_rsa_keys(void **state)
{
	(void)state;
	check_tls(TLS1_2_VERSION, KEY_RSA, 2048, false);
}

static void
tls_12_shakes_hands_with_far_ec_keys(void **state)
{
	(void)state;
	check_tls(TLS1_2_VERSION, KEY_EC, 256, false);
}

static void
tls_13_shakes_hands_with_far_rsa_keys(void **state)
{
	(void)state;
	check_tls(TLS1_3_VERSION, KEY_RSA, 2048, false);
}

static void
tls_13_shakes_hands_with_far_ec_keys(void **state)
{
	(void)state;
	check_tls(TLS1_3_VERSION, KEY_EC, 256, false);
	check_tls(TLS1_3_VERSION, KEY_EC, 384, false);
}

static void
no_handshake_without_the_far_side(void **state)
{
	(void)state;
	check_tls(TLS1_3_VERSION, KEY_EC, 256, true);
	check_tls(TLS1_2_VERSION, KEY_RSA, 2048, true);
}

static void
a_certificate_of_another_key_is_not_taken_for_a_far_key(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made one = made_root(a, "one", KEY_EC, 256);
	auto_made struct made two = made_root(a, "two", KEY_EC, 256);
	struct far f = { .key = two.key };
	auto_key struct key *k = far_key(a, &f);

	(void)state;
	assert_int_equal(X509_check_private_key(cert_x509(one.cert), key_pkey(k)), 0);
	assert_int_equal(X509_check_private_key(cert_x509(two.cert), key_pkey(k)), 1);
	ssl_forget();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_far_key_signs_like_a_near_one),
		cmocka_unit_test(ordinary_keys_stay_in_openssls_provider),
		cmocka_unit_test(the_private_half_of_a_far_key_cannot_be_written),
		cmocka_unit_test(the_cause_of_a_far_failure_is_told),
		cmocka_unit_test(a_csr_with_a_far_key_is_good),
		cmocka_unit_test(openssl_itself_signs_certificates_with_a_far_key),
		cmocka_unit_test(cms_opens_with_a_far_key),
		cmocka_unit_test(tls_12_shakes_hands_with_far_rsa_keys),
		cmocka_unit_test(tls_12_shakes_hands_with_far_ec_keys),
		cmocka_unit_test(tls_13_shakes_hands_with_far_rsa_keys),
		cmocka_unit_test(tls_13_shakes_hands_with_far_ec_keys),
		cmocka_unit_test(no_handshake_without_the_far_side),
		cmocka_unit_test(a_certificate_of_another_key_is_not_taken_for_a_far_key),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

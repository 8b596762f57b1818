/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include <openssl/rsa.h>

#include "codec/sign_ipc.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/keyprov.h"
#include "pki/ssl_err.h"
#include "pki/token_int.h"
#include "pki/wrap.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

struct soft {
	struct arena *a;
	const char *dir;
};

static int
setup(void **state)
{
	struct soft *s = calloc(1, sizeof *s);

	s->a = arena_new();
	s->dir = made_dir(s->a);
	*state = s;
	expect_ok(keyprov_init());
	made_write(s->a, s->dir, "conf",
	    str_c(arena_printf(s->a, "directories.tokendir = %s\nlog.level = ERROR\n", s->dir)));
	setenv("SOFTHSM2_CONF", arena_printf(s->a, "%s/conf", s->dir), 1);
	if (!file_exists(MODULE) ||
	    !made_run(s->a, s->dir,
		"softhsm2-util --init-token --free --label device --pin 1234 --so-pin 5678"))
		skip();
	return 0;
}

static int
teardown(void **state)
{
	struct soft *s = *state;

	made_dir_free(s->a, s->dir);
	arena_free(s->a);
	free(s);
	return 0;
}

static struct token *
soft_open(void)
{
	struct token *t = NULL;

	expect_ok(token_open(MODULE, "device", "1234", &t));
	return t;
}

static void
a_key_is_made_once_and_found_again(void **state)
{
	struct key *one = NULL, *two = NULL;
	struct token *t = soft_open();

	(void)state;
	expect_ok(token_key(t, "made", 2048, &one));
	expect_ok(token_key(t, "made", 2048, &two));
	assert_true(key_same_public(one, two));
	assert_true(key_is_private(one));
	key_free(one);
	key_free(two);
	token_close(t);
	t = soft_open();
	expect_ok(token_key(t, "made", 2048, &one));
	key_free(one);
	token_close(t);
}

static void
every_rsa_scheme_signs_in_the_token(void **state)
{
	struct soft *s = *state;
	struct token *t = soft_open();
	struct key *k = NULL;
	struct str sig;
	uint8_t digest[64];
	static const struct {
		uint8_t scheme;
		size_t n;
		int padding;
		const char *md;
	} rows[] = {
		{ SIGN_RSA_PKCS1_SHA256, 32, RSA_PKCS1_PADDING, "SHA256" },
		{ SIGN_RSA_PKCS1_SHA384, 48, RSA_PKCS1_PADDING, "SHA384" },
		{ SIGN_RSA_PKCS1_SHA512, 64, RSA_PKCS1_PADDING, "SHA512" },
		{ SIGN_RSA_PSS_SHA256, 32, RSA_PKCS1_PSS_PADDING, "SHA256" },
		{ SIGN_RSA_PSS_SHA384, 48, RSA_PKCS1_PSS_PADDING, "SHA384" },
		{ SIGN_RSA_PSS_SHA512, 64, RSA_PKCS1_PSS_PADDING, "SHA512" },
	};

	memset(digest, 7, sizeof digest);
	expect_ok(token_key(t, "signer", 2048, &k));
	{
		struct key *plain = NULL;
		struct str spki;

		expect_ok(key_spki(s->a, k, &spki));
		expect_ok(key_from_spki(spki, &plain));
		for (size_t i = 0; i < COUNT(rows); i++) {
			auto_pkey_ctx EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key_pkey(plain), NULL);

			expect_ok(key_sign_digest(
			    s->a, k, rows[i].scheme, str_of(digest, rows[i].n), &sig));
			assert_int_equal(EVP_PKEY_verify_init(c), 1);
			assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(c, rows[i].padding), 1);
			assert_int_equal(
			    EVP_PKEY_CTX_set_signature_md(c, EVP_get_digestbyname(rows[i].md)), 1);
			assert_int_equal(EVP_PKEY_verify(c, sig.p, sig.n, digest, rows[i].n), 1);
		}
		key_free(plain);
	}
	key_free(k);
	token_close(t);
}

static void
requests_and_sealed_messages_work_with_a_token_key(void **state)
{
	struct soft *s = *state;
	auto_made struct made root = made_root(s->a, "root", KEY_EC, 256);
	struct csr_spec spec = { .subject = made_name(s->a, "device") };
	struct token *t = soft_open();
	struct issue_spec is;
	struct cert *c = NULL;
	struct key *k = NULL;
	struct csr csr = { 0 };
	struct str der, sealed, plain;

	expect_ok(token_key(t, "device", 2048, &k));
	expect_ok(csr_make(s->a, k, &spec, &der));
	expect_ok(csr_parse(s->a, der, &csr));
	is = made_spec(s->a, "device", csr.key);
	is.issuer = root.cert;
	c = made_cert(s->a, &is, root.key);
	expect_ok(cms_seal(s->a, c, LIT("for the token"), &sealed));
	expect_ok(cms_open(s->a, c, k, sealed, &plain));
	assert_true(str_eq(plain, LIT("for the token")));
	csr_free(&csr);
	cert_free(c);
	key_free(k);
	token_close(t);
}

static void
oaep_opens_with_sha1_and_sha256(void **state)
{
	struct soft *s = *state;
	static const char *const mds[] = { "SHA1", "SHA256" };
	struct token *t = soft_open();
	struct key *k = NULL, *pub = NULL;
	struct str spki;

	expect_ok(token_key(t, "oaep", 2048, &k));
	expect_ok(key_spki(s->a, k, &spki));
	expect_ok(key_from_spki(spki, &pub));
	for (size_t i = 0; i < COUNT(mds); i++) {
		auto_pkey_ctx EVP_PKEY_CTX *e = EVP_PKEY_CTX_new(key_pkey(pub), NULL);
		auto_pkey_ctx EVP_PKEY_CTX *d = EVP_PKEY_CTX_new(key_pkey(k), NULL);
		const EVP_MD *md = EVP_get_digestbyname(mds[i]);
		uint8_t sealed[256], plain[256];
		size_t ns = sizeof sealed, np = sizeof plain;

		assert_int_equal(EVP_PKEY_encrypt_init(e), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(e, RSA_PKCS1_OAEP_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(e, md), 1);
		assert_int_equal(EVP_PKEY_encrypt(e, sealed, &ns, (const uint8_t *)"hello", 5), 1);
		assert_int_equal(EVP_PKEY_decrypt_init(d), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(d, RSA_PKCS1_OAEP_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(d, md), 1);
		assert_int_equal(EVP_PKEY_decrypt(d, plain, &np, sealed, ns), 1);
		assert_int_equal(np, 5);
		assert_memory_equal(plain, "hello", 5);
		sealed[10] ^= 1;
		np = sizeof plain;
		assert_int_not_equal(EVP_PKEY_decrypt(d, plain, &np, sealed, ns), 1);
		ssl_forget();
	}
	key_free(k);
	key_free(pub);
	token_close(t);
}

static void
passwords_of_imported_files_open_with_every_hash(void **state)
{
	static const unsigned paddings[] = { WRAP_OAEP_SHA256, WRAP_OAEP_SHA384, WRAP_OAEP_SHA512 };
	struct soft *s = *state;
	struct token *t = soft_open();
	struct key *k = NULL;
	struct str sealed, opened;

	expect_ok(token_key(t, "imports", 2048, &k));
	for (size_t i = 0; i < COUNT(paddings); i++) {
		expect_ok(wrap_seal(s->a, k, paddings[i], LIT("password"), &sealed));
		expect_ok(wrap_open(s->a, k, paddings[i], sealed, &opened));
		assert_true(str_eq(opened, LIT("password")));
		((uint8_t *)(uintptr_t)sealed.p)[9] ^= 1;
		expect_err(ERR_PFX_UNWRAP, wrap_open(s->a, k, paddings[i], sealed, &opened));
	}
	key_free(k);
	token_close(t);
}

static void
a_software_key_moves_into_the_token(void **state)
{
	struct soft *s = *state;
	auto_key struct key *soft = NULL, *second = NULL;
	struct token *t = soft_open();
	struct key *k = NULL;
	struct str sig;

	expect_ok(key_make(KEY_RSA, 2048, &soft));
	expect_ok(key_make(KEY_RSA, 2048, &second));
	expect_ok(token_import(t, "moved", soft));
	expect_ok(token_import(t, "moved", second));
	expect_ok(token_key(t, "moved", 2048, &k));
	assert_true(key_same_public(k, second));
	expect_ok(key_sign(s->a, k, LIT("message"), &sig));
	expect_ok(key_verify(second, LIT("message"), sig));
	key_free(k);
	expect_ok(token_remove(t, "moved"));
	expect_ok(token_remove(t, "moved"));
	expect_ok(token_key(t, "moved", 2048, &k));
	assert_false(key_same_public(k, second));
	key_free(k);
	token_close(t);
}

static void
a_key_on_a_curve_moves_into_the_token(void **state)
{
	static const unsigned curves[] = { KEY_P256, KEY_P384 };
	struct soft *s = *state;
	struct token *t = soft_open();

	for (size_t i = 0; i < COUNT(curves); i++) {
		auto_key struct key *soft = NULL, *second = NULL, *found = NULL;
		struct key *k = NULL;
		struct str sig;

		expect_ok(key_make(KEY_EC, curves[i], &soft));
		expect_ok(key_make(KEY_EC, curves[i], &second));
		expect_ok(token_import(t, "ec", soft));
		expect_ok(token_import(t, "ec", second));
		expect_ok(token_find(t, "ec", &found));
		assert_true(key_same_public(found, second));
		expect_ok(token_pair(t, "ec", KEY_EC, 0, &k));
		expect_ok(key_sign(s->a, k, LIT("message"), &sig));
		expect_ok(key_verify(second, LIT("message"), sig));
		expect_err(ERR_SIGNATURE, key_verify(soft, LIT("message"), sig));
		key_free(k);
		expect_ok(token_remove(t, "ec"));
		k = NULL;
		expect_err(ERR_NOT_FOUND, token_pair(t, "ec", KEY_EC, 0, &k));
	}
	token_close(t);
}

static void
half_a_key_does_not_go_into_a_token(void **state)
{
	static const enum key_alg algs[] = { KEY_RSA, KEY_EC };
	struct soft *s = *state;
	struct token *t = soft_open();

	for (size_t i = 0; i < COUNT(algs); i++) {
		auto_key struct key *whole = NULL, *half = NULL;
		struct key *k = NULL;
		struct str spki;

		expect_ok(key_make(algs[i], algs[i] == KEY_RSA ? KEY_RSA_2048 : KEY_P256, &whole));
		expect_ok(key_spki(s->a, whole, &spki));
		expect_ok(key_from_spki(spki, &half));
		expect_err(ERR_KEY, token_import(t, "half", half));
		expect_err(ERR_NOT_FOUND, token_find(t, "half", &k));
	}
	token_close(t);
}

static void
a_lost_session_is_opened_again(void **state)
{
	struct soft *s = *state;
	struct token *t = soft_open();
	struct key *k = NULL;
	struct str sig;

	expect_ok(token_key(t, "lost", 2048, &k));
	assert_int_equal(t->p11->C_CloseSession(t->session), CKR_OK);
	expect_ok(key_sign(s->a, k, LIT("message"), &sig));
	expect_ok(key_verify(k, LIT("message"), sig));
	assert_int_equal(t->p11->C_CloseSession(t->session), CKR_OK);
	expect_ok(token_remove(t, "lost"));
	assert_false(err_ok(key_sign(s->a, k, LIT("message"), &sig)));
	key_free(k);
	token_close(t);
}

static void
a_token_without_the_bare_power_uses_its_own_paddings(void **state)
{
	struct soft *s = *state;
	struct token *t = soft_open();
	struct key *k = NULL;
	struct str sig, sealed, plain;
	auto_made struct made root = made_root(s->a, "root", KEY_EC, 256);
	struct cert *c = NULL;
	struct issue_spec is;
	uint8_t digest[32] = { 1 };

	assert_true(t->raw);
	t->raw = false;
	expect_ok(token_key(t, "native", 2048, &k));
	expect_ok(key_sign(s->a, k, LIT("message"), &sig));
	expect_ok(key_verify(k, LIT("message"), sig));
	expect_ok(key_sign_digest(s->a, k, SIGN_RSA_PSS_SHA256, STR(digest), &sig));
	is = made_spec(s->a, "device", k);
	is.issuer = root.cert;
	c = made_cert(s->a, &is, root.key);
	expect_ok(cms_seal(s->a, c, LIT("x"), &sealed));
	expect_ok(cms_open(s->a, c, k, sealed, &plain));
	cert_free(c);
	key_free(k);
	token_close(t);
}

static void
what_is_wrong_with_a_token_is_named(void **state)
{
	struct token *t = NULL;
	err_t e;

	(void)state;
	expect_err(ERR_TOKEN_DEVICE, token_open("/nonexistent.so", "device", "1234", &t));
	expect_err(ERR_TOKEN_DEVICE, token_open(MODULE, "devic", "1234", &t));
	e = token_open(MODULE, "device", "9999", &t);
	assert_true(err_is(e, ERR_TOKEN_PIN));
	assert_non_null(strstr(err_detail(), "CKR_PIN_INCORRECT"));
	err_forget(e);
	assert_null(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_made_once_and_found_again),
		cmocka_unit_test(every_rsa_scheme_signs_in_the_token),
		cmocka_unit_test(requests_and_sealed_messages_work_with_a_token_key),
		cmocka_unit_test(oaep_opens_with_sha1_and_sha256),
		cmocka_unit_test(passwords_of_imported_files_open_with_every_hash),
		cmocka_unit_test(a_software_key_moves_into_the_token),
		cmocka_unit_test(a_key_on_a_curve_moves_into_the_token),
		cmocka_unit_test(half_a_key_does_not_go_into_a_token),
		cmocka_unit_test(a_lost_session_is_opened_again),
		cmocka_unit_test(a_token_without_the_bare_power_uses_its_own_paddings),
		cmocka_unit_test(what_is_wrong_with_a_token_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in a token that comes and goes: with FLAKY (flaky_p11.c), which pulls it out while a session is open. */
#include "made.h"

#include <p11-kit/p11-kit.h>

#include "codec/sign_ipc.h"
#include "pki/keyprov.h"
#include "pki/token_int.h"
#include "pki/token_uri.h"
#include "pki/wrap.h"

#define BEHIND "/usr/lib/softhsm/libsofthsm2.so"
#define PIN "1234"

struct soft {
	struct arena *a;
	const char *dir;
	struct token_pool *pool;
};

static int
setup(void **state)
{
	struct soft *s = calloc(1, sizeof(*s));

	s->a = arena_new();
	s->dir = made_dir(s->a);
	*state = s;
	expect_ok(keyprov_init());
	made_write(s->a, s->dir, "conf",
	    str_c(arena_printf(s->a, "directories.tokendir = %s\nlog.level = ERROR\n", s->dir)));
	setenv("SOFTHSM2_CONF", arena_printf(s->a, "%s/conf", s->dir), 1);
	setenv("FLAKY_P11", s->dir, 1);
	if (!file_exists(BEHIND) ||
	    !made_run(s->a, s->dir,
		"softhsm2-util --init-token --free --label corp --pin " PIN " --so-pin 5678"))
		skip();
	made_write(s->a, s->dir, "pin", LIT(PIN "\n"));
	s->pool = token_pool_new();
	return 0;
}

static int
teardown(void **state)
{
	struct soft *s = *state;

	token_pool_free(s->pool);
	made_dir_free(s->a, s->dir);
	arena_free(s->a);
	free(s);
	return 0;
}

static const char *
uri(struct soft *s, const char *object)
{
	return arena_printf(s->a,
	    "pkcs11:token=corp;object=%s?module-path=%s&pin-source=file:%s/pin", object, FLAKY,
	    s->dir);
}

static void
put(struct soft *s, const char *name)
{
	made_write(s->a, s->dir, name, STR_EMPTY);
}

static void
take(struct soft *s, const char *name)
{
	expect_ok(file_remove(arena_printf(s->a, "%s/%s", s->dir, name)));
}

static size_t
logins(struct soft *s)
{
	const char *path = arena_printf(s->a, "%s/logins", s->dir);
	struct str text;
	size_t n = 0;

	if (!file_exists(path))
		return 0;
	expect_ok(file_read(s->a, path, 1 << 20, &text));
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n' ? 1 : 0;
	return n;
}

static void
signs(struct soft *s, const struct key *k)
{
	struct str sig;

	expect_ok(key_sign(s->a, k, LIT("message"), &sig));
	expect_ok(key_verify(k, LIT("message"), sig));
}

static void
refuses(struct soft *s, const struct key *k, enum err_code why)
{
	struct str sig;

	expect_err(why, key_sign(s->a, k, LIT("message"), &sig));
}

static void
every_kind_of_ca_key_is_made_signs_and_is_found_again(void **state)
{
	static const struct {
		const char *name;
		enum key_alg alg;
		unsigned bits;
		uint8_t scheme;
	} rows[] = {
		{ "r2", KEY_RSA, KEY_RSA_2048, SIGN_RSA_PKCS1_SHA256 },
		{ "r3", KEY_RSA, KEY_RSA_3072, SIGN_RSA_PKCS1_SHA384 },
		{ "r4", KEY_RSA, KEY_RSA_4096, SIGN_RSA_PKCS1_SHA512 },
		{ "e2", KEY_EC, KEY_P256, SIGN_ECDSA_SHA256 },
		{ "e3", KEY_EC, KEY_P384, SIGN_ECDSA_SHA384 },
	};
	struct soft *s = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_key struct key *made = NULL, *pub = NULL, *found = NULL;
		uint8_t digest[64] = { 5 };
		struct str spki, sig;

		expect_ok(token_uri_make(
		    s->pool, s->a, uri(s, rows[i].name), rows[i].alg, rows[i].bits, &made));
		assert_int_equal(key_algorithm(made), rows[i].alg);
		assert_int_equal(key_bits(made), rows[i].bits);
		signs(s, made);
		expect_ok(key_sign_digest(s->a, made, rows[i].scheme,
		    str_of(digest, sign_scheme_digest(rows[i].scheme)), &sig));
		expect_ok(key_spki(s->a, made, &spki));
		expect_ok(key_from_spki(spki, &pub));
		/* Another process, later: the same URI and the public half. */
		token_pool_free(s->pool);
		s->pool = token_pool_new();
		expect_ok(token_uri_key(s->pool, uri(s, rows[i].name), pub, &found));
		signs(s, found);
		assert_true(key_same_public(found, pub));
		expect_err(ERR_CONFLICT,
		    token_uri_make(s->pool, s->a, uri(s, rows[i].name),
			rows[i].alg == KEY_RSA ? KEY_EC : KEY_RSA,
			rows[i].alg == KEY_RSA ? KEY_P256 : KEY_RSA_2048, &found));
	}
}

static bool
flag(struct token *t, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL v = 2;
	CK_ATTRIBUTE at = { type, &v, sizeof(v) };

	assert_int_equal(t->p11->C_GetAttributeValue(t->session, key, &at, 1), CKR_OK);
	return v == CK_TRUE;
}

static void
no_key_that_is_made_can_leave_the_token(void **state)
{
	struct soft *s = *state;
	auto_key struct key *rsa = NULL, *ec = NULL, *one = NULL, *two = NULL;
	static const CK_ATTRIBUTE_TYPE secrets[] = { CKA_PRIVATE_EXPONENT, CKA_VALUE };
	struct token *t = NULL;

	expect_ok(token_uri_make(s->pool, s->a, uri(s, "rsa"), KEY_RSA, KEY_RSA_2048, &rsa));
	expect_ok(token_uri_make(s->pool, s->a, uri(s, "ec"), KEY_EC, KEY_P384, &ec));
	token_pool_free(s->pool);
	s->pool = token_pool_new();
	expect_ok(token_open(FLAKY, "corp", PIN, &t));
	expect_ok(token_pair(t, "rsa", KEY_RSA, 0, &one));
	expect_ok(token_pair(t, "ec", KEY_EC, 0, &two));
	for (struct token_key *k = t->keys; k != NULL; k = k->next) {
		uint8_t out[512];
		CK_ATTRIBUTE at = { secrets[k->alg == KEY_EC], out, sizeof(out) };

		assert_true(flag(t, k->priv, CKA_SENSITIVE));
		assert_true(flag(t, k->priv, CKA_ALWAYS_SENSITIVE));
		assert_true(flag(t, k->priv, CKA_NEVER_EXTRACTABLE));
		assert_false(flag(t, k->priv, CKA_EXTRACTABLE));
		assert_true(flag(t, k->priv, CKA_PRIVATE));
		assert_int_equal(t->p11->C_GetAttributeValue(t->session, k->priv, &at, 1),
		    CKR_ATTRIBUTE_SENSITIVE);
	}
	key_free(steal(one));
	key_free(steal(two));
	token_close(t);
}

static void
a_token_that_is_pulled_out_refuses_with_one_fault_and_recovers(void **state)
{
	struct soft *s = *state;
	auto_key struct key *k = NULL, *other = NULL;

	expect_ok(token_uri_make(s->pool, s->a, uri(s, "a"), KEY_EC, KEY_P256, &k));
	expect_ok(token_uri_make(s->pool, s->a, uri(s, "b"), KEY_RSA, KEY_RSA_2048, &other));
	signs(s, k);
	put(s, "gone"); /* the session is open */
	for (int i = 0; i < 3; i++) {
		refuses(s, k, ERR_TOKEN_DEVICE);
		refuses(s, other, ERR_TOKEN_DEVICE);
	}
	take(s, "gone");
	signs(s, k);
	signs(s, other);
	put(s, "gone-at-sign");
	refuses(s, k, ERR_TOKEN_DEVICE);
	take(s, "gone-at-sign");
	signs(s, k);
	signs(s, other);
}

/* SoftHSM's own way of going away: its folder is not there. */
static void
a_token_whose_files_are_gone_recovers_too(void **state)
{
	struct soft *s = *state;
	auto_key struct key *k = NULL;

	expect_ok(token_uri_make(s->pool, s->a, uri(s, "a"), KEY_EC, KEY_P256, &k));
	token_pool_free(s->pool);
	s->pool = token_pool_new();
	{
		auto_key struct key *far = NULL, *pub = NULL;
		struct str spki;

		expect_ok(key_spki(s->a, k, &spki));
		expect_ok(key_from_spki(spki, &pub));
		expect_ok(token_uri_key(s->pool, uri(s, "a"), pub, &far));
		assert_true(made_run(
		    s->a, s->dir, "mkdir ../${PWD##*/}.away && mv *-* ../${PWD##*/}.away/"));
		refuses(s, far, ERR_TOKEN_DEVICE);
		refuses(s, far, ERR_TOKEN_DEVICE);
		assert_true(made_run(
		    s->a, s->dir, "mv ../${PWD##*/}.away/* . && rmdir ../${PWD##*/}.away"));
		signs(s, far);
	}
}

static void
a_key_in_a_token_decrypts_and_says_when_the_token_is_away(void **state)
{
	struct soft *s = *state;
	auto_key struct key *pub = NULL, *far = NULL;
	struct key *k = NULL;
	struct str spki, sealed, opened;

	expect_ok(token_uri_make(s->pool, s->a, uri(s, "a"), KEY_RSA, KEY_RSA_2048, &k));
	expect_ok(wrap_seal(s->a, k, WRAP_OAEP_SHA512, LIT("password"), &sealed));
	expect_ok(wrap_open(s->a, k, WRAP_OAEP_SHA512, sealed, &opened));
	assert_true(str_eq(opened, LIT("password")));
	expect_err(ERR_PFX_UNWRAP, wrap_open(s->a, k, WRAP_OAEP_SHA256, sealed, &opened));
	expect_ok(key_spki(s->a, k, &spki));
	expect_ok(key_from_spki(spki, &pub));
	key_free(k);
	token_pool_free(s->pool);
	s->pool = token_pool_new();
	put(s, "gone");
	expect_ok(token_uri_key(s->pool, uri(s, "a"), pub, &far));
	expect_err(ERR_TOKEN_DEVICE, wrap_open(s->a, far, WRAP_OAEP_SHA512, sealed, &opened));
	take(s, "gone");
	expect_ok(wrap_open(s->a, far, WRAP_OAEP_SHA512, sealed, &opened));
	assert_true(str_eq(opened, LIT("password")));
}

static void
a_wrong_pin_is_tried_once_and_the_right_one_at_once(void **state)
{
	struct soft *s = *state;
	auto_key struct key *k = NULL;
	size_t before;

	made_write(s->a, s->dir, "pin", LIT("9999\n"));
	for (int i = 0; i < 20; i++)
		expect_err(ERR_TOKEN_PIN,
		    token_uri_make(s->pool, s->a, uri(s, "a"), KEY_EC, KEY_P256, &k));
	assert_int_equal(logins(s), 1);
	made_write(s->a, s->dir, "pin", LIT("8888\n"));
	for (int i = 0; i < 20; i++)
		expect_err(ERR_TOKEN_PIN,
		    token_uri_make(s->pool, s->a, uri(s, "a"), KEY_EC, KEY_P256, &k));
	assert_int_equal(logins(s), 2);
	made_write(s->a, s->dir, "pin", LIT(PIN "\n"));
	expect_ok(token_uri_make(s->pool, s->a, uri(s, "a"), KEY_EC, KEY_P256, &k));
	/* The PIN is changed at the token while it is away; what is in the file is wrong now. */
	before = logins(s);
	put(s, "gone");
	refuses(s, k, ERR_TOKEN_DEVICE);
	assert_int_equal(logins(s), before);
	made_write(s->a, s->dir, "pin", LIT("7777\n"));
	take(s, "gone");
	for (int i = 0; i < 20; i++)
		refuses(s, k, ERR_TOKEN_PIN);
	assert_int_equal(logins(s), before + 1);
	made_write(s->a, s->dir, "pin", LIT(PIN "\n"));
	signs(s, k);
}

static void
the_last_try_of_a_pin_is_left_to_a_person(void **state)
{
	struct soft *s = *state;
	auto_key struct key *k = NULL;

	put(s, "final");
	for (int i = 0; i < 5; i++)
		expect_err(ERR_TOKEN_DEVICE,
		    token_uri_make(s->pool, s->a, uri(s, "a"), KEY_EC, KEY_P256, &k));
	assert_int_equal(logins(s), 0);
	assert_null(k);
	take(s, "final"); /* somebody logged on */
	expect_ok(token_uri_make(s->pool, s->a, uri(s, "a"), KEY_EC, KEY_P256, &k));
}

static void
what_is_no_uri_of_a_key_is_refused(void **state)
{
	static const char *const rows[] = { "pkcs11:", "pkcs11:token=corp",
		"pkcs11:token=corp;object=a", "pkcs11:token=corp;object=a?pin-source=file:/p",
		"pkcs11:token=corp;object=a?module-path=/m.so",
		"pkcs11:token=corp;object=a?module-path=m.so&pin-source=file:/p",
		"pkcs11:token=corp;object=a?module-path=/m.so&pin-source=p",
		"pkcs11:token=corp;object=a?module-path=/m.so&pin-source=|prog",
		"pkcs11:token=corp;object=a?module-path=/m.so&pin-value=1234",
		"pkcs11:object=a?module-path=/m.so&pin-source=file:/p",
		"pkcs11:token=corp;object=?module-path=/m.so&pin-source=file:/p",
		"pkcs11:token=corp;object=a;x-more=1?module-path=/m.so&pin-source=file:/p",
		"pkcs11:token=%zz;object=a?module-path=/m.so&pin-source=file:/p", "file:/a" };
	struct soft *s = *state;
	auto_key struct key *k = NULL;

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_err(
		    ERR_TOKEN_URI, token_uri_make(s->pool, s->a, rows[i], KEY_EC, KEY_P256, &k));
	assert_null(k);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_kind_of_ca_key_is_made_signs_and_is_found_again),
		T(no_key_that_is_made_can_leave_the_token),
		T(a_token_that_is_pulled_out_refuses_with_one_fault_and_recovers),
		T(a_token_whose_files_are_gone_recovers_too),
		T(a_key_in_a_token_decrypts_and_says_when_the_token_is_away),
		T(a_wrong_pin_is_tried_once_and_the_right_one_at_once),
		T(the_last_try_of_a_pin_is_left_to_a_person),
		T(what_is_no_uri_of_a_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

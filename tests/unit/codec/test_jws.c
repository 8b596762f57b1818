/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "codec/jws.h"

static struct jws_key *
new_key(struct arena *a)
{
	struct jws_key *k = NULL;
	struct str jwk = STR_EMPTY;

	expect_ok(jws_key_make(a, &jwk));
	expect_ok(jws_key_parse(jwk, &k));
	return k;
}

static void
a_signed_token_is_accepted(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct jws_key *k = new_key(a), *public = NULL;
	const struct jws_key *keys[1];
	auto_json json *claims = NULL;
	const char *token = NULL;
	struct str jwk = STR_EMPTY;

	(void)state;
	expect_ok(jws_sign(a, k, LIT("{\"sub\":\"ada\"}"), &token));
	expect_ok(jws_key_public(a, k, &jwk));
	assert_null(memmem(jwk.p, jwk.n, "\"d\"", 3));
	expect_ok(jws_key_parse(jwk, &public));
	keys[0] = public;
	expect_ok(jws_verify(a, keys, 1, str_c(token), &claims));
	assert_string_equal(json_text(json_get(claims, "sub")), "ada");
	jws_key_free(k);
	jws_key_free(public);
}

static void
rejects_changed_and_foreign_tokens(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct jws_key *k = new_key(a), *other = new_key(a);
	const struct jws_key *keys[] = { k }, *others[] = { other };
	const char *token = NULL;
	json *claims = NULL;
	char *changed;

	(void)state;
	expect_ok(jws_sign(a, k, LIT("{\"sub\":\"ada\"}"), &token));
	expect_err(ERR_TOKEN, jws_verify(a, others, 1, str_c(token), &claims));
	expect_err(ERR_TOKEN, jws_verify(a, keys, 0, str_c(token), &claims));
	expect_err(ERR_TOKEN, jws_verify(a, keys, 1, str_of(token, strlen(token) - 4), &claims));
	changed = arena_strdup(a, token);
	changed[strlen(token) - 9] = changed[strlen(token) - 9] == 'A' ? 'B' : 'A';
	expect_err(ERR_TOKEN, jws_verify(a, keys, 1, str_c(changed), &claims));
	changed = arena_strdup(a, token);
	*(strchr(changed, '.') + 3) ^= 1;
	expect_err(ERR_TOKEN, jws_verify(a, keys, 1, str_c(changed), &claims));
	assert_null(claims);
	jws_key_free(k);
	jws_key_free(other);
}

static void
rejects_texts_that_are_no_tokens(void **state)
{
	/* The last three: alg none, alg HS256, no kid. */
	static const char *const bad[] = { "", ".", "..", "a.b", "a.b.c.d", "a b.c.d", "e30.e30.AA",
		"eyJhbGciOiJub25lIiwia2lkIjoieCJ9.e30.",
		"eyJhbGciOiJIUzI1NiIsImtpZCI6IngifQ.e30.AAAA", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA" };
	auto_arena struct arena *a = arena_new();
	struct jws_key *k = new_key(a);
	const struct jws_key *keys[] = { k };
	json *claims = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_TOKEN, jws_verify(a, keys, 1, str_c(bad[i]), &claims));
	assert_null(claims);
	jws_key_free(k);
}

static void
rejects_claims_that_are_no_object(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct jws_key *k = new_key(a);
	const struct jws_key *keys[] = { k };
	const char *token = NULL;
	json *claims = NULL;

	(void)state;
	expect_ok(jws_sign(a, k, LIT("[1]"), &token));
	expect_err(ERR_TOKEN, jws_verify(a, keys, 1, str_c(token), &claims));
	expect_ok(jws_sign(a, k, LIT("text"), &token));
	expect_err(ERR_TOKEN, jws_verify(a, keys, 1, str_c(token), &claims));
	jws_key_free(k);
}

static void
rejects_keys_that_are_not_ours_to_use(void **state)
{
	static const char *const bad[] = { "", "{}", "x",
		"{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"x\"}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"kid\":\"x\"}" };
	struct jws_key *k = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_MALFORMED, jws_key_parse(str_c(bad[i]), &k));
	assert_null(k);
	jws_key_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_token_is_accepted),
		cmocka_unit_test(rejects_changed_and_foreign_tokens),
		cmocka_unit_test(rejects_texts_that_are_no_tokens),
		cmocka_unit_test(rejects_claims_that_are_no_object),
		cmocka_unit_test(rejects_keys_that_are_not_ours_to_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

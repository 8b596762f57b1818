/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "pki/attest.h"

static const uint8_t order[32] = { 1 }, spki[32] = { 2 }, recipient[32] = { 3 }, other[32] = { 4 };

static struct attest
word(void)
{
	return (struct attest){ STR(order), STR(spki), STR(recipient) };
}

struct pair {
	struct key *key;
	struct str public;
};

static struct pair
pair_new(struct arena *a, enum key_alg alg, unsigned bits)
{
	struct pair p;

	expect_ok(key_make(alg, bits, &p.key));
	expect_ok(key_spki(a, p.key, &p.public));
	return p;
}

static void
what_the_maker_said_is_taken(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct pair maker = pair_new(a, KEY_EC, KEY_P256);
	struct attest w = word();
	struct str said;

	(void)state;
	expect_ok(attest_key(maker.public));
	expect_ok(attest_make(a, maker.key, &w, &said));
	expect_ok(attest_check(a, maker.public, &w, said));
	key_free(maker.key);
}

static void
a_word_of_something_else_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct pair maker = pair_new(a, KEY_EC, KEY_P256);
	struct attest w = word();
	struct str said;

	(void)state;
	expect_ok(attest_make(a, maker.key, &w, &said));
	w.order = STR(other);
	expect_err(ERR_ORDER_KEY, attest_check(a, maker.public, &w, said));
	w = word();
	w.spki = STR(other);
	expect_err(ERR_ORDER_KEY, attest_check(a, maker.public, &w, said));
	w = word();
	w.recipient = STR(other);
	expect_err(ERR_ORDER_KEY, attest_check(a, maker.public, &w, said));
	key_free(maker.key);
}

static void
no_word_and_that_of_another_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct pair maker = pair_new(a, KEY_EC, KEY_P256), stranger = pair_new(a, KEY_EC, KEY_P256);
	struct attest w = word();
	struct str said;

	(void)state;
	expect_ok(attest_make(a, stranger.key, &w, &said));
	expect_err(ERR_ORDER_KEY, attest_check(a, maker.public, &w, said));
	expect_err(ERR_ORDER_KEY, attest_check(a, maker.public, &w, STR_EMPTY));
	expect_err(ERR_ORDER_KEY, attest_check(a, maker.public, &w, LIT("no signature")));
	key_free(maker.key);
	key_free(stranger.key);
}

static void
other_keys_and_hashes_of_other_sizes_say_nothing(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct pair maker = pair_new(a, KEY_EC, KEY_P256), big = pair_new(a, KEY_EC, KEY_P384),
		    rsa = pair_new(a, KEY_RSA, KEY_RSA_2048);
	struct attest w = word();
	struct str said = STR_EMPTY;

	(void)state;
	expect_err(ERR_KEY, attest_key(big.public));
	expect_err(ERR_KEY, attest_key(rsa.public));
	assert_false(err_ok(attest_key(LIT("no key"))));
	expect_err(ERR_KEY, attest_make(a, big.key, &w, &said));
	w.recipient = LIT("short");
	expect_err(ERR_MALFORMED, attest_make(a, maker.key, &w, &said));
	assert_int_equal(said.n, 0);
	key_free(maker.key);
	key_free(big.key);
	key_free(rsa.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_maker_said_is_taken),
		cmocka_unit_test(a_word_of_something_else_is_refused),
		cmocka_unit_test(no_word_and_that_of_another_are_refused),
		cmocka_unit_test(other_keys_and_hashes_of_other_sizes_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

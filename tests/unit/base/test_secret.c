/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/secret.h"

static void
wiping_leaves_zeros(void **state)
{
	char s[] = "secret";

	(void)state;
	secret_wipe(s, 3);
	assert_memory_equal(s, "\0\0\0ret", 6);
	secret_wipe(NULL, 0);
}

static void
equal_secrets_are_equal(void **state)
{
	(void)state;
	assert_true(secret_eq(LIT("abc"), LIT("abc")));
	assert_true(secret_eq(STR_EMPTY, STR_EMPTY));
}

static void
other_secrets_are_not(void **state)
{
	(void)state;
	assert_false(secret_eq(LIT("abc"), LIT("abd")));
	assert_false(secret_eq(LIT("xbc"), LIT("abc")));
	assert_false(secret_eq(LIT("abc"), LIT("ab")));
	assert_false(secret_eq(LIT("abc"), STR_EMPTY));
}

static void
random_bytes_fill_all(void **state)
{
	uint8_t a[1000], b[1000];
	size_t zeros = 0;

	(void)state;
	memset(a, 0, sizeof(a));
	rand_bytes(a, sizeof(a));
	rand_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	assert_true(zeros < 50);
	rand_bytes(NULL, 0);
}

static void
tokens_are_base64url_and_differ(void **state)
{
	auto_arena struct arena *a = arena_new();
	char *x = rand_token(a, 32), *y = rand_token(a, 32);

	(void)state;
	assert_int_equal(strlen(x), 43);
	assert_string_not_equal(x, y);
	assert_int_equal(
	    strspn(x, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wiping_leaves_zeros),
		cmocka_unit_test(equal_secrets_are_equal),
		cmocka_unit_test(other_secrets_are_not),
		cmocka_unit_test(random_bytes_fill_all),
		cmocka_unit_test(tokens_are_base64url_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

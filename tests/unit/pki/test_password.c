/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <string.h>

#include "pki/password.h"

static void
a_password_matches_its_hash_only(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *person, *random;

	(void)state;
	expect_ok(password_hash(a, PASSWORD_PERSON, "correct horse", &person));
	expect_ok(password_hash(a, PASSWORD_RANDOM, "correct horse", &random));
	assert_true(password_matches(person, "correct horse"));
	assert_true(password_matches(random, "correct horse"));
	assert_false(password_matches(person, "correct horsf"));
	assert_false(password_matches(person, ""));
	assert_false(password_matches(person, "correct horse "));
}

static void
the_cost_stands_in_the_hash(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *person, *random;

	(void)state;
	expect_ok(password_hash(a, PASSWORD_PERSON, "x", &person));
	expect_ok(password_hash(a, PASSWORD_RANDOM, "x", &random));
	assert_non_null(strstr(person, "$argon2id$v=19$m=65536,t=3,p=1$"));
	assert_non_null(strstr(random, "$argon2id$v=19$m=1024,t=1,p=1$"));
}

static void
equal_passwords_have_different_hashes(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *one, *two;

	(void)state;
	expect_ok(password_hash(a, PASSWORD_RANDOM, "x", &one));
	expect_ok(password_hash(a, PASSWORD_RANDOM, "x", &two));
	assert_string_not_equal(one, two);
}

static void
what_is_no_hash_matches_nothing(void **state)
{
	(void)state;
	assert_false(password_matches("", "x"));
	assert_false(password_matches("x", "x"));
	assert_false(password_matches("$argon2id$v=19$m=1024,t=1,p=1$", "x"));
}

static void
an_empty_or_endless_password_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	char *longer = arena_alloc(a, 5001);
	const char *hash;

	(void)state;
	memset(longer, 'x', 5000);
	expect_err(ERR_RANGE, password_hash(a, PASSWORD_PERSON, "", &hash));
	expect_err(ERR_RANGE, password_hash(a, PASSWORD_PERSON, longer, &hash));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_matches_its_hash_only),
		cmocka_unit_test(the_cost_stands_in_the_hash),
		cmocka_unit_test(equal_passwords_have_different_hashes),
		cmocka_unit_test(what_is_no_hash_matches_nothing),
		cmocka_unit_test(an_empty_or_endless_password_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

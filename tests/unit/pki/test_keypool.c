/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <sched.h>

#include "base/when.h"
#include "pki/keypool.h"

/* EC keys take microseconds; a minute is for a machine that stands still. */
static void
wait_ready(struct keypool *p, size_t n)
{
	int64_t until = when_mono_ms() + 60000;

	while (keypool_ready(p, KEY_EC, 256) < n) {
		assert_true(when_mono_ms() < until);
		sched_yield();
	}
}

static void
a_pool_fills_itself_up_to_its_depth(void **state)
{
	struct keypool *p = NULL;

	(void)state;
	expect_ok(keypool_new(2, 4, &p));
	expect_ok(keypool_want(p, KEY_EC, 256));
	wait_ready(p, 4);
	keypool_free(p);
}

static void
no_key_is_given_twice(void **state)
{
	struct key *keys[12];
	struct keypool *p = NULL;

	(void)state;
	expect_ok(keypool_new(1, 4, &p));
	expect_ok(keypool_want(p, KEY_EC, 256));
	wait_ready(p, 4);
	for (size_t i = 0; i < COUNT(keys); i++) {
		expect_ok(keypool_take(p, KEY_EC, 256, &keys[i]));
		for (size_t j = 0; j < i; j++)
			assert_false(key_same_public(keys[i], keys[j]));
	}
	for (size_t i = 0; i < COUNT(keys); i++)
		key_free(keys[i]);
	keypool_free(p);
}

static void
what_is_not_kept_ready_is_made_on_the_spot(void **state)
{
	auto_key struct key *k = NULL, *bad = NULL;
	struct keypool *p = NULL;

	(void)state;
	expect_ok(keypool_new(0, 1, &p));
	expect_ok(keypool_take(p, KEY_EC, 384, &k));
	assert_int_equal(key_bits(k), 384);
	assert_int_equal(keypool_ready(p, KEY_EC, 384), 0);
	expect_err(ERR_KEY_SIZE, keypool_take(p, KEY_RSA, 1024, &bad));
	keypool_free(p);
}

static void
kinds_that_cannot_be_made_are_refused(void **state)
{
	struct keypool *p = NULL;

	(void)state;
	expect_err(ERR_RANGE, keypool_new(1, 0, &p));
	expect_err(ERR_RANGE, keypool_new(1000, 1, &p));
	assert_null(p);
	expect_ok(keypool_new(1, 1, &p));
	expect_err(ERR_KEY_SIZE, keypool_want(p, KEY_RSA, 1024));
	keypool_free(p);
	keypool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_fills_itself_up_to_its_depth),
		cmocka_unit_test(no_key_is_given_twice),
		cmocka_unit_test(what_is_not_kept_ready_is_made_on_the_spot),
		cmocka_unit_test(kinds_that_cannot_be_made_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

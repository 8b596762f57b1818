/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/locked.h"
#include "base/when.h"
#include "pki/keypool.h"

#define PATIENCE_MS 90000 /* keys take milliseconds: this is for a machine that stands still */

static void
wait_ready(struct keypool *p, unsigned bits, size_t n)
{
	int64_t until = when_mono_ms() + PATIENCE_MS;

	while (keypool_ready(p, KEY_RSA, bits) < n) {
		assert_true(when_mono_ms() < until);
		sched_yield();
	}
}

static void
a_pool_fills_itself_up_to_its_depth(void **state)
{
	struct keypool *p = NULL;

	(void)state;
	expect_ok(keypool_new(2, 4, KEY_MAKER_CHANCERY, &p));
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	expect_ok(keypool_want(p, KEY_RSA, 3072));
	wait_ready(p, 2048, 4);
	wait_ready(p, 3072, 4);
	assert_int_equal(keypool_ready(p, KEY_RSA, 2048), 4);
	assert_int_equal(keypool_room(p, KEY_RSA, 2048), 4);
	assert_int_equal(keypool_ready(p, KEY_RSA, 4096), 0);
	assert_int_equal(keypool_room(p, KEY_RSA, 4096), 0);
	keypool_free(p);
}

static void
no_key_is_given_twice(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct key *keys[12];
	struct keypool *p = NULL;

	(void)state;
	expect_ok(keypool_new(1, 4, KEY_MAKER_CHANCERY, &p));
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	wait_ready(p, 2048, 4);
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct str signature;

		expect_ok(keypool_take(p, KEY_RSA, 2048, &keys[i]));
		assert_int_equal(key_bits(keys[i]), 2048);
		expect_ok(key_sign(a, keys[i], LIT("x"), &signature));
		expect_ok(key_verify(keys[i], LIT("x"), signature));
		for (size_t j = 0; j < i; j++)
			assert_false(key_same_public(keys[i], keys[j]));
	}
	for (size_t i = 0; i < COUNT(keys); i++)
		key_free(keys[i]);
	keypool_free(p);
}

static void
every_generator_fills_a_pool(void **state)
{
	static const enum key_maker makers[] = { KEY_MAKER_PORTABLE, KEY_MAKER_LIBCRYPTO };

	(void)state;
	for (size_t i = 0; i < COUNT(makers); i++) {
		auto_key struct key *k = NULL;
		struct keypool *p = NULL;

		expect_ok(keypool_new(2, 1, makers[i], &p));
		expect_ok(keypool_want(p, KEY_RSA, 2048));
		wait_ready(p, 2048, 1);
		expect_ok(keypool_take(p, KEY_RSA, 2048, &k));
		assert_int_equal(key_bits(k), 2048);
		assert_true(key_is_private(k));
		keypool_free(p);
	}
}

static void
an_empty_pool_makes_the_key_on_the_spot(void **state)
{
	auto_key struct key *k = NULL;
	auto_key struct key *ec = NULL;
	struct key *bad = NULL;
	struct keypool *p = NULL;

	(void)state;
	expect_ok(keypool_new(0, 1, KEY_MAKER_CHANCERY, &p));
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	expect_ok(keypool_take(p, KEY_RSA, 2048, &k));
	assert_int_equal(key_bits(k), 2048);
	expect_ok(keypool_want(p, KEY_EC, 384));
	expect_ok(keypool_take(p, KEY_EC, 384, &ec));
	assert_int_equal(key_bits(ec), 384);
	assert_int_equal(keypool_ready(p, KEY_EC, 384), 0);
	expect_err(ERR_KEY_SIZE, keypool_take(p, KEY_RSA, 1024, &bad));
	keypool_free(p);
}

static void
bounds_are_kept(void **state)
{
	struct keypool *p = NULL;

	(void)state;
	expect_err(ERR_RANGE, keypool_new(1, 0, KEY_MAKER_CHANCERY, &p));
	expect_err(ERR_RANGE, keypool_new(1000, 1, KEY_MAKER_CHANCERY, &p));
	expect_err(ERR_RANGE, keypool_new(1, 4097, KEY_MAKER_CHANCERY, &p));
	assert_null(p);
	expect_ok(keypool_new(1, 1, KEY_MAKER_CHANCERY, &p));
	expect_err(ERR_KEY_SIZE, keypool_want(p, KEY_RSA, 1024));
	expect_err(ERR_KEY_SIZE, keypool_want(p, KEY_EC, 521));
	keypool_free(p);
	keypool_free(NULL);
}

/* Bytes of this process that are locked, in KB. */
static long
locked_kb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "VmLck:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	(void)fclose(f);
	return kb;
}

static void
ready_keys_are_in_locked_memory(void **state)
{
	long before = locked_kb();
	struct keypool *p = NULL;
	struct locked page;

	(void)state;
	locked_new(4096, &page);
	if (locked_kb() == before) { /* AddressSanitizer says yes to mlock() and does nothing */
		locked_free(&page);
		skip();
	}
	locked_free(&page);
	expect_ok(keypool_new(0, 64, KEY_MAKER_CHANCERY, &p));
	expect_ok(keypool_want(p, KEY_RSA, 4096));
	if (keypool_room(p, KEY_RSA, 4096) == 64)
		assert_true(locked_kb() - before >= 144); /* 64 x 2304 bytes */
	keypool_free(p);
	assert_int_equal(locked_kb(), before);
}

/* With privileges the limit does not count; then nothing is shown here. */
static void
a_pool_keeps_what_can_be_locked(void **state)
{
	struct rlimit was, few;
	struct keypool *p = NULL;
	auto_key struct key *k = NULL;
	size_t room;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &was), 0);
	few = was;
	few.rlim_cur = 65536;
	if (setrlimit(RLIMIT_MEMLOCK, &few) != 0)
		skip();
	expect_ok(keypool_new(0, 1024, KEY_MAKER_CHANCERY, &p));
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	room = keypool_room(p, KEY_RSA, 2048);
	assert_true(room == 1024 || room * 1152 <= 65536);
	expect_ok(keypool_take(p, KEY_RSA, 2048, &k)); /* whatever is locked */
	keypool_free(p);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &was), 0);
}

static void
it_says_what_became_of_each_size(void **state)
{
	struct keypool_state of[KEYPOOL_KINDS];
	auto_key struct key *missed = NULL;
	auto_key struct key *ready = NULL;
	struct keypool *p = NULL;

	(void)state;
	expect_ok(keypool_new(1, 4, KEY_MAKER_CHANCERY, &p));
	assert_int_equal(keypool_states(p, of), 0);
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	wait_ready(p, 2048, 4);
	expect_ok(keypool_take(p, KEY_RSA, 2048, &ready));
	expect_ok(keypool_want(p, KEY_RSA, 3072));
	wait_ready(p, 2048, 4);
	assert_int_equal(keypool_states(p, of), 2);
	assert_int_equal(of[0].bits, 2048);
	assert_int_equal(of[0].ready, 4);
	assert_int_equal(of[0].room, 4);
	assert_int_equal(of[0].taken, 1);
	assert_int_equal(of[0].waited, 0);
	assert_int_equal(of[1].bits, 3072);
	keypool_free(p);

	expect_ok(keypool_new(0, 4, KEY_MAKER_CHANCERY, &p));
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	expect_ok(keypool_take(p, KEY_RSA, 2048, &missed));
	assert_int_equal(keypool_states(p, of), 1);
	assert_int_equal(of[0].ready, 0);
	assert_int_equal(of[0].making, 0);
	assert_int_equal(of[0].taken, 1);
	assert_int_equal(of[0].waited, 1);
	keypool_free(p);
}

#define STILL_MS 100

/* Whether nobody makes keys for so long though there is room for some. */
static bool
stays_still(struct keypool *p)
{
	int64_t since = when_mono_ms(), until = since + PATIENCE_MS;
	struct keypool_state of[KEYPOOL_KINDS];
	size_t had = keypool_ready(p, KEY_RSA, 2048);

	do {
		assert_true(when_mono_ms() < until);
		assert_int_equal(keypool_states(p, of), 1);
		if (of[0].making > 0 || of[0].ready != had)
			since = when_mono_ms();
		had = of[0].ready;
		sched_yield();
	} while (had < of[0].room && when_mono_ms() - since < STILL_MS);
	return had < of[0].room;
}

/* On a machine that stands still ten takes are no crowd: it is tried again. */
static void
while_many_ask_nobody_makes_keys_ahead(void **state)
{
	struct keypool *p = NULL;
	bool rested = false;

	(void)state;
	expect_ok(keypool_new(1, 16, KEY_MAKER_CHANCERY, &p));
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	for (int i = 0; i < 20 && !rested; i++) {
		wait_ready(p, 2048, 16);
		for (int k = 0; k < 10; k++) {
			auto_key struct key *key = NULL;

			expect_ok(keypool_take(p, KEY_RSA, 2048, &key));
		}
		rested = stays_still(p);
	}
	assert_true(rested);
	wait_ready(p, 2048, 16);
	keypool_free(p);
}

#define TAKERS 12

struct taker {
	struct keypool *pool;
	unsigned bits;
	struct key *key;
};

static void *
take_one(void *arg)
{
	struct taker *t = arg;

	expect_ok(keypool_take(t->pool, KEY_RSA, t->bits, &t->key));
	return NULL;
}

static void
many_that_find_it_empty_get_a_key_each(void **state)
{
	struct taker takers[TAKERS];
	pthread_t threads[TAKERS];
	struct keypool *p = NULL;

	(void)state;
	expect_ok(keypool_new(2, 1, KEY_MAKER_CHANCERY, &p));
	expect_ok(keypool_want(p, KEY_RSA, 2048));
	expect_ok(keypool_want(p, KEY_RSA, 3072));
	for (size_t i = 0; i < TAKERS; i++) {
		takers[i] = (struct taker){ .pool = p, .bits = i % 2 == 0 ? 2048 : 3072 };
		assert_int_equal(pthread_create(&threads[i], NULL, take_one, &takers[i]), 0);
	}
	for (size_t i = 0; i < TAKERS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < TAKERS; i++) {
		assert_int_equal(key_bits(takers[i].key), takers[i].bits);
		for (size_t j = 0; j < i; j++)
			assert_false(key_same_public(takers[i].key, takers[j].key));
	}
	for (size_t i = 0; i < TAKERS; i++)
		key_free(takers[i].key);
	keypool_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_fills_itself_up_to_its_depth),
		cmocka_unit_test(no_key_is_given_twice),
		cmocka_unit_test(every_generator_fills_a_pool),
		cmocka_unit_test(an_empty_pool_makes_the_key_on_the_spot),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(ready_keys_are_in_locked_memory),
		cmocka_unit_test(a_pool_keeps_what_can_be_locked),
		cmocka_unit_test(it_says_what_became_of_each_size),
		cmocka_unit_test(while_many_ask_nobody_makes_keys_ahead),
		cmocka_unit_test(many_that_find_it_empty_get_a_key_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule: checking passwords is costly, and a flood of wrong ones neither starves the others nor grows without bound. Argon2 is
 * replaced in this program by one that counts who is in it, and that stays there for as long as the test wants.
 */
#include "lab.h"

#include <argon2.h>
#include <pthread.h>
#include <stdatomic.h>

#include "ca/signon.h"

enum { FLOOD = 40, AT_ONCE = 2, REQUESTS = 10 };

static atomic_int inside, most, entered;
static atomic_bool held;

/* Of a record: nobody's password is right. */
int
argon2id_verify(const char *encoded, const void *password, size_t n)
{
	int now = atomic_fetch_add(&inside, 1) + 1, was = atomic_load(&most);

	(void)encoded;
	(void)password;
	(void)n;
	while (now > was && !atomic_compare_exchange_weak(&most, &was, now))
		;
	atomic_fetch_add(&entered, 1);
	while (atomic_load(&held))
		usleep(1000);
	atomic_fetch_sub(&inside, 1);
	return ARGON2_VERIFY_MISMATCH;
}

struct guess {
	struct lab *l;
	int i;
	enum err_code got;
	atomic_bool done;
};

static void *
guess_main(void *arg)
{
	struct guess *g = arg;
	auto_arena struct arena *a = arena_new();
	const char *hash = NULL;
	struct err_report rep;

	err_take(signon_check(g->l->is->signon, g->l->is->store, a,
		     arena_printf(a, "somebody%d", g->i), "a wrong password", &hash),
	    &rep);
	g->got = rep.code;
	atomic_store(&g->done, true);
	return NULL;
}

static size_t
done_with(const struct guess *g, enum err_code code)
{
	size_t n = 0;

	for (int i = 0; i < FLOOD; i++)
		n += atomic_load(&g[i].done) && g[i].got == code ? 1 : 0;
	return n;
}

static void
a_flood_of_passwords_is_bounded_and_others_are_served_meanwhile(void **state)
{
	struct lab *l = *state;
	struct guess g[FLOOD];
	pthread_t threads[FLOOD];

	atomic_store(&held, true);
	for (int i = 0; i < FLOOD; i++) {
		g[i].l = l;
		g[i].i = i;
		g[i].got = ERR_NONE;
		atomic_init(&g[i].done, false);
		assert_int_equal(pthread_create(&threads[i], NULL, guess_main, &g[i]), 0);
	}
	/* All but those that are checked, and those few that wait, have their answer already. */
	while (done_with(g, ERR_BUSY) < FLOOD - AT_ONCE - SIGNON_QUEUE ||
	    atomic_load(&inside) < AT_ONCE)
		usleep(1000);
	assert_int_equal(atomic_load(&inside), AT_ONCE);
	/* While all the room for passwords is taken: who comes with a certificate. */
	for (int i = 0; i < REQUESTS; i++) {
		auto_cert struct cert *c = lab_issued(l, lab_want(l));

		assert_non_null(c);
	}
	assert_int_equal(atomic_load(&inside), AT_ONCE);
	atomic_store(&held, false);
	for (int i = 0; i < FLOOD; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&most), AT_ONCE);
	assert_int_equal(atomic_load(&entered), AT_ONCE + SIGNON_QUEUE);
	assert_int_equal(done_with(g, ERR_BUSY), FLOOD - AT_ONCE - SIGNON_QUEUE);
	assert_int_equal(done_with(g, ERR_CREDENTIALS), AT_ONCE + SIGNON_QUEUE);
}

/* Those who were turned away were not checked: it does not count against them. */
static void
after_the_flood_names_are_checked_as_before(void **state)
{
	struct lab *l = *state;
	const char *hash = NULL;

	for (int i = 0; i < SIGNON_TRIES; i++)
		expect_err(ERR_CREDENTIALS,
		    signon_check(
			l->is->signon, l->is->store, l->a, "later", "a wrong password", &hash));
	expect_err(ERR_LOGIN_LIMIT,
	    signon_check(l->is->signon, l->is->store, l->a, "later", "a wrong password", &hash));
	assert_int_equal(atomic_load(&inside), 0);
	assert_null(hash);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_flood_of_passwords_is_bounded_and_others_are_served_meanwhile),
	cmocka_unit_test(after_the_flood_names_are_checked_as_before),
};
LAB_MAIN(tests)

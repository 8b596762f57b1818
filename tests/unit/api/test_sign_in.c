/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule: who has not signed in yet can neither hold up those who have nor fill the store. Argon2 is replaced in this program by
 * one that finds nothing right, and that takes as long as the test wants.
 */
#include "expect.h"
#include "fixture.h"

#include <argon2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/access.h"

enum { FLOOD = 30, AT_ONCE = 1, WAITING = 1, TRIES = 10 };

static atomic_int entered;
static atomic_bool held;

int
argon2id_verify(const char *encoded, const void *password, size_t n)
{
	(void)encoded;
	(void)password;
	(void)n;
	atomic_fetch_add(&entered, 1);
	while (atomic_load(&held))
		usleep(1000);
	return ARGON2_VERIFY_MISMATCH;
}

struct guess {
	struct fixture *f;
	const char *name;
	enum err_code got;
	atomic_bool done;
};

static void *
guess_main(void *arg)
{
	struct guess *g = arg;
	auto_arena struct arena *a = arena_new();
	struct err_report rep;
	struct admin admin;

	err_take(
	    oauth_password(&g->f->api, a, "192.0.2.1", g->name, "a wrong password", &admin), &rep);
	g->got = rep.code;
	atomic_store(&g->done, true);
	return NULL;
}

static int
done_with(const struct guess *g, int n, enum err_code code)
{
	int found = 0;

	for (int i = 0; i < n; i++)
		found += atomic_load(&g[i].done) && g[i].got == code ? 1 : 0;
	return found;
}

static void
a_flood_of_passwords_is_refused_at_once_and_others_are_served_meanwhile(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, "User.Read.All");
	struct guess g[FLOOD] = { 0 };
	pthread_t threads[FLOOD];

	atomic_store(&held, true);
	for (int i = 0; i < FLOOD; i++) {
		g[i].f = f;
		g[i].name = arena_printf(f->a, "somebody%d", i);
		assert_int_equal(pthread_create(&threads[i], NULL, guess_main, &g[i]), 0);
	}
	while (done_with(g, FLOOD, ERR_BUSY) < FLOOD - AT_ONCE - WAITING ||
	    atomic_load(&entered) < AT_ONCE)
		usleep(1000);

	auto_reply struct reply r = call(f, "GET", "/v1.0/users", token, NULL);

	assert_int_equal(r.status, 200);
	assert_int_equal(atomic_load(&entered), AT_ONCE);
	atomic_store(&held, false);
	for (int i = 0; i < FLOOD; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&entered), AT_ONCE + WAITING);
	assert_int_equal(done_with(g, FLOOD, ERR_CREDENTIALS), AT_ONCE + WAITING);
}

static enum err_code
guess_once(struct fixture *f, const char *name)
{
	struct guess g = { .f = f, .name = name };

	guess_main(&g);
	return g.got;
}

/* Who was turned away was not checked, and that does not count against the name. Wrong ones do, whoever has the name. */
static void
a_name_is_braked_after_ten_wrong_passwords_and_no_other(void **state)
{
	struct fixture *f = *state;

	put_admin(f, "root@corp.test", "never mind", "User.Read.All");
	for (int i = 0; i < TRIES; i++) {
		assert_int_equal(guess_once(f, "root@corp.test"), ERR_CREDENTIALS);
		assert_int_equal(guess_once(f, "Nobody@corp.test"), ERR_CREDENTIALS);
	}
	assert_int_equal(guess_once(f, "ROOT@corp.test"), ERR_LOGIN_LIMIT);
	assert_int_equal(guess_once(f, "nobody@corp.test"), ERR_LOGIN_LIMIT);
	assert_int_equal(guess_once(f, "another@corp.test"), ERR_CREDENTIALS);
	when_set(when_now() + 901);
	assert_int_equal(guess_once(f, "root@corp.test"), ERR_CREDENTIALS);
	when_set(0);
}

static int
begin(struct fixture *f, const char **ret_error)
{
	auto_reply struct reply r = call(f, "POST", "/common/oauth2/v2.0/devicecode", NULL,
	    "client_id=" OAUTH_CLI_CLIENT "&scope=User.Read.All");

	*ret_error = arena_strdup(f->a, json_text(json_get(r.json, "suberror")));
	return r.status;
}

static err_t
fill(struct tx *tx, void *arg)
{
	struct fixture *f = arg;

	for (unsigned i = 0; i < LIMIT_LOGINS; i++) {
		uint8_t hash[32] = { (uint8_t)i, (uint8_t)(i >> 8) };
		struct login l = { .code_hash = STR(hash),
			.user_code = arena_printf(f->a, "CODE%04u", i),
			.scope = "",
			.state = LOGIN_PENDING,
			.created = when_now(),
			.expires = when_now() + 900 };

		TRY(store_login_insert(tx, &l));
	}
	return OK;
}

static void
sign_ins_under_way_are_so_many_and_no_more(void **state)
{
	struct fixture *f = *state;
	const char *error;

	assert_int_equal(begin(f, &error), 200);
	/* One too many: nothing of it stays. */
	expect_err(ERR_BUSY, store_write(f->store, fill, f));
	assert_int_equal(begin(f, &error), 200);
	when_set(when_now() + 901);
	expect_ok(store_write(f->store, fill, f));
	assert_int_equal(begin(f, &error), 503);
	assert_string_equal(error, "busy");
	when_set(when_now() + 901);
	assert_int_equal(begin(f, &error), 200);
	when_set(0);
}

static void
one_address_begins_so_many_in_twenty_seconds_and_who_is_signed_in_goes_on(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, "User.Read.All"), *error = "";
	unsigned begun = 0;

	while (begun <= 2 * LIMIT_RATE_STRANGER && begin(f, &error) == 200)
		begun++;
	assert_string_equal(error, "throttled");
	assert_in_range(begun, LIMIT_RATE_STRANGER, 2 * LIMIT_RATE_STRANGER - 1);

	auto_reply struct reply page =
	    call(f, "POST", "/device", NULL, "user_code=X&username=root&password=x&action=approve");
	auto_reply struct reply users = call(f, "GET", "/v1.0/users", token, NULL);

	assert_int_equal(page.status, 429);
	assert_int_equal(users.status, 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_flood_of_passwords_is_refused_at_once_and_others_are_served_meanwhile,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_name_is_braked_after_ten_wrong_passwords_and_no_other, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    sign_ins_under_way_are_so_many_and_no_more, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    one_address_begins_so_many_in_twenty_seconds_and_who_is_signed_in_goes_on,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

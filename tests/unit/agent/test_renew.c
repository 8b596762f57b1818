/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own identity: when it is renewed, and what a kill in the middle leaves. */
#include "box.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

/* What the service answers to a renewal with this key. */
static json *
answer_until(struct box *b, struct key *key, when_t end)
{
	struct issue_spec s = made_spec(b->a, "device", key);
	struct cert *c;
	json *j;

	s.not_after = end;
	s.issuer = keys.identity_ca.cert;
	s.key_usage = 0xa0;
	c = made_cert(b->a, &s, keys.identity_ca.key);
	j = enrolment(b->a, c);
	cert_free(c);
	return j;
}

static json *
answer_for(struct box *b, struct key *key)
{
	return answer_until(b, key, MADE_NOW + 365 * MADE_DAY);
}

static err_t
renew(struct box *b)
{
	auto_key struct key *key = NULL;
	auto_json json *answer = NULL;

	TRY(agent_renewal_begin(b->g, &key));
	answer = answer_for(b, key);
	TRY(agent_renewal_take(b->g, key, answer));
	(void)steal(key);
	return OK;
}

static void
expect_whole(struct agent *g)
{
	auto_key struct key *certified = NULL;

	assert_non_null(g->device_id);
	expect_ok(cert_key(g->identity, &certified));
	assert_true(key_same_public(g->key, certified));
	assert_true(g->tls.key == g->key);
	assert_true(str_eq(g->tls.chain[0], cert_der(g->identity)));
}

static void
it_is_due_when_two_thirds_of_its_life_are_over(void **state)
{
	struct box *b = *state;
	when_t from = cert_not_before(b->g->identity), to = cert_not_after(b->g->identity);

	when_set(from + (to - from) / 3 * 2 - 1);
	assert_false(agent_renewal_due(b->g));
	when_set(from + (to - from) / 3 * 2);
	assert_true(agent_renewal_due(b->g));
	assert_false(agent_identity_over(b->g));
	when_set(to);
	assert_true(agent_identity_over(b->g));
	when_set(MADE_NOW);
}

static void
a_clock_that_is_far_ahead_makes_one_identity_and_not_one_after_the_other(void **state)
{
	struct box *b = *state;

	when_set(MADE_NOW + 300 * MADE_DAY);
	assert_true(agent_renewal_due(b->g));
	expect_ok(renew(b));
	assert_false(agent_renewal_due(b->g));
	box_reopen(b);
	assert_false(agent_renewal_due(b->g));
	when_set(MADE_NOW + (300 + 123) * MADE_DAY);
	assert_true(agent_renewal_due(b->g));
	/* Put right, it goes by the identity alone. */
	when_set(MADE_NOW + 250 * MADE_DAY);
	assert_true(agent_renewal_due(b->g));
	when_set(MADE_NOW + 200 * MADE_DAY);
	assert_false(agent_renewal_due(b->g));
	when_set(MADE_NOW);
}

static void
who_lives_past_the_end_of_his_identity_and_is_spoken_to_takes_the_next(void **state)
{
	struct box *b = *state;

	when_set(MADE_NOW + 400 * MADE_DAY);
	assert_true(agent_identity_over(b->g));
	expect_ok(renew(b));
	box_reopen(b);
	expect_whole(b->g);
	assert_false(agent_renewal_due(b->g));
	when_set(MADE_NOW);
}

static void
a_renewed_identity_has_a_new_key_and_stays_after_a_restart(void **state)
{
	struct box *b = *state;

	expect_ok(renew(b));
	expect_whole(b->g);
	assert_false(key_same_public(b->g->key, keys.identity.key));
	assert_true(str_eq(cert_der(b->g->former), cert_der(keys.identity.cert)));
	box_reopen(b);
	expect_whole(b->g);
	assert_false(key_same_public(b->g->key, keys.identity.key));
	assert_true(str_eq(cert_der(b->g->former), cert_der(keys.identity.cert)));
	assert_true(key_same_public(b->g->former_key, keys.identity.key));
	assert_int_equal(mode_of(box_path(b, "identity-b.pem")), 0600);
}

static void
what_was_sealed_before_the_renewal_can_be_opened_after_it(void **state)
{
	struct box *b = *state;
	struct delivery before = pack(b->a, &keys.one), after;

	expect_ok(renew(b));
	expect_ok(deliver(b, ALIAS, &before));
	expect_identity(b, ALIAS, keys.one.cert, true);
	after = pack_for(b->a, &keys.two, b->g->identity);
	expect_ok(deliver(b, ALIAS, &after));
	expect_identity(b, ALIAS, keys.two.cert, true);
	expect_ok(renew(b));
	expect_err(ERR_CMS, deliver(b, ALIAS, &before));
	box_reopen(b);
	expect_ok(deliver(b, ALIAS, &after));
}

static void
the_two_places_take_turns_and_no_key_comes_back(void **state)
{
	struct box *b = *state;

	expect_ok(renew(b));
	expect_ok(renew(b));
	expect_whole(b->g);
	assert_false(key_same_public(b->g->key, keys.identity.key));
	assert_string_equal(b->g->key_name, "identity");
	box_reopen(b);
	expect_whole(b->g);
	assert_string_equal(b->g->key_name, "identity");
}

static void
an_answer_for_another_device_or_key_or_time_changes_nothing(void **state)
{
	struct box *b = *state;
	auto_key struct key *key = NULL;
	auto_json json *other_key = enrolment(b->a, keys.one.cert);
	auto_json json *other_device = NULL;
	auto_json json *late = NULL;

	expect_ok(agent_renewal_begin(b->g, &key));
	other_device = answer_for(b, key);
	late = answer_until(b, key, MADE_NOW + MADE_DAY);
	json_set_text(other_device, "device_id", "7b6f2c1e-0000-4000-8000-000000000002");
	expect_err(ERR_BAD_REQUEST, agent_renewal_take(b->g, key, other_device));
	expect_err(ERR_KEY_MISMATCH, agent_renewal_take(b->g, key, other_key));
	when_set(MADE_NOW + 2 * MADE_DAY);
	expect_err(ERR_EXPIRED, agent_renewal_take(b->g, key, late));
	when_set(MADE_NOW);
	assert_true(str_eq(cert_der(b->g->identity), cert_der(keys.identity.cert)));
	box_reopen(b);
	expect_whole(b->g);
	assert_true(str_eq(cert_der(b->g->identity), cert_der(keys.identity.cert)));
}

static void
a_key_that_a_kill_left_there_is_not_certified(void **state)
{
	struct box *b = *state;

	made_key(b->a, b->conf.state_dir, "identity-b.pem", keys.two.key);
	box_reopen(b);
	expect_ok(renew(b));
	assert_false(key_same_public(b->g->key, keys.two.key));
}

static void
without_the_former_key_all_goes_on(void **state)
{
	struct box *b = *state;
	struct delivery before = pack(b->a, &keys.one);

	expect_ok(renew(b));
	expect_ok(file_remove(box_path(b, "identity.pem")));
	box_reopen(b);
	expect_whole(b->g);
	assert_null(b->g->former);
	expect_err(ERR_CMS, deliver(b, ALIAS, &before));
	made_key(b->a, b->conf.state_dir, "identity.pem", keys.two.key);
	box_reopen(b);
	assert_null(b->g->former);
}

static void
a_name_that_is_none_of_ours_is_refused(void **state)
{
	struct box *b = *state;
	auto_json json *j = enrolment(b->a, keys.identity.cert);
	struct agent *g = NULL;
	struct str text;

	agent_close(steal(b->g));
	json_set_text(j, "key", "../../etc/shadow");
	expect_ok(json_print(b->a, j, &text));
	expect_ok(file_write(box_path(b, "enrolment.json"), text, 0600));
	expect_err(ERR_BAD_REQUEST, agent_open(&b->conf, &g));
	assert_null(g);
}

static void
leaving_takes_both_keys(void **state)
{
	struct box *b = *state;

	expect_ok(renew(b));
	expect_ok(agent_forget(b->g, b->a));
	assert_false(file_exists(box_path(b, "identity.pem")));
	assert_false(file_exists(box_path(b, "identity-b.pem")));
	assert_int_equal(entries(b, ""), 1); /* lock */
}

static void
renew_for_ever(struct box *b)
{
	for (;;) {
		err_t e = renew(b);

		if (!err_ok(e))
			_exit(1);
	}
}

static void
a_kill_at_any_time_leaves_an_identity_with_its_key(void **state)
{
	struct box *b = *state;
	int status;

	for (int i = 0; i < 12; i++) {
		pid_t pid;

		agent_close(steal(b->g));
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			err_t e = agent_open(&b->conf, &b->g);

			if (!err_ok(e))
				_exit(1);
			renew_for_ever(b);
		}
		poll(NULL, 0, 150 + 97 * i);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		expect_ok(agent_open(&b->conf, &b->g));
		expect_whole(b->g);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(it_is_due_when_two_thirds_of_its_life_are_over),
		CASE(a_clock_that_is_far_ahead_makes_one_identity_and_not_one_after_the_other),
		CASE(who_lives_past_the_end_of_his_identity_and_is_spoken_to_takes_the_next),
		CASE(a_renewed_identity_has_a_new_key_and_stays_after_a_restart),
		CASE(what_was_sealed_before_the_renewal_can_be_opened_after_it),
		CASE(the_two_places_take_turns_and_no_key_comes_back),
		CASE(an_answer_for_another_device_or_key_or_time_changes_nothing),
		CASE(a_key_that_a_kill_left_there_is_not_certified),
		CASE(without_the_former_key_all_goes_on),
		CASE(a_name_that_is_none_of_ours_is_refused),
		CASE(leaving_takes_both_keys),
		CASE(a_kill_at_any_time_leaves_an_identity_with_its_key),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}

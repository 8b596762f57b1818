/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a CA that would issue again if it were asked again: sent once, whoever dies on the way. */
#include "model/sent.h"
#include "world.h"

#define UNKNOWN "ca-outcome-unknown"

static err_t
send_it(struct world *w, const struct job *j)
{
	return job_sending(w->store, w->a, &w->connector, j->request, j->fence);
}

/* The job of a slot's first certificate, said to be on its way to the CA. */
static struct job
sent(struct world *w)
{
	struct job j;

	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	expect_ok(send_it(w, &j));
	return j;
}

static struct job
lost(struct world *w)
{
	struct job j = sent(w);

	when_set(MADE_NOW + 61);
	expect_ok(job_sweep(w->store));
	return j;
}

static struct request
issue_request(struct world *w)
{
	return world_look(w, "pkcs").requests[0];
}

static void
what_was_sent_and_never_answered_is_not_sent_again(void **state)
{
	WORLD(state);
	struct job j = lost(w), revoke;
	struct request r = issue_request(w);

	assert_int_equal(r.state, REQUEST_FAILED);
	assert_string_equal(r.fault, UNKNOWN);
	assert_non_null(strstr(r.detail, id_text(w->a, j.request)));
	assert_string_equal(world_word(w, "pkcs"), "failed");
	revoke = world_job(w);
	assert_int_equal(revoke.kind, REQUEST_REVOKE);
	assert_true(id_eq(revoke.order.id, j.request));
	world_timeline(
	    w, "pkcs", "assigned queued leased sent outcome-unknown revoke-queued revoke-leased");
}

static void
before_it_is_sent_the_end_of_a_lease_is_nothing(void **state)
{
	WORLD(state);
	struct job first, second;

	world_checkin(w, NULL, 0, NULL);
	first = world_job(w);
	when_set(MADE_NOW + 61);
	expect_ok(job_sweep(w->store));
	second = world_job(w);
	assert_true(id_eq(first.request, second.request));
	assert_int_equal(second.fence, first.fence + 1);
}

static void
a_lease_that_is_over_is_nobody_elses_before_it_was_looked_at(void **state)
{
	WORLD(state);
	struct job *v;

	sent(w);
	when_set(MADE_NOW + 61);
	assert_int_equal(world_lease(w, &v), 0);
	assert_int_equal(issue_request(w).state, REQUEST_LEASED);
}

static void
a_connector_that_lost_it_or_leaves_does_not_free_it(void **state)
{
	WORLD(state);
	const struct job_asking ask = { .worker = "ask", .alone = true, .max = 0 };
	struct job *v;
	size_t n;

	sent(w);
	expect_ok(job_lease(w->store, w->a, &w->connector, &ask, 60, &v, &n));
	assert_int_equal(issue_request(w).state, REQUEST_FAILED);
	assert_string_equal(issue_request(w).fault, UNKNOWN);
}

static void
only_who_holds_the_lease_may_send(void **state)
{
	WORLD(state);
	struct connector other = w->connector;
	struct job j;

	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	other.id = id_new();
	expect_err(ERR_FENCE, job_sending(w->store, w->a, &other, j.request, j.fence));
	expect_err(ERR_FENCE, job_sending(w->store, w->a, &w->connector, j.request, j.fence + 1));
	expect_err(ERR_NOT_FOUND, job_sending(w->store, w->a, &w->connector, id_new(), 1));
	expect_ok(send_it(w, &j));
	expect_ok(send_it(w, &j));
	when_set(MADE_NOW + 61);
	expect_ok(job_sweep(w->store));
	expect_err(ERR_FENCE, send_it(w, &j));
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_REVOKE);
	expect_err(ERR_FENCE, send_it(w, &j));
}

static void
a_job_that_went_elsewhere_is_not_sent(void **state)
{
	WORLD(state);
	struct job first;

	world_checkin(w, NULL, 0, NULL);
	first = world_job(w);
	when_set(MADE_NOW + 61);
	expect_ok(job_sweep(w->store));
	world_job(w);
	expect_err(ERR_FENCE, send_it(w, &first));
}

static void
a_certificate_that_comes_after_all_is_delivered_and_its_revocation_called_off(void **state)
{
	WORLD(state);
	struct job j = lost(w), *v;
	struct job_result r = world_finish(w, &j, JOB_ISSUED);

	assert_int_equal(issue_request(w).state, REQUEST_READY);
	assert_string_equal(issue_request(w).serial, r.serial);
	assert_string_equal(world_word(w, "pkcs"), "ready");
	assert_int_equal(world_lease(w, &v), 0);
	expect_ok(job_finish(w->store, w->a, &w->connector, &r)); /* said twice */
	world_timeline(w, "pkcs",
	    "assigned queued leased sent outcome-unknown revoke-queued revoke-withdrawn issued");
}

static void
what_was_called_off_is_revoked_when_it_is_over(void **state)
{
	WORLD(state);
	struct job j = lost(w);
	struct job_result r = world_finish(w, &j, JOB_ISSUED);
	struct job revoke;

	world_unassign(w, w->pkcs_profile.id);
	world_checkin(w, NULL, 0, NULL);
	revoke = world_job(w);
	assert_int_equal(revoke.kind, REQUEST_REVOKE);
	assert_true(id_eq(revoke.order.id, j.request));
	assert_string_equal(revoke.serial, r.serial);
}

static void
a_refusal_that_comes_after_all_leaves_nothing_to_look_for(void **state)
{
	WORLD(state);
	struct job j = lost(w), *v;
	struct job_result r = world_result(w, &j, JOB_REJECTED, 0);

	r.fault = "template-unknown";
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	assert_int_equal(issue_request(w).state, REQUEST_FAILED);
	assert_string_equal(issue_request(w).fault, "template-unknown");
	assert_int_equal(world_lease(w, &v), 0);
	when_set(MADE_NOW + 61 + 3600);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_job(w).kind, REQUEST_ISSUE);
}

static void
what_the_ca_refuses_needs_no_revocation_where_it_was_sent_once(void **state)
{
	static const struct {
		const char *fault, *serial;
		size_t jobs;
	} rows[] = { { "ca-denied", NULL, 0 }, { UNKNOWN, NULL, 1 },
		{ "ca-issued-unused", "61", 1 }, { "leaf-mismatch", "61", 1 },
		{ "ca-approval", NULL, 1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		void *fresh;
		struct world *w;
		struct job_result r;
		struct job j, *v;

		assert_int_equal(world_setup(&fresh), 0);
		w = fresh;
		j = sent(w);
		r = world_result(w, &j, JOB_REJECTED, 0);
		r.fault = rows[i].fault;
		r.serial = rows[i].serial;
		expect_ok(job_finish(w->store, w->a, &w->connector, &r));
		assert_int_equal(world_lease(w, &v), rows[i].jobs);
		world_teardown(&fresh);
	}
}

static void
nobody_elses_word_counts_after_all(void **state)
{
	WORLD(state);
	struct connector other = w->connector;
	struct job j = lost(w);
	struct job_result r = world_result(w, &j, JOB_ISSUED, 100 * MADE_DAY);

	other.id = id_new();
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &other, &r));
	r.fence++;
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &w->connector, &r));
	assert_int_equal(issue_request(w).state, REQUEST_FAILED);
}

static void
a_word_that_comes_when_it_is_being_revoked_names_what_is_to_be_revoked(void **state)
{
	WORLD(state);
	struct job j = lost(w), revoke = world_job(w);
	struct job_result r = world_result(w, &j, JOB_ISSUED, 100 * MADE_DAY);

	expect_err(ERR_FENCE, job_finish(w->store, w->a, &w->connector, &r));
	assert_string_equal(issue_request(w).serial, r.serial);
	assert_string_equal(world_newest(w, "pkcs").serial, r.serial);
	r = world_result(w, &revoke, JOB_REJECTED, 0);
	r.fault = "ca-no-revoke";
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	when_set(MADE_NOW + 61 + 3600);
	assert_non_null(strstr(world_job(w).serial, world_newest(w, "pkcs").serial));
}

static void
another_is_asked_for_after_an_hour_and_what_comes_then_of_the_first_is_named(void **state)
{
	WORLD(state);
	struct job j = lost(w), *v;
	struct job_result r = world_result(w, &j, JOB_ISSUED, 100 * MADE_DAY);

	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_look(w, "pkcs").n, 2);
	when_set(MADE_NOW + 61 + 3600);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_lease(w, &v), 2);
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &w->connector, &r));
	assert_string_equal(issue_request(w).serial, r.serial);
	/* Nobody can say it of somebody else's. */
	r.serial = "4242";
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &w->connector, &r));
	assert_string_not_equal(issue_request(w).serial, "4242");
}

static void
what_lies_at_the_ca_goes_with_its_revocation(void **state)
{
	WORLD(state);
	struct job j = sent(w), revoke;
	struct job_result r = world_result(w, &j, JOB_REJECTED, 0);

	r.fault = "ca-approval";
	r.serial = "61a5";
	r.ca_request = "4711";
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	assert_string_equal(issue_request(w).fault, "ca-approval");
	revoke = world_job(w);
	assert_int_equal(revoke.kind, REQUEST_REVOKE);
	assert_string_equal(revoke.serial, "61a5");
	assert_string_equal(revoke.ca_request, "4711");
}

static void
the_pause_grows_to_a_day_where_a_certificate_may_lie_at_the_ca(void **state)
{
	static const struct {
		uint32_t attempts;
		int pause;
	} rows[] = { { 1, 3600 }, { 2, 7200 }, { 3, 14400 }, { 5, 57600 }, { 6, 86400 },
		{ UINT32_MAX, 86400 } };
	struct request r = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		r.attempts = rows[i].attempts;
		assert_int_equal(sent_pause(&r, UNKNOWN, 3600), rows[i].pause);
		assert_int_equal(sent_pause(&r, "ca-issued-unused", 3600), rows[i].pause);
		assert_int_equal(sent_pause(&r, "ca-denied", 3600), 3600);
		assert_int_equal(sent_pause(&r, NULL, 3600), 3600);
	}
}

struct by_hand {
	struct world *w;
	struct id slot;
};

static err_t
say_revoked(struct tx *tx, void *arg)
{
	struct by_hand *h = arg;
	struct slot s;
	size_t n;

	TRY(store_slot_get(tx, h->w->a, h->slot, &s));
	return request_revoked_there(tx, h->w->a, &s, "admin ada", &n);
}

static void
once_somebody_looked_there_another_is_asked_for_at_once(void **state)
{
	WORLD(state);
	struct by_hand h = { .w = w };
	struct job revoke;
	struct job_result r;

	lost(w);
	h.slot = world_look(w, "pkcs").slot.id;
	expect_ok(store_write(w->store, say_revoked, &h)); /* nobody was told to look yet */
	world_checkin(w, NULL, 0, NULL);
	revoke = world_job(w);
	r = world_result(w, &revoke, JOB_REJECTED, 0);
	r.fault = "ca-no-revoke";
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	expect_ok(store_write(w->store, say_revoked, &h));
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_job(w).kind, REQUEST_ISSUE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(what_was_sent_and_never_answered_is_not_sent_again),
		IN_WORLD(before_it_is_sent_the_end_of_a_lease_is_nothing),
		IN_WORLD(a_lease_that_is_over_is_nobody_elses_before_it_was_looked_at),
		IN_WORLD(a_connector_that_lost_it_or_leaves_does_not_free_it),
		IN_WORLD(only_who_holds_the_lease_may_send),
		IN_WORLD(a_job_that_went_elsewhere_is_not_sent),
		IN_WORLD(
		    a_certificate_that_comes_after_all_is_delivered_and_its_revocation_called_off),
		IN_WORLD(what_was_called_off_is_revoked_when_it_is_over),
		IN_WORLD(a_refusal_that_comes_after_all_leaves_nothing_to_look_for),
		cmocka_unit_test(what_the_ca_refuses_needs_no_revocation_where_it_was_sent_once),
		IN_WORLD(nobody_elses_word_counts_after_all),
		IN_WORLD(a_word_that_comes_when_it_is_being_revoked_names_what_is_to_be_revoked),
		IN_WORLD(
		    another_is_asked_for_after_an_hour_and_what_comes_then_of_the_first_is_named),
		IN_WORLD(what_lies_at_the_ca_goes_with_its_revocation),
		cmocka_unit_test(the_pause_grows_to_a_day_where_a_certificate_may_lie_at_the_ca),
		IN_WORLD(once_somebody_looked_there_another_is_asked_for_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

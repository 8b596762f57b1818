/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector has in hand: never more than there is room for, nothing lost, nothing twice. */
#include "../expect.h"

#include "base/when.h"
#include "connector/desk.h"

#include <poll.h>

enum { ROOM = 4, LEASE_MS = 60000 };

static json *
jobs_of(unsigned from, unsigned n)
{
	json *list = json_array_new();
	char name[16];

	for (unsigned i = from; i < from + n; i++) {
		json *j = json_object_new();

		snprintf(name, sizeof(name), "r%u", i);
		json_set_text(j, "request", name);
		json_set_int(j, "fence", i + 1);
		json_add(list, j);
	}
	return list;
}

static int
setup(void **state)
{
	*state = desk_new(ROOM);
	return 0;
}

static int
teardown(void **state)
{
	desk_free(*state);
	return 0;
}

static void
add(struct desk *d, unsigned from, unsigned n, int64_t lease_ms)
{
	auto_json json *jobs = jobs_of(from, n);

	assert_int_equal(desk_reserve_instead(d, n), n);
	desk_add(d, n, jobs, lease_ms);
}

static json *
result_of(const struct held *h)
{
	json *r = json_object_new();

	json_set_text(r, "request", json_text(json_get(held_job(h), "request")));
	return r;
}

static void
room_is_what_is_neither_held_nor_set_aside(void **state)
{
	struct desk *d = *state;

	assert_int_equal(desk_reserve(d, 3), 3);
	assert_int_equal(desk_reserve_instead(d, 3), 1);
	assert_int_equal(desk_reserve_instead(d, 3), 0);
	desk_add(d, 3, NULL, 0);
	add(d, 0, 2, LEASE_MS);
	assert_int_equal(desk_reserve_instead(d, 9), 1);
}

static void
a_service_that_gives_more_than_was_asked_for_does_not_fill_it_over(void **state)
{
	struct desk *d = *state;
	auto_json json *jobs = jobs_of(0, 9);

	assert_int_equal(desk_reserve_instead(d, 2), 2);
	desk_add(d, 2, jobs, LEASE_MS);
	assert_int_equal(desk_count(d).waiting, 2);
}

static void
jobs_are_taken_in_the_order_in_which_they_came(void **state)
{
	struct desk *d = *state;

	add(d, 0, 2, LEASE_MS);
	assert_string_equal(json_text(json_get(held_job(desk_take(d)), "request")), "r0");
	assert_string_equal(json_text(json_get(held_job(desk_take(d)), "request")), "r1");
	assert_int_equal(desk_count(d).running, 2);
}

static void
a_job_whose_lease_is_over_is_somebody_elses(void **state)
{
	struct desk *d = *state;

	add(d, 0, 2, 0);
	add(d, 2, 1, LEASE_MS);
	assert_string_equal(json_text(json_get(held_job(desk_take(d)), "request")), "r2");
	assert_int_equal(desk_count(d).waiting, 0);
	assert_int_equal(desk_reserve_instead(d, 9), 3);
}

static void
a_result_that_could_not_be_brought_is_brought_again(void **state)
{
	struct desk *d = *state;
	struct held *h;

	add(d, 0, 1, LEASE_MS);
	h = desk_take(d);
	desk_done(d, h, result_of(h));
	for (int i = 0; i < 2; i++) {
		auto_json json *results = json_array_new();
		auto_json json *more = json_array_new();

		assert_int_equal(desk_results(d, 0, 0, 9, results), 1);
		assert_int_equal(desk_results(d, 0, 0, 9, more), 0);
		desk_brought(d, i == 1);
	}
	assert_int_equal(desk_reserve_instead(d, 9), ROOM);
}

static void
many_results_go_in_one_exchange_and_no_more_than_asked(void **state)
{
	struct desk *d = *state;
	auto_json json *first = json_array_new();
	auto_json json *rest = json_array_new();

	add(d, 0, 3, LEASE_MS);
	for (int i = 0; i < 3; i++) {
		struct held *h = desk_take(d);

		desk_done(d, h, result_of(h));
	}
	assert_int_equal(desk_results(d, 0, 0, 2, first), 2);
	desk_brought(d, true);
	assert_int_equal(desk_results(d, 0, 0, 2, rest), 1);
	assert_string_equal(json_text(json_get(json_at(rest, 0), "request")), "r2");
}

static void
what_is_held_is_said_until_it_was_brought(void **state)
{
	struct desk *d = *state;
	auto_json json *results = json_array_new();
	struct held *h;

	add(d, 0, 3, LEASE_MS);
	h = desk_take(d);
	desk_done(d, h, result_of(h));
	desk_take(d);
	desk_results(d, 0, 0, 9, results);
	for (int i = 0; i < 2; i++) {
		auto_json json *holds = json_array_new();

		desk_holds(d, holds);
		assert_int_equal(json_count(holds), 3 - i);
		assert_int_equal(json_int(json_get(json_at(holds, 0), "fence")), 1 + i);
		desk_brought(d, true);
	}
}

static void
closed_it_finishes_what_it_has_and_takes_nothing(void **state)
{
	struct desk *d = *state;

	add(d, 0, 1, LEASE_MS);
	desk_close(d, true);
	assert_int_equal(desk_reserve(d, 2), 0);
	assert_non_null(desk_take(d));
	desk_close(d, false);
	assert_int_equal(desk_reserve(d, 2), 2);
}

static void *
stop_soon(void *arg)
{
	poll(NULL, 0, 50);
	desk_stop(arg);
	return NULL;
}

static void
stopped_nobody_waits_any_more_and_what_nobody_took_up_is_not_held(void **state)
{
	struct desk *d = *state;
	auto_json json *holds = json_array_new();
	auto_json json *results = json_array_new();
	auto_json json *late = jobs_of(7, 1);
	struct held *running;
	pthread_t t;

	add(d, 0, 1, LEASE_MS);
	running = desk_take(d);
	assert_int_equal(pthread_create(&t, NULL, stop_soon, d), 0);
	assert_null(desk_take(d));
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(desk_reserve(d, 1), 0);
	desk_add(d, 0, late, LEASE_MS);
	desk_holds(d, holds);
	assert_int_equal(json_count(holds), 1);
	desk_done(d, running, result_of(running));
	assert_int_equal(desk_results(d, 0, 0, 9, results), 1);
}

static void
who_waits_for_results_is_nudged(void **state)
{
	struct desk *d = *state;
	auto_json json *results = json_array_new();
	int64_t before = when_mono_ms();

	desk_nudge(d);
	assert_int_equal(desk_results(d, before + LEASE_MS, 0, 9, results), 0);
	assert_true(when_mono_ms() < before + LEASE_MS);
	assert_int_equal(desk_results(d, before, 0, 9, results), 0);
}

static void
what_takes_results_there_comes_back_with_as_many_jobs(void **state)
{
	struct desk *d = *state;
	auto_json json *results = json_array_new();
	struct held *h;

	add(d, 0, ROOM, LEASE_MS);
	h = desk_take(d);
	assert_int_equal(desk_reserve_instead(d, 9), 0);
	desk_done(d, h, result_of(h));
	assert_int_equal(desk_reserve_instead(d, 9), 0);
	assert_int_equal(desk_results(d, 0, 0, 9, results), 1);
	assert_int_equal(desk_reserve_instead(d, 9), 1);
	assert_int_equal(desk_reserve_instead(d, 9), 0);
	desk_brought(d, false); /* it was not, so nothing came back, either */
	desk_add(d, 1, NULL, LEASE_MS);
	assert_int_equal(desk_reserve_instead(d, 9), 0);
}

static void
a_result_waits_for_others_only_while_others_run(void **state)
{
	struct desk *d = *state;
	auto_json json *first = json_array_new();
	auto_json json *rest = json_array_new();
	struct held *one, *two;
	int64_t before = when_mono_ms();

	add(d, 0, 2, LEASE_MS);
	one = desk_take(d);
	desk_done(d, one, result_of(one));
	assert_int_equal(desk_results(d, before + LEASE_MS, LEASE_MS, 9, first), 1);
	desk_brought(d, true);
	two = desk_take(d);
	add(d, 2, 1, LEASE_MS);
	one = desk_take(d);
	desk_done(d, two, result_of(two));
	assert_int_equal(desk_results(d, before + LEASE_MS, 1, 9, rest), 1);
	desk_done(d, one, result_of(one));
	assert_true(when_mono_ms() < before + LEASE_MS);
}

#define ROOM_LARGE 16

static void *
finish_soon(void *arg)
{
	struct desk *d = arg;

	poll(NULL, 0, 30);
	for (int i = 0; i < 3; i++) {
		struct held *h = desk_take(d);

		desk_done(d, h, result_of(h));
	}
	return NULL;
}

static void
results_are_gathered_until_there_are_a_quarter_of_the_room(void **state)
{
	struct desk *d = desk_new(ROOM_LARGE);
	auto_json json *results = json_array_new();
	int64_t before = when_mono_ms();
	struct held *h;
	pthread_t t;

	(void)state;
	add(d, 0, 6, LEASE_MS);
	(void)desk_take(d);
	h = desk_take(d);
	desk_done(d, h, result_of(h));
	assert_int_equal(pthread_create(&t, NULL, finish_soon, d), 0);
	assert_int_equal(desk_results(d, before + LEASE_MS, LEASE_MS, 9, results), 4);
	assert_true(when_mono_ms() < before + LEASE_MS);
	assert_int_equal(pthread_join(t, NULL), 0);
	desk_free(d);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(room_is_what_is_neither_held_nor_set_aside),
		CASE(a_service_that_gives_more_than_was_asked_for_does_not_fill_it_over),
		CASE(jobs_are_taken_in_the_order_in_which_they_came),
		CASE(a_job_whose_lease_is_over_is_somebody_elses),
		CASE(a_result_that_could_not_be_brought_is_brought_again),
		CASE(many_results_go_in_one_exchange_and_no_more_than_asked),
		CASE(what_is_held_is_said_until_it_was_brought),
		CASE(closed_it_finishes_what_it_has_and_takes_nothing),
		CASE(stopped_nobody_waits_any_more_and_what_nobody_took_up_is_not_held),
		CASE(who_waits_for_results_is_nudged),
		CASE(what_takes_results_there_comes_back_with_as_many_jobs),
		CASE(a_result_waits_for_others_only_while_others_run),
		CASE(results_are_gathered_until_there_are_a_quarter_of_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

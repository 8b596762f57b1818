/* SPDX-License-Identifier: Apache-2.0 */
/* A message that nobody takes is tried again for a day, with growing pauses, and then given up. */
#include "world.h"

#include "model/notice.h"

struct fixture {
	struct world *w;
	struct notice_target target;
	struct notice notice;
	struct notice *due;
	size_t ndue;
};

static struct fixture fixture;

static err_t
make(struct tx *tx, void *arg)
{
	struct fixture *f = arg;

	f->target = (struct notice_target){ .id = id_new(),
		.display_name = "Down",
		.kind = NOTICE_WEBHOOK,
		.address = "https://down.example.test/hook",
		.secret = "s",
		.failure = true,
		.period = 60,
		.enabled = true };
	TRY(store_notice_target_insert(tx, &f->target));
	return notice_test(tx, f->w->a, &f->target, &f->notice);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct fixture *f = arg;

	TRY(store_notice_due(tx, f->w->a, when_now(), 10, &f->due, &f->ndue));
	return store_notice_get(tx, f->w->a, f->notice.id, &f->notice);
}

static void
see(void)
{
	expect_ok(store_read(fixture.w->store, look, &fixture));
}

static int
notice_setup(void **state)
{
	struct world *w;

	assert_int_equal(world_setup(state), 0);
	w = *state;
	fixture = (struct fixture){ .w = w };
	expect_ok(store_write(w->store, make, &fixture));
	return 0;
}

static void
refused_it_waits_longer_each_time_up_to_an_hour(void **state)
{
	struct world *w = *state;
	int64_t last = 0;
	bool given_up;

	for (int tries = 1; tries < 12; tries++) {
		see();
		assert_int_equal(fixture.ndue, 1);
		expect_ok(notice_done(w->store, fixture.notice.id, "answer 500", &given_up));
		assert_false(given_up);
		see();
		assert_int_equal(fixture.ndue, 0);
		assert_int_equal(fixture.notice.tries, tries);
		assert_in_range(fixture.notice.next - when_now(), last, 3600);
		last = fixture.notice.next - when_now();
		when_set(fixture.notice.next);
	}
	assert_int_equal(last, 3600);
}

static void
after_a_day_it_is_given_up_and_said(void **state)
{
	struct world *w = *state;
	bool given_up = false;
	int tries = 0;

	for (; !given_up; tries++) {
		see();
		assert_int_equal(fixture.ndue, 1);
		assert_int_equal(fixture.notice.state, NOTICE_WAITING);
		expect_ok(notice_done(w->store, fixture.notice.id, "answer 500", &given_up));
		see();
		if (!given_up)
			when_set(fixture.notice.next);
	}
	assert_int_equal(fixture.notice.state, NOTICE_GIVEN_UP);
	assert_string_equal(fixture.notice.detail, "answer 500");
	assert_in_range(fixture.notice.ended - fixture.notice.created, 24 * 3600, 25 * 3600);
	assert_in_range(tries, 24, 40);
	when_set(when_now() + 100 * 3600);
	see();
	assert_int_equal(fixture.ndue, 0);
}

static void
a_second_before_the_day_is_over_it_still_waits(void **state)
{
	struct world *w = *state;
	bool given_up;

	when_set(fixture.notice.created + NOTICE_GIVE_UP_S - 1);
	expect_ok(notice_done(w->store, fixture.notice.id, "answer 500", &given_up));
	assert_false(given_up);
}

static void
taken_late_it_is_delivered(void **state)
{
	struct world *w = *state;
	bool given_up;

	when_set(fixture.notice.created + 10 * NOTICE_GIVE_UP_S);
	expect_ok(notice_done(w->store, fixture.notice.id, NULL, &given_up));
	assert_false(given_up);
	see();
	assert_int_equal(fixture.notice.state, NOTICE_DELIVERED);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, notice_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(refused_it_waits_longer_each_time_up_to_an_hour),
		CASE(after_a_day_it_is_given_up_and_said),
		CASE(a_second_before_the_day_is_over_it_still_waits),
		CASE(taken_late_it_is_delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

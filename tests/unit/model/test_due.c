/* SPDX-License-Identifier: Apache-2.0 */
/* Whom it is worth to wake. */
#include "world.h"

#include "model/due.h"

struct asking {
	struct world *w;
	bool due;
};

static err_t
ask(struct tx *tx, void *arg)
{
	struct asking *x = arg;

	return device_is_due(tx, x->w->a, x->w->device.id, &x->due);
}

static bool
is_due(struct world *w)
{
	struct asking x = { .w = w };

	expect_ok(store_read(w->store, ask, &x));
	return x.due;
}

static void
what_was_assigned_is_due_until_the_device_heard_of_it(void **state)
{
	struct world *w = *state;

	assert_true(is_due(w));
	world_checkin(w, NULL, 0, NULL);
	assert_false(is_due(w));
	world_unassign(w, w->root_profile.id);
	assert_true(is_due(w));
}

/* The nudge of the moment may be lost: the service ended, or the push service was away. */
static void
what_lies_ready_is_due_until_it_was_offered(void **state)
{
	struct world *w = *state;
	struct command *v;
	struct job j;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], &v);
	assert_false(is_due(w));
	j = world_job(w);
	assert_false(is_due(w));
	world_finish(w, &j, JOB_ISSUED);
	assert_true(is_due(w));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_false(is_due(w));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(what_was_assigned_is_due_until_the_device_heard_of_it),
		IN_WORLD(what_lies_ready_is_due_until_it_was_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

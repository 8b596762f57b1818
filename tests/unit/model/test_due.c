/* SPDX-License-Identifier: Apache-2.0 */
/* Whom it is worth to wake. */
#include "world.h"

#include "model/due.h"
#include "model/diff.h"
#include "model/enrol.h"

struct asking {
	struct world *w;
	enum due_kind due;
};

static err_t
ask(struct tx *tx, void *arg)
{
	struct asking *x = arg;

	return device_is_due(tx, x->w->a, x->w->device.id, &x->due);
}

static enum due_kind
due(struct world *w)
{
	struct asking x = { .w = w };

	expect_ok(store_read(w->store, ask, &x));
	return x.due;
}

static void
what_was_assigned_is_due_until_the_device_heard_of_it(void **state)
{
	struct world *w = *state;

	assert_int_equal(due(w), DUE_NEWS);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(due(w), DUE_NOT);
	world_unassign(w, w->root_profile.id);
	assert_int_equal(due(w), DUE_NEWS);
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
	assert_int_equal(due(w), DUE_NOT);
	j = world_job(w);
	assert_int_equal(due(w), DUE_NOT);
	world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(due(w), DUE_WAITING);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(due(w), DUE_NOT);
}

static err_t
look_after(struct tx *tx, void *arg)
{
	struct world *w = arg;
	struct device d;

	TRY(store_device_get(tx, w->a, w->device.id, &d));
	return diff_leaving(tx, w->a, &d);
}

/* What takes it away is recorded without the device, and its wake-up may be lost. */
static void
what_is_to_be_removed_waits_until_it_is_gone(void **state)
{
	struct world *w = *state;
	struct command *v;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	world_unassign(w, w->pkcs_profile.id);
	world_unassign(w, w->root_profile.id);
	expect_ok(store_write(w->store, look_after, w));
	assert_int_equal(due(w), DUE_WAITING);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_REMOVE_CA);
	assert_int_equal(due(w), DUE_WAITING);
	world_obey(w, &v[0], NULL);
	assert_int_equal(due(w), DUE_NOT);
}

static void
one_that_was_retired_waits_until_it_came_and_no_longer(void **state)
{
	struct world *w = *state;
	struct report r = { .has_inventory = true };
	struct command *v;
	size_t n;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], &v);
	expect_ok(device_retire(w->store, w->a, "tester", w->device.id));
	assert_int_equal(due(w), DUE_WAITING);
	expect_err(ERR_DEVICE_RETIRED, checkin_run(w->store, w->a, w->device.id, &r, &v, &n));
	assert_int_equal(due(w), DUE_NOT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(what_was_assigned_is_due_until_the_device_heard_of_it),
		IN_WORLD(what_lies_ready_is_due_until_it_was_offered),
		IN_WORLD(what_is_to_be_removed_waits_until_it_is_gone),
		IN_WORLD(one_that_was_retired_waits_until_it_came_and_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is too old becomes counts, what ended is told, and what is still to be revoked stays. */
#include "world.h"

#include "model/history.h"
#include "store/slot_count.h"

static size_t
forget(struct world *w, when_t before)
{
	size_t n, sum = 0;

	for (;;) {
		expect_ok(history_step(w->store, before, 20, &n));
		sum += n;
		if (n == 0)
			return sum;
	}
}

static void
a_certificate_that_ends_is_counted_as_such_by_itself(void **state)
{
	WORLD(state);
	struct world_find f;
	size_t n;

	world_install(w);
	f = world_look(w, "pkcs");
	assert_int_equal(f.slot.state, STATUS_INSTALLED);
	assert_int_equal(strlen(f.slot.thumbprint), 40);
	expect_ok(status_ended(w->store, 10, &n));
	assert_int_equal(n, 0);
	when_set(f.slot.not_after);
	expect_ok(status_ended(w->store, 10, &n));
	assert_true(n > 0);
	f = world_look(w, "pkcs");
	assert_int_not_equal(f.slot.state, STATUS_INSTALLED);
	assert_string_equal(f.events[f.nevents - 1].event, "ended");
	expect_ok(status_ended(w->store, 10, &n));
	assert_int_equal(n, 0);
}

struct counted {
	struct world *w;
	struct status_counts of_profile;
	int64_t events;
};

static err_t
count(struct tx *tx, void *arg)
{
	struct counted *c = arg;
	struct event_count *v;
	size_t n;

	TRY(status_counts(tx, c->w->a, c->w->pkcs_profile.id, &c->of_profile));
	TRY(store_event_counts(tx, c->w->a, &v, &n));
	c->events = 0;
	for (size_t i = 0; i < n; i++)
		c->events += v[i].n;
	return OK;
}

static struct counted
counted(struct world *w)
{
	struct counted c = { .w = w };

	expect_ok(store_read(w->store, count, &c));
	return c;
}

static void
counts_follow_a_certificate_on_its_way(void **state)
{
	WORLD(state);
	struct counted c;

	c = counted(w);
	assert_int_equal(c.of_profile.pending + c.of_profile.success + c.of_profile.error, 0);
	(void)world_checkin(w, NULL, 0, NULL);
	assert_int_equal(counted(w).of_profile.pending, 1);
	world_install(w);
	c = counted(w);
	assert_int_equal(c.of_profile.success, 1);
	assert_int_equal(c.of_profile.pending, 0);
	world_unassign(w, w->pkcs_profile.id);
	(void)world_checkin(w, NULL, 0, NULL);
	c = counted(w);
	assert_int_equal(c.of_profile.success, 0);
	assert_int_equal(c.of_profile.pending, 1); /* to be removed */
}

static void
old_events_are_counted_and_the_slot_stays(void **state)
{
	WORLD(state);
	struct world_find f;
	size_t n;

	world_install(w);
	f = world_look(w, "pkcs");
	n = f.nevents;
	assert_int_equal(forget(w, MADE_NOW - 1), 0);
	assert_true(forget(w, MADE_NOW + 1) >= n);
	f = world_look(w, "pkcs");
	assert_int_equal(f.nevents, 0);
	assert_int_equal(f.slot.state, STATUS_INSTALLED);
	assert_true(counted(w).events >= (int64_t)n);
}

static void
what_is_not_revoked_yet_is_never_forgotten(void **state)
{
	WORLD(state);
	struct world_find f;
	struct job j;

	world_install(w);
	world_unassign(w, w->pkcs_profile.id);
	(void)world_checkin(w, NULL, 0, NULL);
	world_drop(w, inventory_alias(w->a, w->pkcs_profile.id, (struct id){ 0 }));
	(void)world_checkin(w, NULL, 0, NULL);
	when_set(MADE_NOW + 1000);
	(void)forget(w, MADE_NOW + 900);
	f = world_look(w, "pkcs");
	assert_int_equal(f.slot.state, STATUS_REMOVED);
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_REVOKE);
	world_finish(w, &j, JOB_REVOKED);
	when_set(MADE_NOW + 5000);
	assert_true(forget(w, MADE_NOW + 4000) > 0);
	assert_int_equal(forget(w, MADE_NOW + 4000), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_certificate_that_ends_is_counted_as_such_by_itself),
		IN_WORLD(counts_follow_a_certificate_on_its_way),
		IN_WORLD(old_events_are_counted_and_the_slot_stays),
		IN_WORLD(what_is_not_revoked_yet_is_never_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

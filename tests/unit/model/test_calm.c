/* SPDX-License-Identifier: Apache-2.0 */
/* A check-in that found nothing to do is known again, until anything that it depends on changes. */
#include "world.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

#include "model/calm.h"
#include "model/enrol.h"
#include "model/life.h"
#include "store/filter.h"
#include "store/slot_search.h"

struct fixture {
	struct world *w;
	struct calm *calm;
	struct checkin_calm last;
	struct id other; /* another device of the user */
	struct filter filter;
};

static struct fixture fixture;

static const struct str certificate = { (const uint8_t *)"certificate", 11 };
static const struct str message = { (const uint8_t *)"message", 7 };

/* What the device holds by now, and whether that was calm. */
static bool
comes(void)
{
	struct world *w = fixture.w;
	struct report r = { .has_inventory = true,
		.items = w->held,
		.nitems = w->nheld,
		.identity = w->device.identity_sha256 };
	struct command *v;
	size_t n;

	expect_ok(checkin_look(w->store, w->a, w->device.id, &r, &v, &n, &fixture.last));
	return fixture.last.until > 0;
}

static bool
holds(void)
{
	return store_stamp_holds(fixture.w->store, fixture.w->device.id, &fixture.last.stamp);
}

/* Has all it should have, and said so. */
static int
calm_setup(void **state)
{
	struct world *w;

	assert_int_equal(world_setup(state), 0);
	w = *state;
	fixture = (struct fixture){ .w = w, .calm = calm_new(w->store, NULL) };
	world_install(w);
	when_set(MADE_NOW + 5);
	comes();
	assert_true(comes());
	return 0;
}

static int
calm_teardown(void **state)
{
	calm_free(fixture.calm);
	return world_teardown(state);
}

static void
it_holds_until_the_renewal_is_due(void **state)
{
	struct world *w = *state;
	struct world_find f = world_look(w, "pkcs");

	assert_int_equal(fixture.last.until, diff_renewal_due(&f.slot, 20));
	when_set(fixture.last.until);
	assert_false(comes());
}

static void
a_device_that_waits_for_something_is_not_calm(void **state)
{
	struct world *w = *state;

	w->nheld = 0; /* lost */
	assert_false(comes());
	assert_false(comes());
}

static void
another_certificate_than_the_one_on_record_is_not_calm(void **state)
{
	struct world *w = *state;

	w->device.identity_sha256 = str_of("another9abcdef0123456789abcdef01", 32);
	assert_false(comes());
}

static void
other_devices(struct world *w, struct tx *tx)
{
	struct device d = w->device;

	d.id = id_new();
	d.identity_sha256 = str_of("x123456789abcdef0123456789abcdef", 32);
	expect_ok(store_device_insert(tx, &d));
	expect_ok(store_device_seen(tx, d.id, when_now()));
	expect_ok(store_device_contact(tx, w->device.id, when_now()));
	expect_ok(store_audit_add(tx, "test", "x", "y", "", ""));
}

static void
other_devices_and_the_log_change_nothing(void **state)
{
	struct world *w = *state;
	struct job *v;

	world_write(w, other_devices);
	assert_int_equal(world_lease(w, &v), 0);
	expect_ok(job_sweep(w->store));
	assert_true(holds());
}

static void
another_device(struct world *w, struct tx *tx)
{
	struct device d = w->device;

	d.id = fixture.other;
	d.identity_sha256 = str_of("y123456789abcdef0123456789abcdef", 32);
	expect_ok(store_device_insert(tx, &d));
}

static void
what_another_device_is_given_changes_nothing(void **state)
{
	struct world *w = *state;
	struct report r = { .has_inventory = true };
	struct command *v;
	struct job j;
	size_t n;

	fixture.other = id_new();
	world_write(w, another_device);
	expect_ok(checkin_run(w->store, w->a, fixture.other, &r, &v, &n));
	assert_int_equal(n, 1);
	assert_true(holds());
	j = world_job(w);
	world_finish(w, &j, JOB_ISSUED);
	assert_true(holds());
	expect_ok(checkin_run(w->store, w->a, fixture.other, &r, &v, &n));
	assert_true(holds());
}

static void
texts_indexed(struct world *w, struct tx *tx)
{
	bool due = false;
	size_t n = 100;

	(void)w;
	expect_ok(store_slot_unindexed(tx, &due));
	assert_true(due);
	expect_ok(store_slot_index(tx, 100, &n));
	assert_true(n > 0);
}

/* In a database that was opened: one that was made knows its virtual tables. */
static void
what_searches_go_by_changes_nothing(void **state)
{
	struct world *w = *state;

	calm_free(fixture.calm);
	store_close(w->store);
	expect_ok(store_open(&(struct store_conf){ .path = arena_printf(w->a, "%s/x.db", w->dir),
				 .schema = STORE_SERVICE,
				 .readers = 2 },
	    &w->store));
	fixture.calm = calm_new(w->store, NULL);
	fixture.last.stamp = store_stamp(w->store, w->device.id);
	world_write(w, texts_indexed);
	assert_true(holds());
}

static void
leave_group(struct world *w, struct tx *tx)
{
	expect_ok(store_member_remove(tx, w->group.id, w->user.id));
}

static void
rename_user(struct world *w, struct tx *tx)
{
	w->user.mail = "other@mail.example.test";
	expect_ok(store_user_update(tx, &w->user));
}

static void
slot_moves(struct world *w, struct tx *tx)
{
	struct slot s;

	expect_ok(store_slot_find(tx, w->a, w->device.id, w->user.id, w->pkcs_profile.id, &s));
	s.since++;
	expect_ok(store_slot_update(tx, &s));
}

static void
device_changes(struct world *w, struct tx *tx)
{
	w->device.name = "laptop-2";
	expect_ok(store_device_update(tx, &w->device));
}

static void
filter_made(struct world *w, struct tx *tx)
{
	struct filter f = { .id = id_new(), .display_name = "F", .platform = "linux", .rule = "r" };

	(void)w;
	expect_ok(store_filter_insert(tx, &f));
}

static void
any_change_of_directory_targets_and_its_own_ends_it(void **state)
{
	static void (*const changes[])(struct world * w, struct tx * tx) = { leave_group,
		rename_user, slot_moves, device_changes, filter_made };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(changes); i++) {
		fixture.last.stamp = store_stamp(w->store, w->device.id);
		assert_true(holds());
		world_write(w, changes[i]);
		assert_false(holds());
	}
}

/* One of several writes that go to disk together: it changes something, or asks whether the stamp is good still. */
struct together {
	struct world *w;
	void (*change)(struct world *w, struct tx *tx);
	bool fails;
	struct id device;
	struct stamp stamp;
	bool holds;
};

static err_t
run_together(struct tx *tx, void *arg)
{
	struct together *t = arg;

	if (t->change != NULL)
		t->change(t->w, tx);
	else
		t->holds = tx_stamp_holds(tx, t->device, &t->stamp);
	if (t->fails)
		FAIL(ERR_FORBIDDEN, "%s", "not this one");
	return OK;
}

/* Whether the stamp of a device is good for a write that goes to disk together with a change, after it. */
static bool
holds_beside(
    struct world *w, struct id device, void (*change)(struct world *w, struct tx *tx), bool fails)
{
	struct together v[] = { { .w = w, .change = change, .fails = fails },
		{ .w = w, .device = device, .stamp = store_stamp(w->store, device) } };
	void *args[] = { &v[0], &v[1] };
	struct err_report reports[2];

	store_write_each(w->store, run_together, args, 2, reports);
	assert_int_equal(reports[0].code, fails ? ERR_FORBIDDEN : ERR_NONE);
	assert_int_equal(reports[1].code, ERR_NONE);
	return v[1].holds;
}

static void
what_goes_to_disk_together_with_a_write_ends_it_for_that_already(void **state)
{
	struct world *w = *state;

	assert_false(holds_beside(w, w->device.id, device_changes, false));
	assert_false(holds_beside(w, w->device.id, slot_moves, false));
	assert_false(holds_beside(w, w->device.id, leave_group, false));
	assert_false(holds_beside(w, id_new(), rename_user, false));
	/* Another's device, and what did not come about. */
	assert_true(holds_beside(w, id_new(), device_changes, false));
	assert_true(holds_beside(w, w->device.id, other_devices, false));
	assert_true(holds_beside(w, w->device.id, slot_moves, true));
}

static err_t
ask_reading(struct tx *tx, void *arg)
{
	struct together *t = arg;

	t->holds = tx_stamp_holds(tx, t->device, &t->stamp);
	return OK;
}

static void
what_only_reads_is_never_told_that_it_holds(void **state)
{
	struct world *w = *state;
	struct together t = { .w = w,
		.device = w->device.id,
		.stamp = store_stamp(w->store, w->device.id),
		.holds = true };

	expect_ok(store_read(w->store, ask_reading, &t));
	assert_false(t.holds);
}

/* A write that takes its time and then takes the device's user out of the group. */
struct slow {
	struct world *w;
	sem_t begun;
};

static err_t
leave_slowly(struct tx *tx, void *arg)
{
	struct slow *s = arg;

	sem_post(&s->begun);
	poll(NULL, 0, 200);
	leave_group(s->w, tx);
	return OK;
}

static void *
write_slowly(void *arg)
{
	struct slow *s = arg;

	expect_ok(store_write(s->w->store, leave_slowly, s));
	return NULL;
}

static err_t
no_slots(struct tx *tx, void *arg)
{
	struct world *w = arg;
	struct slot *v;
	size_t n;

	TRY(store_slots_of_device(tx, w->a, w->device.id, &v, &n));
	assert_int_equal(n, 0);
	return OK;
}

static void
join_group(struct world *w, struct tx *tx)
{
	expect_ok(store_member_add(tx, w->group.id, (struct member){ w->user.id, MEMBER_USER }));
}

static void
filter_put(struct world *w, struct tx *tx)
{
	(void)w;
	expect_ok(store_filter_insert(tx, &fixture.filter));
}

/* It read that profiles are due; when it comes to write, they are not any more. */
static void
a_check_in_that_was_overtaken_between_reading_and_writing_asks_for_nothing(void **state)
{
	struct world *w = *state;
	struct slow s = { .w = w };
	pthread_t thread;

	/* What it reports is on record before, so that what is due is the first that it wants to write. */
	world_write(w, leave_group);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	world_write(w, join_group);
	sem_init(&s.begun, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, write_slowly, &s), 0);
	while (sem_wait(&s.begun) != 0)
		;
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	pthread_join(thread, NULL);
	sem_destroy(&s.begun);
	expect_ok(store_read(w->store, no_slots, w));
}

/* A check-in whose reader has found everything, and of which a writer has to begin anew: what happened in between? */
struct between {
	struct world *w;
	void (*change)(struct world *w, struct tx *tx); /* NULL: nothing */
};

static void *
change_elsewhere(void *arg)
{
	struct between *b = arg;

	if (b->change != NULL)
		world_write(b->w, b->change);
	return NULL;
}

/* Last of all in the reader, which has something to write then. */
static err_t
write_at_the_end(struct tx *tx, struct arena *a, const struct device *d, const struct command *v,
    size_t n, void *ctx)
{
	pthread_t thread;

	(void)a;
	(void)d;
	(void)v;
	if (tx_writes(tx))
		return OK;
	assert_int_equal(n, 0);
	assert_int_equal(pthread_create(&thread, NULL, change_elsewhere, ctx), 0);
	pthread_join(thread, NULL);
	return request_may_write(tx);
}

/* How much the device is told to remove; it is told nothing else. */
static size_t
told_to_remove(
    struct world *w, const struct device *facts, void (*change)(struct world *w, struct tx *tx))
{
	struct between b = { w, change };
	struct checkin_with hook = { write_at_the_end, &b };
	struct report r = { .has_inventory = true,
		.items = w->held,
		.nitems = w->nheld,
		.has_facts = facts != NULL,
		.with = &hook };
	struct command *v;
	size_t n;

	if (facts != NULL)
		r.facts = *facts;
	expect_ok(checkin_run(w->store, w->a, w->device.id, &r, &v, &n));
	for (size_t i = 0; i < n; i++)
		assert_true(v[i].kind == COMMAND_REMOVE_CA || v[i].kind == COMMAND_REMOVE_IDENTITY);
	return n;
}

/* The certificate is for machines of the first name alone. */
static void
assign_by_name(struct world *w)
{
	struct filter f = { .id = id_new(),
		.display_name = "By name",
		.platform = "linux",
		.rule = "device.deviceName -eq \"laptop-1\"" };
	struct assignment to = { .kind = TARGET_GROUP,
		.group = w->group.id,
		.filter = f.id,
		.filter_mode = FILTER_INCLUDE };
	struct warnings warn;

	fixture.filter = f;
	world_write(w, filter_put);
	expect_ok(profile_assign(w->store, w->a, "test", w->pkcs_profile.id, &to, 1, &warn));
	assert_true(comes());
}

static void
filter_changes(struct world *w, struct tx *tx)
{
	(void)w;
	fixture.filter.rule = "device.deviceName -eq \"laptop-7\"";
	expect_ok(store_filter_update(tx, &fixture.filter));
}

static void
user_disabled(struct world *w, struct tx *tx)
{
	w->user.enabled = false;
	expect_ok(store_user_update(tx, &w->user));
}

static void
device_is_lost(struct world *w, struct tx *tx)
{
	struct device_life life;

	expect_ok(store_device_life_get(tx, w->a, w->device.id, &life));
	life.lost = when_now();
	expect_ok(store_device_life_put(tx, &life));
}

static void
untargeted(struct world *w, struct tx *tx)
{
	expect_ok(store_assign(tx, w->pkcs_profile.id, NULL, 0));
}

static void
what_a_reader_found_due_is_not_used_by_the_writer_after_any_change(void **state)
{
	static const struct {
		void (*change)(struct world *w, struct tx *tx);
		size_t removed;
	} rows[] = { { NULL, 0 }, { other_devices, 0 }, { leave_group, 2 }, { user_disabled, 2 },
		{ device_is_lost, 2 }, { device_changes, 1 }, { filter_changes, 1 },
		{ untargeted, 1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		void *s;

		assert_int_equal(calm_setup(&s), 0);
		assign_by_name(s);
		assert_int_equal(told_to_remove(s, NULL, rows[i].change), rows[i].removed);
		calm_teardown(&s);
	}
}

static void
what_a_reader_found_due_is_not_used_with_facts_that_the_device_brings_itself(void **state)
{
	struct world *w = *state;
	struct device same = { .name = "laptop-1" }, other = { .name = "laptop-9" };

	assign_by_name(w);
	assert_int_equal(told_to_remove(w, &same, NULL), 0);
	assert_int_equal(told_to_remove(w, &other, NULL), 1);
}

static void
a_profile_and_its_targets_end_it(void **state)
{
	struct world *w = *state;

	world_unassign(w, w->pkcs_profile.id);
	assert_false(holds());
}

static void
a_retired_device_is_not_known_any_more(void **state)
{
	struct world *w = *state;
	struct calm_hit hit;

	assert_false(calm_find(fixture.calm, certificate, message, &hit));
	hit.device = w->device.id;
	hit.wait = 7;
	calm_put(fixture.calm, &hit, &fixture.last.stamp, fixture.last.until);
	assert_true(calm_find(fixture.calm, certificate, message, &hit));
	assert_int_equal(hit.wait, 7);
	assert_true(id_eq(hit.device, w->device.id));
	expect_ok(device_retire(w->store, w->a, "test", w->device.id));
	assert_false(calm_find(fixture.calm, certificate, message, &hit));
}

static void
another_message_or_certificate_is_not_known(void **state)
{
	struct world *w = *state;
	struct calm_hit hit;

	(void)calm_find(fixture.calm, certificate, message, &hit);
	hit.device = w->device.id;
	calm_put(fixture.calm, &hit, &fixture.last.stamp, fixture.last.until);
	assert_false(calm_find(fixture.calm, certificate, str_c("Message"), &hit));
	assert_false(calm_find(fixture.calm, str_c("Certificate"), message, &hit));
	assert_true(calm_find(fixture.calm, certificate, message, &hit));
	when_set(fixture.last.until);
	assert_false(calm_find(fixture.calm, certificate, message, &hit));
}

static err_t
fetch(struct tx *tx, void *arg)
{
	struct world *w = arg;

	return store_device_get(tx, w->a, w->device.id, &w->device);
}

static void
contacts_are_written_down_and_leave_the_device_due(void **state)
{
	struct world *w = *state;
	struct calm_hit hit;
	when_t before;

	(void)calm_find(fixture.calm, certificate, message, &hit);
	hit.device = w->device.id;
	hit.written = MADE_NOW;
	calm_put(fixture.calm, &hit, &fixture.last.stamp, MADE_NOW + 600);
	expect_ok(store_read(w->store, fetch, w));
	before = w->device.last_seen;
	when_set(MADE_NOW + 100);
	expect_ok(calm_seen(fixture.calm)); /* not found since: nothing to write */
	assert_true(calm_find(fixture.calm, certificate, message, &hit));
	expect_ok(calm_seen(fixture.calm));
	expect_ok(store_read(w->store, fetch, w));
	assert_int_not_equal(w->device.last_seen, before);
	assert_int_equal(w->device.last_seen, MADE_NOW + 100);
	assert_true(calm_find(fixture.calm, certificate, message, &hit));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, calm_setup, calm_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(it_holds_until_the_renewal_is_due),
		CASE(a_device_that_waits_for_something_is_not_calm),
		CASE(another_certificate_than_the_one_on_record_is_not_calm),
		CASE(what_searches_go_by_changes_nothing),
		CASE(what_another_device_is_given_changes_nothing),
		CASE(other_devices_and_the_log_change_nothing),
		CASE(any_change_of_directory_targets_and_its_own_ends_it),
		CASE(what_goes_to_disk_together_with_a_write_ends_it_for_that_already),
		CASE(what_only_reads_is_never_told_that_it_holds),
		cmocka_unit_test_setup_teardown(
		    a_check_in_that_was_overtaken_between_reading_and_writing_asks_for_nothing,
		    world_setup, world_teardown),
		cmocka_unit_test(
		    what_a_reader_found_due_is_not_used_by_the_writer_after_any_change),
		CASE(what_a_reader_found_due_is_not_used_with_facts_that_the_device_brings_itself),
		CASE(a_profile_and_its_targets_end_it),
		CASE(a_retired_device_is_not_known_any_more),
		CASE(another_message_or_certificate_is_not_known),
		CASE(contacts_are_written_down_and_leave_the_device_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

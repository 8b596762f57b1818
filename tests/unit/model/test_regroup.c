/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of members, groups and filters: shown first, paced when they take much, at once when they take little. */
#include "world.h"

#include "model/enrol.h"
#include "model/regroup.h"
#include "model/upkeep.h"
#include "store/filter.h"

#define DEVICES 40

/* The world's group holds a group with devices, which have the world's root and nothing else. */
struct fleet {
	struct world *w;
	struct id device[DEVICES], below;
	struct id filter;
	/* of the last change */
	struct regroup_effect effect;
	struct warnings warn;
	err_t (*change)(struct tx *tx, struct arena *a);
	bool shows;
};

static struct fleet fleet;

static void
fleet_make(struct world *w, struct tx *tx)
{
	struct group below = {
		.id = fleet.below = id_new(), .display_name = "Below", .source = "api"
	};
	struct filter f = { .id = fleet.filter = id_new(),
		.display_name = "All",
		.platform = "linux",
		.rule = "(device.deviceName -startsWith \"d\")" };

	expect_ok(store_filter_insert(tx, &f));
	expect_ok(store_group_insert(tx, &below));
	for (size_t i = 0; i < DEVICES; i++) {
		struct device d = w->device;

		d.id = fleet.device[i] = id_new();
		d.user = (struct id){ { 0 } };
		d.name = arena_printf(w->a, "d%zu", i);
		d.serial = arena_printf(w->a, "S%zu", i);
		d.identity_sha256 = arena_str(w->a, str_c(arena_printf(w->a, "%032zu", i)));
		expect_ok(store_device_insert(tx, &d));
		expect_ok(store_member_add(tx, below.id, (struct member){ d.id, MEMBER_DEVICE }));
	}
	expect_ok(store_member_add(tx, w->group.id, (struct member){ below.id, MEMBER_GROUP }));
}

static void
terms(struct world *w, const char *text)
{
	auto_json json *j = NULL;
	struct rollout_terms t;

	expect_ok(json_parse(str_c(text), 1000, &j));
	expect_ok(rollout_terms_set(w->store, w->a, "test", j, &t));
}

struct see {
	struct world *w;
	struct id device;
	struct slot slot;
	bool found;
};

static err_t
see_run(struct tx *tx, void *arg)
{
	struct see *s = arg;
	err_t e = store_slot_find(
	    tx, s->w->a, s->device, (struct id){ { 0 } }, s->w->root_profile.id, &s->slot);

	s->found = err_ok(e);
	err_forget(e);
	return OK;
}

static struct see
slot_of(struct world *w, struct id device)
{
	struct see s = { .w = w, .device = device };

	expect_ok(store_read(w->store, see_run, &s));
	return s;
}

/* Checks in, does what it is told and says so. */
static void
comes(struct world *w, struct id device)
{
	struct report_item item = { .alias = inventory_alias(
					w->a, w->root_profile.id, (struct id){ { 0 } }) };
	struct report r = { .has_inventory = true, .items = &item };
	struct see s = slot_of(w, device);
	struct report_result res = { .status = RESULT_OK };
	struct command *v;
	size_t n;

	if (s.found && s.slot.reached_hash.n > 0) {
		item.sha256 = s.slot.cert_sha256;
		r.nitems = 1;
	}
	expect_ok(checkin_run(w->store, w->a, device, &r, &v, &n));
	if (n == 0)
		return;
	res.id = v[0].id;
	r.results = &res;
	r.nresults = 1;
	r.nitems = v[0].kind == COMMAND_INSTALL_CA;
	if (r.nitems > 0)
		item.sha256 = world_sha256(w, v[0].der);
	expect_ok(checkin_run(w->store, w->a, device, &r, &v, &n));
}

static size_t
wanted(struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < DEVICES; i++) {
		struct see s = slot_of(w, fleet.device[i]);

		n += s.found && s.slot.wanted;
	}
	return n;
}

static size_t
all_come(struct world *w)
{
	for (size_t i = 0; i < DEVICES; i++)
		comes(w, fleet.device[i]);
	return wanted(w);
}

static int
fleet_setup(void **state)
{
	struct world *w;

	assert_int_equal(world_setup(state), 0);
	w = *state;
	fleet = (struct fleet){ .w = w };
	world_write(w, fleet_make);
	world_unassign(w, w->pkcs_profile.id);
	assert_int_equal(all_come(w), DEVICES);
	when_set(MADE_NOW + 100);
	return 0;
}

static err_t
make_change(struct tx *tx, void *arg)
{
	struct fleet *f = arg;

	f->warn.n = 0;
	TRY(f->change(tx, f->w->a));
	if (f->shows)
		FAIL(ERR_READ_ONLY, "shown");
	return OK;
}

static void
do_change(err_t (*change)(struct tx *tx, struct arena *a))
{
	fleet.change = change;
	fleet.shows = false;
	expect_ok(store_write(fleet.w->store, make_change, &fleet));
}

static void
show_change(err_t (*change)(struct tx *tx, struct arena *a))
{
	fleet.change = change;
	fleet.shows = true;
	expect_err(ERR_READ_ONLY, store_write(fleet.w->store, make_change, &fleet));
}

static err_t
after(struct tx *tx, struct arena *a, struct regroup *g)
{
	return regroup_after(tx, a, "test", g, NULL, &fleet.effect, &fleet.warn);
}

static err_t
drop_below(struct tx *tx, struct arena *a)
{
	struct regroup g = { .change = "members", .shows = fleet.shows };
	struct member m = { fleet.below, MEMBER_GROUP };

	TRY(regroup_member(tx, a, fleet.w->group.id, m, false, &g));
	TRY(store_member_remove(tx, fleet.w->group.id, m.id));
	return after(tx, a, &g);
}

static err_t
add_below(struct tx *tx, struct arena *a)
{
	struct regroup g = { .change = "members", .shows = fleet.shows };
	struct member m = { fleet.below, MEMBER_GROUP };

	TRY(regroup_member(tx, a, fleet.w->group.id, m, true, &g));
	TRY(store_member_add(tx, fleet.w->group.id, m));
	return after(tx, a, &g);
}

static err_t
delete_group(struct tx *tx, struct arena *a)
{
	struct regroup g = { .change = "group", .shows = fleet.shows };

	TRY(regroup_group(tx, a, fleet.w->group.id, &g));
	TRY(store_group_delete(tx, fleet.w->group.id));
	return after(tx, a, &g);
}

/* Only those of ten devices pass from then on: d1 and d10 to d18 do not begin alike. */
static err_t
narrow_filter(struct tx *tx, struct arena *a)
{
	struct regroup g = { .change = "filter", .shows = fleet.shows };
	struct filter f;

	TRY(regroup_filter(tx, a, fleet.filter, &g));
	TRY(store_filter_get(tx, a, fleet.filter, &f));
	f.rule = "(device.deviceName -startsWith \"d1\")";
	TRY(store_filter_update(tx, &f));
	return after(tx, a, &g);
}

static size_t next;

static err_t
drop_next(struct tx *tx, struct arena *a)
{
	struct regroup g = { .change = "members", .shows = fleet.shows };
	struct member m = { fleet.device[next++], MEMBER_DEVICE };

	TRY(regroup_member(tx, a, fleet.below, m, false, &g));
	TRY(store_member_remove(tx, fleet.below, m.id));
	return after(tx, a, &g);
}

struct fetching {
	struct world *w;
	struct rollout r;
	size_t n;
};

static err_t
fetch_run(struct tx *tx, void *arg)
{
	struct fetching *f = arg;
	struct rollout *v;
	bool more;

	TRY(store_rollout_list(tx, f->w->a, (struct page){ .limit = 10 }, &v, &f->n, &more));
	if (f->n > 0)
		f->r = v[f->n - 1];
	return OK;
}

static struct fetching
rollout_now(struct world *w)
{
	struct fetching f = { .w = w };

	expect_ok(store_read(w->store, fetch_run, &f));
	return f;
}

static void
pass(struct world *w, when_t seconds)
{
	struct rollout_counts n;

	when_set(when_now() + seconds);
	expect_ok(rollout_run(w->store, &n));
}

static void
few_leave_at_once(void **state)
{
	struct world *w = *state;

	terms(w, "{\"threshold\":50}");
	do_change(drop_below);
	assert_int_equal(fleet.warn.n, 0);
	assert_int_equal(fleet.effect.withdraw, DEVICES);
	assert_false(fleet.effect.paced);
	assert_int_equal(all_come(w), 0);
}

static void
what_is_shown_is_not_done(void **state)
{
	struct world *w = *state;

	terms(w, "{\"threshold\":10}");
	show_change(drop_below);
	assert_int_equal(fleet.effect.withdraw, DEVICES);
	assert_int_equal(fleet.effect.issue, 0);
	assert_int_equal(fleet.effect.devices, DEVICES);
	assert_true(fleet.effect.complete);
	assert_true(fleet.effect.paced);
	assert_int_equal(rollout_now(w).n, 0);
	assert_int_equal(all_come(w), DEVICES);
}

static void
many_leave_at_a_pace(void **state)
{
	struct world *w = *state;
	struct fetching f;

	terms(w, "{\"threshold\":10,\"slotsPerHour\":2400,\"steps\":\"50\"}");
	do_change(drop_below);
	assert_int_equal(fleet.warn.n, 1);
	assert_string_equal(fleet.warn.v[0].fault, "rollout-begun");
	assert_int_equal(all_come(w), DEVICES); /* nothing was counted yet */
	pass(w, 0);
	f = rollout_now(w);
	assert_true(f.r.counted);
	assert_int_equal(f.r.planned, DEVICES);
	assert_int_equal(f.r.total, DEVICES);
	assert_int_equal(all_come(w), DEVICES);
	pass(w, 60); /* all within the minute, if it did not wait at the half */
	pass(w, 60); /* nobody came yet: it still waits */
	assert_in_range(all_come(w), DEVICES / 2 - 14, DEVICES / 2 + 14);
	for (int i = 0; i < 8; i++) {
		pass(w, 60);
		(void)all_come(w);
	}
	pass(w, 60);
	assert_int_equal(all_come(w), 0);
	assert_int_equal(rollout_now(w).r.state, ROLLOUT_DONE);
	assert_int_equal(rollout_now(w).r.withdrawn, DEVICES);
}

static void
who_comes_back_keeps_what_was_held(void **state)
{
	struct world *w = *state;

	terms(w, "{\"threshold\":10,\"slotsPerHour\":1}");
	do_change(drop_below);
	pass(w, 1);
	do_change(add_below);
	for (int i = 0; i < 3; i++)
		pass(w, 60);
	assert_int_equal(all_come(w), DEVICES);
}

static void
a_deleted_group_is_paced(void **state)
{
	struct world *w = *state;
	struct rollout r;

	terms(w, "{\"threshold\":10,\"slotsPerHour\":1}");
	do_change(delete_group);
	assert_string_equal(rollout_now(w).r.change, "group");
	pass(w, 1);
	assert_int_equal(all_come(w), DEVICES);
	expect_err(ERR_ROLLOUT_NO_BACK,
	    rollout_back(w->store, w->a, "test", rollout_now(w).r.id, NULL, NULL, &r));
	expect_ok(rollout_finish(w->store, w->a, "test", rollout_now(w).r.id, NULL, NULL, &r));
	assert_int_equal(all_come(w), 0);
}

static void
a_narrower_filter_is_paced(void **state)
{
	struct world *w = *state;
	struct assignment to = { .kind = TARGET_GROUP,
		.group = w->group.id,
		.filter = fleet.filter,
		.filter_mode = FILTER_INCLUDE };
	struct warnings warn;
	struct rollout r;

	expect_ok(profile_assign(w->store, w->a, "test", w->root_profile.id, &to, 1, &warn));
	assert_int_equal(all_come(w), DEVICES);
	terms(w, "{\"threshold\":10,\"slotsPerHour\":1}");
	show_change(narrow_filter);
	assert_int_equal(fleet.effect.withdraw, DEVICES - 11);
	do_change(narrow_filter);
	pass(w, 1);
	assert_int_equal(rollout_now(w).r.planned, DEVICES - 11);
	assert_int_equal(all_come(w), DEVICES);
	expect_ok(rollout_finish(w->store, w->a, "test", rollout_now(w).r.id, NULL, NULL, &r));
	assert_int_equal(all_come(w), 11);
}

static void
many_small_changes_are_one_large_one(void **state)
{
	struct world *w = *state;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1}");
	next = 0;
	for (int i = 0; i < 5; i++) {
		do_change(drop_next);
		assert_int_equal(fleet.warn.n, 0);
	}
	assert_int_equal(all_come(w), DEVICES - 5);
	for (int i = 0; i < 3; i++) {
		do_change(drop_next);
		assert_int_equal(fleet.warn.n, 1);
	}
	assert_int_equal(rollout_now(w).n, 1); /* the later ones joined it */
	pass(w, 1);
	assert_int_equal(rollout_now(w).r.planned, 3);
	assert_int_equal(all_come(w), DEVICES - 5);
}

static void
an_hour_later_small_changes_work_at_once(void **state)
{
	struct world *w = *state;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1}");
	next = 0;
	for (int i = 0; i < 5; i++)
		do_change(drop_next);
	when_set(when_now() + 3601);
	do_change(drop_next);
	assert_int_equal(fleet.warn.n, 0);
	assert_int_equal(all_come(w), DEVICES - 6);
}

struct names {
	struct world *w;
	int64_t count;
	const char *terms; /* NULL: none */
};

static err_t
names_run(struct tx *tx, void *arg)
{
	const struct names *n = arg;
	auto_json json *terms = NULL;

	if (n->terms != NULL)
		TRY(json_parse(str_c(n->terms), 1000, &terms));
	return regroup_names(tx, n->w->a, terms, n->count);
}

static err_t
names(struct world *w, int64_t count, const char *terms)
{
	return store_write(w->store, names_run, &(struct names){ w, count, terms });
}

static void
changes_of_names_share_the_hour_and_are_refused_past_it(void **state)
{
	struct world *w = *state;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1}");
	expect_err(ERR_IMPORT_LARGE, names(w, 6, NULL));
	expect_ok(names(w, 6, "{\"now\":true}"));
	expect_ok(names(w, 3, NULL));
	next = 0;
	do_change(drop_next); /* a member who leaves counts with them */
	expect_ok(names(w, 1, "{\"now\":false}"));
	expect_err(ERR_IMPORT_LARGE, names(w, 1, NULL));
	expect_ok(names(w, 0, NULL));
	expect_err(ERR_ROLLOUT_TERMS, names(w, 0, "{\"later\":true}"));
	expect_err(ERR_ROLLOUT_TERMS, names(w, 0, "[]"));
	when_set(when_now() + 3601);
	expect_ok(names(w, 5, NULL));
}

static err_t
due_run(struct tx *tx, void *arg)
{
	struct world *w = arg;
	struct regroup_due had, has;

	TRY(regroup_device(tx, fleet.device[0], &had));
	assert_int_equal(had.held, 1);
	assert_int_equal(had.again, 0);
	TRY(regroup_device(tx, w->device.id, &has));
	assert_int_equal(has.held, 0);
	return OK;
}

static void
what_a_change_has_issued_again_or_takes_counts_once(void **state)
{
	static const struct {
		struct regroup_due had, has;
		int64_t moved;
	} rows[] = {
		{ { 3, 0 }, { 3, 0 }, 0 }, { { 3, 0 }, { 3, 2 }, 2 },
		{ { 3, 2 }, { 3, 2 }, 0 }, /* on its way already */
		{ { 3, 2 }, { 3, 0 }, 0 }, { { 3, 0 }, { 1, 1 }, 3 },
		{ { 3, 0 }, { 5, 0 }, 0 }, /* what it brings */
	};

	expect_ok(store_write(((struct world *)*state)->store, due_run, *state));
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(regroup_moved(&rows[i].had, &rows[i].has), rows[i].moved);
}

static void
devices_that_are_away_keep_it_as_long(void **state)
{
	struct world *w = *state;
	struct rollout r;
	size_t n;

	terms(w, "{\"threshold\":10,\"slotsPerHour\":1}");
	do_change(drop_below);
	pass(w, 1);
	do
		expect_ok(upkeep_run(w->store, 100, &n));
	while (n > 0);
	assert_int_equal(wanted(w), DEVICES);
	expect_ok(rollout_finish(w->store, w->a, "test", rollout_now(w).r.id, NULL, NULL, &r));
	do
		expect_ok(upkeep_run(w->store, 100, &n));
	while (n > 0);
	assert_int_equal(wanted(w), 0);
}

static void
who_is_retired_does_not_wait(void **state)
{
	struct world *w = *state;

	terms(w, "{\"threshold\":10,\"slotsPerHour\":1}");
	do_change(drop_below);
	pass(w, 1);
	expect_ok(device_retire(w->store, w->a, "test", fleet.device[3]));
	assert_int_equal(wanted(w), DEVICES - 1);
}

static err_t
refuse_below(struct tx *tx, void *arg)
{
	(void)arg;
	return drop_below(tx, fleet.w->a);
}

static void
another_roll_out_that_holds_slots_comes_first(void **state)
{
	struct world *w = *state;
	struct made other = made_root(w->a, "Next Root CA", KEY_EC, KEY_P256);
	auto_json json *j = world_root_json(w, cert_der(other.cert));
	struct warnings warn;
	struct profile p;

	terms(w, "{\"threshold\":10,\"slotsPerHour\":1}");
	expect_ok(profile_update(w->store, w->a, "test", w->root_profile.id, j, &p, &warn));
	expect_err(ERR_ROLLOUT_OPEN, store_write(w->store, refuse_below, NULL));
	assert_int_equal(all_come(w), DEVICES);
	made_free(&other);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, fleet_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(few_leave_at_once),
		CASE(what_is_shown_is_not_done),
		CASE(many_leave_at_a_pace),
		CASE(who_comes_back_keeps_what_was_held),
		CASE(a_deleted_group_is_paced),
		CASE(a_narrower_filter_is_paced),
		CASE(many_small_changes_are_one_large_one),
		CASE(an_hour_later_small_changes_work_at_once),
		CASE(changes_of_names_share_the_hour_and_are_refused_past_it),
		CASE(what_a_change_has_issued_again_or_takes_counts_once),
		CASE(devices_that_are_away_keep_it_as_long),
		CASE(who_is_retired_does_not_wait),
		CASE(another_roll_out_that_holds_slots_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

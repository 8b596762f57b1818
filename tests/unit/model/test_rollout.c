/* SPDX-License-Identifier: Apache-2.0 */
/* Large changes reach their slots at a pace, with a brake; small ones at once. */
#include "world.h"

#include "model/enrol.h"
#include "model/rollout.h"
#include "model/upkeep.h"

#define DEVICES 40

struct fleet {
	struct world *w;
	struct id device[DEVICES];
	struct made other; /* the root that the profile is changed to */
};

/* The world, and devices that hold its root. */
static struct fleet fleet;

static void
fleet_make(struct world *w, struct tx *tx)
{
	for (size_t i = 0; i < DEVICES; i++) {
		struct device d = w->device;

		d.id = fleet.device[i] = id_new();
		d.name = arena_printf(w->a, "d%zu", i);
		d.serial = arena_printf(w->a, "S%zu", i);
		d.identity_sha256 = arena_str(w->a, str_c(arena_printf(w->a, "%032zu", i)));
		expect_ok(store_device_insert(tx, &d));
	}
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
	struct id device, profile;
	struct slot slot;
	bool found;
};

static err_t
see_run(struct tx *tx, void *arg)
{
	struct see *s = arg;
	err_t e =
	    store_slot_find(tx, s->w->a, s->device, (struct id){ { 0 } }, s->profile, &s->slot);

	s->found = err_ok(e);
	err_forget(e);
	return OK;
}

static struct see
slot_of(struct world *w, struct id device)
{
	struct see s = { .w = w, .device = device, .profile = w->root_profile.id };

	expect_ok(store_read(w->store, see_run, &s));
	return s;
}

/* A check-in of one, which installs what it is told and reports it; `ok` false: it says that it cannot. */
static void
comes(struct world *w, struct id device, bool ok)
{
	struct report r = { .has_inventory = true };
	struct report_item item = { .alias = inventory_alias(
					w->a, w->root_profile.id, (struct id){ { 0 } }) };
	struct report_result res = {
		.status = ok ? RESULT_OK : RESULT_ERROR, .code = "x", .detail = "words"
	};
	struct see s = slot_of(w, device);
	struct command *v;
	size_t n;

	if (s.found && s.slot.reached_hash.n > 0) {
		item.sha256 = s.slot.cert_sha256;
		r.items = &item;
		r.nitems = 1;
	}
	expect_ok(checkin_run(w->store, w->a, device, &r, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind != COMMAND_INSTALL_CA)
			continue;
		res.id = v[i].id;
		r.results = &res;
		r.nresults = 1;
		if (ok) {
			item.sha256 = world_sha256(w, v[i].der);
			r.items = &item;
			r.nitems = 1;
		}
		expect_ok(checkin_run(w->store, w->a, device, &r, &v, &n));
		return;
	}
}

static void
all_come(struct world *w)
{
	for (size_t i = 0; i < DEVICES; i++)
		comes(w, fleet.device[i], true);
}

/* Slots that are wanted; of those, how many with the content of the first device before. */
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
with_new(struct world *w)
{
	struct str sha = world_sha256(w, cert_der(fleet.other.cert));
	size_t n = 0;

	for (size_t i = 0; i < DEVICES; i++)
		n += str_eq(slot_of(w, fleet.device[i]).slot.cert_sha256, sha);
	return n;
}

static int
fleet_setup(void **state)
{
	struct world *w;

	assert_int_equal(world_setup(state), 0);
	w = *state;
	fleet = (struct fleet){ .w = w };
	fleet.other = made_root(w->a, "Next Root CA", KEY_EC, KEY_P256);
	world_write(w, fleet_make);
	world_unassign(w, w->pkcs_profile.id);
	all_come(w);
	assert_int_equal(wanted(w), DEVICES);
	when_set(MADE_NOW + 100);
	return 0;
}

static int
fleet_teardown(void **state)
{
	made_free(&fleet.other);
	return world_teardown(state);
}

/* The profile gets another certificate; *ret: the roll-out, or zero. */
static struct id
change(struct world *w)
{
	auto_json json *j = world_root_json(w, cert_der(fleet.other.cert));
	struct warnings warn;
	struct profile p;
	struct id id = { { 0 } };

	expect_ok(profile_update(w->store, w->a, "test", w->root_profile.id, j, &p, &warn));
	for (size_t i = 0; i < warn.n; i++)
		if (strcmp(warn.v[i].fault, "rollout-begun") == 0)
			expect_ok(
			    id_parse(str_of(strstr(warn.v[i].detail, "roll-out ") + 9, 36), &id));
	return id;
}

struct fetching {
	struct world *w;
	struct id profile;
	struct rollout r;
	bool found;
};

static err_t
fetch_run(struct tx *tx, void *arg)
{
	struct fetching *f = arg;
	struct rollout *v;
	bool more;
	size_t n;

	TRY(store_rollout_list(tx, f->w->a, (struct page){ .limit = 10 }, &v, &n, &more));
	f->found = n == 1;
	if (f->found)
		f->r = v[0];
	return OK;
}

static struct rollout
the_rollout(struct world *w)
{
	struct fetching f = { .w = w };

	expect_ok(store_read(w->store, fetch_run, &f));
	assert_true(f.found);
	return f.r;
}

static void
run_for(struct world *w, int seconds)
{
	struct rollout_counts n;

	for (int i = 0; i < seconds; i += 30) {
		when_set(when_now() + 30);
		expect_ok(rollout_run(w->store, &n));
	}
}

static void
a_small_change_works_at_once(void **state)
{
	WORLD(state);

	assert_true(id_is_zero(change(w)));
	all_come(w);
	assert_int_equal(with_new(w), DEVICES);
}

static void
a_change_that_alters_no_slot_works_at_once(void **state)
{
	WORLD(state);
	auto_json json *j = json_object_new();
	struct warnings warn;
	struct profile p;

	terms(w, "{\"threshold\":5}");
	json_set_text(j, "@odata.type", w->root_profile.type);
	json_set_text(j, "displayName", "Other name");
	expect_ok(profile_update(w->store, w->a, "test", w->root_profile.id, j, &p, &warn));
	assert_int_equal(warn.n, 0);
}

static void
a_large_change_reaches_slots_as_their_turn_comes(void **state)
{
	WORLD(state);
	size_t before = 0, now;
	bool between = false;

	/* 40 slots, 1200 an hour: two minutes */
	terms(w, "{\"threshold\":5,\"slotsPerHour\":1200,\"steps\":\"\"}");
	assert_false(id_is_zero(change(w)));
	all_come(w);
	assert_int_equal(with_new(w), 0);
	for (int i = 0; i < 8; i++) {
		run_for(w, 30);
		all_come(w);
		now = with_new(w);
		assert_true(now >= before);
		between |= now > 5 && now < DEVICES - 5;
		before = now;
	}
	assert_true(between);
	assert_int_equal(with_new(w), DEVICES);
	assert_int_equal(the_rollout(w).state, ROLLOUT_DONE);
	assert_int_equal(the_rollout(w).reached, DEVICES);
}

static void
it_waits_at_a_step_until_what_was_released_settled(void **state)
{
	WORLD(state);
	struct rollout r;
	struct id id;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":100000,\"steps\":\"25\"}");
	id = change(w);
	run_for(w, 120);
	assert_int_equal(the_rollout(w).share, ROLLOUT_WHOLE / 4);
	expect_ok(rollout_resume(w->store, w->a, "test", id, NULL, NULL, &r));
	run_for(w, 60);
	assert_int_equal(the_rollout(w).share, ROLLOUT_WHOLE);
}

static void
a_step_that_settled_is_passed(void **state)
{
	WORLD(state);

	terms(w, "{\"threshold\":5,\"slotsPerHour\":100000,\"steps\":\"25\"}");
	change(w);
	run_for(w, 60);
	all_come(w);
	run_for(w, 60);
	assert_int_equal(the_rollout(w).share, ROLLOUT_WHOLE);
}

static void
what_a_held_slot_lost_comes_again_as_it_was(void **state)
{
	WORLD(state);
	struct report empty = { .has_inventory = true };
	struct command *v;
	size_t n;

	terms(w, "{\"threshold\":5}");
	change(w);
	expect_ok(checkin_run(w->store, w->a, fleet.device[0], &empty, &v, &n));
	assert_int_equal(n, 1);
	assert_true(str_eq(v[0].der, cert_der(w->root.cert)));
}

static void
enrol_one(struct world *w, struct tx *tx)
{
	struct device d = w->device;

	d.id = fleet.device[0] = id_new();
	d.identity_sha256 = LIT("new67890123456789012345678901234");
	expect_ok(store_device_insert(tx, &d));
}

static void
a_device_that_is_new_gets_the_new_content_at_once(void **state)
{
	WORLD(state);

	terms(w, "{\"threshold\":5}");
	change(w);
	world_write(w, enrol_one);
	comes(w, fleet.device[0], true);
	assert_int_equal(with_new(w), 1);
}

static void
paused_it_releases_nothing_more(void **state)
{
	WORLD(state);
	struct rollout r;
	unsigned share;
	struct id id;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1200,\"steps\":\"\"}");
	id = change(w);
	run_for(w, 60);
	share = the_rollout(w).share;
	assert_true(share > 0 && share < ROLLOUT_WHOLE);
	expect_ok(rollout_resume(
	    w->store, w->a, "test", id, NULL, NULL, &r)); /* it runs: nothing is passed */
	assert_int_equal(r.passed, 0);
	expect_ok(rollout_pause(w->store, w->a, "test", id, NULL, NULL, &r));
	run_for(w, 600);
	assert_int_equal(the_rollout(w).share, share);
	expect_ok(rollout_resume(w->store, w->a, "test", id, NULL, NULL, &r));
	run_for(w, 30);
	assert_true(the_rollout(w).share > share);
}

static void
rolled_back_everybody_has_what_was_before(void **state)
{
	WORLD(state);
	struct rollout r;
	struct id id;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1200,\"steps\":\"\"}");
	id = change(w);
	run_for(w, 60);
	all_come(w);
	assert_int_not_equal(with_new(w), 0);
	expect_ok(rollout_back(w->store, w->a, "test", id, NULL, NULL, &r));
	when_set(when_now() + 100);
	all_come(w);
	assert_int_equal(with_new(w), 0);
	assert_int_equal(wanted(w), DEVICES);
	expect_err(ERR_ROLLOUT_OVER, rollout_resume(w->store, w->a, "test", id, NULL, NULL, &r));
}

static void
finished_the_rest_works_at_once(void **state)
{
	WORLD(state);
	struct rollout r;
	struct id id;

	terms(w, "{\"threshold\":5}");
	id = change(w);
	expect_ok(rollout_finish(w->store, w->a, "test", id, NULL, NULL, &r));
	all_come(w);
	assert_int_equal(with_new(w), DEVICES);
}

static void
it_stops_when_too_many_fail(void **state)
{
	WORLD(state);
	struct rollout r;
	struct id id;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1200,\"steps\":\"\"}");
	id = change(w);
	run_for(w, 60);
	for (size_t i = 0; i < DEVICES; i++)
		comes(w, fleet.device[i], false);
	run_for(w, 30);
	r = the_rollout(w);
	assert_int_equal(r.state, ROLLOUT_STOPPED);
	assert_string_equal(r.fault, "rollout-failing");
	run_for(w, 600);
	assert_int_equal(the_rollout(w).share, r.share);
	expect_ok(
	    rollout_resume(w->store, w->a, "test", id, NULL, NULL, &r)); /* accepts what failed */
	run_for(w, 30);
	assert_int_equal(the_rollout(w).state, ROLLOUT_RUNNING);
}

static void
what_is_withdrawn_follows_the_same_pace(void **state)
{
	WORLD(state);
	size_t n;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1200,\"steps\":\"\"}");
	world_unassign(w, w->root_profile.id);
	all_come(w);
	assert_int_equal(wanted(w), DEVICES);
	run_for(w, 60);
	all_come(w);
	n = wanted(w);
	assert_true(n > 0 && n < DEVICES);
	run_for(w, 90);
	all_come(w);
	assert_int_equal(wanted(w), 0);
}

static void
devices_that_are_away_lose_it_at_the_same_pace(void **state)
{
	WORLD(state);
	size_t n;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1200,\"steps\":\"\"}");
	world_unassign(w, w->root_profile.id);
	expect_ok(upkeep_run(w->store, 100, &n));
	assert_int_equal(wanted(w), DEVICES);
	run_for(w, 60);
	expect_ok(upkeep_run(w->store, 100, &n));
	n = wanted(w);
	assert_true(n > 0 && n < DEVICES);
	run_for(w, 90);
	expect_ok(upkeep_run(w->store, 100, &n));
	assert_int_equal(wanted(w), 0);
}

static void
a_deletion_is_paced_and_can_be_taken_back(void **state)
{
	WORLD(state);
	struct rollout r;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":1200,\"steps\":\"\"}");
	expect_ok(profile_delete(w->store, w->a, "test", w->pkcs_profile.id));
	expect_ok(profile_delete(w->store, w->a, "test", w->root_profile.id));
	all_come(w);
	assert_int_equal(wanted(w), DEVICES);
	run_for(w, 60);
	all_come(w);
	assert_true(wanted(w) < DEVICES);
	expect_ok(rollout_back(w->store, w->a, "test", the_rollout(w).id, NULL, NULL, &r));
	all_come(w);
	assert_int_equal(wanted(w), DEVICES);
}

static void
disable_user(struct world *w, struct tx *tx)
{
	w->user.enabled = false;
	expect_ok(store_user_update(tx, &w->user));
}

static void
who_is_disabled_does_not_wait_for_a_roll_out(void **state)
{
	WORLD(state);

	terms(w, "{\"threshold\":5}");
	change(w);
	world_write(w, disable_user);
	all_come(w);
	assert_int_equal(wanted(w), 0);
}

static void
another_change_waits_until_it_is_over(void **state)
{
	WORLD(state);
	auto_json json *j = world_root_json(w, cert_der(w->root.cert));
	struct warnings warn;
	struct profile p;

	expect_ok(profile_delete(w->store, w->a, "test", w->pkcs_profile.id));
	terms(w, "{\"threshold\":5}");
	change(w);
	expect_err(ERR_ROLLOUT_OPEN,
	    profile_update(w->store, w->a, "test", w->root_profile.id, j, &p, &warn));
	expect_err(ERR_ROLLOUT_OPEN,
	    profile_assign(w->store, w->a, "test", w->root_profile.id, NULL, 0, &warn));
	expect_err(ERR_ROLLOUT_OPEN, profile_delete(w->store, w->a, "test", w->root_profile.id));
	json_set_base64(w->a, j, "trustedRootCertificate", cert_der(fleet.other.cert));
	json_set_text(j, "displayName", "Renamed");
	expect_ok(profile_update(w->store, w->a, "test", w->root_profile.id, j, &p, &warn));
}

static void
it_goes_on_where_it_was_when_the_store_is_opened_again(void **state)
{
	WORLD(state);
	unsigned share;

	terms(w, "{\"threshold\":5,\"slotsPerHour\":600,\"steps\":\"\"}");
	change(w);
	run_for(w, 60);
	share = the_rollout(w).share;
	store_close(w->store);
	expect_ok(store_open(&(struct store_conf){ .path = arena_printf(w->a, "%s/x.db", w->dir),
				 .schema = STORE_SERVICE,
				 .readers = 2 },
	    &w->store));
	assert_int_equal(the_rollout(w).share, share);
	when_set(when_now() + 100000); /* nothing ran meanwhile: it is not made up for */
	run_for(w, 30);
	assert_true(the_rollout(w).share > share && the_rollout(w).share < ROLLOUT_WHOLE);
}

static void
of_one_change_it_can_be_said_otherwise(void **state)
{
	WORLD(state);
	auto_json json *j = world_root_json(w, cert_der(fleet.other.cert)),
		       *now = json_object_new();
	struct warnings warn;
	struct profile p;

	terms(w, "{\"threshold\":5}");
	json_set_bool(now, "now", true);
	json_set(j, ROLLOUT_MEMBER, json_ref(now));
	expect_ok(profile_update(w->store, w->a, "test", w->root_profile.id, j, &p, &warn));
	assert_int_equal(warn.n, 0);
	all_come(w);
	assert_int_equal(with_new(w), DEVICES);
}

static void
refuses_terms_that_make_no_sense(void **state)
{
	WORLD(state);
	static const char *const bad[] = { "{\"threshold\":-1}", "{\"slotsPerHour\":0}",
		"{\"slotsPerHour\":1.5}", "{\"failureLimitPercent\":0}",
		"{\"failureLimitPercent\":101}", "{\"steps\":5}", "{\"steps\":\"10,5\"}",
		"{\"steps\":\"0\"}", "{\"steps\":\"100\"}", "{\"steps\":\"1,,2\"}",
		"{\"steps\":\"1,2,3,4,5,6,7,8,9,10,11\"}", "{\"steps\":\"x\"}", "{\"now\":true}",
		"{\"other\":1}" };
	struct rollout_terms t;

	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_json json *j = NULL;

		expect_ok(json_parse(str_c(bad[i]), 1000, &j));
		expect_err(ERR_ROLLOUT_TERMS, rollout_terms_set(w->store, w->a, "test", j, &t));
	}
}

#define IN_FLEET(f) cmocka_unit_test_setup_teardown(f, fleet_setup, fleet_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FLEET(a_small_change_works_at_once),
		IN_FLEET(a_change_that_alters_no_slot_works_at_once),
		IN_FLEET(a_large_change_reaches_slots_as_their_turn_comes),
		IN_FLEET(it_waits_at_a_step_until_what_was_released_settled),
		IN_FLEET(a_step_that_settled_is_passed),
		IN_FLEET(what_a_held_slot_lost_comes_again_as_it_was),
		IN_FLEET(a_device_that_is_new_gets_the_new_content_at_once),
		IN_FLEET(paused_it_releases_nothing_more),
		IN_FLEET(rolled_back_everybody_has_what_was_before),
		IN_FLEET(finished_the_rest_works_at_once),
		IN_FLEET(it_stops_when_too_many_fail),
		IN_FLEET(what_is_withdrawn_follows_the_same_pace),
		IN_FLEET(devices_that_are_away_lose_it_at_the_same_pace),
		IN_FLEET(a_deletion_is_paced_and_can_be_taken_back),
		IN_FLEET(who_is_disabled_does_not_wait_for_a_roll_out),
		IN_FLEET(another_change_waits_until_it_is_over),
		IN_FLEET(it_goes_on_where_it_was_when_the_store_is_opened_again),
		IN_FLEET(of_one_change_it_can_be_said_otherwise),
		IN_FLEET(refuses_terms_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that are away lose what is not theirs any more, and those that leave for good are cleaned first. */
#include "world.h"

#include <sys/stat.h>

#include "model/enrol.h"
#include "model/retired.h"
#include "model/upkeep.h"

static size_t
sweep(struct world *w)
{
	size_t n;

	expect_ok(upkeep_run(w->store, 10, &n));
	return n;
}

static size_t
revocations(struct world *w)
{
	struct world_find f = world_look(w, "pkcs");
	size_t n = 0;

	for (size_t i = 0; i < f.n; i++)
		n += f.requests[i].kind == REQUEST_REVOKE;
	return n;
}

/* Installed, looked at, and not heard of from now on. */
static void
away(struct world *w)
{
	world_install(w);
	(void)sweep(w);
	assert_int_equal(sweep(w), 0);
	assert_int_equal(revocations(w), 0);
}

static void
revoked_once(struct world *w)
{
	assert_int_equal(sweep(w), 1);
	assert_int_equal(revocations(w), 1);
	assert_int_equal(sweep(w), 0);
	assert_int_equal(revocations(w), 1);
	assert_int_equal(world_job(w).kind, REQUEST_REVOKE);
	assert_string_equal(world_word(w, "pkcs"), "removing");
}

static void
what_is_unassigned_is_revoked_while_the_device_is_away(void **state)
{
	WORLD(state);

	away(w);
	world_unassign(w, w->pkcs_profile.id);
	assert_int_equal(revocations(w), 0);
	revoked_once(w);
}

static void
delete_group(struct world *w, struct tx *tx)
{
	expect_ok(store_group_delete(tx, w->group.id));
}

static void
a_deleted_group_is_noticed_while_the_device_is_away(void **state)
{
	WORLD(state);

	away(w);
	world_write(w, delete_group);
	revoked_once(w);
}

static void
remove_member(struct world *w, struct tx *tx)
{
	expect_ok(store_member_remove(tx, w->group.id, w->user.id));
}

static void
who_left_the_group_is_noticed_while_the_device_is_away(void **state)
{
	WORLD(state);

	away(w);
	world_write(w, remove_member);
	revoked_once(w);
}

static void
a_deleted_profile_is_noticed_while_the_device_is_away(void **state)
{
	WORLD(state);

	away(w);
	expect_ok(profile_delete(w->store, w->a, "test", w->pkcs_profile.id));
	revoked_once(w);
}

static void
disable(struct world *w, struct tx *tx)
{
	w->user.enabled = false;
	expect_ok(store_user_update(tx, &w->user));
}

static void
a_disabled_user_is_noticed_however_it_was_done(void **state)
{
	WORLD(state);

	away(w);
	world_write(w, disable);
	revoked_once(w);
}

static void
take_device(struct world *w, struct tx *tx)
{
	struct device d;

	expect_ok(store_device_get(tx, w->a, w->device.id, &d));
	d.user = (struct id){ 0 };
	expect_ok(store_device_update(tx, &d));
}

static void
a_device_that_is_nobodys_any_more_is_noticed(void **state)
{
	WORLD(state);

	away(w);
	world_write(w, take_device);
	revoked_once(w);
}

static void
with_nothing_to_do_nothing_is_written(void **state)
{
	WORLD(state);
	struct stat before, after;

	away(w);
	assert_int_equal(stat(arena_printf(w->a, "%s/x.db-wal", w->dir), &before), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(sweep(w), 0);
	assert_int_equal(stat(arena_printf(w->a, "%s/x.db-wal", w->dir), &after), 0);
	assert_int_equal(before.st_size, after.st_size);
}

static void
a_device_that_is_away_gets_no_new_certificate(void **state)
{
	WORLD(state);
	struct world_find f;
	struct job *v;

	assert_int_equal(sweep(w), 1);
	assert_int_equal(world_lease(w, &v), 0);
	away(w);
	f = world_look(w, "pkcs");
	when_set(diff_renewal_due(&f.slot, 20) + 1);
	world_unassign(w, w->root_profile.id);
	assert_int_equal(sweep(w), 1);
	assert_int_equal(world_lease(w, &v), 0);
	assert_int_equal(world_look(w, "pkcs").n, f.n);
}

static void
a_check_in_counts_as_a_look(void **state)
{
	WORLD(state);

	away(w);
	world_unassign(w, w->pkcs_profile.id);
	when_set(MADE_NOW + 60);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(revocations(w), 1);
	assert_int_equal(sweep(w), 0);
	assert_int_equal(revocations(w), 1);
}

static void
many_devices(struct world *w, struct tx *tx)
{
	for (uint8_t i = 1; i <= 25; i++) {
		struct device d = w->device;

		d.id = id_new();
		d.identity_sha256 = str_of((uint8_t[]){ i }, 1);
		expect_ok(store_device_insert(tx, &d));
	}
}

static void
no_more_devices_are_looked_at_than_the_pace_allows(void **state)
{
	WORLD(state);

	away(w);
	world_write(w, many_devices);
	assert_int_equal(sweep(w), 10);
	assert_int_equal(sweep(w), 10);
	assert_int_equal(sweep(w), 5);
	assert_int_equal(sweep(w), 0);
}

static void
break_profile(struct world *w, struct tx *tx)
{
	struct profile p = w->root_profile;

	p.type = "no-such-type";
	expect_ok(store_profile_update(tx, &p));
	expect_ok(store_member_remove(tx, w->group.id, w->user.id));
	expect_ok(store_member_add(tx, w->group.id, (struct member){ w->user.id, MEMBER_USER }));
}

static void
a_device_that_cannot_be_compared_is_told_and_holds_nobody_up(void **state)
{
	WORLD(state);
	size_t n;

	away(w);
	world_write(w, break_profile);
	expect_err(ERR_PROFILE_TYPE, upkeep_run(w->store, 10, &n));
	assert_int_equal(sweep(w), 0);
	assert_int_equal(revocations(w), 0);
}

static enum device_state
state_of_device(struct world *w)
{
	struct report none = { .again = true };
	struct command *v;
	size_t n;
	err_t e = checkin_run(w->store, w->a, w->device.id, &none, &v, &n);

	if (!err_is(e, ERR_DEVICE_RETIRED)) {
		expect_ok(e);
		return DEVICE_ACTIVE;
	}
	err_forget(e);
	return DEVICE_GONE;
}

static void
a_retired_device_is_told_to_remove_everything_and_is_gone_after(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_OK };
	struct report r = {
		.has_inventory = true, .items = w->held, .results = &res, .nresults = 1
	};
	struct command *v, *none;
	size_t n;

	world_install(w);
	expect_ok(device_retire(w->store, w->a, "admin", w->device.id));
	assert_int_equal(world_job(w).kind, REQUEST_REVOKE);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 2);
	assert_string_equal(world_word(w, "pkcs"), "removing");
	world_drop(w, v[0].alias);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 1);
	assert_int_equal(state_of_device(w), DEVICE_ACTIVE);
	world_drop(w, v[1].alias);
	res.id = v[1].id;
	expect_err(ERR_DEVICE_RETIRED, checkin_run(w->store, w->a, w->device.id, &r, &none, &n));
	assert_string_equal(world_word(w, "pkcs"), "removed");
	assert_string_equal(world_word(w, "trusted-root"), "removed");
	assert_int_equal(state_of_device(w), DEVICE_GONE);
	expect_ok(device_retire(w->store, w->a, "admin", w->device.id));
	assert_int_equal(revocations(w), 1);
}

static void
a_retired_device_that_never_had_anything_is_gone_at_once(void **state)
{
	WORLD(state);

	expect_ok(device_retire(w->store, w->a, "admin", w->device.id));
	assert_int_equal(state_of_device(w), DEVICE_GONE);
}

static void
the_identity_of_a_retired_device_is_to_be_revoked_until_the_ca_said_so(void **state)
{
	WORLD(state);
	struct str holder = w->connector.holder;
	struct id none = { 0 };
	struct order o;

	expect_err(ERR_NOT_FOUND, retired_next(w->store, w->a, none, holder, "Identity CA", &o));
	expect_ok(device_retire(w->store, w->a, "admin", w->device.id));
	expect_ok(retired_next(w->store, w->a, none, holder, "Identity CA", &o));
	assert_int_equal(o.kind, ORDER_REVOKE);
	assert_true(id_eq(o.id, w->device.id));
	assert_string_equal(o.ca, "Identity CA");
	assert_true(str_eq(o.holder, holder));
	assert_true(o.expires > when_now());
	expect_ok(retired_next(w->store, w->a, none, holder, "Identity CA", &o));
	expect_err(ERR_NOT_FOUND, retired_next(w->store, w->a, o.id, holder, "Identity CA", &o));
	assert_int_equal(state_of_device(w), DEVICE_GONE);
	expect_ok(retired_next(w->store, w->a, none, holder, "Identity CA", &o));
	expect_ok(retired_done(w->store, o.id));
	expect_err(ERR_NOT_FOUND, retired_next(w->store, w->a, none, holder, "Identity CA", &o));
}

static void
a_check_in_that_waited_does_not_bring_back_an_older_inventory(void **state)
{
	WORLD(state);
	struct report old = { .again = true, .has_inventory = true };
	struct command *v;
	size_t n;

	world_install(w);
	expect_ok(checkin_run(w->store, w->a, w->device.id, &old, &v, &n));
	assert_int_equal(n, 0);
	assert_string_equal(world_word(w, "pkcs"), "installed");
}

/* Two certificates of the slot, of which the older cannot be revoked. */
static void
an_older_certificate_that_cannot_be_revoked_shows_at_the_slot(void **state)
{
	WORLD(state);
	struct command *v;
	struct world_find f;
	struct job j;

	world_install(w);
	f = world_look(w, "pkcs");
	when_set(diff_renewal_due(&f.slot, 20));
	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(world_obey(w, &v[0], NULL), 0);
	assert_string_equal(world_look(w, "pkcs").status.fault, "");
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_REVOKE);
	world_finish(w, &j, JOB_REJECTED);
	f = world_look(w, "pkcs");
	assert_string_equal(f.status.word, "installed");
	assert_string_equal(f.status.compliance, "compliant");
	assert_string_equal(f.status.fault, "ca-rejected");
	assert_non_null(strstr(f.status.why, "an older certificate"));
	assert_non_null(strstr(f.status.why, "since 20"));
	assert_string_not_equal(f.status.next, "");
	when_set(when_now() + 3600);
	j = world_job(w);
	world_finish(w, &j, JOB_REVOKED);
	assert_string_equal(world_look(w, "pkcs").status.fault, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(what_is_unassigned_is_revoked_while_the_device_is_away),
		IN_WORLD(a_deleted_group_is_noticed_while_the_device_is_away),
		IN_WORLD(who_left_the_group_is_noticed_while_the_device_is_away),
		IN_WORLD(a_deleted_profile_is_noticed_while_the_device_is_away),
		IN_WORLD(a_disabled_user_is_noticed_however_it_was_done),
		IN_WORLD(a_device_that_is_nobodys_any_more_is_noticed),
		IN_WORLD(with_nothing_to_do_nothing_is_written),
		IN_WORLD(a_device_that_is_away_gets_no_new_certificate),
		IN_WORLD(a_check_in_counts_as_a_look),
		IN_WORLD(no_more_devices_are_looked_at_than_the_pace_allows),
		IN_WORLD(a_device_that_cannot_be_compared_is_told_and_holds_nobody_up),
		IN_WORLD(a_retired_device_is_told_to_remove_everything_and_is_gone_after),
		IN_WORLD(a_retired_device_that_never_had_anything_is_gone_at_once),
		IN_WORLD(the_identity_of_a_retired_device_is_to_be_revoked_until_the_ca_said_so),
		IN_WORLD(a_check_in_that_waited_does_not_bring_back_an_older_inventory),
		IN_WORLD(an_older_certificate_that_cannot_be_revoked_shows_at_the_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

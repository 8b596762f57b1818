/* SPDX-License-Identifier: Apache-2.0 */
/* Lost and found, enrolled anew, copied, away: each ends right. */
#include "world.h"

#include "model/enrol.h"
#include "model/enrol_scep.h"
#include "model/life.h"
#include "model/relay.h"

static err_t
anybody(void *ctx, const struct device *now)
{
	(void)ctx;
	(void)now;
	return OK;
}
static const struct life_actor admin = { "admin", anybody, NULL };

/* The device has root and certificate. */
static void
installed(struct world *w)
{
	struct command *v;
	struct job j;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	j = world_job(w);
	world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	assert_string_equal(world_word(w, "pkcs"), "installed");
}

static struct report
says(const char *machine, const char *name)
{
	return (struct report){ .has_facts = true,
		.facts = { .machine_id = machine, .name = name, .platform = "linux" } };
}

static err_t
checkin(struct world *w, struct id device, const struct report *r)
{
	struct command *v;
	size_t n;

	return checkin_run(w->store, w->a, device, r, &v, &n);
}

static void
a_lost_device_has_its_certificate_revoked_at_once_and_removed_when_it_comes(void **state)
{
	WORLD(state);
	struct command *v;
	struct job j;
	size_t n;

	installed(w);
	expect_ok(device_lost(w->store, w->a, &admin, w->device.id));
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_REVOKE);
	n = world_checkin(w, NULL, 0, &v);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		assert_true(v[i].kind == COMMAND_REMOVE_CA || v[i].kind == COMMAND_REMOVE_IDENTITY);
	assert_int_equal(world_lines(w, "device.lost", w->device.id), 1);
}

static void
a_device_that_was_found_gets_everything_anew(void **state)
{
	WORLD(state);
	struct command *v;

	installed(w);
	expect_ok(device_lost(w->store, w->a, &admin, w->device.id));
	expect_ok(device_lost(w->store, w->a, &admin, w->device.id));
	w->nheld = 0;
	assert_int_equal(world_checkin(w, NULL, 0, &v), 0);
	expect_ok(device_found(w->store, w->a, &admin, w->device.id));
	expect_ok(device_found(w->store, w->a, &admin, w->device.id));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_CA);
	/* What changes nothing is not told again. */
	assert_int_equal(world_lines(w, "device.lost", w->device.id), 1);
	assert_int_equal(world_lines(w, "device.found", w->device.id), 1);
}

static err_t
nobody(void *ctx, const struct device *now)
{
	(void)ctx;
	(void)now;
	FAIL(ERR_FORBIDDEN, "%s", "");
}

static void
who_may_not_act_on_it_changes_nothing(void **state)
{
	WORLD(state);
	struct life_actor by = { "x", nobody, NULL };
	struct command *v;

	expect_err(ERR_FORBIDDEN, device_lost(w->store, w->a, &by, w->device.id));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
}

static void
a_retired_device_is_neither_lost_nor_found(void **state)
{
	WORLD(state);

	expect_ok(device_retire(w->store, w->a, "admin", w->device.id));
	expect_err(ERR_DEVICE_RETIRED, device_lost(w->store, w->a, &admin, w->device.id));
	expect_err(ERR_DEVICE_RETIRED, device_found(w->store, w->a, &admin, w->device.id));
}

static struct id
enrolled(struct world *w, const struct device *facts, const char *mark)
{
	struct str hash = str_of(arena_printf(w->a, "%32s", mark), 32);
	const char *code;
	struct code c;
	struct enrol e;

	expect_ok(
	    enrol_code_make(w->store, w->a, "admin", CODE_DEVICE, w->user.id, 3600, &code, &c));
	expect_ok(enrol_begin(w->store, w->a, CODE_DEVICE, code, hash, hash, "Identity CA", &e));
	expect_ok(enrol_finish_device(w->store, &e, facts, LIT("cert"), hash, MADE_NOW + 100000));
	return e.id;
}

static void
hardware_that_is_enrolled_anew_leaves_its_old_identity_dead_at_once(void **state)
{
	WORLD(state);
	struct report r = says("m-1", "laptop-1");
	struct device facts = { .name = "laptop-1", .machine_id = "m-1", .platform = "linux" };
	struct job *v;
	bool revoked = false;
	struct id again;
	size_t n;

	installed(w);
	expect_ok(checkin(w, w->device.id, &r));
	when_set(MADE_NOW + 1);
	again = enrolled(w, &facts, "new");
	expect_err(ERR_DEVICE_REPLACED, checkin(w, w->device.id, &r));
	n = world_lease(w, &v);
	for (size_t i = 0; i < n; i++)
		revoked |= v[i].kind == REQUEST_REVOKE;
	assert_true(revoked);
	assert_int_equal(world_lines(w, "device.enrol", again), 1);
	assert_int_equal(world_lines(w, "device.replaced", w->device.id), 1);
	assert_int_equal(world_lines(w, "device.sameHardware", w->device.id), 0);
}

static void
somebody_else(struct world *w, struct tx *tx)
{
	w->user.id = id_new();
	w->user.upn = "mallory@example.test";
	w->user.mail = "mallory@mail.example.test";
	w->user.sid = "S-1-5-21-1-2-3-1666";
	expect_ok(store_user_insert(tx, &w->user));
}

static void
hardware_that_somebody_else_says_to_have_ends_nobodys_device(void **state)
{
	WORLD(state);
	struct report r = says("m-1", "laptop-1");
	struct device facts = { .name = "laptop-1", .machine_id = "m-1", .platform = "linux" };

	installed(w);
	expect_ok(checkin(w, w->device.id, &r));
	when_set(MADE_NOW + 1);
	world_write(w, somebody_else);
	enrolled(w, &facts, "new");
	expect_ok(checkin(w, w->device.id, &r));
	assert_string_equal(world_word(w, "pkcs"), "installed");
	assert_int_equal(world_lines(w, "device.sameHardware", w->device.id), 1);
	assert_int_equal(world_lines(w, "device.replaced", w->device.id), 0);
}

static void
hardware_that_says_only_later_what_it_is_replaces_its_old_record_then(void **state)
{
	WORLD(state);
	struct report r = says("m-1", "laptop-1");
	struct device facts = { .name = "laptop-1", .platform = "linux" };
	struct id again;

	expect_ok(checkin(w, w->device.id, &r));
	when_set(MADE_NOW + 1);
	again = enrolled(w, &facts, "new");
	expect_ok(checkin(w, w->device.id, &r));
	expect_ok(checkin(w, again, &r));
	expect_err(ERR_DEVICE_REPLACED, checkin(w, w->device.id, &r));
}

static void
two_with_the_same_serial_live_side_by_side(void **state)
{
	WORLD(state);
	struct report one = says("m-1", "laptop-1"), two = says("m-2", "laptop-1");
	struct device facts = {
		.name = "laptop-1", .serial = "SN-1", .machine_id = "m-2", .platform = "linux"
	};
	struct id other;

	expect_ok(checkin(w, w->device.id, &one));
	other = enrolled(w, &facts, "new");
	expect_ok(checkin(w, w->device.id, &one));
	expect_ok(checkin(w, other, &two));
}

static void
copies_of_a_machine_with_names_of_their_own_live_side_by_side(void **state)
{
	WORLD(state);
	struct report one = says("m-1", "laptop-1"), two = says("m-1", "laptop-2");
	struct device facts = { .name = "laptop-2", .machine_id = "m-1", .platform = "linux" };
	struct id other;

	expect_ok(checkin(w, w->device.id, &one));
	other = enrolled(w, &facts, "new");
	expect_ok(checkin(w, w->device.id, &one));
	expect_ok(checkin(w, other, &two));
}

static void
an_identity_that_shows_up_on_other_hardware_is_refused_and_told(void **state)
{
	WORLD(state);
	struct report good = says("m-1", "laptop-1"), thief = says("m-9", "laptop-1");

	expect_ok(checkin(w, w->device.id, &good));
	expect_err(ERR_DEVICE_ELSEWHERE, checkin(w, w->device.id, &thief));
	expect_err(ERR_DEVICE_ELSEWHERE, checkin(w, w->device.id, &thief));
	expect_ok(checkin(w, w->device.id, &good));
}

static void
a_device_that_was_away_for_a_year_is_healed_by_one_check_in(void **state)
{
	WORLD(state);
	struct command *v;
	struct job j;

	installed(w);
	when_set(MADE_NOW + 400 * MADE_DAY);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 0);
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_ISSUE);
	world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	assert_string_equal(world_word(w, "pkcs"), "installed");
}

/* ---- identities by SCEP ---- */

static struct str
identity_for(struct world *w, struct id id, when_t from)
{
	struct dn_ava ou = { "2.5.4.11", "Chancery Devices" },
		      cn = { "2.5.4.3", id_text(w->a, id) };
	struct dn_rdn rdns[] = { { &ou, 1 }, { &cn, 1 } };
	struct issue_spec s = made_spec(w->a, "x", w->leaf_key);
	auto_cert struct cert *c = NULL;

	expect_ok(dn_encode(w->a, &(struct dn){ rdns, 2 }, &s.subject));
	s.san = STR_EMPTY;
	issue_serial(s.serial);
	s.issuer = w->root.cert;
	s.not_before = from;
	s.not_after = from + 100 * MADE_DAY;
	c = made_cert(w->a, &s, w->root.key);
	return arena_str(w->a, cert_der(c));
}

static struct enrol
begun(struct world *w)
{
	const char *code;
	struct code c;
	struct enrol e;

	expect_ok(
	    enrol_code_make(w->store, w->a, "admin", CODE_DEVICE, w->user.id, 3600, &code, &c));
	expect_ok(enrol_scep_begin(w->store, w->a, code, "ios", "Identity CA", &e));
	assert_int_equal(e.order.spki.n, 0);
	assert_int_equal(e.order.holder.n, 0);
	assert_int_equal(e.order.key_bits, 2048);
	return e;
}

static void
the_first_certificate_by_which_a_device_comes_becomes_its_identity(void **state)
{
	WORLD(state);
	struct enrol e = begun(w);
	struct str cert = identity_for(w, e.id, MADE_NOW - 60);
	struct device d;

	expect_ok(enrol_scep_bind(w->store, w->a, cert, &d));
	assert_true(id_eq(d.id, e.id));
	assert_true(id_eq(d.user, w->user.id));
	assert_string_equal(d.platform, "ios");
	assert_true(str_eq(d.identity, cert));
	/* Once: another of the same name is nobody. */
	expect_err(
	    ERR_NOT_FOUND, enrol_scep_bind(w->store, w->a, identity_for(w, e.id, MADE_NOW), &d));
}

static void
a_certificate_that_nobody_expects_is_bound_to_nothing(void **state)
{
	WORLD(state);
	struct device d;

	begun(w);
	expect_err(ERR_NOT_FOUND,
	    enrol_scep_bind(w->store, w->a, identity_for(w, id_new(), MADE_NOW), &d));
	expect_err(ERR_NOT_FOUND, enrol_scep_bind(w->store, w->a, cert_der(w->root.cert), &d));
}

static void
a_certificate_from_before_the_enrolment_is_not_bound(void **state)
{
	WORLD(state);
	struct enrol e = begun(w);
	struct device d;

	expect_err(ERR_NOT_FOUND,
	    enrol_scep_bind(w->store, w->a, identity_for(w, e.id, MADE_NOW - 2000), &d));
}

static void
an_enrolment_that_was_not_used_in_time_is_over(void **state)
{
	WORLD(state);
	struct enrol e = begun(w);
	struct device d;

	when_set(MADE_NOW + ENROL_SCEP_LIFE);
	expect_err(
	    ERR_NOT_FOUND, enrol_scep_bind(w->store, w->a, identity_for(w, e.id, when_now()), &d));
}

static void
a_renewed_identity_takes_over_when_it_is_first_used(void **state)
{
	WORLD(state);
	struct enrol e = begun(w), renewal;
	struct device d, again;

	expect_ok(enrol_scep_bind(w->store, w->a, identity_for(w, e.id, MADE_NOW), &d));
	when_set(MADE_NOW + 5000);
	expect_ok(enrol_scep_renew(w->store, w->a, &d, "Identity CA", &renewal));
	expect_err(ERR_NOT_FOUND,
	    enrol_scep_bind(w->store, w->a, identity_for(w, e.id, MADE_NOW + 1), &again));
	expect_ok(enrol_scep_bind(w->store, w->a, identity_for(w, e.id, when_now()), &again));
	assert_true(id_eq(again.id, d.id));
	assert_false(str_eq(again.identity_sha256, d.identity_sha256));
	assert_int_equal(world_lines(w, "device.enrol", d.id), 1);
	assert_int_equal(world_lines(w, "device.renew", d.id), 1);
	/* One was expected: another that the CA made in its name meanwhile is nobody's. */
	expect_err(ERR_NOT_FOUND,
	    enrol_scep_bind(w->store, w->a, identity_for(w, e.id, when_now() + 1), &d));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(
		    a_lost_device_has_its_certificate_revoked_at_once_and_removed_when_it_comes),
		IN_WORLD(a_device_that_was_found_gets_everything_anew),
		IN_WORLD(who_may_not_act_on_it_changes_nothing),
		IN_WORLD(a_retired_device_is_neither_lost_nor_found),
		IN_WORLD(hardware_that_is_enrolled_anew_leaves_its_old_identity_dead_at_once),
		IN_WORLD(hardware_that_somebody_else_says_to_have_ends_nobodys_device),
		IN_WORLD(hardware_that_says_only_later_what_it_is_replaces_its_old_record_then),
		IN_WORLD(two_with_the_same_serial_live_side_by_side),
		IN_WORLD(copies_of_a_machine_with_names_of_their_own_live_side_by_side),
		IN_WORLD(an_identity_that_shows_up_on_other_hardware_is_refused_and_told),
		IN_WORLD(a_device_that_was_away_for_a_year_is_healed_by_one_check_in),
		IN_WORLD(the_first_certificate_by_which_a_device_comes_becomes_its_identity),
		IN_WORLD(a_certificate_that_nobody_expects_is_bound_to_nothing),
		IN_WORLD(a_certificate_from_before_the_enrolment_is_not_bound),
		IN_WORLD(an_enrolment_that_was_not_used_in_time_is_over),
		IN_WORLD(a_renewed_identity_takes_over_when_it_is_first_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

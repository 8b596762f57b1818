/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that are not what they were: one identity on two machines, another user, another name, an older state. */
#include "world.h"

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

/* Jobs of one kind that a connector is given now; each is done. */
static size_t
jobs(struct world *w, enum request_kind kind)
{
	struct job *v;
	size_t n = world_lease(w, &v), hits = 0;

	for (size_t i = 0; i < n; i++) {
		hits += v[i].kind == kind;
		world_finish(w, &v[i], v[i].kind == REQUEST_REVOKE ? JOB_REVOKED : JOB_ISSUED);
	}
	return hits;
}

/* One contact of a machine that holds this. *held: what it holds afterwards. Certificates that were issued for it. */
static size_t
contact(struct world *w, struct report_item *held, size_t *nheld)
{
	size_t issued = 0;

	memcpy(w->held, held, sizeof(w->held));
	w->nheld = *nheld;
	for (int i = 0; i < 4; i++) {
		struct command *v;
		size_t n = world_checkin(w, NULL, 0, &v);

		if (n > 0)
			world_obey(w, &v[0], NULL);
		issued += jobs(w, REQUEST_ISSUE);
		when_set(when_now() + 2);
	}
	memcpy(held, w->held, sizeof(w->held));
	*nheld = w->nheld;
	return issued;
}

static void
two_machines_with_one_identity_do_not_have_certificates_issued_without_end(void **state)
{
	WORLD(state);
	struct report_item one[4] = { 0 }, two[4] = { 0 };
	size_t n_one = 0, n_two = 0, issued = 0;
	struct world_find f;

	for (int i = 0; i < 30; i++) {
		issued += contact(w, one, &n_one);
		issued += contact(w, two, &n_two);
	}
	assert_true(issued >= 2 && issued <= 10);
	f = world_look(w, "pkcs");
	assert_string_equal(f.slot.fault, "device-elsewhere");
	assert_int_equal(f.status.state, STATUS_FAILED);
	/* With one of them gone it heals by itself. */
	when_set(when_now() + MADE_DAY + 60);
	assert_int_equal(contact(w, one, &n_one), 1);
	assert_string_equal(world_word(w, "pkcs"), "installed");
}

static void
a_device_restored_to_a_state_from_before_gets_what_it_lacks(void **state)
{
	WORLD(state);

	installed(w);
	when_set(MADE_NOW + 10);
	world_checkin(w, NULL, 0, NULL); /* confirmed: what was sealed is forgotten */
	w->nheld = 0;
	for (int i = 0; i < 6; i++) {
		struct command *v;

		when_set(when_now() + 2);
		if (world_checkin(w, NULL, 0, &v) > 0)
			world_obey(w, &v[0], NULL);
		(void)jobs(w, REQUEST_ISSUE);
	}
	assert_string_equal(world_word(w, "trusted-root"), "installed");
	assert_string_equal(world_word(w, "pkcs"), "installed");
}

static void
bob_comes(struct world *w, struct tx *tx)
{
	struct user bob = w->user;
	struct device d;

	bob.id = id_new();
	bob.upn = "bob@example.test";
	bob.display_name = "Bob";
	bob.mail = "bob@mail.example.test";
	bob.sid = "S-1-5-21-1-2-3-1105";
	expect_ok(store_user_insert(tx, &bob));
	expect_ok(store_member_add(tx, w->group.id, (struct member){ bob.id, MEMBER_USER }));
	expect_ok(store_device_get(tx, w->a, w->device.id, &d));
	d.user = bob.id;
	expect_ok(store_device_update(tx, &d));
	expect_ok(diff_device(tx, w->a, &d));
}

static void
another_user_has_the_certificate_of_the_one_before_revoked_at_once(void **state)
{
	WORLD(state);
	bool revoked = false, issued = false;
	struct job *v;
	size_t n;

	installed(w);
	world_write(w, bob_comes);
	n = world_lease(w, &v);
	for (size_t i = 0; i < n; i++) {
		revoked |= v[i].kind == REQUEST_REVOKE;
		issued |= v[i].kind == REQUEST_ISSUE;
	}
	assert_true(revoked && issued);
}

static void
alice_marries(struct world *w, struct tx *tx)
{
	w->user.upn = "alice.smith@example.test";
	w->user.mail = "alice.smith@mail.example.test";
	w->user.modified = when_now();
	expect_ok(store_user_update(tx, &w->user));
	expect_ok(diff_user(tx, w->a, w->user.id));
}

static void
another_name_is_certified_anew_and_the_old_one_revoked_when_the_new_is_there(void **state)
{
	WORLD(state);
	struct command *v;
	struct job j;

	installed(w);
	world_write(w, alice_marries);
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_ISSUE);
	world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(jobs(w, REQUEST_REVOKE), 0);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	assert_int_equal(jobs(w, REQUEST_REVOKE), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(
		    two_machines_with_one_identity_do_not_have_certificates_issued_without_end),
		IN_WORLD(a_device_restored_to_a_state_from_before_gets_what_it_lacks),
		IN_WORLD(another_user_has_the_certificate_of_the_one_before_revoked_at_once),
		IN_WORLD(
		    another_name_is_certified_anew_and_the_old_one_revoked_when_the_new_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

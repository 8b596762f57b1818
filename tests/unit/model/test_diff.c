/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <pthread.h>
#include <sys/stat.h>

#include "model/enrol.h"

/* Requests of the slot with this kind; those with this state if it is not 0. */
static size_t
count(struct world *w, enum request_kind kind, enum request_state state)
{
	struct world_find f = world_look(w, "pkcs");
	size_t n = 0;

	for (size_t i = 0; i < f.n; i++)
		n += f.requests[i].kind == kind && (state == 0 || f.requests[i].state == state);
	return n;
}

static const char *
alias_of(struct world *w, const struct profile *p)
{
	return inventory_alias(w->a, p->id, (struct id){ 0 });
}

static long
wal_size(struct world *w)
{
	struct stat st;

	assert_int_equal(stat(arena_printf(w->a, "%s/x.db-wal", w->dir), &st), 0);
	return st.st_size;
}

static void
an_idle_check_in_writes_nothing(void **state)
{
	WORLD(state);
	long before;

	world_install(w);
	when_set(MADE_NOW + 5);
	world_checkin(w, NULL, 0, NULL); /* wipes what was sealed */
	before = wal_size(w);
	for (int i = 0; i < 10; i++)
		assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	assert_int_equal(wal_size(w), before);
}

static void
the_sealed_key_is_wiped_when_the_inventory_confirms_it(void **state)
{
	WORLD(state);
	struct request r;

	world_install(w);
	assert_int_not_equal(world_newest(w, "pkcs").sealed.n, 0);
	when_set(MADE_NOW + 5);
	world_checkin(w, NULL, 0, NULL);
	r = world_newest(w, "pkcs");
	assert_int_equal(r.state, REQUEST_DONE);
	assert_int_equal(r.sealed.n + r.password.n, 0);
	assert_int_not_equal(r.leaf.n, 0);
}

static void *
checkin_thread(void *arg)
{
	struct world *w = arg;
	auto_arena struct arena *a = arena_new();
	struct report r = { .has_inventory = true };
	struct command *v;
	size_t n;

	expect_ok(checkin_run(w->store, a, w->device.id, &r, &v, &n));
	return NULL;
}

static void
two_check_ins_at_once_make_one_request(void **state)
{
	WORLD(state);
	pthread_t t[4];

	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, checkin_thread, w), 0);
	for (size_t i = 0; i < COUNT(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(count(w, REQUEST_ISSUE, 0), 1);
	world_timeline(w, "pkcs", "assigned queued");
	world_timeline(w, "trusted-root", "assigned ready offered");
}

static void
a_certificate_waits_until_its_root_is_on_the_device(void **state)
{
	WORLD(state);
	struct world_find f;
	struct command *v;
	struct job j;

	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_CA);
	f = world_look(w, "pkcs");
	assert_string_equal(f.status.word, "ready");
	assert_string_equal(f.slot.fault, "root-pending");
	assert_int_equal(world_obey(w, &v[0], &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_IDENTITY);
	assert_string_equal(world_look(w, "pkcs").slot.fault, "");
}

static void
a_certificate_whose_root_is_not_assigned_is_a_fault(void **state)
{
	WORLD(state);
	struct world_find f;
	struct job *v;

	world_unassign(w, w->root_profile.id);
	world_checkin(w, NULL, 0, NULL);
	f = world_look(w, "pkcs");
	assert_string_equal(f.status.word, "failed");
	assert_string_equal(f.slot.fault, "root-not-assigned");
	assert_string_equal(f.status.compliance, "error");
	assert_int_equal(f.n, 0);
	assert_int_equal(world_lease(w, &v), 0);
}

static void
no_mail(struct world *w, struct tx *tx)
{
	w->user.mail = "";
	expect_ok(store_user_update(tx, &w->user));
}

static void
mail_again(struct world *w, struct tx *tx)
{
	w->user.mail = "a@example.test";
	w->user.modified = when_now();
	expect_ok(store_user_update(tx, &w->user));
}

static void
a_user_without_mail_is_a_fault_that_names_user_and_field_until_it_is_filled(void **state)
{
	WORLD(state);
	struct world_find f;
	struct job *v;

	world_write(w, no_mail);
	world_checkin(w, NULL, 0, NULL);
	f = world_look(w, "pkcs");
	assert_string_equal(f.slot.fault, "variable-empty");
	assert_non_null(strstr(f.slot.detail, "alice@example.test"));
	assert_non_null(strstr(f.slot.detail, "\"mail\""));
	assert_int_equal(world_lease(w, &v), 0);
	world_write(w, mail_again);
	world_checkin(w, NULL, 0, NULL);
	assert_string_equal(world_look(w, "pkcs").slot.fault, "");
	assert_int_equal(world_lease(w, &v), 1);
}

static void
mail_lost_between_check_in_and_lease_fails_the_request_and_issues_nothing(void **state)
{
	WORLD(state);
	struct job *v;

	world_checkin(w, NULL, 0, NULL);
	world_write(w, no_mail);
	assert_int_equal(world_lease(w, &v), 0);
	assert_string_equal(world_look(w, "pkcs").slot.fault, "variable-empty");
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_FAILED);
}

static void
what_is_unassigned_is_withdrawn_revoked_and_removed(void **state)
{
	WORLD(state);
	struct request issued;
	struct world_find f;
	struct command *v;
	struct job j;

	world_install(w);
	issued = world_newest(w, "pkcs");
	world_unassign(w, w->pkcs_profile.id);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_REMOVE_IDENTITY);
	assert_string_equal(v[0].alias, alias_of(w, &w->pkcs_profile));
	f = world_look(w, "pkcs");
	assert_string_equal(f.status.word, "removing");
	assert_string_equal(f.status.compliance, "notAssigned");

	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_REVOKE);
	assert_int_equal(j.order.kind, ORDER_REVOKE);
	assert_true(id_eq(j.order.id, issued.id));
	assert_string_equal(j.order.keep, "");
	world_finish(w, &j, JOB_REVOKED);
	assert_int_equal(world_obey(w, &v[0], NULL), 0);
	assert_string_equal(world_word(w, "pkcs"), "removed");
	world_timeline(w, "pkcs",
	    "assigned queued leased issued offered installed unassigned withdrawn "
	    "revoke-queued revoke-leased revoked removed");
}

/* Walks the certificate's request so many arrows and unassigns it there. */
static void
withdraw_after(struct world *w, int arrows)
{
	struct command *v;
	struct job j;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	if (arrows > 0)
		j = world_job(w);
	if (arrows > 1)
		world_finish(w, &j, JOB_ISSUED);
	if (arrows > 2)
		assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_unassign(w, w->pkcs_profile.id);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 0);
	assert_int_equal(count(w, REQUEST_ISSUE, REQUEST_WITHDRAWN), 1);
	assert_int_equal(world_look(w, "pkcs").requests[0].sealed.n, 0);
}

static void
withdrawn_while_queued_there_is_nothing_to_revoke(void **state)
{
	WORLD(state);
	struct job *v;

	withdraw_after(w, 0);
	assert_int_equal(count(w, REQUEST_REVOKE, 0), 0);
	assert_int_equal(world_lease(w, &v), 0);
}

static void
withdrawn_while_leased_the_late_result_is_refused_and_what_was_signed_revoked(void **state)
{
	WORLD(state);
	struct job_result r;
	struct job j = { 0 };
	struct world_find f;

	withdraw_after(w, 1);
	f = world_look(w, "pkcs");
	j.request = f.requests[0].id;
	j.fence = f.requests[0].fence;
	r = world_result(w, &j, JOB_ISSUED, MADE_DAY);
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &w->connector, &r));
	assert_int_equal(world_job(w).kind, REQUEST_REVOKE);
}

static void
withdrawn_while_ready_it_is_revoked_and_never_delivered(void **state)
{
	WORLD(state);

	withdraw_after(w, 2);
	assert_int_equal(world_job(w).kind, REQUEST_REVOKE);
}

static void
withdrawn_while_offered_it_is_revoked(void **state)
{
	WORLD(state);

	withdraw_after(w, 3);
	assert_int_equal(world_job(w).kind, REQUEST_REVOKE);
}

static void
assigned_again_a_revoked_certificate_is_replaced(void **state)
{
	WORLD(state);
	struct warnings warn;

	world_install(w);
	world_unassign(w, w->pkcs_profile.id);
	world_checkin(w, NULL, 0, NULL);
	world_assign(w, w->pkcs_profile.id, &warn);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	assert_int_equal(count(w, REQUEST_ISSUE, REQUEST_QUEUED), 1);
	assert_string_equal(world_word(w, "pkcs"), "waiting");
}

/* Issues what is queued beside a revocation, delivers and confirms it. */
static struct job_result
deliver(struct world *w)
{
	struct job_result r = { 0 };
	struct command *c;
	struct job *v;
	size_t n = world_lease(w, &v);

	for (size_t i = 0; i < n; i++)
		if (v[i].kind == REQUEST_ISSUE)
			r = world_finish(w, &v[i], JOB_ISSUED);
	assert_int_equal(world_checkin(w, NULL, 0, &c), 1);
	world_obey(w, &c[0], NULL);
	return r;
}

static void
renewal_begins_at_the_threshold_and_revokes_the_old_one_after_the_new_is_there(void **state)
{
	WORLD(state);
	struct job_result first = world_install(w), second;
	struct world_find f = world_look(w, "pkcs");
	struct request old = world_newest(w, "pkcs");
	when_t due = diff_renewal_due(&f.slot, 20);
	struct job j;

	assert_true(due <= MADE_NOW + 80 * MADE_DAY && due >= MADE_NOW + 76 * MADE_DAY);
	when_set(due - 1);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(count(w, REQUEST_ISSUE, 0), 1);
	when_set(due);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(count(w, REQUEST_ISSUE, 0), 2);
	assert_string_equal(world_word(w, "pkcs"), "renewing");
	assert_string_equal(world_look(w, "pkcs").status.compliance, "compliant");
	assert_int_equal(count(w, REQUEST_REVOKE, 0), 0);
	second = deliver(w);
	f = world_look(w, "pkcs");
	assert_string_equal(f.slot.serial, second.serial);
	assert_string_not_equal(f.slot.serial, first.serial);
	assert_string_equal(f.status.word, "installed");
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_REVOKE);
	assert_true(id_eq(j.order.id, old.id));
	world_finish(w, &j, JOB_REVOKED);
	assert_string_equal(world_word(w, "pkcs"), "installed");
}

static void
an_expired_certificate_is_replaced_without_an_administrator(void **state)
{
	WORLD(state);

	world_install(w);
	when_set(MADE_NOW + 200 * MADE_DAY);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(count(w, REQUEST_ISSUE, REQUEST_QUEUED), 1);
	assert_string_equal(world_word(w, "pkcs"), "waiting");
}

static void
other_content_is_issued_anew_and_the_old_one_revoked(void **state)
{
	WORLD(state);
	auto_json json *body = world_pkcs_json(w, "CN={{UserName}},O=Other");
	struct request old;
	struct warnings warn;
	struct profile p;
	struct job j;

	world_install(w);
	old = world_newest(w, "pkcs");
	expect_ok(profile_update(w->store, w->a, "test", w->pkcs_profile.id, body, &p, &warn));
	assert_int_equal(p.version, 2);
	world_checkin(w, NULL, 0, NULL);
	assert_string_equal(world_word(w, "pkcs"), "waiting");
	deliver(w);
	assert_string_equal(world_word(w, "pkcs"), "installed");
	j = world_job(w);
	assert_true(id_eq(j.order.id, old.id));
}

static void
other_content_while_a_request_is_open_starts_over(void **state)
{
	WORLD(state);
	auto_json json *body = world_pkcs_json(w, "CN={{UserName}},O=Other");
	struct warnings warn;
	struct profile p;

	world_checkin(w, NULL, 0, NULL);
	expect_ok(profile_update(w->store, w->a, "test", w->pkcs_profile.id, body, &p, &warn));
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(count(w, REQUEST_ISSUE, REQUEST_WITHDRAWN), 1);
	assert_int_equal(count(w, REQUEST_ISSUE, REQUEST_QUEUED), 1);
	assert_int_equal(count(w, REQUEST_REVOKE, 0), 0);
}

static void
what_the_device_lost_is_offered_again_while_it_is_sealed_and_issued_anew_after(void **state)
{
	WORLD(state);
	struct job_result r = world_install(w);
	struct command *v;

	world_drop(w, alias_of(w, &w->pkcs_profile));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_true(str_eq(v[0].sha256, r.leaf_sha256));
	world_obey(w, &v[0], NULL);
	assert_string_equal(world_word(w, "pkcs"), "installed");
	assert_int_equal(count(w, REQUEST_ISSUE, 0), 1);

	when_set(MADE_NOW + 5);
	world_checkin(w, NULL, 0, NULL);
	world_drop(w, alias_of(w, &w->pkcs_profile));
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	assert_int_equal(count(w, REQUEST_ISSUE, 0), 2);
}

static void
a_root_that_the_device_lost_is_offered_again(void **state)
{
	WORLD(state);
	struct command *v;

	world_install(w);
	world_drop(w, alias_of(w, &w->root_profile));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_CA);
	world_timeline(w, "trusted-root", "assigned ready offered installed lost offered-again");
}

static void
disable(struct world *w, struct tx *tx)
{
	w->user.enabled = false;
	expect_ok(store_user_update(tx, &w->user));
	expect_ok(diff_user(tx, w->a, w->user.id));
}

static void
a_disabled_user_has_everything_revoked_at_once(void **state)
{
	WORLD(state);
	struct command *v;

	world_install(w);
	world_write(w, disable);
	assert_int_equal(world_job(w).kind, REQUEST_REVOKE);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 2);
	assert_int_equal(v[0].kind == COMMAND_REMOVE_CA || v[0].kind == COMMAND_REMOVE_IDENTITY, 1);
}

static void
leave(struct world *w, struct tx *tx)
{
	expect_ok(diff_user_leaves(tx, w->a, w->user.id));
	expect_ok(store_user_delete(tx, w->user.id));
}

static void
a_deleted_user_has_everything_revoked_at_once(void **state)
{
	WORLD(state);
	struct command *v;

	world_install(w);
	world_write(w, leave);
	assert_int_equal(world_job(w).kind, REQUEST_REVOKE);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 2);
}

static void
a_removal_that_fails_is_told_and_asked_for_again_later(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_ERROR, .code = "busy", .detail = "in use" };
	struct report r = { .has_inventory = true };
	struct checkin_calm calm;
	struct command *v;
	size_t n;

	world_install(w);
	world_unassign(w, w->pkcs_profile.id);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	res.id = v[0].id;
	assert_int_equal(world_checkin(w, &res, 1, NULL), 0);
	assert_int_equal(world_checkin(w, &res, 1, NULL), 0);
	r.items = w->held;
	r.nitems = w->nheld;
	expect_ok(checkin_look(w->store, w->a, w->device.id, &r, &v, &n, &calm));
	assert_int_equal(n, 0);
	assert_int_equal(calm.due, MADE_NOW + 60);
	assert_string_equal(world_look(w, "pkcs").slot.fault, "device-refused");
	when_set(MADE_NOW + 60);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(world_obey(w, &v[0], NULL), 0);
	assert_string_equal(world_word(w, "pkcs"), "removed");
	assert_string_equal(world_look(w, "pkcs").slot.fault, "");
}

static void
retire_revokes_and_gives_nothing_more(void **state)
{
	WORLD(state);
	struct command *v;

	world_install(w);
	expect_ok(device_retire(w->store, w->a, "admin", w->device.id));
	assert_int_equal(world_job(w).kind, REQUEST_REVOKE);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 2);
	assert_true(v[0].kind == COMMAND_REMOVE_CA || v[0].kind == COMMAND_REMOVE_IDENTITY);
	assert_true(v[1].kind == COMMAND_REMOVE_CA || v[1].kind == COMMAND_REMOVE_IDENTITY);
	expect_ok(device_retire(w->store, w->a, "admin", w->device.id));
	assert_int_equal(count(w, REQUEST_REVOKE, 0), 1);
}

static void
a_revocation_that_the_ca_refuses_stays_in_the_queue(void **state)
{
	WORLD(state);
	struct job j;

	world_install(w);
	world_unassign(w, w->pkcs_profile.id);
	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	world_finish(w, &j, JOB_REJECTED);
	assert_int_equal(count(w, REQUEST_REVOKE, REQUEST_QUEUED), 1);
	when_set(MADE_NOW + 3600);
	j = world_job(w);
	world_finish(w, &j, JOB_REVOKED);
	assert_int_equal(count(w, REQUEST_REVOKE, REQUEST_DONE), 1);
}

static void
two_revocations_of_one_slot_do_not_wait_for_each_other(void **state)
{
	WORLD(state);
	struct world_find f;
	struct job *v;

	world_install(w);
	f = world_look(w, "pkcs");
	when_set(diff_renewal_due(&f.slot, 20));
	world_checkin(w, NULL, 0, NULL);
	deliver(w);
	world_unassign(w, w->pkcs_profile.id);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_lease(w, &v), 2);
	world_finish(w, &v[1], JOB_REVOKED);
	world_finish(w, &v[0], JOB_REVOKED);
	assert_int_equal(count(w, REQUEST_REVOKE, REQUEST_DONE), 2);
}

static void
status_says_that_no_connector_is_there(void **state)
{
	WORLD(state);
	struct world_find f;

	world_checkin(w, NULL, 0, NULL);
	assert_string_equal(world_look(w, "pkcs").status.fault, "");
	when_set(MADE_NOW + 1000);
	f = world_look(w, "pkcs");
	assert_string_equal(f.status.fault, "no-connector");
	assert_non_null(strstr(f.status.why, "C1"));
	assert_string_not_equal(f.status.next, "");
}

static void
lacks(struct world *w, struct tx *tx)
{
	struct status_lack *v;
	size_t n;

	expect_ok(status_lacks(tx, w->a, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].fault, ERR_NO_CONNECTOR);
	assert_non_null(strstr(v[0].detail, "C1"));
}

static void
no_lacks(struct world *w, struct tx *tx)
{
	struct status_lack *v;
	size_t n;

	expect_ok(status_lacks(tx, w->a, &v, &n));
	assert_int_equal(n, 0);
}

static void
what_waits_for_nobody_is_told_for_all_and_only_while_it_waits(void **state)
{
	WORLD(state);
	struct job *v;

	when_set(MADE_NOW + 1000);
	world_write(w, no_lacks);
	world_checkin(w, NULL, 0, NULL);
	world_write(w, lacks);
	world_lease(w, &v);
	world_finish(w, &v[0], JOB_ISSUED);
	world_write(w, no_lacks);
}

static void
what_is_told_and_not_written_is_no_way_to_look_slots_up(void **state)
{
	(void)state;
	assert_true(status_is_told_only("no-connector"));
	assert_true(status_is_told_only("ca-no-revoke"));
	assert_false(status_is_told_only("ca-denied"));
	assert_false(status_is_told_only("nothing of the kind"));
}

static void
counts(struct world *w, struct tx *tx)
{
	struct status_counts c;

	expect_ok(status_counts(tx, w->a, w->pkcs_profile.id, &c));
	assert_int_equal(c.success, 1);
	assert_int_equal(c.pending + c.error, 0);
}

static void
counts_of_a_profile_agree_with_its_slots(void **state)
{
	WORLD(state);

	world_install(w);
	world_write(w, counts);
}

static void
answers_to_commands_of_another_device_are_ignored(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_ERROR };
	struct command *v;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	res.id = "00000000-0000-0000-0000-000000000001:0011223344556677";
	world_checkin(w, &res, 1, NULL);
	res.id = "no id at all";
	world_checkin(w, &res, 1, NULL);
	res.id = arena_printf(w->a, "%.36s:0011223344556677", v[0].id);
	world_checkin(w, &res, 1, NULL);
	assert_string_equal(world_word(w, "trusted-root"), "offered");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(an_idle_check_in_writes_nothing),
		IN_WORLD(the_sealed_key_is_wiped_when_the_inventory_confirms_it),
		IN_WORLD(two_check_ins_at_once_make_one_request),
		IN_WORLD(a_certificate_waits_until_its_root_is_on_the_device),
		IN_WORLD(a_certificate_whose_root_is_not_assigned_is_a_fault),
		IN_WORLD(
		    a_user_without_mail_is_a_fault_that_names_user_and_field_until_it_is_filled),
		IN_WORLD(mail_lost_between_check_in_and_lease_fails_the_request_and_issues_nothing),
		IN_WORLD(what_is_unassigned_is_withdrawn_revoked_and_removed),
		IN_WORLD(withdrawn_while_queued_there_is_nothing_to_revoke),
		IN_WORLD(
		    withdrawn_while_leased_the_late_result_is_refused_and_what_was_signed_revoked),
		IN_WORLD(withdrawn_while_ready_it_is_revoked_and_never_delivered),
		IN_WORLD(withdrawn_while_offered_it_is_revoked),
		IN_WORLD(assigned_again_a_revoked_certificate_is_replaced),
		IN_WORLD(
		    renewal_begins_at_the_threshold_and_revokes_the_old_one_after_the_new_is_there),
		IN_WORLD(an_expired_certificate_is_replaced_without_an_administrator),
		IN_WORLD(other_content_is_issued_anew_and_the_old_one_revoked),
		IN_WORLD(other_content_while_a_request_is_open_starts_over),
		IN_WORLD(
		    what_the_device_lost_is_offered_again_while_it_is_sealed_and_issued_anew_after),
		IN_WORLD(a_root_that_the_device_lost_is_offered_again),
		IN_WORLD(a_disabled_user_has_everything_revoked_at_once),
		IN_WORLD(a_deleted_user_has_everything_revoked_at_once),
		IN_WORLD(a_removal_that_fails_is_told_and_asked_for_again_later),
		IN_WORLD(retire_revokes_and_gives_nothing_more),
		IN_WORLD(a_revocation_that_the_ca_refuses_stays_in_the_queue),
		IN_WORLD(two_revocations_of_one_slot_do_not_wait_for_each_other),
		IN_WORLD(status_says_that_no_connector_is_there),
		IN_WORLD(what_waits_for_nobody_is_told_for_all_and_only_while_it_waits),
		cmocka_unit_test(what_is_told_and_not_written_is_no_way_to_look_slots_up),
		IN_WORLD(counts_of_a_profile_agree_with_its_slots),
		IN_WORLD(answers_to_commands_of_another_device_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static void
a_request_goes_the_whole_way_and_writes_a_row_for_each_arrow(void **state)
{
	WORLD(state);
	struct job_result r;
	struct command *v;
	struct world_find f;
	struct job j;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_CA);
	assert_true(str_eq(v[0].der, cert_der(w->root.cert)));
	assert_string_equal(world_word(w, "pkcs"), "waiting");
	assert_int_equal(world_obey(w, &v[0], NULL), 0);
	assert_string_equal(world_word(w, "trusted-root"), "installed");

	j = world_job(w);
	assert_string_equal(world_word(w, "pkcs"), "issuing");
	r = world_finish(w, &j, JOB_ISSUED);
	assert_string_equal(world_word(w, "pkcs"), "ready");
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_string_equal(world_word(w, "pkcs"), "offered");
	assert_int_equal(v[0].kind, COMMAND_INSTALL_IDENTITY);
	assert_true(str_eq(v[0].pfx, LIT("sealed")));
	assert_true(str_eq(v[0].password, LIT("password")));
	assert_true(str_eq(v[0].sha256, r.leaf_sha256));
	assert_int_equal(world_obey(w, &v[0], NULL), 0);

	f = world_look(w, "pkcs");
	assert_string_equal(f.status.word, "installed");
	assert_string_equal(f.status.compliance, "compliant");
	assert_string_equal(f.slot.serial, r.serial);
	assert_string_equal(f.slot.issuer, "Corp Issuing CA");
	assert_int_equal(f.slot.installed, MADE_NOW * 1000);
	world_timeline(w, "pkcs", "assigned queued leased issued offered installed");
	world_timeline(w, "trusted-root", "assigned ready offered installed");
}

static void
the_order_states_what_directory_and_profile_say(void **state)
{
	WORLD(state);
	const struct order *o;
	struct san *sans;
	struct job j;
	struct dn dn;
	size_t n;

	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	o = &j.order;
	assert_int_equal(o->kind, ORDER_ISSUE);
	assert_true(id_eq(o->id, j.request));
	assert_true(id_eq(o->device, w->device.id));
	assert_true(id_eq(o->user, w->user.id));
	assert_true(id_eq(o->profile, w->pkcs_profile.id));
	assert_int_equal(o->profile_version, 1);
	assert_int_equal(o->fence, 1);
	assert_string_equal(o->ca, "Corp Issuing CA");
	assert_string_equal(o->template, "ChanceryUser");
	assert_string_equal(o->sid, "S-1-5-21-1-2-3-1104");
	assert_true(str_eq(o->holder, w->connector.holder));
	assert_true(str_eq(o->maker, w->connector.maker));
	assert_true(str_eq(o->recipient, w->device.identity_sha256));
	assert_string_equal(j.ca_host, "ca.example.test");
	assert_int_equal(j.key_bits, 2048);
	assert_true(str_eq(j.device_cert, LIT("identity")));
	assert_int_equal(o->nekus, 1);
	expect_ok(dn_decode(w->a, o->subject, &dn));
	assert_string_equal(dn_print(w->a, &dn),
	    "CN=alice, E=alice@mail.example.test, OU=Mobile, O=Finance Group, L=Redmond, ST=Washington, C=US");
	expect_ok(san_decode(w->a, o->san, &sans, &n));
	assert_int_equal(n, 1);
	assert_int_equal(sans[0].type, SAN_UPN);
	assert_string_equal(sans[0].value, "alice@example.test");
}

static void
a_late_result_is_refused_and_a_repeated_one_accepted(void **state)
{
	WORLD(state);
	struct job_result late, good;
	struct job first, second;

	world_checkin(w, NULL, 0, NULL);
	first = world_job(w);
	late = world_result(w, &first, JOB_ISSUED, 100 * MADE_DAY);
	when_set(MADE_NOW + 61);
	expect_ok(job_sweep(w->store));
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_QUEUED);
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &w->connector, &late));

	second = world_job(w);
	assert_true(id_eq(first.request, second.request));
	assert_int_equal(second.fence, first.fence + 1);
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &w->connector, &late));
	good = world_finish(w, &second, JOB_ISSUED);
	expect_ok(job_finish(w->store, w->a, &w->connector, &good));
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &w->connector, &late));
	world_timeline(w, "pkcs", "assigned queued leased lease-expired issued");
}

static void
another_connector_cannot_finish_a_lease(void **state)
{
	WORLD(state);
	struct connector other = w->connector;
	struct job_result r;
	struct job j;

	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	r = world_result(w, &j, JOB_ISSUED, MADE_DAY);
	other.id = id_new();
	expect_err(ERR_FENCE, job_finish(w->store, w->a, &other, &r));
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_LEASED);
}

static void
a_request_that_is_held_is_not_leased_twice(void **state)
{
	WORLD(state);
	struct job *v;

	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_lease(w, &v), 1);
	assert_int_equal(world_lease(w, &v), 0);
}

static void
a_connector_gets_no_job_for_a_ca_that_it_does_not_reach(void **state)
{
	WORLD(state);
	struct job *v;

	world_checkin(w, NULL, 0, NULL);
	w->connector.cas = "Other CA";
	assert_int_equal(world_lease(w, &v), 0);
	w->connector.cas = "Other CA,corp issuing ca";
	assert_int_equal(world_lease(w, &v), 1);
}

static void
an_unreachable_ca_is_asked_again_after_a_growing_pause(void **state)
{
	WORLD(state);
	static const int waits[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 };
	when_t now = MADE_NOW;
	struct world_find f;
	struct job *v;
	struct job j;

	world_checkin(w, NULL, 0, NULL);
	for (size_t i = 0; i < COUNT(waits); i++) {
		j = world_job(w);
		world_finish(w, &j, JOB_UNREACHABLE);
		f = world_look(w, "pkcs");
		assert_string_equal(f.slot.fault, "unreachable");
		assert_string_equal(f.slot.detail, "words");
		assert_string_equal(f.status.word, "waiting");
		when_set(now + waits[i] - 1);
		assert_int_equal(world_lease(w, &v), 0);
		now += waits[i];
		when_set(now);
	}
	assert_int_equal(world_lease(w, &v), 1);
}

static void
what_fails_over_and_over_is_one_row_of_each_kind(void **state)
{
	WORLD(state);
	struct world_find f;
	struct job j;

	world_checkin(w, NULL, 0, NULL);
	for (int i = 0; i < 5; i++) {
		j = world_job(w);
		world_finish(w, &j, JOB_UNREACHABLE);
		when_set(when_now() + 300);
	}
	world_timeline(w, "pkcs", "assigned queued leased postponed");
	f = world_look(w, "pkcs");
	assert_int_equal(f.events[1].count, 1);
	assert_int_equal(f.events[3].count, 5);
	assert_int_equal(f.events[3].when, MADE_NOW * 1000);
	assert_int_equal(f.events[3].until, (MADE_NOW + 4 * 300) * 1000);
	assert_string_equal(f.events[2].detail, "attempt 5");
	j = world_job(w);
	world_finish(w, &j, JOB_PENDING);
	world_timeline(w, "pkcs", "assigned queued leased postponed postponed");
}

static void
a_lease_that_runs_out_again_and_again_waits_longer(void **state)
{
	WORLD(state);
	static const int waits[] = { 0, 0, 1, 2, 4, 8 };
	struct job *v;

	world_checkin(w, NULL, 0, NULL);
	for (size_t i = 0; i < COUNT(waits); i++) {
		assert_int_equal(world_lease(w, &v), 1);
		when_set(when_now() + 61);
		expect_ok(job_sweep(w->store));
		if (waits[i] > 0) {
			assert_int_equal(world_lease(w, &v), 0);
			when_set(when_now() + waits[i]);
		}
	}
	assert_int_equal(world_lease(w, &v), 1);
}

static size_t
lease_as(struct world *w, bool again)
{
	struct job *v;
	size_t n;

	const struct job_asking ask = { .worker = "0", .again = again, .max = 4 };

	expect_ok(job_lease(w->store, w->a, &w->connector, &ask, 60, &v, &n));
	return n;
}

static void
a_worker_that_asks_anew_has_lost_its_job_but_one_that_waited_has_not(void **state)
{
	WORLD(state);

	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(lease_as(w, false), 1);
	assert_int_equal(lease_as(w, true), 0);
	assert_int_equal(lease_as(w, false), 1);
}

static void
what_is_in_hand_stays_leased_and_what_is_not_goes_back(void **state)
{
	WORLD(state);
	struct job_asking ask = { .worker = "ask", .max = 4 };
	struct job *v;
	struct id held;
	size_t n;

	world_checkin(w, NULL, 0, NULL);
	expect_ok(job_lease(w->store, w->a, &w->connector, &ask, 60, &v, &n));
	assert_int_equal(n, 1);
	held = v[0].request;
	ask.holds = &held;
	ask.nholds = 1;
	expect_ok(job_lease(w->store, w->a, &w->connector, &ask, 60, &v, &n));
	assert_int_equal(n, 0);
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_LEASED);
	ask.nholds = 0;
	ask.max = 0;
	expect_ok(job_lease(w->store, w->a, &w->connector, &ask, 60, &v, &n));
	assert_int_equal(n, 0);
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_QUEUED);
}

static void
one_worker_does_not_free_what_another_holds_unless_it_is_alone(void **state)
{
	WORLD(state);
	struct job_asking ask = { .worker = "ask", .max = 4 };
	struct job_asking bring = { .worker = "bring" };
	struct connector other = w->connector;
	struct job *v;
	size_t n;

	world_checkin(w, NULL, 0, NULL);
	expect_ok(job_lease(w->store, w->a, &w->connector, &ask, 60, &v, &n));
	assert_int_equal(n, 1);
	expect_ok(job_lease(w->store, w->a, &w->connector, &bring, 60, &v, &n));
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_LEASED);
	bring.alone = true;
	other.id = id_new();
	expect_ok(job_lease(w->store, w->a, &other, &bring, 60, &v, &n));
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_LEASED);
	expect_ok(job_lease(w->store, w->a, &w->connector, &bring, 60, &v, &n));
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_QUEUED);
}

static void
release(struct world *w, struct tx *tx)
{
	expect_ok(job_release(tx, w->a, w->connector.id));
}

static void
what_a_connector_that_leaves_has_in_hand_is_free_at_once(void **state)
{
	WORLD(state);
	struct job_asking ask = { .worker = "ask", .max = 4 };
	struct job *v;
	size_t n;

	world_checkin(w, NULL, 0, NULL);
	expect_ok(job_lease(w->store, w->a, &w->connector, &ask, 60, &v, &n));
	assert_int_equal(n, 1);
	world_write(w, release);
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_QUEUED);
}

static void
what_nobody_wants_any_more_is_no_job_and_ends(void **state)
{
	WORLD(state);
	struct job *v;

	world_checkin(w, NULL, 0, NULL);
	world_unassign(w, w->pkcs_profile.id);
	assert_int_equal(world_lease(w, &v), 0);
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_WITHDRAWN);
	assert_int_equal(world_newest(w, "pkcs").fence, 0);
	assert_int_equal(world_lease(w, &v), 0);
}

static void
what_would_be_something_else_by_now_is_no_job_and_wakes_the_device(void **state)
{
	WORLD(state);
	struct warnings warn;
	struct job *v;
	unsigned nudges;
	auto_json json *other = NULL;

	world_checkin(w, NULL, 0, NULL);
	other = world_pkcs_json(w, "CN=another,O=Corp");
	expect_ok(profile_update(
	    w->store, w->a, "test", w->pkcs_profile.id, other, &w->pkcs_profile, &warn));
	nudges = w->nudges;
	assert_int_equal(world_lease(w, &v), 0);
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_WITHDRAWN);
	assert_true(w->nudges > nudges);
}

static void
leave_and_join(struct world *w, struct tx *tx)
{
	struct device other = w->device;

	other.id = id_new();
	other.identity_sha256 = str_of("another-abcdef0123456789abcdef01", 32);
	expect_ok(store_device_insert(tx, &other));
	expect_ok(diff_device(tx, w->a, &other));
	w->device.state = DEVICE_RETIRED;
	expect_ok(store_device_update(tx, &w->device));
	w->device = other;
}

static void
what_is_passed_over_makes_room_for_the_next_in_the_queue(void **state)
{
	WORLD(state);
	struct job_asking ask = { .max = 1 };
	struct id before = w->device.id;
	struct job *v;
	size_t n;

	world_checkin(w, NULL, 0, NULL);
	when_set(when_now() + 1);
	world_write(w, leave_and_join);
	expect_ok(job_lease(w->store, w->a, &w->connector, &ask, 60, &v, &n));
	assert_int_equal(n, 1);
	assert_true(id_eq(v[0].order.device, w->device.id));
	assert_false(id_eq(v[0].order.device, before));
}

static void
a_connector_without_a_certificate_for_its_ca_gets_no_job(void **state)
{
	WORLD(state);
	struct job *v;
	size_t n;

	world_checkin(w, NULL, 0, NULL);
	w->connector.holder = STR_EMPTY;
	expect_err(ERR_CONNECTOR_HOLDER,
	    job_lease(w->store, w->a, &w->connector, &(struct job_asking){ .max = 4 }, 60, &v, &n));
	assert_int_equal(world_newest(w, "pkcs").state, REQUEST_QUEUED);
}

static void
no_holder(struct world *w, struct tx *tx)
{
	w->connector.holder = STR_EMPTY;
	expect_ok(store_connector_update(tx, &w->connector));
}

static void
status_says_that_the_connector_has_no_certificate_for_its_ca(void **state)
{
	WORLD(state);
	struct world_find f;

	world_checkin(w, NULL, 0, NULL);
	world_write(w, no_holder);
	f = world_look(w, "pkcs");
	assert_string_equal(f.status.word, "waiting");
	assert_string_equal(f.status.fault, "connector-holder");
	assert_non_null(strstr(f.status.why, "C1"));
}

static void
a_slot_keeps_no_endless_history_and_nothing_is_revoked_twice(void **state)
{
	WORLD(state);
	struct world_find f;
	size_t revoked = 0;

	world_checkin(w, NULL, 0, NULL);
	for (int i = 0; i < 30; i++) {
		struct job *v;
		size_t n = world_lease(w, &v);

		for (size_t k = 0; k < n; k++) {
			bool issue = v[k].kind == REQUEST_ISSUE;

			revoked += !issue;
			world_finish(w, &v[k], issue ? JOB_REJECTED : JOB_REVOKED);
		}
		when_set(when_now() + 3600);
		world_checkin(w, NULL, 0, NULL);
	}
	f = world_look(w, "pkcs");
	assert_true(f.n <= 23);
	assert_int_equal(revoked, 29); /* the last one is queued */
}

static void
a_rejected_request_fails_with_its_fault_and_is_retried_later(void **state)
{
	WORLD(state);
	struct job_result r;
	struct world_find f;
	struct job *v;
	struct job j, revoked, again;

	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	r = world_finish(w, &j, JOB_REJECTED);
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	f = world_look(w, "pkcs");
	assert_string_equal(f.status.word, "failed");
	assert_string_equal(f.slot.fault, "ca-rejected");
	revoked = world_job(w);
	assert_int_equal(revoked.kind, REQUEST_REVOKE);
	assert_true(id_eq(revoked.order.id, j.request));
	world_finish(w, &revoked, JOB_REVOKED);
	when_set(MADE_NOW + 3599);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_lease(w, &v), 0);
	when_set(MADE_NOW + 3600);
	world_checkin(w, NULL, 0, NULL);
	again = world_job(w);
	assert_int_equal(again.kind, REQUEST_ISSUE);
	assert_false(id_eq(again.request, j.request)); /* its id is closed at the CA */
	world_timeline(w, "pkcs",
	    "assigned queued leased rejected revoke-queued revoke-leased revoked withdrawn queued leased");
}

struct by_hand {
	struct world *w;
	struct id slot;
	size_t n;
};

static err_t
say_revoked(struct tx *tx, void *arg)
{
	struct by_hand *h = arg;
	struct slot s;

	TRY(store_slot_get(tx, h->w->a, h->slot, &s));
	return request_revoked_there(tx, h->w->a, &s, "admin ada", &h->n);
}

/* Issued, refused by the device, and the revocation comes back with this fault. */
static struct by_hand
stuck(struct world *w, const char *fault)
{
	struct job issue, revoke;
	struct job_result r;

	world_checkin(w, NULL, 0, NULL);
	issue = world_job(w);
	world_finish(w, &issue, JOB_REJECTED);
	revoke = world_job(w);
	r = world_result(w, &revoke, JOB_REJECTED, 100 * MADE_DAY);
	r.fault = fault;
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	return (struct by_hand){ .w = w, .slot = world_look(w, "pkcs").slot.id };
}

static void
what_cannot_be_revoked_by_protocol_is_done_when_somebody_says_so(void **state)
{
	WORLD(state);
	struct by_hand h = stuck(w, "ca-no-revoke");
	struct job *v;

	expect_ok(store_write(w->store, say_revoked, &h));
	assert_int_equal(h.n, 1);
	world_timeline(w, "pkcs",
	    "assigned queued leased rejected revoke-queued revoke-leased rejected revoked-by-hand");
	when_set(MADE_NOW + 7200);
	assert_int_equal(world_lease(w, &v), 0); /* nothing is asked of the authority any more */
	expect_ok(store_write(w->store, say_revoked, &h));
	assert_int_equal(h.n, 0);
	expect_err(ERR_READ_ONLY, store_read(w->store, say_revoked, &h));
}

static void
a_revocation_that_may_still_succeed_is_nobodys_to_call_done(void **state)
{
	WORLD(state);
	struct by_hand h = stuck(w, "unreachable");
	struct job *v;

	expect_ok(store_write(w->store, say_revoked, &h));
	assert_int_equal(h.n, 0);
	when_set(MADE_NOW + 7200);
	assert_int_equal(world_lease(w, &v), 1);
}

static void
a_device_that_says_no_is_tried_again_with_a_new_certificate(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_ERROR, .code = "disk", .detail = "no space" };
	struct world_find f;
	struct command *v;
	struct job j, revoked, again;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	j = world_job(w);
	world_finish(w, &j, JOB_ISSUED);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	res.id = v[0].id;
	assert_int_equal(world_checkin(w, &res, 1, NULL), 0);
	f = world_look(w, "pkcs");
	assert_string_equal(f.status.word, "failed");
	assert_string_equal(f.slot.fault, "device-refused");
	assert_string_equal(f.slot.detail, "disk: no space");
	revoked = world_job(w);
	assert_int_equal(revoked.kind, REQUEST_REVOKE);
	assert_true(id_eq(revoked.order.id, j.request));
	world_finish(w, &revoked, JOB_REVOKED);
	when_set(MADE_NOW + 60);
	world_checkin(w, NULL, 0, NULL);
	again = world_job(w);
	assert_int_equal(again.kind, REQUEST_ISSUE);
	assert_false(id_eq(again.request, j.request));
	world_timeline(w, "pkcs",
	    "assigned queued leased issued offered refused revoke-queued revoke-leased revoked withdrawn queued leased");
}

static void
a_device_that_is_busy_is_not_asked_again_at_once(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_NOT_NOW };
	struct command *v;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	res.id = v[0].id;
	assert_int_equal(world_checkin(w, &res, 1, NULL), 0);
	assert_int_equal(world_checkin(w, &res, 1, NULL), 0);
	when_set(MADE_NOW + 60);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 1);
	world_timeline(w, "trusted-root", "assigned ready offered not-now");
}

/* When the device is to be looked at again, by a look that finds nothing to do now. */
static when_t
due(struct world *w)
{
	const struct report r = { .has_inventory = true, .items = w->held, .nitems = w->nheld };
	struct checkin_calm calm;
	struct command *v;
	size_t n;

	expect_ok(checkin_look(w->store, w->a, w->device.id, &r, &v, &n, &calm));
	assert_int_equal(n, 0);
	return calm.due;
}

static void
what_was_put_off_or_failed_says_when_it_is_due(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_NOT_NOW };
	struct command *v;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	res.id = v[0].id;
	world_checkin(w, &res, 1, NULL);
	assert_int_equal(due(w), MADE_NOW + 60);
	when_set(MADE_NOW + 59);
	assert_int_equal(due(w), MADE_NOW + 60);
	when_set(MADE_NOW + 60);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	res.status = RESULT_ERROR;
	res.id = v[0].id;
	assert_int_equal(world_checkin(w, &res, 1, NULL), 0);
	assert_string_equal(world_word(w, "trusted-root"), "failed");
	assert_int_equal(due(w), MADE_NOW + 120);
	when_set(MADE_NOW + 120);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	/* Nothing but somebody's doing brings the rest on. */
	res.status = RESULT_OK;
	res.id = v[0].id;
	world_hold(w, v[0].alias, false, world_sha256(w, v[0].der));
	assert_int_equal(world_checkin(w, &res, 1, NULL), 0);
	assert_int_equal(due(w), 0);
}

static void
success_without_the_certificate_in_the_inventory_is_none(void **state)
{
	WORLD(state);
	struct report_result res = { .status = RESULT_OK };
	struct command *v;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	res.id = v[0].id;
	assert_int_equal(world_checkin(w, &res, 1, NULL), 0);
	assert_string_equal(world_word(w, "trusted-root"), "offered");
}

static void
an_expired_certificate_from_the_ca_is_not_delivered(void **state)
{
	WORLD(state);
	struct job_result r;
	struct job j;

	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	r = world_result(w, &j, JOB_ISSUED, 10);
	when_set(MADE_NOW + 10);
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	assert_string_equal(world_word(w, "pkcs"), "failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_request_goes_the_whole_way_and_writes_a_row_for_each_arrow),
		IN_WORLD(the_order_states_what_directory_and_profile_say),
		IN_WORLD(a_late_result_is_refused_and_a_repeated_one_accepted),
		IN_WORLD(another_connector_cannot_finish_a_lease),
		IN_WORLD(a_request_that_is_held_is_not_leased_twice),
		IN_WORLD(a_connector_gets_no_job_for_a_ca_that_it_does_not_reach),
		IN_WORLD(an_unreachable_ca_is_asked_again_after_a_growing_pause),
		IN_WORLD(what_fails_over_and_over_is_one_row_of_each_kind),
		IN_WORLD(a_lease_that_runs_out_again_and_again_waits_longer),
		IN_WORLD(a_worker_that_asks_anew_has_lost_its_job_but_one_that_waited_has_not),
		IN_WORLD(what_is_in_hand_stays_leased_and_what_is_not_goes_back),
		IN_WORLD(one_worker_does_not_free_what_another_holds_unless_it_is_alone),
		IN_WORLD(what_a_connector_that_leaves_has_in_hand_is_free_at_once),
		IN_WORLD(what_nobody_wants_any_more_is_no_job_and_ends),
		IN_WORLD(what_would_be_something_else_by_now_is_no_job_and_wakes_the_device),
		IN_WORLD(what_is_passed_over_makes_room_for_the_next_in_the_queue),
		IN_WORLD(a_connector_without_a_certificate_for_its_ca_gets_no_job),
		IN_WORLD(status_says_that_the_connector_has_no_certificate_for_its_ca),
		IN_WORLD(a_slot_keeps_no_endless_history_and_nothing_is_revoked_twice),
		IN_WORLD(a_rejected_request_fails_with_its_fault_and_is_retried_later),
		IN_WORLD(what_cannot_be_revoked_by_protocol_is_done_when_somebody_says_so),
		IN_WORLD(a_revocation_that_may_still_succeed_is_nobodys_to_call_done),
		IN_WORLD(a_device_that_says_no_is_tried_again_with_a_new_certificate),
		IN_WORLD(a_device_that_is_busy_is_not_asked_again_at_once),
		IN_WORLD(what_was_put_off_or_failed_says_when_it_is_due),
		IN_WORLD(success_without_the_certificate_in_the_inventory_is_none),
		IN_WORLD(an_expired_certificate_from_the_ca_is_not_delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

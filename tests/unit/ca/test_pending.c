/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for a manager; hold and release; the pace of journalled denials. */
#include "lab.h"

#include "ca/pace.h"
#include "ca/state.h"
#include "store/pending.h"
#include "store/search.h"

#define SLOW "Slow"

/* A template with order and a manager's approval. */
static void
slow_template(struct lab *l)
{
	auto_json json *answer = NULL;
	json *args = lab_copy("User", SLOW);

	json_set_bool(args, "manager_approval", true);
	if (!err_ok(lab_admin(l, "template.duplicate", args, &answer)))
		return;
	lab_grant(l, SLOW, "connector", "enrol");
}

static struct want
slow_want(struct lab *l)
{
	struct want w = lab_want(l);

	w.template = w.order.template = SLOW;
	return w;
}

static json *
id_args(uint64_t id)
{
	json *o = json_object_new();

	json_set_int(o, "id", (int64_t)id);
	return o;
}

static struct ca_submit_rep
waiting(struct lab *l, struct want w)
{
	struct ca_submit_rep rep;

	slow_template(l);
	rep = lab_submit(l, w);
	if (rep.disposition != CA_PENDING)
		print_error("%s\n", rep.message);
	assert_int_equal(rep.disposition, CA_PENDING);
	assert_int_equal(rep.leaf.n, 0);
	return rep;
}

static struct ca_submit_rep
query(struct lab *l, uint64_t id)
{
	struct ca_query_req q = { .ca = ISSUING, .caller = l->caller, .request_id = id };
	struct ca_submit_rep rep = { 0 };
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_query_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_QUERY, &in, &out));
	expect_ok(ca_submit_rep_parse(l->a, out, &rep));
	return rep;
}

static void
verb_fails(struct lab *l, const char *verb, json *args, enum err_code want)
{
	auto_json json *answer = NULL;

	expect_err(want, lab_admin(l, verb, args, &answer));
}

static void
a_request_waits_and_is_issued_under_its_number_when_approved(void **state)
{
	struct lab *l = *state;
	struct ca_submit_rep rep = waiting(l, slow_want(l)), after;
	auto_json json *list = NULL;

	assert_string_equal(rep.message, "Taken Under Submission");
	assert_int_equal(query(l, rep.request_id).disposition, CA_PENDING);
	expect_ok(lab_admin(l, "request.list", json_object_new(), &list));
	assert_int_equal(json_int(json_get(json_at(json_get(list, "requests"), 0), "request_id")),
	    rep.request_id);
	lab_do(l, "request.approve", id_args(rep.request_id));
	after = query(l, rep.request_id);
	assert_int_equal(after.disposition, CA_ISSUED);
	assert_true(after.leaf.n > 0);
	verb_fails(l, "request.approve", id_args(rep.request_id), ERR_REQUEST_STATE);
	verb_fails(l, "request.deny", id_args(rep.request_id), ERR_REQUEST_STATE);
}

static void
a_denied_request_stays_denied_for_its_order(void **state)
{
	struct lab *l = *state;
	struct want w = slow_want(l);
	struct ca_submit_rep rep = waiting(l, w), after;
	json *args = id_args(rep.request_id);

	json_set_text(args, "reason", "no such laptop");
	lab_do(l, "request.deny", args);
	after = query(l, rep.request_id);
	assert_int_equal(after.disposition, CA_DENIED);
	assert_int_equal(after.hresult, 0x80094014);
	assert_non_null(strstr(after.message, "no such laptop"));
	lab_denied(l, w, ERR_REQUEST_DENIED);
	verb_fails(l, "request.approve", id_args(rep.request_id), ERR_REQUEST_STATE);
}

static void
the_same_order_again_is_the_same_request(void **state)
{
	struct lab *l = *state;
	struct want w = slow_want(l);
	struct ca_submit_rep rep = waiting(l, w);

	assert_int_equal(waiting(l, w).request_id, rep.request_id);
	lab_do(l, "request.approve", id_args(rep.request_id));
	assert_int_equal(lab_submit(l, w).disposition, CA_ISSUED);
	assert_int_equal(lab_submit(l, w).request_id, rep.request_id);
}

/* As a connector asks: each time with a key of its own and a higher fence. */
static void
ask_again(struct lab *l, struct want *w, const struct key *k)
{
	uint8_t spki[32];

	expect_ok(key_spki_sha256(k, spki));
	w->key = k;
	w->order.spki = arena_str(l->a, STR(spki));
	w->order.fence++;
}

static void
what_waits_keeps_its_number_however_often_it_is_asked_for(void **state)
{
	struct lab *l = *state;
	struct want w = slow_want(l), first = w;
	struct ca_submit_rep old = waiting(l, w);
	auto_cert struct cert *c = NULL;
	auto_key struct key *certified = NULL;

	ask_again(l, &w, l->other_key);
	assert_int_equal(waiting(l, w).request_id, old.request_id);
	assert_int_equal(waiting(l, w).request_id, old.request_id);
	lab_denied(l, first, ERR_ORDER_STALE);
	lab_do(l, "request.approve", id_args(old.request_id));
	expect_ok(cert_parse(query(l, old.request_id).leaf, &c));
	expect_ok(cert_key(c, &certified));
	assert_true(key_same_public(certified, l->other_key)); /* the last that was asked with */
}

static void
what_was_approved_is_issued_to_whoever_asks_next_under_the_order(void **state)
{
	struct lab *l = *state;
	struct want w = slow_want(l);
	struct ca_submit_rep rep = waiting(l, w), other;
	auto_cert struct cert *first = NULL, *c = NULL;

	lab_do(l, "request.approve", id_args(rep.request_id));
	expect_ok(cert_parse(query(l, rep.request_id).leaf, &first));
	ask_again(l, &w, l->other_key);
	c = lab_issued(l, w);
	/* The key of the first one is gone with who asked then. */
	assert_true(lab_on_crl(l, ISSUING, cert_serial(first)));
	assert_false(lab_on_crl(l, ISSUING, cert_serial(c)));
	/* Other names were not approved. */
	w.order.subject = w.csr.subject = lab_name(l, "john");
	ask_again(l, &w, l->leaf_key);
	other = waiting(l, w);
	assert_int_not_equal(other.request_id, rep.request_id);
	lab_do(l, "request.deny", id_args(other.request_id));
}

/* The SID is what Windows takes a certificate's holder by: a service that fell cannot exchange it under an approval. */
static void
another_sid_under_the_order_waits_for_a_manager_of_its_own(void **state)
{
	struct lab *l = *state;
	struct want w = slow_want(l);
	struct ca_submit_rep rep = waiting(l, w), other;

	w.order.sid = w.csr.sid = "S-1-5-21-1-2-3-500";
	ask_again(l, &w, l->other_key);
	other = waiting(l, w);
	assert_int_not_equal(other.request_id, rep.request_id);
	verb_fails(l, "request.approve", id_args(rep.request_id), ERR_REQUEST_STATE);
	lab_do(l, "request.approve", id_args(other.request_id));
	w.order.sid = w.csr.sid = "S-1-5-21-1-2-3-512";
	ask_again(l, &w, l->leaf_key);
	rep = waiting(l, w);
	assert_int_not_equal(rep.request_id, other.request_id);
	lab_do(l, "request.deny", id_args(rep.request_id));
}

static void
what_was_denied_is_not_put_before_a_manager_again(void **state)
{
	struct lab *l = *state;
	struct want w = slow_want(l);
	struct ca_submit_rep rep = waiting(l, w);

	lab_do(l, "request.deny", id_args(rep.request_id));
	ask_again(l, &w, l->other_key);
	lab_denied(l, w, ERR_REQUEST_DENIED);
	lab_denied(l, w, ERR_REQUEST_DENIED);
}

static void
an_order_may_expire_while_it_waits(void **state)
{
	struct lab *l = *state;
	struct want w = slow_want(l);
	struct ca_submit_rep rep = waiting(l, w);

	when_set(when_now() + 3600);
	lab_do(l, "request.approve", id_args(rep.request_id));
	assert_int_equal(query(l, rep.request_id).disposition, CA_ISSUED);
	when_set(0);
}

static void
who_lost_the_right_meanwhile_gets_nothing(void **state)
{
	struct lab *l = *state;
	struct ca_submit_rep rep = waiting(l, slow_want(l));

	lab_do(l, "template.grant",
	    lab_args("template", SLOW, "principal", "connector", "deny", "enrol", NULL));
	verb_fails(l, "request.approve", id_args(rep.request_id), ERR_TEMPLATE_DENIED);
	assert_int_equal(query(l, rep.request_id).disposition, CA_PENDING);
	lab_do(l, "template.withdraw",
	    lab_args("template", SLOW, "principal", "connector", "deny", "enrol", NULL));
	lab_do(l, "request.approve", id_args(rep.request_id));
}

static void
a_request_that_does_not_exist_is_not_found(void **state)
{
	verb_fails(*state, "request.show", id_args(99999999), ERR_NOT_FOUND);
	verb_fails(*state, "request.approve", id_args(99999999), ERR_NOT_FOUND);
}

static void
a_waiting_request_survives_a_restart(void **state)
{
	struct lab *l = *state;
	struct ca_submit_rep rep = waiting(l, slow_want(l));

	lab_close(l);
	lab_open(l);
	lab_do(l, "request.approve", id_args(rep.request_id));
	assert_int_equal(query(l, rep.request_id).disposition, CA_ISSUED);
}

static void
only_so_many_requests_of_one_principal_wait(void **state)
{
	struct lab *l = *state;
	struct want w = slow_want(l);
	struct ca_submit_rep rep = waiting(l, w);

	lab_do(l, "ca.set", lab_args("name", "request.pending_per_principal", "value", "1", NULL));
	w.order.id = id_new();
	lab_denied(l, w, ERR_REQUEST_LIMIT);
	lab_do(l, "ca.set", lab_args("name", "request.pending_per_principal", NULL));
	lab_do(l, "request.deny", id_args(rep.request_id));
}

static err_t
one_too_many_tx(struct tx *tx, void *arg)
{
	struct pending p = { .principal = "connector", .request = LIT("x"), .vouched = "" };

	(void)arg;
	return store_pending_insert(tx, &p);
}

/* Of two at once, both of which saw room, the second is refused as it is written. */
static void
room_is_counted_where_a_request_is_written(void **state)
{
	struct lab *l = *state;

	expect_err(ERR_REQUEST_LIMIT, store_write(l->is->store, one_too_many_tx, NULL));
}

static void
a_certificate_on_hold_is_released_and_one_revoked_for_good_is_not(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	const char *serial = cert_serial(c);

	verb_fails(l, "cert.release", lab_args("serial", serial, NULL), ERR_NOT_ON_HOLD);
	lab_do(l, "cert.revoke", lab_args("serial", serial, "reason", "certificateHold", NULL));
	assert_true(lab_on_crl(l, ISSUING, serial));
	verb_fails(l, "cert.revoke", lab_args("serial", serial, "reason", "certificateHold", NULL),
	    ERR_CONFLICT);
	lab_do(l, "cert.release", lab_args("serial", serial, NULL));
	assert_false(lab_on_crl(l, ISSUING, serial));
	lab_do(l, "cert.revoke", lab_args("serial", serial, "reason", "certificateHold", NULL));
	lab_do(l, "cert.revoke", lab_args("serial", serial, "reason", "keyCompromise", NULL));
	lab_new_key(&l->leaf_key);
	verb_fails(l, "cert.release", lab_args("serial", serial, NULL), ERR_NOT_ON_HOLD);
	assert_true(lab_on_crl(l, ISSUING, serial));
}

static void
searches_and_counts_keep_to_their_conditions(void **state)
{
	struct lab *l = *state;
	auto_json json *count = NULL, *none = NULL, *list = NULL;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));

	(void)c;
	expect_ok(lab_admin(l, "cert.count",
	    lab_args("state", "valid", "template", "wifi", "requester", "Connector", "ends_before",
		"now+400d", NULL),
	    &count));
	assert_true(json_int(json_get(count, "count")) >= 1);
	expect_ok(lab_admin(
	    l, "cert.count", lab_args("template", "wifi", "ends_before", "now+1d", NULL), &none));
	assert_int_equal(json_int(json_get(none, "count")), 0);
	expect_ok(lab_admin(l, "cert.list", lab_args("requested_from", "now+1h", NULL), &list));
	assert_int_equal(json_count(json_get(list, "certificates")), 0);
	verb_fails(l, "cert.list", lab_args("ends_before", "soon", NULL), ERR_TIME);
	verb_fails(l, "cert.list", lab_args("ends_before", "now+x", NULL), ERR_TIME);
}

static err_t
unindexed_tx(struct tx *tx, void *arg)
{
	return store_issued_unindexed(tx, arg);
}

static void
the_index_of_names_follows_beside_issuing(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	bool waits = false;

	(void)c;
	expect_ok(store_read(l->is->store, unindexed_tx, &waits));
	assert_true(waits);
	expect_ok(issuer_tick(l->is));
	expect_ok(store_read(l->is->store, unindexed_tx, &waits));
	assert_false(waits);
}

static void
denials_beyond_the_measure_are_counted_and_not_written(void **state)
{
	struct pace *p = pace_new();
	uint8_t one[32] = { 1 }, two[32] = { 2 };
	uint64_t dropped;

	(void)state;
	assert_true(pace_take(p, one, 1000, 2, &dropped));
	assert_true(pace_take(p, one, 1001, 2, &dropped));
	assert_false(pace_take(p, one, 1002, 2, &dropped));
	assert_false(pace_take(p, one, 1059, 2, &dropped));
	assert_true(pace_take(p, two, 1059, 2, &dropped));
	assert_true(pace_take(p, one, 1060, 2, &dropped));
	assert_int_equal(dropped, 2);
	pace_free(p);
}

static void
a_caller_cannot_fill_the_journal_with_denials(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct ca_submit_rep first, second;

	lab_do(l, "ca.set", lab_args("name", "journal.denials_per_minute", "value", "1", NULL));
	when_set(when_now() + 120);
	w.template = "Nothing";
	first = lab_submit(l, w);
	second = lab_submit(l, w);
	assert_int_equal(first.disposition, CA_DENIED);
	assert_true(first.request_id > 0);
	assert_int_equal(second.disposition, CA_DENIED);
	assert_int_equal(second.request_id, 0);
	lab_do(l, "ca.set", lab_args("name", "journal.denials_per_minute", NULL));
	when_set(0);
}

static void
settings_that_do_not_exist_or_are_out_of_range_are_refused(void **state)
{
	struct lab *l = *state;

	verb_fails(
	    l, "ca.set", lab_args("name", "request.san", "value", "true", NULL), ERR_NOT_FOUND);
	verb_fails(l, "ca.set", lab_args("name", "request.max_validity_days", "value", "0", NULL),
	    ERR_RANGE);
	verb_fails(l, "ca.set",
	    lab_args("name", "request.validity_attributes", "value", "maybe", NULL), ERR_NUMBER);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_request_waits_and_is_issued_under_its_number_when_approved),
	cmocka_unit_test(a_denied_request_stays_denied_for_its_order),
	cmocka_unit_test(the_same_order_again_is_the_same_request),
	cmocka_unit_test(what_waits_keeps_its_number_however_often_it_is_asked_for),
	cmocka_unit_test(what_was_approved_is_issued_to_whoever_asks_next_under_the_order),
	cmocka_unit_test(another_sid_under_the_order_waits_for_a_manager_of_its_own),
	cmocka_unit_test(what_was_denied_is_not_put_before_a_manager_again),
	cmocka_unit_test(an_order_may_expire_while_it_waits),
	cmocka_unit_test(who_lost_the_right_meanwhile_gets_nothing),
	cmocka_unit_test(a_request_that_does_not_exist_is_not_found),
	cmocka_unit_test(a_waiting_request_survives_a_restart),
	cmocka_unit_test(only_so_many_requests_of_one_principal_wait),
	cmocka_unit_test(room_is_counted_where_a_request_is_written),
	cmocka_unit_test(a_certificate_on_hold_is_released_and_one_revoked_for_good_is_not),
	cmocka_unit_test(searches_and_counts_keep_to_their_conditions),
	cmocka_unit_test(the_index_of_names_follows_beside_issuing),
	cmocka_unit_test(denials_beyond_the_measure_are_counted_and_not_written),
	cmocka_unit_test(a_caller_cannot_fill_the_journal_with_denials),
	cmocka_unit_test(settings_that_do_not_exist_or_are_out_of_range_are_refused),
};
LAB_MAIN(tests)

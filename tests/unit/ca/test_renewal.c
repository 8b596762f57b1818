/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a certificate in its renewals: its order, its CA, its SID; keys that were compromised; and requests
 * that are asked again by sending them once more.
 */
#include "lab.h"

#define OPEN "Open" /* takes an order, and lets its holder renew without one */
#define SLOW "Slow" /* waits for a manager */

static void
open_template(struct lab *l, const char *name, bool slow)
{
	json *args = lab_args("source", "User", "name", name, NULL);

	json_set_bool(args, "supply_in_request", true);
	json_set_bool(args, "manager_approval", slow);
	json_set(args, "override", lab_list("ESC1", NULL));
	lab_do(l, "template.duplicate", args);
	lab_grant(l, name, "connector", "enrol");
}

static int
renewal_setup(void **state)
{
	assert_int_equal(lab_setup(state), 0);
	open_template(*state, OPEN, false);
	open_template(*state, SLOW, true);
	return 0;
}

static struct want
open_want(struct lab *l, const char *template, const struct key *k)
{
	struct want w = lab_want(l);
	uint8_t spki[32];

	expect_ok(key_spki_sha256(k, spki));
	w.template = w.order.template = template;
	w.key = k;
	w.order.spki = arena_str(l->a, STR(spki));
	return w;
}

static struct ca_submit_rep
send_req(struct lab *l, const struct ca_submit_req *q)
{
	struct ca_submit_rep rep = { 0 };
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_submit_req_encode(q, &in));
	expect_ok(lab_call(l, CA_SUBMIT, &in, &answer));
	expect_ok(ca_submit_rep_parse(l->a, answer, &rep));
	return rep;
}

static void
refused(struct ca_submit_rep rep, enum err_code why)
{
	assert_int_equal(rep.disposition, CA_DENIED);
	assert_string_equal(rep.fault, err_info(why)->id);
	assert_int_equal(rep.leaf.n, 0);
}

/* The holder of `old` renews it, on the CA that is named, with this key. */
static struct ca_submit_rep
renew(struct lab *l, struct want w, const struct cert *old, const char *ca, const struct key *k)
{
	struct csr_spec spec = { .subject = w.order.subject, .san = w.order.san };
	struct ca_submit_req q = { .ca = ca,
		.caller = cert_der(old),
		.user = "",
		.password = "",
		.renews = cert_der(old) };

	expect_ok(csr_make(l->a, k, &spec, &q.token));
	return send_req(l, &q);
}

static struct cert *
renewed(struct lab *l, struct want w, const struct cert *old, const struct key *k)
{
	struct ca_submit_rep rep = renew(l, w, old, "", k);
	struct cert *c = NULL;

	if (rep.disposition != CA_ISSUED)
		print_error("denied: %s\n", rep.message);
	assert_int_equal(rep.disposition, CA_ISSUED);
	expect_ok(cert_parse(rep.leaf, &c));
	return c;
}

static uint32_t
close_order(struct lab *l, struct order o, const char *keep)
{
	struct ca_revoke_req q = { .caller = l->caller };
	struct ca_revoke_rep rep = { 0 };
	auto_buf struct buf in;
	struct str answer;

	o.kind = ORDER_REVOKE;
	o.keep = keep;
	q.order = lab_seal(l, l->order_key, &o);
	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_revoke_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_REVOKE, &in, &answer));
	expect_ok(ca_revoke_rep_parse(l->a, answer, &rep));
	return rep.count;
}

static void
the_end_of_an_order_revokes_its_renewals_too(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, OPEN, l->leaf_key);
	auto_cert struct cert *a = lab_issued(l, w), *b = renewed(l, w, a, l->other_key),
			      *c = renewed(l, w, b, l->leaf_key);

	assert_int_equal(close_order(l, w.order, ""), 3);
	assert_true(lab_on_crl(l, ISSUING, cert_serial(a)));
	assert_true(lab_on_crl(l, ISSUING, cert_serial(b)));
	assert_true(lab_on_crl(l, ISSUING, cert_serial(c)));
	refused(renew(l, w, c, "", l->other_key), ERR_CALLER_REVOKED);
}

static void
what_was_kept_of_a_closed_order_is_not_renewed(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, OPEN, l->leaf_key);
	auto_cert struct cert *a = lab_issued(l, w);

	assert_int_equal(close_order(l, w.order, cert_serial(a)), 0);
	refused(renew(l, w, a, "", l->other_key), ERR_ORDER_CLOSED);
}

static void
a_newer_fence_supersedes_the_renewals(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, OPEN, l->leaf_key);
	auto_cert struct cert *a = lab_issued(l, w), *b = renewed(l, w, a, l->other_key), *c = NULL;

	w.order.fence = 2;
	c = lab_issued(l, w);
	assert_true(lab_on_crl(l, ISSUING, cert_serial(b)));
	assert_false(lab_on_crl(l, ISSUING, cert_serial(c)));
}

static void
a_renewal_keeps_the_sid(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, OPEN, l->leaf_key);
	auto_cert struct cert *a = lab_issued(l, w), *b = renewed(l, w, a, l->other_key);
	struct str was, is;

	expect_ok(cert_extension(l->a, a, OID_NTDS_SECURITY, &was));
	expect_ok(cert_extension(l->a, b, OID_NTDS_SECURITY, &is));
	assert_true(str_eq(was, is));
	w.order.id = id_new();
	w.order.sid = w.csr.sid = "";
	cert_free(steal(a));
	cert_free(steal(b));
	a = lab_issued(l, w);
	b = renewed(l, w, a, l->other_key);
	expect_err(ERR_NOT_FOUND, cert_extension(l->a, b, OID_NTDS_SECURITY, &is));
}

static void
a_renewal_stays_with_its_ca(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, OPEN, l->leaf_key);
	auto_cert struct cert *a = lab_issued(l, w);
	json *args = lab_args("template", OPEN, "ca", IDENTITY, NULL);

	json_set_bool(args, "published", true);
	lab_do(l, "template.publish", args);
	refused(renew(l, w, a, IDENTITY, l->other_key), ERR_RENEWAL);
	assert_int_equal(renew(l, w, a, ISSUING, l->other_key).disposition, CA_ISSUED);
}

static void
revoked(struct lab *l, const struct cert *c, const char *reason)
{
	lab_do(l, "cert.revoke", lab_args("serial", cert_serial(c), "reason", reason, NULL));
}

static void
a_key_that_was_compromised_is_not_certified_again(void **state)
{
	struct lab *l = *state;
	auto_key struct key *k = NULL;
	auto_json json *answer = NULL;
	auto_cert struct cert *a = NULL, *b = NULL;
	struct want w;

	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &k));
	w = open_want(l, OPEN, k);
	a = lab_issued(l, w);
	revoked(l, a, "superseded");
	w.order.id = id_new();
	b = lab_issued(l, w); /* that says nothing of the key */
	revoked(l, b, "keyCompromise");
	w.order.id = id_new();
	lab_denied(l, w, ERR_KEY_COMPROMISED);
	w.template = w.order.template = SLOW;
	lab_denied(l, w, ERR_KEY_COMPROMISED); /* nor does it wait */
	expect_err(ERR_KEY_COMPROMISED,
	    lab_admin(l, "principal.add", lab_args("name", "new", "csr", lab_csr_pem(l, k), NULL),
		&answer));
	cert_free(steal(b));
	b = lab_issued(l, open_want(l, OPEN, l->leaf_key));
	refused(renew(l, w, b, "", k), ERR_KEY_COMPROMISED);
}

static void
a_key_that_was_compromised_while_it_waited_is_not_certified(void **state)
{
	struct lab *l = *state;
	auto_key struct key *k = NULL;
	auto_json json *answer = NULL;
	auto_cert struct cert *a = NULL;
	struct ca_submit_rep rep;
	json *args = json_object_new();
	struct want w;

	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &k));
	a = lab_issued(l, open_want(l, OPEN, k));
	w = open_want(l, SLOW, k);
	rep = lab_submit(l, w);
	assert_int_equal(rep.disposition, CA_PENDING);
	revoked(l, a, "keyCompromise");
	json_set_int(args, "id", (int64_t)rep.request_id);
	expect_err(ERR_KEY_COMPROMISED, lab_admin(l, "request.approve", args, &answer));
}

/* ---- the same request once more ---- */

/* As a client of EST asks: without a number, with its order if it has one. */
static struct ca_submit_req
once_more(struct lab *l, struct want w, struct ca_attribute attrs[2])
{
	struct ca_submit_req q = { .ca = "",
		.caller = w.caller,
		.user = "",
		.password = "",
		.attributes = attrs,
		.nattributes = w.no_order ? 1 : 2,
		.again = true };

	attrs[0] = (struct ca_attribute){ "CertificateTemplate", w.template };
	attrs[1] = (struct ca_attribute){ "ChanceryOrder",
		text_base64(l->a, lab_seal(l, w.sealer, &w.order)) };
	expect_ok(csr_make(l->a, w.key, &w.csr, &q.token));
	return q;
}

static struct ca_submit_rep
ask_again(struct lab *l, struct want w)
{
	struct ca_attribute attrs[2];
	struct ca_submit_req q = once_more(l, w, attrs);

	return send_req(l, &q);
}

static void
approve(struct lab *l, uint64_t id)
{
	json *args = json_object_new();

	json_set_int(args, "id", (int64_t)id);
	lab_do(l, "request.approve", args);
}

static void
another_order_for_the_same_key_is_another_request(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, SLOW, l->leaf_key);
	struct ca_submit_rep first = ask_again(l, w), other;

	assert_int_equal(first.disposition, CA_PENDING);
	assert_int_equal(ask_again(l, w).request_id, first.request_id);
	approve(l, first.request_id);
	assert_int_equal(ask_again(l, w).disposition, CA_ISSUED);
	assert_int_equal(ask_again(l, w).request_id, first.request_id);
	w.order.id = id_new();
	w.order.subject = w.csr.subject = lab_name(l, "jane-new-name");
	other = ask_again(l, w);
	assert_int_equal(other.disposition, CA_PENDING);
	assert_int_not_equal(other.request_id, first.request_id);
}

static void
a_newer_order_takes_its_place_also_when_asked_again(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, SLOW, l->leaf_key);
	struct ca_submit_rep first = ask_again(l, w), newer;
	auto_cert struct cert *c = NULL;

	approve(l, first.request_id);
	expect_ok(cert_parse(ask_again(l, w).leaf, &c));
	w.order.fence = 2;
	newer = ask_again(l, w);
	/* The manager approved the order; its newest fence has the certificate. */
	assert_int_equal(newer.disposition, CA_ISSUED);
	assert_int_not_equal(newer.request_id, first.request_id);
	assert_true(lab_on_crl(l, ISSUING, cert_serial(c)));
	w.order.fence = 1;
	refused(ask_again(l, w), ERR_ORDER_STALE);
}

static void
without_an_order_the_same_names_and_key_are_one_request(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, SLOW, l->other_key);
	struct ca_submit_rep first, other;

	w.no_order = true;
	first = ask_again(l, w);
	assert_int_equal(first.disposition, CA_PENDING);
	assert_int_equal(ask_again(l, w).request_id, first.request_id);
	approve(l, first.request_id);
	assert_int_equal(ask_again(l, w).disposition, CA_ISSUED);
	w.csr.subject = lab_name(l, "john");
	other = ask_again(l, w);
	assert_int_equal(other.disposition, CA_PENDING);
	assert_int_not_equal(other.request_id, first.request_id);
}

static void
a_renewal_with_the_same_key_waits_once_and_gives_a_new_certificate(void **state)
{
	struct lab *l = *state;
	struct want w = open_want(l, SLOW, l->leaf_key);
	struct ca_attribute attrs[2];
	auto_key struct key *k = NULL;
	struct ca_submit_rep first, second;
	struct ca_submit_req q;

	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &k));
	w.key = k;
	w.no_order = true;
	first = ask_again(l, w);
	assert_int_equal(first.disposition, CA_PENDING);
	approve(l, first.request_id);
	first = ask_again(l, w);
	assert_int_equal(first.disposition, CA_ISSUED);
	w.caller = first.leaf;
	q = once_more(l, w, attrs);
	q.renews = first.leaf;
	second = send_req(l, &q);
	assert_int_equal(second.disposition, CA_PENDING);
	assert_int_not_equal(second.request_id, first.request_id);
	assert_int_equal(send_req(l, &q).request_id, second.request_id);
	approve(l, second.request_id);
	second = send_req(l, &q);
	assert_int_equal(second.disposition, CA_ISSUED);
	assert_false(str_eq(second.leaf, first.leaf));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_end_of_an_order_revokes_its_renewals_too),
	cmocka_unit_test(what_was_kept_of_a_closed_order_is_not_renewed),
	cmocka_unit_test(a_newer_fence_supersedes_the_renewals),
	cmocka_unit_test(a_renewal_keeps_the_sid),
	cmocka_unit_test(a_renewal_stays_with_its_ca),
	cmocka_unit_test(a_key_that_was_compromised_is_not_certified_again),
	cmocka_unit_test(a_key_that_was_compromised_while_it_waited_is_not_certified),
	cmocka_unit_test(another_order_for_the_same_key_is_another_request),
	cmocka_unit_test(a_newer_order_takes_its_place_also_when_asked_again),
	cmocka_unit_test(without_an_order_the_same_names_and_key_are_one_request),
	cmocka_unit_test(a_renewal_with_the_same_key_waits_once_and_gives_a_new_certificate),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, renewal_setup, lab_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

static struct ca_revoke_rep
ask_revoke(struct lab *l, struct order *o, struct str caller, enum err_code want)
{
	struct ca_revoke_req q = { .caller = caller, .order = lab_seal(l, l->order_key, o) };
	struct ca_revoke_rep rep = { 0 };
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_revoke_req_encode(&q, &in));
	expect_err(want, lab_call(l, CA_REVOKE, &in, &answer));
	if (want == ERR_NONE)
		expect_ok(ca_revoke_rep_parse(l->a, answer, &rep));
	return rep;
}

static void
a_higher_fence_supersedes_the_certificate_of_a_lower_one(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *first = lab_issued(l, w), *second = NULL;

	assert_false(lab_on_crl(l, ISSUING, cert_serial(first)));
	w.order.fence = 2;
	second = lab_issued(l, w);
	assert_string_not_equal(cert_serial(first), cert_serial(second));
	assert_true(lab_on_crl(l, ISSUING, cert_serial(first)));
	assert_false(lab_on_crl(l, ISSUING, cert_serial(second)));
}

static void
the_same_fence_and_key_get_the_same_certificate(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *first = lab_issued(l, w), *second = lab_issued(l, w);

	assert_string_equal(cert_serial(first), cert_serial(second));
}

static void
the_same_fence_with_another_key_is_refused(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *first = NULL;

	w.order.spki = STR_EMPTY;
	first = lab_issued(l, w);
	w.key = l->other_key;
	lab_denied(l, w, ERR_ORDER_STALE);
}

static void
the_same_fence_after_a_revocation_is_refused(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);

	lab_do(l, "cert.revoke", lab_args("serial", cert_serial(c), NULL));
	lab_denied(l, w, ERR_ORDER_STALE);
}

static void
a_revoke_order_revokes_and_closes(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);

	w.order.kind = ORDER_REVOKE;
	assert_int_equal(ask_revoke(l, &w.order, l->caller, ERR_NONE).count, 1);
	assert_true(lab_on_crl(l, ISSUING, cert_serial(c)));
	assert_int_equal(ask_revoke(l, &w.order, l->caller, ERR_NONE).count, 0);
	w.order.kind = ORDER_ISSUE;
	w.order.fence = 9;
	lab_denied(l, w, ERR_ORDER_CLOSED);
}

static void
a_revoke_order_keeps_the_serial_that_it_names(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);

	w.order.kind = ORDER_REVOKE;
	w.order.keep = cert_serial(c);
	assert_int_equal(ask_revoke(l, &w.order, l->caller, ERR_NONE).count, 0);
	assert_false(lab_on_crl(l, ISSUING, cert_serial(c)));
	w.order.kind = ORDER_ISSUE;
	w.order.fence = 2;
	lab_denied(l, w, ERR_ORDER_CLOSED);
}

static void
who_is_no_officer_cannot_revoke(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);
	struct str caller = lab_principal(l, "no-officer", l->caller_key);

	w.order.kind = ORDER_REVOKE;
	w.order.holder = lab_hash(l, caller);
	(void)ask_revoke(l, &w.order, caller, ERR_CA_OFFICER_DENIED);
	assert_false(lab_on_crl(l, ISSUING, cert_serial(c)));
}

static void
an_order_for_nobody_in_particular_does_not_revoke(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);

	w.order.kind = ORDER_REVOKE;
	w.order.holder = STR_EMPTY;
	(void)ask_revoke(l, &w.order, l->caller, ERR_ORDER_HOLDER);
	assert_false(lab_on_crl(l, ISSUING, cert_serial(c)));
}

static void
an_order_to_issue_does_not_revoke(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);

	(void)ask_revoke(l, &w.order, l->caller, ERR_ORDER_CA);
	assert_false(lab_on_crl(l, ISSUING, cert_serial(c)));
}

static void
an_expired_revoke_order_is_refused(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	w.order.kind = ORDER_REVOKE;
	w.order.issued = when_now() - 700;
	w.order.expires = when_now() - 1;
	(void)ask_revoke(l, &w.order, l->caller, ERR_ORDER_EXPIRED);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_higher_fence_supersedes_the_certificate_of_a_lower_one),
	cmocka_unit_test(the_same_fence_and_key_get_the_same_certificate),
	cmocka_unit_test(the_same_fence_with_another_key_is_refused),
	cmocka_unit_test(the_same_fence_after_a_revocation_is_refused),
	cmocka_unit_test(a_revoke_order_revokes_and_closes),
	cmocka_unit_test(a_revoke_order_keeps_the_serial_that_it_names),
	cmocka_unit_test(who_is_no_officer_cannot_revoke),
	cmocka_unit_test(an_order_for_nobody_in_particular_does_not_revoke),
	cmocka_unit_test(an_order_to_issue_does_not_revoke),
	cmocka_unit_test(an_expired_revoke_order_is_refused),
};
LAB_MAIN(tests)

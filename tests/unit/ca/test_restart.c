/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#define LOST_SERIAL "5a00112233445566778899aabbccddeeff001122"

struct intent {
	const struct order *order;
	struct str spki;
	const char *serial;
};

/* What a crash between the intent and the signature's record leaves. */
static err_t
intent_tx(struct tx *tx, void *arg)
{
	const struct intent *i = arg;
	struct issued x = { .ca = ISSUING,
		.template = TEMPLATE,
		.requester = "connector",
		.state = ISSUED_INTENT,
		.serial = i->serial,
		.subject = "CN=jane",
		.san = "",
		.tbs = LIT("bytes"),
		.spki_sha256 = i->spki,
		.order = i->order->id,
		.fence = i->order->fence,
		.not_before = when_now(),
		.not_after = when_now() + 86400,
		.requested = when_now(),
		.message = "" };

	TRY(store_order_state_put(tx, i->order->id, i->order->fence, false));
	return store_issued_insert(tx, &x);
}

static void
a_left_over_intent_is_on_the_crl_after_a_restart_and_the_order_goes_on(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct intent i = { &w.order, w.order.spki, LOST_SERIAL };
	auto_cert struct cert *c = NULL;

	expect_ok(store_write(l->is->store, intent_tx, &i));
	lab_close(l);
	lab_open(l);
	assert_true(lab_on_crl(l, ISSUING, LOST_SERIAL));
	c = lab_issued(l, w);
	assert_string_not_equal(cert_serial(c), LOST_SERIAL);
}

static void
an_order_that_is_being_served_is_not_served_twice(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct intent i = { &w.order, w.order.spki, "4a00" };
	struct ca_submit_rep rep;

	expect_ok(store_write(l->is->store, intent_tx, &i));
	expect_err(ERR_BUSY, lab_try(l, w, &rep));
}

static void
a_higher_fence_revokes_what_is_under_way(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct intent i = { &w.order, w.order.spki, "4b00112233445566778899aabbccddeeff001122" };
	auto_cert struct cert *c = NULL;

	expect_ok(store_write(l->is->store, intent_tx, &i));
	w.order.fence = 2;
	c = lab_issued(l, w);
	assert_true(lab_on_crl(l, ISSUING, i.serial));
}

static void
an_old_intent_is_closed_by_the_tick(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct intent i = { &w.order, w.order.spki, "4c00112233445566778899aabbccddeeff001122" };

	expect_ok(store_write(l->is->store, intent_tx, &i));
	expect_ok(issuer_tick(l->is));
	assert_false(lab_on_crl(l, ISSUING, i.serial));
	when_set(when_now() + 300);
	expect_ok(issuer_tick(l->is));
	when_set(0);
	assert_true(lab_on_crl(l, ISSUING, i.serial));
}

static void
certificates_and_rights_survive_a_restart(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *first = lab_issued(l, w), *second = NULL;

	lab_close(l);
	lab_open(l);
	second = lab_issued(l, w);
	assert_string_equal(cert_serial(first), cert_serial(second));
}

static void
a_crl_is_made_anew_when_its_period_is_over(void **state)
{
	struct lab *l = *state;
	struct crl_part_rep before = lab_crl(l, ISSUING, false), soon, later;

	when_set(when_now() + 6 * 86400);
	soon = lab_crl(l, ISSUING, false);
	when_set(when_now() + 86400);
	expect_ok(issuer_tick(l->is));
	later = lab_crl(l, ISSUING, false);
	when_set(0);
	assert_true(str_eq(before.part, soon.part));
	assert_false(str_eq(before.part, later.part));
	assert_true(later.number > before.number);
}

static void
the_front_gets_a_new_tls_certificate_for_the_same_key_in_time(void **state)
{
	struct lab *l = *state;
	const struct cert *before = issuer_hierarchy(l->is)->tls_cert, *after;

	expect_ok(issuer_tick(l->is));
	assert_ptr_equal(issuer_hierarchy(l->is)->tls_cert, before);
	when_set(when_now() + 715 * 86400);
	expect_ok(issuer_tick(l->is));
	when_set(0);
	after = issuer_hierarchy(l->is)->tls_cert;
	assert_true(cert_not_after(after) > cert_not_after(before));
	assert_memory_equal(cert_spki_sha256(after), cert_spki_sha256(before), 32);
	assert_true(str_eq(cert_san_der(after), cert_san_der(before)));
}

static void
the_journal_is_whole(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "journal.verify", json_object_new(), &answer));
	assert_true(json_true(json_get(answer, "whole")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_left_over_intent_is_on_the_crl_after_a_restart_and_the_order_goes_on),
	cmocka_unit_test(an_order_that_is_being_served_is_not_served_twice),
	cmocka_unit_test(a_higher_fence_revokes_what_is_under_way),
	cmocka_unit_test(an_old_intent_is_closed_by_the_tick),
	cmocka_unit_test(certificates_and_rights_survive_a_restart),
	cmocka_unit_test(a_crl_is_made_anew_when_its_period_is_over),
	cmocka_unit_test(the_front_gets_a_new_tls_certificate_for_the_same_key_in_time),
	cmocka_unit_test(the_journal_is_whole),
};
LAB_MAIN(tests)

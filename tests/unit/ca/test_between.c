/* SPDX-License-Identifier: Apache-2.0 */
/* Rule: what an approval rests on is asked again in the transaction of the intent. */
#include "lab.h"

#include "ca/caller.h"
#include "ca/mint.h"

/* An approval by order, and the clock and the records as the test leaves them before it is used. */
static void
approve(struct lab *l, struct want *w, struct approval **ret)
{
	struct ca_attribute attrs[] = { { "CertificateTemplate", w->template },
		{ "ChanceryOrder", text_base64(l->a, lab_seal(l, w->sealer, &w->order)) } };
	struct ca_submit_req q = { .ca = w->ca,
		.caller = w->caller,
		.user = "",
		.password = "",
		.attributes = attrs,
		.nattributes = COUNT(attrs) };
	struct caller_claim claim = { .certificate = w->caller };
	struct proof who;

	expect_ok(csr_make(l->a, w->key, &w->csr, &q.token));
	expect_ok(caller_prove(l->is, l->a, &claim, &who));
	expect_ok(policy_request_by(l->is->store, issuer_hierarchy(l->is), l->a, &q, &who, ret));
}

static int64_t
records(struct lab *l)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "cert.count", json_object_new(), &answer));
	return json_int(json_get(answer, "count"));
}

static void
an_order_that_expires_before_the_intent_gives_nothing(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_approval struct approval *ap = NULL;
	int64_t before = records(l);
	struct minted made;

	approve(l, &w, &ap);
	when_set(w.order.expires);
	expect_err(ERR_ORDER_EXPIRED, mint(l->is, l->a, ap, NULL, NULL, &made));
	assert_int_equal(records(l), before);
	when_set(w.order.expires - 1);
	expect_ok(mint(l->is, l->a, ap, NULL, NULL, &made));
	when_set(0);
	assert_int_equal(records(l), before + 1);
}

static err_t
admit_tx(struct tx *tx, void *arg)
{
	return store_order_key_put(tx, "service", *(const struct str *)arg);
}

static void
the_key_of_an_order_that_is_replaced_before_the_intent_gives_nothing(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_approval struct approval *ap = NULL;
	int64_t before = records(l);
	struct str now, other;
	struct minted made;

	approve(l, &w, &ap);
	expect_ok(key_spki(l->a, l->order_key, &now));
	expect_ok(key_spki(l->a, l->caller_key, &other));
	expect_ok(store_write(l->is->store, admit_tx, &other));
	expect_err(ERR_ORDER_SIGNATURE, mint(l->is, l->a, ap, NULL, NULL, &made));
	assert_int_equal(records(l), before);
	expect_ok(store_write(l->is->store, admit_tx, &now));
	expect_ok(mint(l->is, l->a, ap, NULL, NULL, &made));
}

static void
a_right_that_is_taken_before_the_intent_gives_nothing(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_approval struct approval *ap = NULL;
	struct minted made;

	approve(l, &w, &ap);
	lab_do(l, "template.grant",
	    lab_args("template", TEMPLATE, "principal", "connector", "deny", "enrol", NULL));
	expect_err(ERR_TEMPLATE_DENIED, mint(l->is, l->a, ap, NULL, NULL, &made));
	lab_do(l, "template.withdraw",
	    lab_args("template", TEMPLATE, "principal", "connector", "deny", "enrol", NULL));
	expect_ok(mint(l->is, l->a, ap, NULL, NULL, &made));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_order_that_expires_before_the_intent_gives_nothing),
	cmocka_unit_test(the_key_of_an_order_that_is_replaced_before_the_intent_gives_nothing),
	cmocka_unit_test(a_right_that_is_taken_before_the_intent_gives_nothing),
};
LAB_MAIN(tests)

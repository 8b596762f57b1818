/* SPDX-License-Identifier: Apache-2.0 */
/* Who passed the gates is remembered no longer than the records say the same. */
#include "lab.h"

#include "store/policy.h"

static err_t
generation_tx(struct tx *tx, void *arg)
{
	return store_gate_generation(tx, arg);
}

static int64_t
generation(struct lab *l)
{
	int64_t n = 0;

	expect_ok(store_read(l->is->store, generation_tx, &n));
	return n;
}

static json *
with_bool(json *o, const char *name, bool value)
{
	json_set_bool(o, name, value);
	return o;
}

/* It is passed twice first: the second time as one that is remembered. */
static void
pass(struct lab *l)
{
	for (int i = 0; i < 2; i++) {
		int64_t before = generation(l);

		cert_free(lab_issued(l, lab_want(l)));
		assert_int_equal(generation(l), before);
	}
}

static void
a_right_that_is_taken_is_gone_for_the_next_request(void **state)
{
	struct lab *l = *state;

	pass(l);
	lab_do(l, "template.grant",
	    lab_args("template", TEMPLATE, "principal", "connector", "deny", "enrol", NULL));
	lab_denied(l, lab_want(l), ERR_TEMPLATE_DENIED);
	lab_denied(l, lab_want(l), ERR_TEMPLATE_DENIED);
	lab_do(l, "template.withdraw",
	    lab_args("template", TEMPLATE, "principal", "connector", "deny", "enrol", NULL));
	pass(l);
}

static void
a_principal_that_is_disabled_does_not_pass(void **state)
{
	struct lab *l = *state;

	pass(l);
	lab_do(l, "principal.enable",
	    with_bool(lab_args("name", "connector", NULL), "enabled", false));
	lab_denied(l, lab_want(l), ERR_CALLER_DISABLED);
	lab_do(
	    l, "principal.enable", with_bool(lab_args("name", "connector", NULL), "enabled", true));
	pass(l);
}

static void
a_template_that_is_withdrawn_from_the_ca_is_not_issued(void **state)
{
	struct lab *l = *state;

	pass(l);
	lab_do(l, "template.publish",
	    with_bool(lab_args("template", TEMPLATE, NULL), "published", false));
	lab_denied(l, lab_want(l), ERR_TEMPLATE_UNKNOWN);
	lab_do(l, "template.publish",
	    with_bool(lab_args("template", TEMPLATE, NULL), "published", true));
	pass(l);
}

static void
a_setting_counts_from_the_next_request(void **state)
{
	struct lab *l = *state;
	struct cert *c;

	pass(l);
	lab_do(l, "ca.set", lab_args("name", "request.max_validity_days", "value", "3", NULL));
	c = lab_issued(l, lab_want(l));
	assert_true(cert_not_after(c) <= when_now() + 3 * 86400);
	cert_free(c);
	lab_do(l, "ca.set", lab_args("name", "request.max_validity_days", "value", "", NULL));
	c = lab_issued(l, lab_want(l));
	assert_true(cert_not_after(c) > when_now() + 3 * 86400);
	cert_free(c);
}

static void
one_that_passed_is_remembered_for_its_own_template_only(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	pass(l);
	w.template = "Machine";
	w.order.template = "Machine";
	lab_denied(l, w, ERR_TEMPLATE_DENIED);
	w = lab_want(l);
	w.ca = IDENTITY;
	w.order.ca = IDENTITY;
	lab_denied(l, w, ERR_TEMPLATE_UNKNOWN);
	pass(l);
}

/* The last: nothing passes with this certificate any more. */
static void
a_caller_whose_certificate_is_revoked_does_not_pass(void **state)
{
	struct lab *l = *state;
	int64_t before;
	struct cert *c = NULL;

	pass(l);
	before = generation(l);
	expect_ok(cert_parse(l->caller, &c));
	lab_do(
	    l, "cert.revoke", lab_args("serial", cert_serial(c), "reason", "keyCompromise", NULL));
	cert_free(c);
	assert_true(generation(l) > before);
	lab_denied(l, lab_want(l), ERR_CALLER_REVOKED);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_right_that_is_taken_is_gone_for_the_next_request),
	cmocka_unit_test(a_principal_that_is_disabled_does_not_pass),
	cmocka_unit_test(a_template_that_is_withdrawn_from_the_ca_is_not_issued),
	cmocka_unit_test(a_setting_counts_from_the_next_request),
	cmocka_unit_test(one_that_passed_is_remembered_for_its_own_template_only),
	cmocka_unit_test(a_caller_whose_certificate_is_revoked_does_not_pass),
};
LAB_MAIN(tests)

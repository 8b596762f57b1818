/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#include "pki/attest.h"

/* Each changes one thing of a request that is issued otherwise. */

static void
another_subject_than_ordered(void **state)
{
	struct want w = lab_want(*state);

	w.csr.subject = lab_name(*state, "john");
	lab_denied(*state, w, ERR_ORDER_SUBJECT);
}

static void
another_alternative_name_than_ordered(void **state)
{
	struct want w = lab_want(*state);

	w.csr.san = lab_san(*state, "john@example.test");
	lab_denied(*state, w, ERR_ORDER_SAN);
}

static void
another_security_identifier_than_ordered(void **state)
{
	struct want w = lab_want(*state);

	w.csr.sid = "S-1-5-21-1-2-3-500";
	lab_denied(*state, w, ERR_ORDER_SID);
}

static void
another_purpose_than_ordered(void **state)
{
	static const char *ekus[] = { OID_EKU_CLIENT_AUTH, OID_EKU_SERVER_AUTH };
	struct want w = lab_want(*state);

	w.csr.ekus = ekus;
	w.csr.nekus = 2;
	lab_denied(*state, w, ERR_ORDER_EKU);
}

static void
an_order_for_more_purposes_than_the_template_has(void **state)
{
	static const char *ekus[] = { OID_EKU_CLIENT_AUTH, OID_EKU_SERVER_AUTH };
	struct want w = lab_want(*state);

	w.order.ekus = ekus;
	w.order.nekus = 2;
	lab_denied(*state, w, ERR_ORDER_TEMPLATE);
}

static void
an_order_for_another_template(void **state)
{
	struct want w = lab_want(*state);

	w.order.template = "User";
	lab_denied(*state, w, ERR_ORDER_TEMPLATE);
}

static void
an_order_for_another_ca(void **state)
{
	struct want w = lab_want(*state);

	w.order.ca = IDENTITY;
	lab_denied(*state, w, ERR_ORDER_CA);
}

static void
an_order_of_another_kind(void **state)
{
	struct want w = lab_want(*state);

	w.order.kind = ORDER_REVOKE;
	lab_denied(*state, w, ERR_ORDER_CA);
}

static void
an_order_for_another_caller(void **state)
{
	struct want w = lab_want(*state);

	w.order.holder = lab_hash(*state, LIT("somebody else"));
	lab_denied(*state, w, ERR_ORDER_HOLDER);
}

static void
an_order_for_nobody_in_particular(void **state)
{
	struct want w = lab_want(*state);

	w.order.holder = STR_EMPTY;
	lab_denied(*state, w, ERR_ORDER_HOLDER);
}

static void
a_key_that_the_maker_says_nothing_of(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct attest said;
	uint8_t hash[32];

	expect_ok(key_spki(l->a, l->order_key, &w.order.maker));
	w.order.recipient = lab_hash(l, l->caller);
	lab_denied(l, w, ERR_ORDER_KEY);
	/* His word for another order. */
	hash_sha256(LIT("another order"), hash);
	said = (struct attest){ STR(hash), w.order.spki, w.order.recipient };
	expect_ok(attest_make(l->a, l->order_key, &said, &w.csr.attest));
	lab_denied(l, w, ERR_ORDER_KEY);
}

static void
another_key_than_ordered(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	w.key = l->other_key;
	lab_denied(l, w, ERR_ORDER_KEY);
}

static void
an_expired_order(void **state)
{
	struct want w = lab_want(*state);

	w.order.issued = when_now() - 700;
	w.order.expires = when_now() - 1;
	lab_denied(*state, w, ERR_ORDER_EXPIRED);
}

static void
an_order_from_the_future(void **state)
{
	struct want w = lab_want(*state);

	w.order.issued = when_now() + 3600;
	w.order.expires = when_now() + 7200;
	lab_denied(*state, w, ERR_ORDER_EXPIRED);
}

static void
an_order_sealed_with_an_unknown_key(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	w.sealer = l->caller_key;
	lab_denied(l, w, ERR_ORDER_SIGNATURE);
}

static void
no_order_where_the_template_demands_one(void **state)
{
	struct want w = lab_want(*state);

	w.no_order = true;
	lab_denied(*state, w, ERR_ORDER_MISSING);
}

static void
a_stale_fence(void **state)
{
	struct want w = lab_want(*state);
	auto_cert struct cert *c = NULL;

	w.order.fence = 5;
	c = lab_issued(*state, w);
	w.order.fence = 4;
	lab_denied(*state, w, ERR_ORDER_STALE);
}

static void
a_caller_without_the_right_to_enrol(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	lab_do(l, "template.duplicate", lab_copy("User", "Nobody"));
	w.template = w.order.template = "Nobody";
	lab_denied(l, w, ERR_TEMPLATE_DENIED);
}

static void
a_caller_who_is_denied_to_enrol_though_it_is_allowed_too(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	json *args = lab_args("template", "Denied", "principal", "connector", NULL);

	lab_do(l, "template.duplicate", lab_copy("User", "Denied"));
	json_set(args, "rights", lab_list("enrol", NULL));
	json_set(args, "deny", lab_list("enrol", NULL));
	lab_do(l, "template.grant", args);
	w.template = w.order.template = "Denied";
	lab_denied(l, w, ERR_TEMPLATE_DENIED);
}

static void
a_caller_without_the_right_to_request(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	w.caller = lab_principal(l, "guest", l->caller_key);
	w.order.holder = lab_hash(l, w.caller);
	lab_grant(l, TEMPLATE, "guest", "enrol");
	lab_denied(l, w, ERR_CA_ENROL_DENIED);
}

static void
a_template_that_is_not_published(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	json *args = lab_copy("User", "Hidden");

	json_set_bool(args, "publish", false);
	lab_do(l, "template.duplicate", args);
	lab_grant(l, "Hidden", "connector", "enrol");
	w.template = w.order.template = "Hidden";
	lab_denied(l, w, ERR_TEMPLATE_UNKNOWN);
}

static void
a_template_of_another_ca(void **state)
{
	struct want w = lab_want(*state);

	w.ca = w.order.ca = IDENTITY;
	lab_denied(*state, w, ERR_TEMPLATE_UNKNOWN);
}

static void
an_unknown_template(void **state)
{
	struct want w = lab_want(*state);

	w.template = "Wifi Users";
	lab_denied(*state, w, ERR_TEMPLATE_UNKNOWN);
}

static void
no_template(void **state)
{
	struct want w = lab_want(*state);

	w.template = "";
	lab_denied(*state, w, ERR_TEMPLATE_NONE);
}

static void
a_template_that_takes_names_from_a_directory(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	lab_grant(l, "User", "connector", "enrol");
	w.template = "User";
	w.no_order = true;
	lab_denied(l, w, ERR_TEMPLATE_SUBJECT);
}

static void
an_unknown_ca(void **state)
{
	struct want w = lab_want(*state);

	w.ca = "Other CA";
	lab_denied(*state, w, ERR_CA_UNKNOWN);
}

static void
a_key_that_is_too_small(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	json *args = lab_copy("User", "Big");

	json_set_int(args, "min_key_size", 3072);
	lab_do(l, "template.duplicate", args);
	lab_grant(l, "Big", "connector", "enrol");
	w.template = w.order.template = "Big";
	lab_denied(l, w, ERR_KEY_SIZE);
}

static void
an_ec_key_where_things_are_sealed_to_it(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	w.key = l->caller_key;
	w.order.spki = STR_EMPTY;
	lab_denied(l, w, ERR_KEY_SIZE);
}

static void
a_request_without_proof_of_possession(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct str der;
	uint8_t *copy;

	expect_ok(csr_make(l->a, w.key, &w.csr, &der));
	copy = arena_copy(l->a, der.p, der.n);
	copy[der.n - 9] ^= 1;
	w.token = str_of(copy, der.n);
	lab_denied(l, w, ERR_CSR_SIGNATURE);
}

static void
bytes_that_are_no_request(void **state)
{
	struct want w = lab_want(*state);

	w.token = LIT("not a request");
	lab_denied(*state, w, ERR_CSR);
}

/* A certificate of ours for logging on, but of nobody the CA knows. */
static void
a_caller_who_is_no_principal(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);

	w = lab_want(l);
	w.caller = cert_der(c);
	lab_denied(l, w, ERR_CALLER_UNKNOWN);
}

static void
a_caller_with_a_certificate_of_another_ca(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	const struct ca *ca;

	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ROOT, &ca));
	w.caller = cert_der(ca->cert);
	lab_denied(l, w, ERR_CALLER_EXPIRED);
}

static void
a_caller_whose_certificate_was_revoked(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_key struct key *k = NULL;
	auto_cert struct cert *c = NULL;

	expect_ok(key_make(KEY_EC, KEY_P256, &k));
	w.caller = lab_principal(l, "gone", k);
	expect_ok(cert_parse(w.caller, &c));
	lab_do(
	    l, "cert.revoke", lab_args("serial", cert_serial(c), "reason", "keyCompromise", NULL));
	lab_denied(l, w, ERR_CALLER_REVOKED);
}

static void
a_caller_who_is_disabled(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	json *args = lab_args("name", "asleep", NULL);

	w.caller = lab_principal(l, "asleep", l->caller_key);
	json_set_bool(args, "enabled", false);
	lab_do(l, "principal.enable", args);
	lab_denied(l, w, ERR_CALLER_DISABLED);
}

static void
the_earlier_certificate_of_a_principal(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	w.caller = lab_principal(l, "renewed", l->caller_key);
	(void)lab_principal(l, "renewed", l->caller_key);
	lab_denied(l, w, ERR_CALLER_REVOKED);
}

static void
a_signed_request_of_nobody_which_is_not_even_opened(void **state)
{
	struct want w = lab_want(*state);

	w.token = LIT("\x30\x03\x06\x01\x2a"); /* starts like a signed message, and is none */
	w.caller = STR_EMPTY;
	lab_denied(*state, w, ERR_FORBIDDEN);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(another_subject_than_ordered),
	cmocka_unit_test(another_alternative_name_than_ordered),
	cmocka_unit_test(another_security_identifier_than_ordered),
	cmocka_unit_test(another_purpose_than_ordered),
	cmocka_unit_test(an_order_for_more_purposes_than_the_template_has),
	cmocka_unit_test(an_order_for_another_template),
	cmocka_unit_test(an_order_for_another_ca),
	cmocka_unit_test(an_order_of_another_kind),
	cmocka_unit_test(an_order_for_another_caller),
	cmocka_unit_test(an_order_for_nobody_in_particular),
	cmocka_unit_test(a_key_that_the_maker_says_nothing_of),
	cmocka_unit_test(another_key_than_ordered),
	cmocka_unit_test(an_expired_order),
	cmocka_unit_test(an_order_from_the_future),
	cmocka_unit_test(an_order_sealed_with_an_unknown_key),
	cmocka_unit_test(no_order_where_the_template_demands_one),
	cmocka_unit_test(a_stale_fence),
	cmocka_unit_test(a_caller_without_the_right_to_enrol),
	cmocka_unit_test(a_caller_who_is_denied_to_enrol_though_it_is_allowed_too),
	cmocka_unit_test(a_caller_without_the_right_to_request),
	cmocka_unit_test(a_template_that_is_not_published),
	cmocka_unit_test(a_template_of_another_ca),
	cmocka_unit_test(an_unknown_template),
	cmocka_unit_test(no_template),
	cmocka_unit_test(a_template_that_takes_names_from_a_directory),
	cmocka_unit_test(an_unknown_ca),
	cmocka_unit_test(a_key_that_is_too_small),
	cmocka_unit_test(an_ec_key_where_things_are_sealed_to_it),
	cmocka_unit_test(a_request_without_proof_of_possession),
	cmocka_unit_test(bytes_that_are_no_request),
	cmocka_unit_test(a_caller_who_is_no_principal),
	cmocka_unit_test(a_signed_request_of_nobody_which_is_not_even_opened),
	cmocka_unit_test(a_caller_with_a_certificate_of_another_ca),
	cmocka_unit_test(a_caller_whose_certificate_was_revoked),
	cmocka_unit_test(a_caller_who_is_disabled),
	cmocka_unit_test(the_earlier_certificate_of_a_principal),
};
LAB_MAIN(tests)

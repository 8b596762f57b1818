/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

static void
what_was_ordered_is_issued(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);

	assert_true(str_eq(cert_subject_der(c), w.order.subject));
	assert_true(str_eq(cert_san_der(c), w.order.san));
	assert_memory_equal(cert_spki_sha256(c), w.order.spki.p, 32);
	assert_int_equal(cert_key_usage(c), 0xA0);
	assert_true(cert_has_eku(c, OID_EKU_CLIENT_AUTH));
	assert_true(cert_has_eku(c, OID_EKU_EFS));
	assert_false(cert_is_ca(c));
	assert_true(cert_not_before(c) <= when_now());
	assert_int_equal(cert_not_after(c) - cert_not_before(c), 365 * 86400);
}

static void
openssl_reads_and_verifies_the_certificate(void **state)
{
	struct lab *l = *state;
	struct ca_submit_rep rep = lab_submit(l, lab_want(l));
	const struct ca *root;
	char *text;

	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ROOT, &root));
	lab_write(l, "root.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(root->cert))));
	lab_write(l, "issuing.pem", str_c(text_pem(l->a, "CERTIFICATE", rep.chain.v[0])));
	lab_write(l, "leaf.pem", str_c(text_pem(l->a, "CERTIFICATE", rep.leaf)));
	assert_int_equal(rep.chain.n, 1);
	text = lab_run(
	    l, "openssl verify -x509_strict -CAfile root.pem -untrusted issuing.pem leaf.pem");
	assert_string_equal(text, "leaf.pem: OK\n");
	text = lab_run(l, "openssl x509 -in leaf.pem -noout -text");
	assert_non_null(
	    strstr(text, "URI:http://ca.example.test:8080/crl/Test%20Issuing%20CA.crl"));
	assert_non_null(strstr(
	    text, "CA Issuers - URI:http://ca.example.test:8080/aia/Test%20Issuing%20CA.crt"));
	assert_non_null(strstr(text, "1.3.6.1.4.1.311.25.2"));
	assert_non_null(strstr(text, "1.3.6.1.4.1.311.21.7"));
	assert_non_null(strstr(text, "1.3.6.1.4.1.311.21.10"));
	assert_non_null(strstr(text, "S-1-5-21-1-2-3-1104"));
	assert_null(strstr(text, "CA:TRUE"));
}

static void
a_request_without_names_gets_those_of_its_order(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = NULL;

	w.csr = (struct csr_spec){ 0 };
	c = lab_issued(l, w);
	assert_true(str_eq(cert_subject_der(c), w.order.subject));
	assert_true(str_eq(cert_san_der(c), w.order.san));
}

static void
purposes_are_those_of_the_template_also_when_fewer_are_ordered(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	static const char *one[] = { OID_EKU_CLIENT_AUTH };
	auto_cert struct cert *c = NULL;

	w.order.ekus = one;
	w.order.nekus = 1;
	w.csr.ekus = one;
	w.csr.nekus = 1;
	c = lab_issued(l, w);
	assert_true(cert_has_eku(c, OID_EKU_EMAIL));
}

static struct want
identity_want(struct lab *l)
{
	struct want w = lab_want(l);

	w.caller = l->ra;
	w.ca = w.order.ca = IDENTITY;
	w.template = w.order.template = "DeviceIdentity";
	w.order.holder = lab_hash(l, l->ra);
	w.order.ekus = NULL;
	w.order.nekus = 0;
	w.csr.ekus = NULL;
	w.csr.nekus = 0;
	return w;
}

static void
a_device_identity_comes_from_the_identity_ca(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, identity_want(l));

	assert_non_null(strstr(cert_issuer(c), IDENTITY));
	assert_int_equal(cert_key_usage(c), 0xA0);
}

static void
whatever_a_device_calls_itself_its_identity_has_the_ordered_name(void **state)
{
	struct lab *l = *state;
	struct want w = identity_want(l);
	auto_cert struct cert *c = NULL;

	w.csr.subject = lab_name(l, "john");
	c = lab_issued(l, w);
	assert_null(strstr(cert_subject(c), "john"));
	assert_true(str_eq(cert_subject_der(c), w.order.subject));
}

static void
an_identity_ordered_for_any_key_has_its_name_compared(void **state)
{
	struct lab *l = *state;
	struct want w = identity_want(l);

	w.order.spki = STR_EMPTY;
	w.csr.subject = lab_name(l, "john");
	lab_denied(l, w, ERR_ORDER_SUBJECT);
}

static void
a_request_is_found_again_by_who_asked(void **state)
{
	struct lab *l = *state;
	struct ca_submit_rep first = lab_submit(l, lab_want(l)), rep;
	struct ca_query_req q = {
		.ca = ISSUING, .caller = l->caller, .request_id = first.request_id
	};
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_query_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_QUERY, &in, &answer));
	expect_ok(ca_submit_rep_parse(l->a, answer, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	assert_true(str_eq(rep.leaf, first.leaf));
}

static void
a_request_number_that_does_not_exist_is_refused(void **state)
{
	struct lab *l = *state;
	struct ca_query_req q = { .ca = ISSUING, .caller = l->caller, .request_id = 999999 };
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_query_req_encode(&q, &in));
	expect_err(ERR_REQUEST_UNKNOWN, lab_call(l, CA_QUERY, &in, &answer));
}

static void
a_server_template_takes_the_names_of_the_request(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct san dns = { SAN_DNS, "web.example.test" };
	auto_cert struct cert *c = NULL;

	lab_grant(l, "WebServer", "connector", "enrol");
	expect_ok(san_encode(l->a, &dns, 1, &w.csr.san));
	w.csr.sid = NULL;
	w.no_order = true;
	w.template = "WebServer";
	c = lab_issued(l, w);
	assert_true(cert_has_eku(c, OID_EKU_SERVER_AUTH));
	assert_false(cert_has_eku(c, OID_EKU_CLIENT_AUTH));
	assert_true(str_eq(cert_san_der(c), w.csr.san));
}

static void
the_front_signs_with_a_key_that_it_does_not_have(void **state)
{
	struct lab *l = *state;
	uint8_t digest[32] = { 1 };
	struct sign_req q = { 0, SIGN_ECDSA_SHA256, STR(digest) };
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(sign_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_SIGN_TLS, &in, &answer));
	buf_reset(&in);
	q.which = 1;
	expect_ok(sign_req_encode(&q, &in));
	expect_err(ERR_FORBIDDEN, lab_call(l, CA_SIGN_TLS, &in, &answer));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_was_ordered_is_issued),
	cmocka_unit_test(openssl_reads_and_verifies_the_certificate),
	cmocka_unit_test(a_request_without_names_gets_those_of_its_order),
	cmocka_unit_test(purposes_are_those_of_the_template_also_when_fewer_are_ordered),
	cmocka_unit_test(a_device_identity_comes_from_the_identity_ca),
	cmocka_unit_test(whatever_a_device_calls_itself_its_identity_has_the_ordered_name),
	cmocka_unit_test(an_identity_ordered_for_any_key_has_its_name_compared),
	cmocka_unit_test(a_request_is_found_again_by_who_asked),
	cmocka_unit_test(a_request_number_that_does_not_exist_is_refused),
	cmocka_unit_test(a_server_template_takes_the_names_of_the_request),
	cmocka_unit_test(the_front_signs_with_a_key_that_it_does_not_have),
};
LAB_MAIN(tests)

/* SPDX-License-Identifier: Apache-2.0 */
/* The known ways to get more out of a CA than one was meant to have (ESC1 to ESC17), each refused here. */
#include "lab.h"

#include <sys/stat.h>

#include "ca/front.h"
#include "ca/lint.h"
#include "ca/template.h"

static void
verb_fails(struct lab *l, const char *verb, json *args, enum err_code want)
{
	auto_json json *answer = NULL;

	expect_err(want, lab_admin(l, verb, args, &answer));
}

static void
grant_fails(struct lab *l, const char *template, const char *rights, enum err_code want)
{
	verb_fails(l, "template.grant",
	    lab_args("template", template, "principal", "connector", "rights", rights, NULL), want);
}

/* A template for servers, whose requester names itself; the connector may enrol. */
static void
web_template(struct lab *l, const char *name)
{
	lab_do(l, "template.duplicate", lab_args("source", "WebServer", "name", name, NULL));
	lab_grant(l, name, "connector", "enrol");
}

/* A request made by OpenSSL, with extensions of the attacker's choice. */
static struct str
forged_csr(struct lab *l, const char *extensions)
{
	struct str der;

	(void)lab_run(l,
	    arena_printf(l->a,
		"rm -f forged.der; openssl req -new -newkey rsa:2048 -nodes -keyout forged.pem -subj /CN=web.example.test "
		"-addext subjectAltName=DNS:web.example.test %s -outform DER -out forged.der",
		extensions));
	expect_ok(
	    file_read(l->a, arena_printf(l->a, "%s/forged.der", l->dir), LIMIT_CSR_BYTES, &der));
	return der;
}

static const char *
text_of(struct lab *l, struct str der)
{
	lab_write(l, "leaf.der", der);
	return lab_run(l, "openssl x509 -inform DER -in leaf.der -noout -text");
}

static struct ca_submit_rep
submit_forged(struct lab *l, const char *template, const char *extensions)
{
	struct want w = lab_want(l);

	w.template = template;
	w.no_order = true;
	w.token = forged_csr(l, extensions);
	return lab_submit(l, w);
}

static void
esc1_a_requester_that_names_itself_for_logging_on_is_refused(void **state)
{
	json *args = lab_copy("User", "Esc1");

	json_set_bool(args, "order_required", false);
	verb_fails(*state, "template.duplicate", args, ERR_TEMPLATE_ESC1);
	args = lab_args("template", TEMPLATE, NULL);
	json_set_bool(args, "order_required", false);
	verb_fails(*state, "template.edit", args, ERR_TEMPLATE_ESC1);
}

static void
esc2_a_template_for_any_purpose_or_none_is_refused(void **state)
{
	json *args = lab_copy("User", "Esc2");

	json_set(args, "ekus", lab_list("2.5.29.37.0", NULL));
	verb_fails(*state, "template.duplicate", args, ERR_TEMPLATE_EKUS);
	args = lab_copy("User", "Esc2");
	json_set(args, "ekus", json_array_new());
	verb_fails(*state, "template.duplicate", args, ERR_TEMPLATE_EKUS);
}

static void
esc3_an_enrolment_agent_without_approval_is_refused(void **state)
{
	grant_fails(*state, "EnrollmentAgent", "enrol", ERR_TEMPLATE_LINT);
	grant_fails(*state, "MachineEnrollmentAgent", "enrol", ERR_TEMPLATE_LINT);
}

static void
esc4_a_principal_that_enrols_may_not_write_the_template(void **state)
{
	grant_fails(*state, TEMPLATE, "write", ERR_TEMPLATE_LINT);
	grant_fails(*state, TEMPLATE, "full", ERR_TEMPLATE_LINT);
}

static void
esc5_keys_and_records_are_closed_to_everybody_else(void **state)
{
	static const char *const files[] = { "ca.db", "keys/root.key", "keys/issuing.key",
		"keys/identity.key", "keys/tls.key" };
	struct lab *l = *state;
	struct stat st;

	for (size_t i = 0; i < COUNT(files); i++) {
		assert_int_equal(stat(arena_printf(l->a, "%s/%s", l->dir, files[i]), &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
}

static void
esc6_a_san_attribute_is_not_listened_to_and_journalled(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct ca_attribute attrs[] = { { "CertificateTemplate", TEMPLATE },
		{ "ChanceryOrder", text_base64(l->a, lab_seal(l, w.sealer, &w.order)) },
		{ "S A-N", "upn=administrator@example.test" },
		{ "CertificateUsage", "2.5.29.37.0" } };
	struct ca_submit_req q = {
		.ca = ISSUING, .caller = l->caller, .attributes = attrs, .nattributes = 4
	};
	struct ca_submit_rep rep;
	auto_json json *answer = NULL;
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(csr_make(l->a, w.key, &w.csr, &q.token));
	expect_ok(ca_submit_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_SUBMIT, &in, &out));
	expect_ok(ca_submit_rep_parse(l->a, out, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	assert_null(strstr(text_of(l, rep.leaf), "administrator"));
	expect_ok(lab_admin(l, "journal.list", lab_args("event", "intent", NULL), &answer));
	assert_non_null(strstr(json_text(json_get(json_at(json_get(answer, "lines"), 0), "detail")),
	    "ignored=SAN,CertificateUsage"));
}

static void
esc7_nothing_that_managers_do_is_to_be_had_from_the_network(void **state)
{
	struct lab *l = *state;
	auto_buf struct buf in;
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(
	    admin_req_encode(&(struct admin_req){ .verb = "ca.settings", .arguments = "{}" }, &in));
	expect_err(ERR_UNSUPPORTED, lab_call(l, ADMIN, &in, &out));
}

static void
esc8_the_plain_port_takes_no_enrolment_that_is_not_sealed_itself(void **state)
{
	(void)state;
	for (const struct http_route *r = front_http_routes; r->path != NULL; r++) {
		assert_null(strstr(r->path, "{ces}"));
		assert_null(strstr(r->path, "well-known/est"));
		assert_null(strstr(r->path, "chancery/ca/v1"));
	}
}

static void
esc9_a_log_on_template_without_the_security_identifier_is_refused(void **state)
{
	json *args = lab_args("template", TEMPLATE, NULL);

	json_set_bool(args, "sid_extension", false);
	verb_fails(*state, "template.edit", args, ERR_TEMPLATE_LINT);
}

static void
esc10_the_security_identifier_of_a_request_must_be_the_one_ordered(void **state)
{
	struct want w = lab_want(*state);

	w.csr.sid = "S-1-5-21-1-2-3-500";
	lab_denied(*state, w, ERR_ORDER_SID);
}

static void
esc11_a_request_of_nobody_is_refused(void **state)
{
	struct want w = lab_want(*state);

	w.caller = STR_EMPTY;
	lab_denied(*state, w, ERR_FORBIDDEN);
}

static void
esc12_the_front_can_have_nothing_signed_with_the_key_of_a_ca(void **state)
{
	struct lab *l = *state;
	uint8_t digest[32] = { 0 };
	auto_buf struct buf in;
	struct str out;

	for (uint8_t which = 1; which < 8; which++) {
		struct sign_req q = {
			.which = which, .scheme = SIGN_ECDSA_SHA256, .digest = STR(digest)
		};

		buf_init(&in, LIMIT_IPC_MESSAGE);
		expect_ok(sign_req_encode(&q, &in));
		expect_err(ERR_FORBIDDEN, lab_call(l, CA_SIGN_TLS, &in, &out));
		buf_free(&in);
	}
}

static void
esc13_issuance_policies_of_a_request_are_not_certified(void **state)
{
	struct lab *l = *state;
	struct ca_submit_rep rep;

	web_template(l, "Esc13");
	rep = submit_forged(l, "Esc13", "-addext certificatePolicies=1.2.3.4.5");
	assert_int_equal(rep.disposition, CA_ISSUED);
	assert_null(strstr(text_of(l, rep.leaf), "1.2.3.4.5"));
}

static void
esc14_names_of_somebody_else_are_refused(void **state)
{
	struct want w = lab_want(*state);

	w.csr.san = lab_san(*state, "administrator@example.test");
	lab_denied(*state, w, ERR_ORDER_SAN);
}

static void
esc15_application_policies_and_purposes_of_a_request_are_not_certified(void **state)
{
	struct lab *l = *state;
	struct ca_submit_rep rep;
	const char *text;

	web_template(l, "Esc15");
	/* SEQUENCE { SEQUENCE { clientAuth } } */
	rep = submit_forged(l, "Esc15",
	    "-addext 1.3.6.1.4.1.311.21.10=DER:300c300a06082b06010505070302 "
	    "-addext extendedKeyUsage=clientAuth -addext basicConstraints=critical,CA:TRUE");
	assert_int_equal(rep.disposition, CA_ISSUED);
	text = text_of(l, rep.leaf);
	assert_null(strstr(text, "TLS Web Client Authentication"));
	assert_null(strstr(text, "CA:TRUE"));
	assert_non_null(strstr(text, "TLS Web Server Authentication"));
}

static void
esc16_no_setting_leaves_the_security_identifier_out(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = NULL;

	verb_fails(l, "ca.set",
	    lab_args("name", "DisableExtensionList", "value", "1.3.6.1.4.1.311.25.2", NULL),
	    ERR_NOT_FOUND);
	c = lab_issued(l, lab_want(l));
	assert_non_null(strstr(text_of(l, cert_der(c)), "1.3.6.1.4.1.311.25.2"));
}

static void
esc17_server_certificates_for_any_name_are_pointed_out(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	const json *v;
	bool found = false;

	web_template(l, "Esc17");
	expect_ok(lab_admin(l, "template.lint", lab_args("template", "Esc17", NULL), &answer));
	v = json_get(answer, "findings");
	for (size_t i = 0; i < json_count(v); i++)
		found =
		    found || str_eq_c(str_c(json_text(json_get(json_at(v, i), "rule"))), "ESC17");
	assert_true(found);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(esc1_a_requester_that_names_itself_for_logging_on_is_refused),
	cmocka_unit_test(esc2_a_template_for_any_purpose_or_none_is_refused),
	cmocka_unit_test(esc3_an_enrolment_agent_without_approval_is_refused),
	cmocka_unit_test(esc4_a_principal_that_enrols_may_not_write_the_template),
	cmocka_unit_test(esc5_keys_and_records_are_closed_to_everybody_else),
	cmocka_unit_test(esc6_a_san_attribute_is_not_listened_to_and_journalled),
	cmocka_unit_test(esc7_nothing_that_managers_do_is_to_be_had_from_the_network),
	cmocka_unit_test(esc8_the_plain_port_takes_no_enrolment_that_is_not_sealed_itself),
	cmocka_unit_test(esc9_a_log_on_template_without_the_security_identifier_is_refused),
	cmocka_unit_test(esc10_the_security_identifier_of_a_request_must_be_the_one_ordered),
	cmocka_unit_test(esc11_a_request_of_nobody_is_refused),
	cmocka_unit_test(esc12_the_front_can_have_nothing_signed_with_the_key_of_a_ca),
	cmocka_unit_test(esc13_issuance_policies_of_a_request_are_not_certified),
	cmocka_unit_test(esc14_names_of_somebody_else_are_refused),
	cmocka_unit_test(esc15_application_policies_and_purposes_of_a_request_are_not_certified),
	cmocka_unit_test(esc16_no_setting_leaves_the_security_identifier_out),
	cmocka_unit_test(esc17_server_certificates_for_any_name_are_pointed_out),
};
LAB_MAIN(tests)

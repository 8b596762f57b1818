/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/xcep_client.h"
#include "codec/xcep_msg.h"

#define ACTION \
	"http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy/IPolicy/GetPolicies"
#define REQUEST(action, inner) \
	"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:a='http://www.w3.org/2005/08/addressing' " \
	"xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><s:Header><a:Action s:mustUnderstand='1'>" action \
	"</a:Action><a:MessageID>urn:uuid:1</a:MessageID></s:Header><s:Body>" \
	"<GetPolicies xmlns='http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy'>" inner \
	"</GetPolicies></s:Body></s:Envelope>"
#define CLIENT "<client><lastUpdate xsi:nil='true'/><preferredLanguage xsi:nil='true'/></client>"

static struct policy_ext ext = { "2.5.29.15", true, { (const uint8_t *)"\x03\x02\x05\xa0", 4 } };

static struct policy_template
sample(void)
{
	return (struct policy_template){ .name = "Web<Server",
		.display_name = "Web & Server",
		.oid = "1.3.6.1.4.1.311.21.8.1.16",
		.schema = 2,
		.major = 100,
		.minor = 3,
		.flags = 0x10241,
		.name_flags = 0x82000000,
		.private_key_flags = 0x03050010,
		.min_key_bits = 2048,
		.rsa = true,
		.validity = 31536000,
		.overlap = 3628800,
		.enrol = true,
		.cas = 1,
		.exts = &ext,
		.nexts = 1 };
}

static void
a_first_request_asks_for_everything(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct xcep_request q = { 0 };
	struct policy_template t = sample();

	(void)state;
	expect_ok(xcep_request_parse(
	    a, str_c(REQUEST(ACTION, CLIENT "<requestFilter xsi:nil='true'/>")), &q));
	assert_string_equal(q.message_id, "urn:uuid:1");
	assert_int_equal(q.last_update, 0);
	assert_true(xcep_wanted(&q, &t));
}

static void
a_filter_names_oids_and_versions(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct policy_template t = sample();
	struct xcep_request q = { 0 };

	(void)state;
	expect_ok(xcep_request_parse(a,
	    str_c(REQUEST(ACTION,
		"<client><lastUpdate>2026-01-02T03:04:05Z</lastUpdate></client><requestFilter><policyOIDs>"
		"<oid>1.2.3</oid><oid>1.3.6.1.4.1.311.21.8.1.16</oid></policyOIDs>"
		"<clientVersion>3</clientVersion><serverVersion>5</serverVersion></requestFilter>")),
	    &q));
	assert_true(q.last_update > 0);
	assert_int_equal(q.noids, 2);
	assert_true(xcep_wanted(&q, &t));
	q.server_version = 4;
	assert_false(xcep_wanted(&q, &t));
	q.server_version = 5;
	q.client_version = 2;
	assert_false(xcep_wanted(&q, &t));
	q.client_version = -1;
	t.oid = "1.2.4";
	assert_false(xcep_wanted(&q, &t));
}

static void
what_is_no_such_request_is_refused(void **state)
{
	static const char *const bad[] = {
		REQUEST("http://other/", CLIENT),
		REQUEST(ACTION, ""),
		REQUEST(ACTION,
		    CLIENT "<requestFilter><policyOIDs><oid>x</oid></policyOIDs></requestFilter>"),
		REQUEST(ACTION,
		    CLIENT "<requestFilter><clientVersion>-1</clientVersion></requestFilter>"),
		REQUEST(ACTION,
		    CLIENT
		    "<requestFilter><serverVersion>6 </serverVersion><clientVersion>a</clientVersion></requestFilter>"),
		REQUEST(ACTION, "<client><lastUpdate>yesterday</lastUpdate></client>"),
		"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body/></s:Envelope>",
		"<!DOCTYPE x [<!ENTITY e 'x'>]>" REQUEST(ACTION, CLIENT),
	};
	auto_arena struct arena *a = arena_new();
	struct xcep_request q = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(err_ok(xcep_request_parse(a, str_c(bad[i]), &q)));
	assert_null(q.message_id);
}

static struct xcep_response
response(struct arena *a, struct policies_rep *p)
{
	static const struct xcep_uri uris[] = { { 8, "https://ca/x%20y" }, { 4, "https://ca/p" } };
	static struct policy_ca ca = { "Issuing", { (const uint8_t *)"der", 3 }, true };
	struct policy_template *t = arena_alloc(a, sizeof(*t));

	*t = sample();
	*p = (struct policies_rep){
		.id = id_new(), .name = "Root", .cas = &ca, .ncas = 1, .v = t, .n = 1
	};
	return (struct xcep_response){ .message_id = "urn:a",
		.relates_to = "urn:b",
		.policies = p,
		.next_update_hours = 8,
		.uris = uris,
		.nuris = 2 };
}

static void
an_answer_is_xml_with_unsigned_flags_and_escaped_names(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct xcep_request q = { .client_version = -1, .server_version = -1 };
	struct policies_rep p;
	struct xcep_response r = response(a, &p);
	struct xml_node *root, *get, *policy;
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	expect_ok(xcep_response_print(a, &q, &r, &b));
	expect_ok(xml_parse(a, buf_str(&b), &root));
	get = xml_path(root, "Body", "GetPoliciesResponse", NULL);
	policy = xml_path(get, "response", "policies", "policy", NULL);
	assert_non_null(policy);
	assert_string_equal(xml_path(policy, "attributes", "commonName", NULL)->text, "Web<Server");
	assert_string_equal(
	    xml_path(policy, "attributes", "subjectNameFlags", NULL)->text, "2181038080");
	assert_string_equal(
	    xml_path(policy, "attributes", "extensions", "extension", "value", NULL)->text,
	    "AwIFoA==");
	assert_string_equal(
	    xml_path(policy, "attributes", "privateKeyAttributes", "keySpec", NULL)->text, "1");
	assert_string_equal(
	    xml_path(get, "cAs", "cA", "uris", "cAURI", "uri", NULL)->text, "https://ca/x%20y");
	assert_string_equal(
	    xml_path(get, "oIDs", "oID", "defaultName", NULL)->text, "Web & Server");
}

static void
nothing_new_is_said_without_policies(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct xcep_request q = { .client_version = -1, .server_version = -1 };
	struct policies_rep p;
	struct xcep_response r = response(a, &p);
	struct xml_node *root, *get;
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	r.unchanged = true;
	expect_ok(xcep_response_print(a, &q, &r, &b));
	expect_ok(xml_parse(a, buf_str(&b), &root));
	get = xml_path(root, "Body", "GetPoliciesResponse", NULL);
	assert_string_equal(xml_path(get, "response", "policiesNotChanged", NULL)->text, "true");
	assert_string_equal(xml_attr(xml_path(get, "response", "policies", NULL), "nil"), "true");
	assert_string_equal(xml_attr(xml_child(get, NULL, "oIDs"), "nil"), "true");
}

static void
policies_cross_between_our_processes_whole_or_not_at_all(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct policies_rep p, back = { 0 };
	struct policies_req q = { LIT("cert"), "user", "password" }, again;
	auto_buf struct buf b;

	(void)state;
	(void)response(a, &p);
	buf_init(&b, LIMIT_IPC_MESSAGE);
	expect_ok(policies_rep_encode(&p, &b));
	expect_ok(policies_rep_parse(a, buf_str(&b), &back));
	assert_true(id_eq(p.id, back.id));
	assert_string_equal(back.v[0].name, "Web<Server");
	assert_int_equal(back.v[0].private_key_flags, 0x03050010);
	assert_true(str_eq(back.v[0].exts[0].value, ext.value));
	for (size_t n = 0; n < b.n; n++)
		assert_false(err_ok(policies_rep_parse(a, str_of(b.p, n), &back)));
	expect_ok(buf_putc(&b, 0));
	expect_err(ERR_TRAILING, policies_rep_parse(a, buf_str(&b), &back));
	buf_reset(&b);
	expect_ok(policies_req_encode(&q, &b));
	expect_ok(policies_req_parse(a, buf_str(&b), &again));
	assert_string_equal(again.password, "password");
	p.n = LIMIT_POLICIES + 1;
	expect_err(ERR_TOO_LARGE, policies_rep_encode(&p, &b));
}

static void
the_asker_reads_what_it_may_enrol_for(void **state)
{
	static const struct xcep_uri uris[2] = { { 8, "https://ca.example.test/x" },
		{ 8, "https://ca.example.test/y" } };
	auto_arena struct arena *a = arena_new();
	struct policy_template v[2] = { sample(), sample() };
	struct policy_ca cas[2] = { { "CA", { (const uint8_t *)"x", 1 }, true },
		{ "Other", { (const uint8_t *)"y", 1 }, false } };
	struct policies_rep p = { .name = "P", .cas = cas, .ncas = 2, .v = v, .n = 2 };
	struct xcep_response r = {
		.message_id = "", .relates_to = "", .policies = &p, .uris = uris, .nuris = 1
	};
	auto_buf struct buf ask = { 0 };
	auto_buf struct buf told = { 0 };
	struct xcep_request q = { 0 };
	struct xcep_answer answer;

	(void)state;
	buf_init(&ask, 1 << 16);
	buf_init(&told, 1 << 16);
	v[1].name = "Machine";
	v[1].enrol = false;
	expect_ok(xcep_ask_print(
	    a, "urn:uuid:2", "https://ca/<x>", &(struct soap_user){ .name = "" }, &ask));
	expect_ok(xcep_request_parse(a, buf_str(&ask), &q));
	assert_string_equal(q.message_id, "urn:uuid:2");
	expect_ok(xcep_response_print(a, &q, &r, &told));
	expect_ok(xcep_answer_parse(a, buf_str(&told), &answer));
	assert_int_equal(answer.ntemplates, 2);
	assert_string_equal(answer.templates[0].name, "Web<Server");
	assert_true(answer.templates[0].enrol);
	assert_string_equal(answer.templates[1].name, "Machine");
	assert_false(answer.templates[1].enrol);
	assert_int_equal(answer.cas, 1);
}

#define ANSWER(inner) \
	"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header/><s:Body>" \
	"<GetPoliciesResponse xmlns='http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy'>" inner \
	"</GetPoliciesResponse></s:Body></s:Envelope>"

static void
an_answer_without_templates_is_read_and_one_that_is_none_is_refused(void **state)
{
	static const char *const refused[] = { ANSWER(""),
		"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body/></s:Envelope>",
		ANSWER("<response><policies><policy/></policies></response>"),
		ANSWER("<response><policies><policy><attributes><permission/></attributes></policy>"
		       "</policies></response>"),
		ANSWER("<response><policies><policy><attributes><permission><enroll>yes</enroll>"
		       "</permission></attributes></policy></policies></response>"),
		ANSWER("<response/><cAs><cA/></cAs>") };
	auto_arena struct arena *a = arena_new();
	struct xcep_answer answer;

	(void)state;
	expect_ok(xcep_answer_parse(a, str_c(ANSWER("<response><policies/></response>")), &answer));
	assert_int_equal(answer.ntemplates, 0);
	assert_int_equal(answer.cas, 0);
	for (size_t i = 0; i < COUNT(refused); i++)
		expect_err(ERR_MALFORMED, xcep_answer_parse(a, str_c(refused[i]), &answer));
	expect_err(ERR_XML, xcep_answer_parse(a, LIT("<s:Envelope"), &answer));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_first_request_asks_for_everything),
	cmocka_unit_test(a_filter_names_oids_and_versions),
	cmocka_unit_test(what_is_no_such_request_is_refused),
	cmocka_unit_test(an_answer_is_xml_with_unsigned_flags_and_escaped_names),
	cmocka_unit_test(nothing_new_is_said_without_policies),
	cmocka_unit_test(policies_cross_between_our_processes_whole_or_not_at_all),
	cmocka_unit_test(the_asker_reads_what_it_may_enrol_for),
	cmocka_unit_test(an_answer_without_templates_is_read_and_one_that_is_none_is_refused),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/mde2.h"

#define ENR "http://schemas.microsoft.com/windows/management/2012/01/enrollment"
#define XCEP "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy"
#define PKI "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
#define WST "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
#define WSSE "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define CONFIG "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment"

#define MESSAGE(action, header, body) \
	"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:a='http://www.w3.org/2005/08/addressing' " \
	"xmlns:o='" WSSE "' xmlns:t='" WST "'><s:Header><a:Action>" action \
	"</a:Action><a:MessageID>urn:uuid:1</a:MessageID>" header "</s:Header><s:Body>" body \
	"</s:Body></s:Envelope>"
#define DISCOVER(inner) \
	MESSAGE(ENR "/IDiscoveryService/Discover", "", \
	    "<Discover xmlns='" ENR "'><request>" inner "</request></Discover>")
#define POLICY(header) \
	MESSAGE(XCEP "/IPolicy/GetPolicies", header, "<GetPolicies xmlns='" XCEP "'/>")
#define TOKEN(type, text) \
	"<o:Security><o:BinarySecurityToken ValueType='" type "'>" text \
	"</o:BinarySecurityToken></o:Security>"
#define REQUEST(type, kind, value, content, context) \
	WITH_HEADER("", type, kind, value, content, context)
#define RENEWAL(header, value) WITH_HEADER(header, DEVICE_TOKEN, "/Renew", value, "MAA=", "")
#define WITH_HEADER(header, type, kind, value, content, context) \
	MESSAGE(PKI "/RST/wstep", header, \
	    "<t:RequestSecurityToken><t:TokenType>" type "</t:TokenType><t:RequestType>" WST kind \
	    "</t:RequestType><o:BinarySecurityToken ValueType='" value "'>" content \
	    "</o:BinarySecurityToken>" \
	    "<AdditionalContext xmlns='http://schemas.xmlsoap.org/ws/2006/12/authorization'>" context \
	    "</AdditionalContext></t:RequestSecurityToken>")
#define ITEM(name, value) "<ContextItem Name='" name "'><Value>" value "</Value></ContextItem>"
#define DEVICE_TOKEN CONFIG "/DeviceEnrollmentToken"
#define USER_TOKEN CONFIG "/DeviceEnrollmentUserToken"

static void
discovery_says_what_the_device_can_do(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct mde2_discover d;

	(void)state;
	expect_ok(mde2_discover_parse(a,
	    str_c(DISCOVER(
		"<EmailAddress>ada@example.test</EmailAddress><AuthPolicies><AuthPolicy>OnPremise"
		"</AuthPolicy><AuthPolicy>Federated</AuthPolicy><AuthPolicy>Certificate</AuthPolicy></AuthPolicies>")),
	    &d));
	assert_string_equal(d.email, "ada@example.test");
	assert_string_equal(d.message_id, "urn:uuid:1");
	assert_int_equal(d.auth, MDE2_ON_PREMISE | MDE2_FEDERATED);
	expect_ok(mde2_discover_parse(a, str_c(DISCOVER("")), &d));
	assert_int_equal(d.auth, MDE2_ON_PREMISE);
	expect_ok(mde2_discover_parse(a,
	    str_c(DISCOVER("<AuthPolicies><AuthPolicy>Certificate</AuthPolicy></AuthPolicies>")),
	    &d));
	assert_int_equal(d.auth, 0);
}

static void
what_is_no_discovery_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct mde2_discover d;

	(void)state;
	expect_err(ERR_XML, mde2_discover_parse(a, LIT("<"), &d));
	expect_err(ERR_MALFORMED, mde2_discover_parse(a, LIT("<a/>"), &d));
	expect_err(ERR_MALFORMED, mde2_discover_parse(a, str_c(POLICY("")), &d));
	expect_err(ERR_MALFORMED,
	    mde2_discover_parse(
		a, str_c(MESSAGE(ENR "/IDiscoveryService/Discover", "", "<Discover/>")), &d));
	expect_err(ERR_MALFORMED,
	    mde2_discover_parse(a,
		str_c(MESSAGE(
		    ENR "/IDiscoveryService/Discover", "", "<Discover><request/></Discover>")),
		&d));
}

static void
a_token_of_the_page_comes_back_decoded(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct mde2_caller c;

	(void)state;
	expect_ok(mde2_policy_parse(a, str_c(POLICY(TOKEN(USER_TOKEN, "QUJDLURFRg=="))), &c));
	assert_string_equal(c.token, "ABC-DEF");
	assert_string_equal(c.user.name, "");
	expect_ok(mde2_policy_parse(a, str_c(POLICY("")), &c));
	assert_string_equal(c.token, "");
	expect_err(ERR_MALFORMED,
	    mde2_policy_parse(
		a, str_c(POLICY(TOKEN("urn:ietf:params:oauth:token-type:jwt", "QUJD"))), &c));
	expect_err(ERR_BASE64, mde2_policy_parse(a, str_c(POLICY(TOKEN(USER_TOKEN, "!!"))), &c));
	/* "a", NUL, "b" */
	expect_err(ERR_UTF8, mde2_policy_parse(a, str_c(POLICY(TOKEN(USER_TOKEN, "YQBi"))), &c));
}

static void
a_request_is_read_with_what_the_device_says_of_itself(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct mde2_request r;

	(void)state;
	expect_ok(mde2_request_parse(a,
	    str_c(REQUEST(DEVICE_TOKEN, "/Issue", PKI "#PKCS10", "MAA=",
		ITEM("DeviceName", "PC-7") ITEM("MAC", "001122334455") ITEM("MAC", "665544332211")
		    ITEM("EnrollmentType", "Device") ITEM("OSVersion", "10.0.1.2")
			ITEM("Unknown", "x"))),
	    &r));
	assert_false(r.renewal);
	assert_true(r.of_machine);
	assert_int_equal(r.token.n, 2);
	assert_string_equal(r.device_name, "PC-7");
	assert_string_equal(r.mac, "001122334455");
	assert_string_equal(r.os_version, "10.0.1.2");
	assert_string_equal(r.imei, "");
	expect_ok(mde2_request_parse(
	    a, str_c(REQUEST(DEVICE_TOKEN, "/Renew", WSSE "#PKCS7", "MAA=", "")), &r));
	assert_true(r.renewal);
	assert_false(r.of_machine);
}

/* MS-MDE2 names it after the enrolment, clients after WS-Security. Beside the certificate nobody is asked who he is: the
 * header has a name with an empty password, a blank one, a token, or nothing. */
static void
a_renewal_needs_no_credentials(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct mde2_request r;
	static const char *const texts[] = {
		RENEWAL("", WSSE "#PKCS7"),
		RENEWAL("", PKI "#PKCS7"),
		RENEWAL("<o:Security/>", WSSE "#PKCS7"),
		RENEWAL("<o:Security><o:UsernameToken><o:Username>a@b</o:Username><o:Password> "
			"</o:Password></o:UsernameToken></o:Security>",
		    WSSE "#PKCS7"),
		RENEWAL("<o:Security><o:UsernameToken><o:Username/><o:Password/></o:UsernameToken>"
			"</o:Security>",
		    WSSE "#PKCS7"),
		RENEWAL(TOKEN("urn:ietf:params:oauth:token-type:jwt", "eHg="), WSSE "#PKCS7"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		expect_ok(mde2_request_parse(a, str_c(texts[i]), &r));
		assert_true(r.renewal);
		assert_string_equal(r.who.message_id, "urn:uuid:1");
		assert_string_equal(r.who.token, "");
	}
}

static void
what_is_no_request_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct mde2_request r;
	static const char *const texts[] = {
		REQUEST("x", "/Issue", PKI "#PKCS10", "MAA=", ""),
		REQUEST(DEVICE_TOKEN, "/Cancel", PKI "#PKCS10", "MAA=", ""),
		REQUEST(DEVICE_TOKEN, "/Issue", WSSE "#PKCS7", "MAA=", ""),
		REQUEST(DEVICE_TOKEN, "/Issue", PKI "#PKCS7", "MAA=", ""),
		REQUEST(DEVICE_TOKEN, "/Renew", PKI "#PKCS10", "MAA=", ""),
		MESSAGE(PKI "/RST/wstep", "", ""),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		expect_err(ERR_MALFORMED, mde2_request_parse(a, str_c(texts[i]), &r));
	expect_err(ERR_TOO_LARGE,
	    mde2_request_parse(
		a, str_c(REQUEST(DEVICE_TOKEN, "/Issue", PKI "#PKCS10", "", "")), &r));
	expect_err(ERR_BASE64,
	    mde2_request_parse(
		a, str_c(REQUEST(DEVICE_TOKEN, "/Issue", PKI "#PKCS10", "!", "")), &r));
}

static bool
holds(const struct buf *b, const char *text)
{
	return memmem(b->p, b->n, text, strlen(text)) != NULL;
}

static void
answers_hold_what_the_client_looks_for(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b = { 0 };
	struct mde2_services s = { .relates_to = "urn:<1>",
		.activity = "1111",
		.auth = MDE2_ON_PREMISE,
		.policy_url = "https://h/p",
		.enrol_url = "https://h/e",
		.auth_url = "https://h/a" };

	(void)state;
	buf_init(&b, 1 << 20);
	expect_ok(mde2_discover_print(&s, &b));
	assert_true(holds(&b, "<DiscoverResponse xmlns=\"" ENR "\">"));
	assert_true(holds(&b, "urn:&lt;1&gt;"));
	assert_false(holds(&b, "AuthenticationServiceUrl"));
	s.auth = MDE2_FEDERATED;
	buf_reset(&b);
	expect_ok(mde2_discover_print(&s, &b));
	assert_true(holds(&b, "<AuthenticationServiceUrl>https://h/a</AuthenticationServiceUrl>"));
	buf_reset(&b);
	expect_ok(mde2_policy_print("urn:1", &b));
	assert_true(holds(&b, "2.16.840.1.101.3.4.2.1"));
	buf_reset(&b);
	expect_ok(mde2_response_print(a, "urn:1", 1700000000, LIT("<x/>"), &b));
	assert_true(holds(&b, ">PHgvPg==<"));
	assert_true(holds(&b, "2023-11-14T22:13:20Z"));
	buf_reset(&b);
	expect_ok(mde2_fault_print(MDE2_AUTHENTICATION, "", "", "no & no", &b));
	assert_false(holds(&b, "Detail"));
	assert_true(holds(&b, "<s:Value>s:Authentication</s:Value>"));
	assert_true(holds(&b, "no &amp; no"));
	assert_false(holds(&b, "RelatesTo"));
	buf_reset(&b);
	expect_ok(mde2_fault_print(MDE2_AUTHORIZATION, "NotEligibleToRenew", "", "no & no", &b));
	assert_true(holds(&b,
	    "<s:Detail><DeviceEnrollmentServiceError xmlns=\"" PKI
	    "\"><ErrorType>NotEligibleToRenew</ErrorType><Message>no &amp; no</Message>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(discovery_says_what_the_device_can_do),
		cmocka_unit_test(what_is_no_discovery_is_refused),
		cmocka_unit_test(a_token_of_the_page_comes_back_decoded),
		cmocka_unit_test(a_request_is_read_with_what_the_device_says_of_itself),
		cmocka_unit_test(a_renewal_needs_no_credentials),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(answers_hold_what_the_client_looks_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

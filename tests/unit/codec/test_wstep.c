/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/wstep_msg.h"

#define ENVELOPE(header, body) \
	"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' xmlns:a='http://www.w3.org/2005/08/addressing'>" \
	"<s:Header>" header "</s:Header><s:Body>" body "</s:Body></s:Envelope>"
#define ACTION \
	"<a:Action s:mustUnderstand='1'>http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep</a:Action>"
#define RST(inner) \
	"<RequestSecurityToken xmlns='http://docs.oasis-open.org/ws-sx/ws-trust/200512'>" inner \
	"</RequestSecurityToken>"
#define X509 \
	"<TokenType>http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3</TokenType>"
#define ISSUE "<RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue</RequestType>"
#define QUERY \
	"<RequestType>http://schemas.microsoft.com/windows/pki/2009/01/enrollment/QueryTokenStatus</RequestType>"
#define TOKEN(text) \
	"<BinarySecurityToken xmlns='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'>" text \
	"</BinarySecurityToken>"

static void
requests_come_back(void **state)
{
	static struct wstep_item items[] = { { "CertificateTemplate", "WiFi & Users" },
		{ "ChanceryOrder", "AAEC" } };
	static const struct wstep_request r = { .type = WSTEP_ISSUE,
		.message_id = "urn:uuid:1",
		.to = "https://ca.example/CES",
		.token = { (const uint8_t *)"\x30\x00", 2 },
		.items = items,
		.nitems = 2 };
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct wstep_request back = { 0 };

	(void)state;
	buf_init(&b, 10000);
	expect_ok(wstep_request_print(a, &r, &b));
	expect_ok(wstep_request_parse(a, buf_str(&b), &back));
	assert_int_equal(back.type, WSTEP_ISSUE);
	assert_string_equal(back.message_id, "urn:uuid:1");
	assert_string_equal(back.to, "https://ca.example/CES");
	assert_int_equal(back.token.n, 2);
	assert_int_equal(back.nitems, 2);
	assert_string_equal(back.items[0].value, "WiFi & Users");
	assert_string_equal(back.items[1].name, "ChanceryOrder");
}

static void
status_queries_come_back(void **state)
{
	static const struct wstep_request r = { .type = WSTEP_QUERY, .request_id = "61" };
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct wstep_request back = { 0 };

	(void)state;
	buf_init(&b, 10000);
	expect_ok(wstep_request_print(a, &r, &b));
	expect_ok(wstep_request_parse(a, buf_str(&b), &back));
	assert_int_equal(back.type, WSTEP_QUERY);
	assert_string_equal(back.request_id, "61");
}

static void
reads_what_others_write(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct wstep_request back = { 0 };

	(void)state;
	expect_ok(wstep_request_parse(a,
	    str_c(
		ENVELOPE(ACTION, RST(X509 ISSUE TOKEN("\n MA\n AA \n") "<RequestID xmlns='x'/>"))),
	    &back));
	assert_int_equal(back.token.n, 3);
	assert_string_equal(back.message_id, "");
	assert_int_equal(back.nitems, 0);
}

static void
rejects_messages_that_are_no_requests(void **state)
{
	static const char *const bad[] = {
		"<a/>",
		"<Envelope/>",
		"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'/>",
		ENVELOPE("", RST(X509 ISSUE TOKEN("MAAA"))),
		ENVELOPE(ACTION, ""),
		ENVELOPE(ACTION, RST(ISSUE TOKEN("MAAA"))),
		ENVELOPE(ACTION, RST(X509 TOKEN("MAAA"))),
		ENVELOPE(ACTION, RST(X509 ISSUE)),
		ENVELOPE(ACTION, RST(X509 QUERY)),
		ENVELOPE(ACTION, RST(X509 "<RequestType>urn:x</RequestType>" TOKEN("MAAA"))),
	};
	auto_arena struct arena *a = arena_new();
	struct wstep_request back;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_MALFORMED, wstep_request_parse(a, str_c(bad[i]), &back));
	expect_err(ERR_BASE64,
	    wstep_request_parse(a, str_c(ENVELOPE(ACTION, RST(X509 ISSUE TOKEN("M*AA")))), &back));
	expect_err(ERR_XML, wstep_request_parse(a, LIT("<s:Envelope>"), &back));
}

static void
answers_come_back(void **state)
{
	static const struct wstep_response r = { .relates_to = "urn:uuid:1",
		.disposition = "Issued",
		.pkcs7 = { (const uint8_t *)"\x30\x01", 2 },
		.leaf = { (const uint8_t *)"\x30\x02", 2 },
		.request_id = "61" };
	static const struct wstep_response pending = { .relates_to = "urn:uuid:1",
		.disposition = "Taken Under Submission",
		.service_url = "https://ca.example/CES?a&b",
		.request_id = "62" };
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct wstep_response back = { 0 };
	struct wstep_fault fault;
	bool is_fault = true;

	(void)state;
	buf_init(&b, 10000);
	expect_ok(wstep_response_print(a, &r, &b));
	expect_ok(wstep_answer_parse(a, buf_str(&b), &is_fault, &back, &fault));
	assert_false(is_fault);
	assert_string_equal(back.relates_to, "urn:uuid:1");
	assert_string_equal(back.disposition, "Issued");
	assert_int_equal(back.leaf.p[1], 2);
	assert_int_equal(back.pkcs7.p[1], 1);
	assert_string_equal(back.request_id, "61");
	buf_reset(&b);
	expect_ok(wstep_response_print(a, &pending, &b));
	expect_ok(wstep_answer_parse(a, buf_str(&b), &is_fault, &back, &fault));
	assert_int_equal(back.leaf.n, 0);
	assert_string_equal(back.service_url, "https://ca.example/CES?a&b");
}

static void
faults_come_back_with_their_number(void **state)
{
	static const struct wstep_fault f = { .relates_to = "urn:uuid:1",
		.reason = "Denied by <policy>",
		.hresult = 0x80094800,
		.invalid_request = true,
		.request_id = "62" };
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct wstep_response response;
	struct wstep_fault back = { 0 };
	bool is_fault = false;

	(void)state;
	buf_init(&b, 10000);
	expect_ok(wstep_fault_print(a, &f, &b));
	assert_non_null(memmem(b.p, b.n, "<ErrorCode>-2146875392</ErrorCode>", 34));
	expect_ok(wstep_answer_parse(a, buf_str(&b), &is_fault, &response, &back));
	assert_true(is_fault);
	assert_int_equal(back.hresult, 0x80094800);
	assert_true(back.invalid_request);
	assert_string_equal(back.reason, "Denied by <policy>");
	assert_string_equal(back.request_id, "62");
	assert_string_equal(back.relates_to, "urn:uuid:1");
}

static void
rejects_messages_that_are_no_answers(void **state)
{
	static const char *const bad[] = { ENVELOPE("", ""),
		ENVELOPE(ACTION, RST(X509 ISSUE TOKEN("MAAA"))),
		ENVELOPE("",
		    "<RequestSecurityTokenResponseCollection "
		    "xmlns='http://docs.oasis-open.org/ws-sx/ws-trust/200512'/>") };
	auto_arena struct arena *a = arena_new();
	struct wstep_response response;
	struct wstep_fault fault;
	bool is_fault;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_MALFORMED,
		    wstep_answer_parse(a, str_c(bad[i]), &is_fault, &response, &fault));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_back),
		cmocka_unit_test(status_queries_come_back),
		cmocka_unit_test(reads_what_others_write),
		cmocka_unit_test(rejects_messages_that_are_no_requests),
		cmocka_unit_test(answers_come_back),
		cmocka_unit_test(faults_come_back_with_their_number),
		cmocka_unit_test(rejects_messages_that_are_no_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/soap.h"
#include "codec/wstep_ns.h"

#define ENVELOPE(header) \
	"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' " \
	"xmlns:o='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd' " \
	"xmlns:u='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd' " \
	"xmlns:a='http://www.w3.org/2005/08/addressing'>" \
	"<s:Header>" header "</s:Header><s:Body/></s:Envelope>"
#define TOKEN(inner) \
	ENVELOPE("<o:Security><o:UsernameToken>" inner "</o:UsernameToken></o:Security>")
#define PROFILE \
	"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#"

static err_t
user_of(struct arena *a, const char *xml, struct soap_user *ret)
{
	struct xml_node *header, *body;

	TRY(soap_open(a, str_c(xml), &header, &body));
	return soap_user_parse(a, header, ret);
}

static void
name_password_and_times_are_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct soap_user u = { 0 };

	(void)state;
	expect_ok(user_of(a,
	    ENVELOPE("<o:Security><u:Timestamp><u:Created>2026-01-02T03:04:05Z</u:Created>"
		     "<u:Expires>2026-01-02T03:09:05Z</u:Expires></u:Timestamp><o:UsernameToken>"
		     "<o:Username> jane </o:Username><o:Password Type='" PROFILE
		     "PasswordText'> a&amp;b </o:Password></o:UsernameToken></o:Security>"),
	    &u));
	assert_string_equal(u.name, "jane");
	assert_string_equal(u.password, " a&b ");
	assert_int_equal(u.expires - u.created, 300);
	expect_ok(user_of(a, TOKEN("<o:Username>j</o:Username><o:Password>x</o:Password>"), &u));
	assert_int_equal(u.expires, 0);
}

static void
a_message_without_a_token_names_nobody(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct soap_user u = { 0 };

	(void)state;
	expect_ok(user_of(a, ENVELOPE(""), &u));
	assert_string_equal(u.name, "");
	expect_ok(user_of(a, ENVELOPE("<o:Security/>"), &u));
	assert_string_equal(u.name, "");
	/* Of no namespace, it is not WS-Security's. */
	expect_ok(user_of(a,
	    ENVELOPE("<Security><UsernameToken><Username>x</Username></UsernameToken></Security>"),
	    &u));
	assert_string_equal(u.name, "");
}

static void
tokens_that_say_two_things_or_too_little_are_refused(void **state)
{
	static const char *const bad[] = {
		ENVELOPE("<o:Security/><o:Security/>"),
		ENVELOPE("<o:Security><o:UsernameToken/><o:UsernameToken/></o:Security>"),
		TOKEN(
		    "<o:Username>a</o:Username><o:Username>b</o:Username><o:Password>x</o:Password>"),
		TOKEN(
		    "<o:Username>a</o:Username><o:Password>x</o:Password><o:Password>y</o:Password>"),
		TOKEN("<o:Username>a</o:Username>"),
		TOKEN("<o:Username> </o:Username><o:Password>x</o:Password>"),
		TOKEN("<o:Password>x</o:Password>"),
		TOKEN("<o:Username>a</o:Username><o:Password Type='" PROFILE
		      "PasswordDigest'>x</o:Password>"),
	};
	auto_arena struct arena *a = arena_new();
	struct soap_user u = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_MALFORMED, user_of(a, bad[i], &u));
	expect_err(ERR_TIME,
	    user_of(a,
		ENVELOPE(
		    "<o:Security><u:Timestamp><u:Expires>soon</u:Expires></u:Timestamp></o:Security>"),
		&u));
	assert_null(u.name);
}

static void
the_message_id_of_what_can_be_read_is_found(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *id = "";

	(void)state;
	expect_ok(soap_message_id(a, str_c(ENVELOPE("<a:MessageID> urn:x </a:MessageID>")), &id));
	assert_string_equal(id, "urn:x");
	expect_ok(soap_message_id(a, str_c(ENVELOPE("")), &id));
	assert_string_equal(id, "");
	expect_err(ERR_MALFORMED, soap_message_id(a, LIT("<x/>"), &id));
	assert_false(err_ok(soap_message_id(a, LIT("no XML"), &id)));
}

static void
what_is_written_is_read_back(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b = { 0 };
	struct soap_user u;

	(void)state;
	buf_init(&b, 4096);
	expect_ok(buf_puts(&b, "<s:Envelope xmlns:s=\"" NS_SOAP "\"><s:Header>"));
	expect_ok(soap_user_print(&b, &(struct soap_user){ .name = "" }));
	expect_ok(soap_user_print(&b, &(struct soap_user){ .name = "a<b", .password = " &\"x' " }));
	expect_ok(buf_puts(&b, "</s:Header><s:Body/></s:Envelope>"));
	expect_ok(user_of(a, arena_cstr(a, buf_str(&b)), &u));
	assert_string_equal(u.name, "a<b");
	assert_string_equal(u.password, " &\"x' ");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_is_written_is_read_back),
	cmocka_unit_test(name_password_and_times_are_read),
	cmocka_unit_test(a_message_without_a_token_names_nobody),
	cmocka_unit_test(tokens_that_say_two_things_or_too_little_are_refused),
	cmocka_unit_test(the_message_id_of_what_can_be_read_is_found),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

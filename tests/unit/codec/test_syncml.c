/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/syncml.h"
#include "codec/xml.h"

#define HEAD(inner) \
	"<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>" \
	"<SessionID>5</SessionID><MsgID>3</MsgID><Target><LocURI>https://mdm.example.test/m</LocURI></Target>" \
	"<Source><LocURI>0a1b</LocURI></Source>" inner "</SyncHdr>"
#define MESSAGE(body) HEAD("") "<SyncBody>" body "<Final/></SyncBody></SyncML>"

static struct syncml_message
good(struct arena *a, const char *xml)
{
	struct syncml_message m = { 0 };

	expect_ok(syncml_parse(a, str_c(xml), &m));
	return m;
}

static void
bad(enum err_code code, const char *xml)
{
	auto_arena struct arena *a = arena_new();
	struct syncml_message m = { .id = 99 };

	expect_err(code, syncml_parse(a, str_c(xml), &m));
	assert_int_equal(m.id, 99);
}

static void
a_message_is_read_with_its_header(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct syncml_message m = good(a,
	    HEAD(
		"<Meta><MaxMsgSize xmlns='syncml:metinf'>524288</MaxMsgSize></Meta>") "<SyncBody/></SyncML>");

	(void)state;
	assert_string_equal(m.session, "5");
	assert_int_equal(m.id, 3);
	assert_string_equal(m.source, "0a1b");
	assert_int_equal(m.max_size, 524288);
	assert_false(m.final);
	assert_int_equal(good(a, MESSAGE("")).max_size, 0);
}

static void
statuses_and_results_are_read_with_what_they_answer(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct syncml_message m = good(a,
	    MESSAGE("<Status><CmdID>1</CmdID><MsgRef>2</MsgRef><CmdRef>7</CmdRef><Cmd>Add</Cmd>"
		    "<Data xmlns:msft='http://schemas.microsoft.com/MobileDevice/MDM' "
		    "msft:originalerror='0x80090005'>500</Data></Status>"
		    "<Results><CmdID>2</CmdID><MsgRef>2</MsgRef><CmdRef>8</CmdRef><Item><Source>"
		    "<LocURI>./DevInfo/Man</LocURI></Source><Meta><Format xmlns='syncml:metinf'>chr"
		    "</Format></Meta><Data> a&amp;b </Data></Item></Results>"));

	(void)state;
	assert_true(m.final);
	assert_int_equal(m.ncommands, 2);
	assert_int_equal(m.commands[0].verb, SYNCML_STATUS);
	assert_int_equal(m.commands[0].code, 500);
	assert_int_equal(m.commands[0].original, 0x80090005);
	assert_int_equal(m.commands[0].cmd_ref, 7);
	assert_int_equal(m.commands[1].verb, SYNCML_RESULTS);
	assert_string_equal(m.commands[1].items[0].source, "./DevInfo/Man");
	assert_string_equal(m.commands[1].items[0].data, "a&b");
	assert_string_equal(m.commands[1].items[0].format, "chr");
}

static void
alerts_are_read_with_kind_and_type(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct syncml_message m = good(a,
	    MESSAGE(
		"<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224"
		"</Data><Item><Meta><Type xmlns='syncml:metinf'>com.microsoft/MDM/LoginStatus</Type>"
		"</Meta><Data>user</Data><MoreData/></Item></Alert>"
		"<Sync><CmdID>4</CmdID></Sync>"));

	(void)state;
	assert_int_equal(m.commands[0].code, 1201);
	assert_string_equal(m.commands[1].items[0].type, "com.microsoft/MDM/LoginStatus");
	assert_true(m.commands[1].items[0].more);
	assert_int_equal(m.commands[2].verb, SYNCML_OTHER);
	assert_string_equal(m.commands[2].name, "Sync");
}

static void
an_error_behind_a_status_that_is_no_number_says_nothing(void **state)
{
	auto_arena struct arena *a = arena_new();
	static const char *const texts[] = { "", "0x", "80090005", "0x8009000500", "0xzz", "-1" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(good(a,
				     arena_printf(a,
					 MESSAGE("<Status><CmdID>1</CmdID><CmdRef>1</CmdRef>"
						 "<Data originalerror='%s'>500</Data></Status>"),
					 texts[i]))
				     .commands[0]
				     .original,
		    0);
}

static void
what_is_no_such_message_is_refused(void **state)
{
	(void)state;
	bad(ERR_XML, "");
	bad(ERR_XML, "<SyncML");
	bad(ERR_XML, "<!DOCTYPE x><SyncML xmlns='SYNCML:SYNCML1.2'/>");
	bad(ERR_MALFORMED, "<SyncML/>");
	bad(ERR_MALFORMED, "<SyncML xmlns='SYNCML:SYNCML1.1'><SyncHdr/><SyncBody/></SyncML>");
	bad(ERR_MALFORMED, "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncBody/></SyncML>");
	bad(ERR_MALFORMED, HEAD("") "</SyncML>");
	bad(ERR_MALFORMED, MESSAGE("<Status xmlns='x'/>"));
}

static void
numbers_that_are_none_are_refused(void **state)
{
	(void)state;
	bad(ERR_MALFORMED, MESSAGE("<Alert><Data>1201</Data></Alert>"));
	bad(ERR_RANGE, MESSAGE("<Alert><CmdID>0</CmdID><Data>1201</Data></Alert>"));
	bad(ERR_NUMBER, MESSAGE("<Alert><CmdID>x</CmdID><Data>1201</Data></Alert>"));
	bad(ERR_RANGE, MESSAGE("<Alert><CmdID>4294967296</CmdID><Data>1201</Data></Alert>"));
	bad(ERR_MALFORMED, MESSAGE("<Status><CmdID>1</CmdID><Data>200</Data></Status>"));
	bad(ERR_MALFORMED, MESSAGE("<Status><CmdID>1</CmdID><CmdRef>1</CmdRef></Status>"));
	bad(ERR_RANGE,
	    HEAD(
		"<Meta><MaxMsgSize xmlns='syncml:metinf'>-1</MaxMsgSize></Meta>") "<SyncBody/></SyncML>");
}

static void
what_is_too_long_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	char *text = arena_alloc(a, 140001);

	(void)state;
	memset(text, 'a', 2000);
	bad(ERR_TOO_LARGE,
	    arena_printf(a,
		MESSAGE(
		    "<Results><CmdID>1</CmdID><CmdRef>1</CmdRef><Item><Source><LocURI>%s</LocURI>"
		    "</Source></Item></Results>"),
		text));
	memset(text, 'a', 140000);
	bad(ERR_TOO_LARGE,
	    arena_printf(a,
		MESSAGE(
		    "<Results><CmdID>1</CmdID><CmdRef>1</CmdRef><Item><Data>%s</Data></Item></Results>"),
		text));
}

static void
an_answer_goes_back_under_the_same_numbers(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b = { 0 };
	struct syncml_message m = good(a, MESSAGE(""));
	struct xml_node *root, *body;

	(void)state;
	buf_init(&b, 4096);
	expect_ok(syncml_open(&b, &m));
	expect_ok(syncml_status(&b, 1, 3, 0, "SyncHdr", 200));
	expect_ok(syncml_atomic_open(&b, 2));
	expect_ok(syncml_put(&b, 3, "Add", "./a/<b>", "chr", "x&y"));
	expect_ok(syncml_atomic_close(&b));
	expect_ok(syncml_put(&b, 4, "Get", "./c", NULL, NULL));
	expect_ok(syncml_close(&b));
	expect_ok(xml_parse(a, buf_str(&b), &root));
	assert_string_equal(xml_path(root, "SyncHdr", "Target", "LocURI", NULL)->text, "0a1b");
	assert_string_equal(xml_path(root, "SyncHdr", "Source", "LocURI", NULL)->text,
	    "https://mdm.example.test/m");
	assert_string_equal(xml_path(root, "SyncHdr", "MsgID", NULL)->text, "3");
	body = xml_child(root, NULL, "SyncBody");
	assert_string_equal(
	    xml_path(body, "Atomic", "Add", "Item", "Target", "LocURI", NULL)->text, "./a/<b>");
	assert_string_equal(xml_path(body, "Atomic", "Add", "Item", "Data", NULL)->text, "x&y");
	assert_string_equal(
	    xml_path(body, "Atomic", "Add", "Item", "Meta", "Format", NULL)->ns, "syncml:metinf");
	assert_null(xml_path(body, "Get", "Item", "Data", NULL));
	assert_non_null(xml_child(body, NULL, "Final"));
}

static void
what_does_not_fit_leaves_the_message_as_it_was(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	buf_init(&b, 64);
	expect_ok(syncml_alert(&b, 1, 1222));
	expect_err(
	    ERR_TOO_LARGE, syncml_put(&b, 2, "Add", "./a/b/c", "chr", "a long text of some bytes"));
	assert_true(str_eq_c(buf_str(&b), "<Alert><CmdID>1</CmdID><Data>1222</Data></Alert>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_read_with_its_header),
		cmocka_unit_test(statuses_and_results_are_read_with_what_they_answer),
		cmocka_unit_test(alerts_are_read_with_kind_and_type),
		cmocka_unit_test(an_error_behind_a_status_that_is_no_number_says_nothing),
		cmocka_unit_test(what_is_no_such_message_is_refused),
		cmocka_unit_test(numbers_that_are_none_are_refused),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(an_answer_goes_back_under_the_same_numbers),
		cmocka_unit_test(what_does_not_fit_leaves_the_message_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

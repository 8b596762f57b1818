/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "base/text.h"
#include "device/windows_error.h"
#include "device/windows_report.h"
#include "device/windows_tell.h"

#define ROOT_NODE "./Device/Vendor/MSFT/RootCATrustedCertificates/Root/AB12"
#define PFX_NODE "./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/chancery-1"
#define USER_NODE "./User/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/chancery-1"
#define SCEP_NODE "./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/chancery-2"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct box {
	struct arena *a;
	struct windows_state st;
	struct holdings has;
	struct report rep;
};

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	b->a = arena_new();
	b->st.session = "1";
	b->st.facts = b->st.user = true;
	b->st.asked = 1;
	b->st.sent = arena_array(b->a, LIMIT_WINDOWS_NODES, sizeof(*b->st.sent));
	b->st.answers = arena_array(b->a, LIMIT_WINDOWS_NODES, sizeof(*b->st.answers));
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	arena_free(b->a);
	free(b);
	return 0;
}

static bool
asked(const struct box *b, const char *uri)
{
	for (size_t i = 0; i < b->st.nanswers; i++)
		if (strcmp(b->st.answers[i].uri, uri) == 0)
			return true;
	return false;
}

static bool
ask(struct box *b)
{
	bool more;

	expect_ok(windows_ask(b->a, &b->has, &b->st, &more));
	return more;
}

static void
says(struct box *b, const char *uri, uint32_t code, const char *data)
{
	expect_ok(windows_ask_add(&b->st, uri));
	for (size_t i = 0; i < b->st.nanswers; i++)
		if (strcmp(b->st.answers[i].uri, uri) == 0) {
			b->st.answers[i].code = code;
			b->st.answers[i].data = data;
		}
}

static void
sent(struct box *b, enum windows_op op, const char *uri, uint32_t code, uint32_t original)
{
	expect_ok(windows_sent_add(&b->st,
	    &(struct windows_sent){ .op = op,
		.id = "slot:1",
		.alias = "chancery-p",
		.uri = uri,
		.sha1 = op == WINDOWS_SCEP ? "" : "AB12",
		.sha256 = ZEROS,
		.code = code,
		.original = original,
		.since = when_now() }));
}

static void
holds(struct box *b, const char *alias, const char *place)
{
	struct held *v = arena_array(b->a, b->has.n + 1, sizeof(*v));

	for (size_t i = 0; i < b->has.n; i++)
		v[i] = b->has.v[i];
	v[b->has.n] = (struct held){ .alias = alias,
		.identity = true,
		.has_key = true,
		.place = place,
		.sha256 = str_of(arena_alloc(b->a, 32), 32) };
	b->has.v = v;
	b->has.n++;
}

static const struct report_result *
one_result(struct box *b)
{
	expect_ok(windows_report(b->a, &b->has, &b->st, &b->rep));
	assert_int_equal(b->rep.nresults, 1);
	return &b->rep.results[0];
}

static void
the_kind_of_an_adapter_is_asked_when_its_address_is_known(void **state)
{
	struct box *b = *state;
	struct device d = { 0 };

	b->st.facts = false;
	assert_true(ask(b));
	assert_true(asked(b, "./DevDetail/Ext/Microsoft/SMBIOSSerialNumber"));
	for (size_t i = 0; i < b->st.nanswers; i++)
		b->st.answers[i].code = 404;
	says(b, "./Vendor/MSFT/DeviceStatus/NetworkIdentifiers", 200, "AA/BB");
	assert_true(ask(b));
	says(b, "./Vendor/MSFT/DeviceStatus/NetworkIdentifiers/AA/Type", 200, "1");
	says(b, "./Vendor/MSFT/DeviceStatus/NetworkIdentifiers/BB/Type", 200, "2");
	assert_false(ask(b));
	windows_facts(b->a, &b->st, &d);
	assert_string_equal(d.wifi_mac, "BB");
	assert_null(d.serial);
	assert_null(d.fqdn);
}

static void
a_name_without_a_domain_is_no_full_name(void **state)
{
	struct box *b = *state;
	struct device d = { 0 };

	says(b, "./DevDetail/Ext/Microsoft/DNSComputerName", 200, "pc-7");
	says(b, "./Vendor/MSFT/DeviceStatus/DomainName", 200, "");
	windows_facts(b->a, &b->st, &d);
	assert_string_equal(d.fqdn, "");
	says(b, "./Vendor/MSFT/DeviceStatus/DomainName", 200, "example.test");
	windows_facts(b->a, &b->st, &d);
	assert_string_equal(d.fqdn, "pc-7.example.test");
}

static void
of_a_failed_atomic_the_culprit_is_told(void **state)
{
	struct box *b = *state;
	struct syncml_command v[] = {
		{ .verb = SYNCML_STATUS, .msg_ref = 1, .cmd_ref = 5, .code = 507 },
		{ .verb = SYNCML_STATUS, .msg_ref = 1, .cmd_ref = 6, .code = 216 },
		{ .verb = SYNCML_STATUS,
		    .msg_ref = 1,
		    .cmd_ref = 7,
		    .code = 500,
		    .original = 0x80090005 },
		{ .verb = SYNCML_STATUS, .msg_ref = 1, .cmd_ref = 8, .code = 215 },
		{ .verb = SYNCML_STATUS, .msg_ref = 1, .cmd_ref = 9, .code = 404 },
	};
	struct syncml_message m = { .id = 2, .commands = v, .ncommands = COUNT(v), .final = true };
	const struct report_result *res;

	sent(b, WINDOWS_PFX, PFX_NODE, 0, 0);
	b->st.sent[0].first = 5;
	b->st.sent[0].last = 8;
	windows_take(b->a, &m, &b->st);
	assert_int_equal(b->st.sent[0].code, 500);
	res = one_result(b);
	assert_int_equal(res->status, RESULT_ERROR);
	assert_string_equal(res->fault, "device-cannot-decrypt");
	assert_string_equal(res->code, "0x80090005");
	assert_int_equal(b->st.nsent, 0);
}

static void
statuses_of_another_message_do_not_count(void **state)
{
	struct box *b = *state;
	struct syncml_command v[] = {
		{ .verb = SYNCML_STATUS, .msg_ref = 2, .cmd_ref = 5, .code = 200 }
	};
	struct syncml_message m = { .id = 3, .commands = v, .ncommands = 1, .final = true };

	sent(b, WINDOWS_PFX, PFX_NODE, 0, 0);
	b->st.sent[0].first = b->st.sent[0].last = 5;
	windows_take(b->a, &m, &b->st);
	assert_int_equal(b->st.sent[0].code, 0);
	/* And the number is good for no later one. */
	assert_int_equal(b->st.sent[0].first, 0);
}

static void
installed_is_what_the_thumbprint_shows(void **state)
{
	struct box *b = *state;

	sent(b, WINDOWS_PFX, PFX_NODE, 200, 0);
	assert_true(ask(b));
	assert_true(asked(b, PFX_NODE "/Thumbprint"));
	says(b, PFX_NODE "/Thumbprint", 200, "ab 12");
	assert_int_equal(one_result(b)->status, RESULT_OK);
	assert_int_equal(b->rep.nitems, 1);
	assert_string_equal(b->rep.items[0].place, PFX_NODE "#AB12");
	assert_true(b->rep.items[0].has_key);
}

static void
another_thumbprint_is_not_it(void **state)
{
	struct box *b = *state;

	sent(b, WINDOWS_PFX, PFX_NODE, 200, 0);
	says(b, PFX_NODE "/Thumbprint", 200, "AB13");
	assert_int_equal(one_result(b)->status, RESULT_OK);
	assert_int_equal(b->rep.nitems, 0);
}

static void
a_node_that_gives_no_answer_is_taken_as_it_was(void **state)
{
	struct box *b = *state;

	holds(b, "chancery-p", PFX_NODE "#AB12");
	says(b, PFX_NODE "/Thumbprint", 500, "");
	expect_ok(windows_report(b->a, &b->has, &b->st, &b->rep));
	assert_int_equal(b->rep.nitems, 1);
	says(b, PFX_NODE "/Thumbprint", 404, "");
	expect_ok(windows_report(b->a, &b->has, &b->st, &b->rep));
	assert_int_equal(b->rep.nitems, 0);
}

static void
nodes_of_a_user_who_is_not_signed_in_are_not_asked(void **state)
{
	struct box *b = *state;

	b->st.user = false;
	holds(b, "chancery-p", USER_NODE "#AB12");
	assert_false(ask(b));
	expect_ok(windows_report(b->a, &b->has, &b->st, &b->rep));
	assert_int_equal(b->rep.nitems, 1);
}

static void
an_older_node_goes_when_the_newer_one_is_there(void **state)
{
	struct box *b = *state;

	holds(b, "chancery-p",
	    "./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/chancery-0#FF");
	says(b,
	    "./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/chancery-0/Thumbprint",
	    200, "FF");
	sent(b, WINDOWS_PFX, PFX_NODE, 200, 0);
	says(b, PFX_NODE "/Thumbprint", 200, "AB12");
	expect_ok(windows_report(b->a, &b->has, &b->st, &b->rep));
	assert_int_equal(b->rep.nitems, 1);
	assert_int_equal(b->st.nsent, 1);
	assert_int_equal(b->st.sent[0].op, WINDOWS_REMOVE);
	assert_string_equal(b->st.sent[0].id, "");
	assert_non_null(strstr(b->st.sent[0].uri, "chancery-0"));
}

static void
a_node_of_ours_that_nobody_knows_goes_and_others_stay(void **state)
{
	struct box *b = *state;

	holds(b, "chancery-p", PFX_NODE "#AB12");
	says(b, "./Device" WINDOWS_PFX_NODES, 200, "chancery-1/chancery-9/another");
	expect_ok(windows_report(b->a, &b->has, &b->st, &b->rep));
	assert_int_equal(b->st.nsent, 1);
	assert_non_null(strstr(b->st.sent[0].uri, "chancery-9"));
}

static void
a_request_that_runs_is_waited_for(void **state)
{
	struct box *b = *state;

	sent(b, WINDOWS_SCEP, SCEP_NODE, 200, 0);
	says(b, SCEP_NODE "/Status", 200, "2");
	says(b, SCEP_NODE "/CertThumbprint", 404, "");
	assert_int_equal(one_result(b)->status, RESULT_NOT_NOW);
	assert_int_equal(b->st.nsent, 1);
	/* But not for ever. */
	b->st.sent[0].since = when_now() - 27 * 3600;
	expect_ok(windows_report(b->a, &b->has, &b->st, &b->rep));
	assert_int_equal(b->rep.nresults, 0);
	assert_int_equal(b->st.nsent, 0);
}

static void
a_request_that_failed_says_why(void **state)
{
	struct box *b = *state;
	const struct report_result *res;

	sent(b, WINDOWS_SCEP, SCEP_NODE, 200, 0);
	says(b, SCEP_NODE "/Status", 200, "16");
	/* 0x8010002C, as Windows writes it */
	says(b, SCEP_NODE "/ErrorCode", 200, "-2146435028");
	res = one_result(b);
	assert_string_equal(res->fault, "device-scep-ca");
	assert_string_equal(res->code, "0x8010002C");
	assert_int_equal(b->st.nsent, 0);
}

static void
a_request_that_came_true_brings_its_certificate(void **state)
{
	struct box *b = *state;
	/* SHA-1 of "x" */
	const char *thumb = "11F6AD8EC52A2984ABAAFD7C3B516503785C2072";
	const char *node = windows_store_node(b->a, SCEP_NODE, thumb);
	const struct report_result *res;

	sent(b, WINDOWS_SCEP, SCEP_NODE, 200, 0);
	says(b, SCEP_NODE "/Status", 200, "1");
	says(b, SCEP_NODE "/ErrorCode", 200, "0");
	says(b, SCEP_NODE "/CertThumbprint", 200, thumb);
	assert_true(ask(b));
	assert_true(asked(b, node));
	says(b, node, 200, "eA==");
	assert_false(ask(b));
	res = one_result(b);
	assert_true(str_eq_c(res->certificate, "x"));
	assert_int_equal(b->rep.nitems, 1);
	assert_int_equal(b->st.nsent, 0);
}

static void
a_removal_counts_when_the_node_was_not_there(void **state)
{
	struct box *b = *state;

	sent(b, WINDOWS_REMOVE, PFX_NODE, 404, 0);
	assert_int_equal(one_result(b)->status, RESULT_OK);
	sent(b, WINDOWS_REMOVE, PFX_NODE, 500, 0x80070005);
	assert_string_equal(one_result(b)->fault, "device-rights");
}

static void
every_error_of_windows_has_a_fault(void **state)
{
	struct box *b = *state;
	static const uint32_t hresults[] = { 0x80190193, 0x80190194, 0x801901F4, 0x801900C8,
		0x80072EE7, 0x80072EFD, 0x80072F8F, 0x80072F78, 0x8010002C, 0x80090005, 0x80070056,
		0x80090029, 0x8009002D };
	static const uint32_t statuses[] = { 400, 401, 403, 404, 405, 406, 407, 408, 412, 415, 418,
		420, 425, 500, 507, 516, 999 };
	struct report_result res;

	for (size_t i = 0; i < COUNT(hresults); i++) {
		windows_error(b->a, 500, hresults[i], &res);
		assert_non_null(err_info_by_id(res.fault));
		assert_string_not_equal(res.fault, "device-refused");
	}
	for (size_t i = 0; i < COUNT(statuses); i++) {
		windows_error(b->a, statuses[i], 0, &res);
		assert_non_null(err_info_by_id(res.fault));
		assert_int_equal(res.status, RESULT_ERROR);
	}
}

static void
a_key_that_was_taken_and_not_imported_says_why(void **state)
{
	static const struct {
		const char *status, *fault, *code;
	} rows[] = {
		{ "2148073513", "device-no-hardware", "0x80090029" },
		{ "-2146893783", "device-no-hardware", "0x80090029" },
		{ "86", "device-pfx", "0x80070056" },
		{ "5", "device-rights", "0x80070005" },
	};
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct report_result *res;

		b->st.nsent = b->st.nanswers = 0;
		sent(b, WINDOWS_PFX, PFX_NODE, 200, 0);
		assert_true(ask(b));
		assert_true(asked(b, PFX_NODE "/Status"));
		says(b, PFX_NODE "/Thumbprint", 404, "");
		says(b, PFX_NODE "/Status", 200, rows[i].status);
		res = one_result(b);
		assert_int_equal(res->status, RESULT_ERROR);
		assert_string_equal(res->fault, rows[i].fault);
		assert_string_equal(res->code, rows[i].code);
	}
	/* Without an error it may be under way. */
	b->st.nsent = b->st.nanswers = 0;
	sent(b, WINDOWS_PFX, PFX_NODE, 200, 0);
	says(b, PFX_NODE "/Thumbprint", 404, "");
	says(b, PFX_NODE "/Status", 200, "0");
	assert_int_equal(one_result(b)->status, RESULT_OK);
}

static void
a_user_who_left_meanwhile_is_no_old_system(void **state)
{
	struct box *b = *state;

	sent(b, WINDOWS_PFX, USER_NODE, 404, 0);
	assert_string_equal(one_result(b)->fault, "device-no-user");
	b->st.nsent = 0;
	sent(b, WINDOWS_PFX, USER_NODE, 500, 0x80070056);
	assert_string_equal(one_result(b)->fault, "device-pfx");
	b->st.nsent = 0;
	sent(b, WINDOWS_PFX, PFX_NODE, 404, 0);
	assert_string_equal(one_result(b)->fault, "device-os-old");
}

static void
what_does_not_fit_comes_later_and_what_never_fits_is_told(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct primitive what = { .kind = PRIM_TRUST };
	struct command v[] = {
		{ .kind = COMMAND_INSTALL_CA,
		    .id = "s:1",
		    .alias = "a",
		    .der = LIT("one"),
		    .what = &what },
		{ .kind = COMMAND_INSTALL_CA,
		    .id = "s:2",
		    .alias = "b",
		    .der = LIT("two"),
		    .what = &what },
	};
	struct windows_telling t = {
		.a = b->a, .has = &b->has, .st = &b->st, .v = v, .n = 2, .b = &out, .room = 400
	};

	buf_init(&out, 400);
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 1);
	assert_int_equal(t.nheld, 0);
	assert_int_equal(b->st.nsent, 1);
	assert_string_equal(b->st.sent[0].id, "s:1");
	buf_reset(&out);
	t = (struct windows_telling){
		.a = b->a, .has = &b->has, .st = &b->st, .v = v, .n = 1, .b = &out, .room = 100
	};
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 0);
	assert_int_equal(t.nheld, 1);
	assert_int_equal(t.held[0].status, RESULT_ERROR);
	assert_int_equal(out.n, 0);
}

static void
what_is_for_a_user_waits_for_him(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct primitive what = { .kind = PRIM_TRUST, .trust_store = TRUST_USER_CA };
	struct command v[] = {
		{ .kind = COMMAND_INSTALL_CA,
		    .id = "s:1",
		    .alias = "a",
		    .der = LIT("one"),
		    .what = &what },
	};
	struct windows_telling t = {
		.a = b->a, .has = &b->has, .st = &b->st, .v = v, .n = 1, .b = &out, .room = 4096
	};

	buf_init(&out, 4096);
	b->st.user = false;
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 0);
	assert_int_equal(t.held[0].status, RESULT_NOT_NOW);
	b->st.user = true;
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 1);
}

static void
a_node_that_two_profiles_share_goes_with_the_second(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct command v[] = {
		{ .kind = COMMAND_REMOVE_CA,
		    .id = "s:1",
		    .alias = "a",
		    .place = ROOT_NODE "#AB12" },
		{ .kind = COMMAND_REMOVE_CA,
		    .id = "s:2",
		    .alias = "b",
		    .place = ROOT_NODE "#AB12" },
	};
	struct windows_telling t = {
		.a = b->a, .has = &b->has, .st = &b->st, .v = v, .n = 1, .b = &out, .room = 4096
	};

	buf_init(&out, 4096);
	holds(b, "a", ROOT_NODE "#AB12");
	holds(b, "b", ROOT_NODE "#AB12");
	expect_ok(windows_tell(&t));
	assert_int_equal(out.n, 0);
	assert_int_equal(b->st.sent[0].code, 200);
	b->st.nsent = 0;
	t.n = 2;
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    the_kind_of_an_adapter_is_asked_when_its_address_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_name_without_a_domain_is_no_full_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    of_a_failed_atomic_the_culprit_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    statuses_of_another_message_do_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    installed_is_what_the_thumbprint_shows, setup, teardown),
		cmocka_unit_test_setup_teardown(another_thumbprint_is_not_it, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_node_that_gives_no_answer_is_taken_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    nodes_of_a_user_who_is_not_signed_in_are_not_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    an_older_node_goes_when_the_newer_one_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_node_of_ours_that_nobody_knows_goes_and_others_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_that_runs_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_that_failed_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_request_that_came_true_brings_its_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_removal_counts_when_the_node_was_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_key_that_was_taken_and_not_imported_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_user_who_left_meanwhile_is_no_old_system, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    every_error_of_windows_has_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_does_not_fit_comes_later_and_what_never_fits_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_for_a_user_waits_for_him, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_node_that_two_profiles_share_goes_with_the_second, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a Windows device is asked, and what its answers say. */
#include "device/windows_error.h"
#include "windows_box.h"

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
	return windows_ask(b->a, &b->has, &b->st);
}

static const struct report_result *
one_result(struct box *b)
{
	windows_report(b->a, &b->has, &b->st, &b->rep);
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
	windows_report(b->a, &b->has, &b->st, &b->rep);
	assert_int_equal(b->rep.nitems, 1);
	says(b, PFX_NODE "/Thumbprint", 404, "");
	windows_report(b->a, &b->has, &b->st, &b->rep);
	assert_int_equal(b->rep.nitems, 0);
}

static void
nodes_of_a_user_who_is_not_signed_in_are_not_asked(void **state)
{
	struct box *b = *state;

	b->st.user = false;
	holds(b, "chancery-p", USER_NODE "#AB12");
	assert_false(ask(b));
	windows_report(b->a, &b->has, &b->st, &b->rep);
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
	windows_report(b->a, &b->has, &b->st, &b->rep);
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
	windows_report(b->a, &b->has, &b->st, &b->rep);
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
	windows_report(b->a, &b->has, &b->st, &b->rep);
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
		assert_string_not_equal(err_info_by_id(res.fault)->hint, "");
		assert_string_equal(res.code, arena_printf(b->a, "0x%08X", (unsigned)hresults[i]));
		/* In a request it comes without a status, and in words of its own. */
		windows_error(b->a, 0, hresults[i], &res);
		assert_string_not_equal(res.detail, "");
	}
	for (size_t i = 0; i < COUNT(statuses); i++) {
		windows_error(b->a, statuses[i], 0, &res);
		assert_non_null(err_info_by_id(res.fault));
		assert_int_equal(res.status, RESULT_ERROR);
		assert_string_not_equal(err_info_by_id(res.fault)->hint, "");
		assert_int_equal(res.detail[0] == '\0', statuses[i] == 999);
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
	sent(b, WINDOWS_PFX, USER_NODE, 500, 0);
	assert_string_equal(one_result(b)->fault, "device-no-user");
	b->st.nsent = 0;
	sent(b, WINDOWS_PFX, USER_NODE, 500, 0x80070056);
	assert_string_equal(one_result(b)->fault, "device-pfx");
	b->st.nsent = 0;
	sent(b, WINDOWS_PFX, PFX_NODE, 500, 0);
	assert_string_equal(one_result(b)->fault, "device-refused");
	b->st.nsent = 0;
	sent(b, WINDOWS_PFX, PFX_NODE, 404, 0);
	assert_string_equal(one_result(b)->fault, "device-os-old");
}

static void
names_of_children_are_read_as_they_are_encoded(void **state)
{
	struct box *b = *state;
	struct device d = { 0 };

	says(b, "./Vendor/MSFT/DeviceStatus/NetworkIdentifiers", 200, "00%3A11%3A22/33%3a44%3A55");
	b->st.facts = false;
	assert_true(ask(b));
	/* What is asked is the name as it came. */
	says(b, "./Vendor/MSFT/DeviceStatus/NetworkIdentifiers/00%3A11%3A22/Type", 200, "1");
	says(b, "./Vendor/MSFT/DeviceStatus/NetworkIdentifiers/33%3a44%3A55/Type", 200, "2");
	says(b, "./Vendor/MSFT/DeviceStatus/CellularIdentities", 200, "4901%2F5420/1");
	windows_facts(b->a, &b->st, &d);
	assert_string_equal(d.wifi_mac, "33:44:55");
	assert_string_equal(d.imei, "4901/5420");
	/* What is no such encoding is taken as it stands. */
	says(b, "./Vendor/MSFT/DeviceStatus/CellularIdentities", 200, "49%zz");
	windows_facts(b->a, &b->st, &d);
	assert_string_equal(d.imei, "49%zz");
}

/* CertificateStore CSP: MY/User and MY/System are nodes of the device, and there are none below ./User. */
static void
the_certificate_of_a_person_is_read_at_a_node_of_the_device(void **state)
{
	struct box *b = *state;
	const char *thumb = "11F6AD8EC52A2984ABAAFD7C3B516503785C2072";
	const char *scep = "./User/Vendor/MSFT/ClientCertificateInstall/SCEP/chancery-2";

	assert_string_equal(windows_store_node(b->a, scep, thumb),
	    "./Device/Vendor/MSFT/CertificateStore/MY/User/"
	    "11F6AD8EC52A2984ABAAFD7C3B516503785C2072/EncodedCertificate");
	assert_string_equal(windows_store_node(b->a, SCEP_NODE, thumb),
	    "./Device/Vendor/MSFT/CertificateStore/MY/System/"
	    "11F6AD8EC52A2984ABAAFD7C3B516503785C2072/EncodedCertificate");
	assert_string_equal(windows_store_node(b->a, scep, "no thumbprint"), "");
}

static void
a_request_of_which_the_certificate_does_not_show_says_so(void **state)
{
	struct box *b = *state;
	const char *thumb = "11F6AD8EC52A2984ABAAFD7C3B516503785C2072";
	const struct report_result *res;

	sent(b, WINDOWS_SCEP, SCEP_NODE, 200, 0);
	says(b, SCEP_NODE "/Status", 200, "1");
	says(b, SCEP_NODE "/CertThumbprint", 200, thumb);
	says(b, windows_store_node(b->a, SCEP_NODE, thumb), 404, "");
	res = one_result(b);
	assert_int_equal(res->status, RESULT_NOT_NOW);
	assert_non_null(strstr(res->detail, "does not show it"));
	assert_int_equal(b->rep.nitems, 0);
}

static void
certificates_of_requests_are_read_some_at_a_time(void **state)
{
	struct box *b = *state;
	size_t n = 0;

	for (int i = 0; i < 40; i++) {
		const char *uri = arena_printf(b->a, SCEP_NODE "%d", i);

		sent(b, WINDOWS_SCEP, uri, 200, 0);
		says(b, arena_printf(b->a, "%s/CertThumbprint", uri), 200,
		    arena_printf(b->a, "%040d", i));
	}
	assert_true(ask(b));
	for (size_t i = 0; i < b->st.nanswers; i++)
		n += strstr(b->st.answers[i].uri, "/CertificateStore/") != NULL;
	assert_int_equal(n, 16);
}

static void
a_large_object_is_put_together_from_its_pieces(void **state)
{
	struct box *b = *state;
	struct syncml_item items[] = { { .data = "eHh", .more = true }, { .data = "4" } };
	struct syncml_command v[] = {
		{ .verb = SYNCML_STATUS, .msg_ref = 1, .cmd_ref = 5, .code = 200 },
		{ .verb = SYNCML_RESULTS,
		    .msg_ref = 1,
		    .cmd_ref = 5,
		    .items = &items[0],
		    .nitems = 1 },
		{ .verb = SYNCML_RESULTS,
		    .msg_ref = 1,
		    .cmd_ref = 5,
		    .items = &items[1],
		    .nitems = 1 },
	};
	struct syncml_message first = { .id = 2, .commands = v, .ncommands = 2 };
	struct syncml_message rest = { .id = 3, .commands = v + 2, .ncommands = 1, .final = true };
	struct windows_answer *w;
	uint8_t hash[32];

	windows_ask_add(&b->st, ROOT_NODE "/EncodedCertificate");
	w = &b->st.answers[0];
	w->id = 5;
	windows_take(b->a, &first, &b->st);
	assert_true(w->more);
	windows_take(b->a, &rest, &b->st);
	hash_sha256(LIT("xxx"), hash);
	assert_int_equal(w->code, 200);
	assert_string_equal(w->data, text_hex(b->a, STR(hash)));
	/* Of one that breaks off nothing is known. */
	*w = (struct windows_answer){ .uri = w->uri, .id = 5, .data = "" };
	first.final = true;
	windows_take(b->a, &first, &b->st);
	assert_int_not_equal(w->code, 200);
	assert_int_not_equal(w->code, 404);
	assert_string_equal(w->data, "");
	assert_false(w->more);
}

/* A message ends with its piece. Each is put to what came before, so very many of them would be gigabytes. */
static void
of_a_large_object_one_piece_comes_in_a_message(void **state)
{
	struct box *b = *state;
	struct syncml_item item = { .data = "4", .more = true };
	struct syncml_command *v = arena_array(b->a, LIMIT_SYNCML_COMMANDS, sizeof(*v));
	struct syncml_message m = { .id = 2, .commands = v, .ncommands = LIMIT_SYNCML_COMMANDS };
	struct windows_answer *w = &b->st.answers[0];
	char *before = arena_alloc(b->a, LIMIT_SYNCML_DATA);
	size_t used;

	memset(before, 'x', LIMIT_SYNCML_DATA - 5000);
	for (size_t i = 0; i < m.ncommands; i++)
		v[i] = (struct syncml_command){ .verb = SYNCML_RESULTS,
			.msg_ref = 1,
			.cmd_ref = 5,
			.items = &item,
			.nitems = 1 };
	windows_ask_add(&b->st, PFX_NODE "/Thumbprint");
	*w = (struct windows_answer){ .uri = w->uri, .id = 5, .data = before, .more = true };
	used = arena_used(b->a);
	windows_take(b->a, &m, &b->st);
	assert_true(arena_used(b->a) - used < 4 * LIMIT_SYNCML_DATA);
	assert_int_equal(strlen(w->data), strlen(before) + 1);
	assert_true(w->more);
	/* The next message has the next. */
	windows_take(b->a, &m, &b->st);
	assert_int_equal(strlen(w->data), strlen(before) + 2);
}

/* Past what is asked for at a time, what lies there counts as it did. */
static void
more_nodes_than_are_asked_for_end_no_session(void **state)
{
	struct box *b = *state;

	for (size_t i = 0; i < LIMIT_WINDOWS_NODES; i++)
		says(b, arena_printf(b->a, "./a/%zu", i), 404, "");
	holds(b, "chancery-p", PFX_NODE "#AB12");
	assert_false(ask(b));
	windows_report(b->a, &b->has, &b->st, &b->rep);
	assert_int_equal(b->rep.nitems, 1);
}

static void
as_many_of_our_nodes_as_a_device_likes_to_name_end_no_session(void **state)
{
	struct box *b = *state;
	char list[4096] = "";

	for (int i = 0; i < 300; i++)
		snprintf(list + strlen(list), 16, "chancery-%03d/", i);
	says(b, "./Device" WINDOWS_PFX_NODES, 200, list);
	windows_report(b->a, &b->has, &b->st, &b->rep);
	assert_int_equal(b->st.nsent, LIMIT_WINDOWS_SENT);
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
		    names_of_children_are_read_as_they_are_encoded, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_certificate_of_a_person_is_read_at_a_node_of_the_device, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_request_of_which_the_certificate_does_not_show_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    certificates_of_requests_are_read_some_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_large_object_is_put_together_from_its_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    of_a_large_object_one_piece_comes_in_a_message, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    more_nodes_than_are_asked_for_end_no_session, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    as_many_of_our_nodes_as_a_device_likes_to_name_end_no_session, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

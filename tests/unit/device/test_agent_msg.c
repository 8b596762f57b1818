/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "device/agent_msg.h"
#include "model/use.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ITEM \
	"{\"alias\":\"chancery-1\",\"kind\":\"identity\",\"sha256\":\"" HASH \
	"\",\"has_key\":true," \
	"\"not_after\":\"2027-01-01T00:00:00Z\"}"

struct box {
	struct arena *a;
	json *msg; /* of the newest read; what was read borrows from it */
};

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	b->a = arena_new();
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	json_free(b->msg);
	arena_free(b->a);
	free(b);
	return 0;
}

static err_t
read_msg(struct box *b, const char *text, struct agent_checkin *ret)
{
	json_free(steal(b->msg));
	expect_ok(json_parse(str_c(text), LIMIT_HTTP_BODY, &b->msg));
	return agent_checkin_read(b->a, b->msg, ret);
}

static struct agent_checkin
good(struct box *b, const char *text)
{
	struct agent_checkin c = { 0 };

	expect_ok(read_msg(b, text, &c));
	return c;
}

/* Refused, naming the member, and nothing written. */
static void
bad(struct box *b, const char *text, const char *member)
{
	struct agent_checkin c = { .wait = -1 };
	err_t e = read_msg(b, text, &c);

	if (!err_is(e, ERR_BAD_REQUEST) || strstr(err_detail(), member) == NULL) {
		print_error("%s: %s\n", text, err_detail());
		fail();
	}
	err_forget(e);
	assert_int_equal(c.wait, -1);
	assert_null(c.report.items);
}

static void
the_smallest_message_reports_nothing(void **state)
{
	struct agent_checkin c = good(*state, "{\"protocol\":1}");

	assert_int_equal(c.wait, 0);
	assert_false(c.report.has_facts);
	assert_false(c.report.has_inventory);
	assert_int_equal(c.report.nitems, 0);
	assert_int_equal(c.report.nresults, 0);
}

static void
another_version_of_the_protocol_is_told_so(void **state)
{
	struct box *b = *state;
	struct agent_checkin c;

	expect_err(ERR_PROTOCOL_VERSION, read_msg(b, "{\"protocol\":2}", &c));
	expect_err(ERR_PROTOCOL_VERSION, read_msg(b, "{\"protocol\":1000}", &c));
	bad(b, "{\"protocol\":0}", "protocol");
	bad(b, "{\"protocol\":\"1\"}", "protocol");
	bad(b, "{\"protocol\":1.0}", "protocol");
	bad(b, "{}", "protocol");
	bad(b, "[]", "protocol");
}

static void
waiting_is_capped(void **state)
{
	struct box *b = *state;

	assert_int_equal(good(b, "{\"protocol\":1,\"wait\":0}").wait, 0);
	assert_int_equal(good(b, "{\"protocol\":1,\"wait\":20}").wait, 20);
	assert_int_equal(good(b, "{\"protocol\":1,\"wait\":55}").wait, 55);
	assert_int_equal(good(b, "{\"protocol\":1,\"wait\":56}").wait, 55);
	assert_int_equal(good(b, "{\"protocol\":1,\"wait\":3600}").wait, 55);
	bad(b, "{\"protocol\":1,\"wait\":3601}", "wait");
	bad(b, "{\"protocol\":1,\"wait\":-1}", "wait");
	bad(b, "{\"protocol\":1,\"wait\":\"5\"}", "wait");
	bad(b, "{\"protocol\":1,\"wait\":1.5}", "wait");
}

static void
members_that_are_not_known_are_passed_over(void **state)
{
	struct agent_checkin c = good(*state,
	    "{\"protocol\":1,\"colour\":\"red\",\"facts\":{\"device_name\":\"x\",\"shape\":[1]},\"inventory\":[" ITEM
	    "],\"results\":[{\"id\":\"a\",\"status\":\"ok\",\"mood\":{}}]}");

	assert_int_equal(c.report.nitems, 1);
	assert_int_equal(c.report.nresults, 1);
}

static void
facts_are_read(void **state)
{
	struct agent_checkin c = good(*state,
	    "{\"protocol\":1,\"facts\":{\"device_name\":\"laptop-1\",\"fqdn\":\"laptop-1.test\",\"serial\":\"SN1\","
	    "\"machine_id\":\"m\",\"manufacturer\":\"Acme\",\"model\":\"T1\",\"os\":\"Debian\",\"os_version\":\"12\","
	    "\"agent_version\":\"0.1.0\",\"unavailable\":[\"serial\",\"wifi_mac\",\"what\"],"
	    "\"imei\":\"490154203237518\"}}");
	const struct device *d = &c.report.facts;

	assert_string_equal(d->imei, "490154203237518");
	assert_string_equal(d->withheld, "serialNumber,wiFiMacAddress");

	assert_true(c.report.has_facts);
	assert_string_equal(d->name, "laptop-1");
	assert_string_equal(d->fqdn, "laptop-1.test");
	assert_string_equal(d->serial, "SN1");
	assert_string_equal(d->machine_id, "m");
	assert_string_equal(d->manufacturer, "Acme");
	assert_string_equal(d->model, "T1");
	assert_string_equal(d->os, "Debian");
	assert_string_equal(d->os_version, "12");
	assert_string_equal(d->agent_version, "0.1.0");
	assert_null(d->platform); /* that is said once, at enrolment */
}

static void
a_fact_may_be_missing_or_null(void **state)
{
	struct agent_checkin c = good(*state, "{\"protocol\":1,\"facts\":{\"fqdn\":null}}");

	assert_true(c.report.has_facts);
	assert_null(c.report.facts.fqdn);
	assert_null(c.report.facts.name);
}

static void
facts_that_are_no_texts_are_refused(void **state)
{
	static const char *const names[] = { "device_name", "fqdn", "serial", "machine_id",
		"manufacturer", "model", "os", "os_version", "agent_version" };
	struct box *b = *state;
	char *longer = arena_alloc(b->a, LIMIT_TEXT + 2);

	memset(longer, 'x', LIMIT_TEXT + 1);
	for (size_t i = 0; i < COUNT(names); i++) {
		bad(b, arena_printf(b->a, "{\"protocol\":1,\"facts\":{\"%s\":7}}", names[i]),
		    names[i]);
		bad(b, arena_printf(b->a, "{\"protocol\":1,\"facts\":{\"%s\":[]}}", names[i]),
		    names[i]);
		bad(b,
		    arena_printf(
			b->a, "{\"protocol\":1,\"facts\":{\"%s\":\"%s\"}}", names[i], longer),
		    names[i]);
	}
	bad(b, "{\"protocol\":1,\"facts\":[]}", "facts");
	bad(b, "{\"protocol\":1,\"facts\":\"x\"}", "facts");
}

static void
the_inventory_is_read(void **state)
{
	struct box *b = *state;
	struct agent_checkin c = good(b,
	    "{\"protocol\":1,\"inventory\":[" ITEM
	    ",{\"alias\":\"chancery-2\",\"kind\":\"ca\",\"sha256\":\"" HASH "\"}]}");
	const struct report_item *v = c.report.items;

	assert_true(c.report.has_inventory);
	assert_int_equal(c.report.nitems, 2);
	assert_string_equal(v[0].alias, "chancery-1");
	assert_true(v[0].identity);
	assert_true(v[0].has_key);
	assert_int_equal(v[0].not_after, 1798761600);
	assert_string_equal(text_hex(b->a, v[0].sha256), HASH);
	assert_false(v[1].identity);
	assert_false(v[1].has_key);
	assert_int_equal(v[1].not_after, 0);
}

static void
an_empty_inventory_is_one(void **state)
{
	struct agent_checkin c = good(*state, "{\"protocol\":1,\"inventory\":[],\"results\":[]}");

	assert_true(c.report.has_inventory);
	assert_int_equal(c.report.nitems, 0);
}

/* As the second item of the inventory. */
static void
bad_item(struct box *b, const char *text, const char *member)
{
	bad(b, arena_printf(b->a, "{\"protocol\":1,\"inventory\":[" ITEM ",%s]}", text), member);
}

static void
items_with_a_bad_member_are_refused(void **state)
{
	struct box *b = *state;

	bad_item(b, "{\"kind\":\"ca\",\"sha256\":\"" HASH "\"}", "alias");
	bad_item(b, "{\"alias\":7,\"kind\":\"ca\",\"sha256\":\"" HASH "\"}", "alias");
	bad_item(b, "{\"alias\":\"a\",\"sha256\":\"" HASH "\"}", "kind");
	bad_item(b, "{\"alias\":\"a\",\"kind\":\"key\",\"sha256\":\"" HASH "\"}", "kind");
	bad_item(b, "{\"alias\":\"a\",\"kind\":\"ca\"}", "sha256");
	bad_item(b, "{\"alias\":\"a\",\"kind\":\"ca\",\"sha256\":\"00ff\"}", "sha256");
	bad_item(b, "{\"alias\":\"a\",\"kind\":\"ca\",\"sha256\":\"zz" HASH "\"}", "sha256");
	bad_item(b, "{\"alias\":\"a\",\"kind\":\"ca\",\"sha256\":\"" HASH "00\"}", "sha256");
	bad_item(b, "{\"alias\":\"a\",\"kind\":\"ca\",\"sha256\":\"" HASH "\",\"has_key\":\"yes\"}",
	    "has_key");
	bad_item(b, "{\"alias\":\"a\",\"kind\":\"ca\",\"sha256\":\"" HASH "\",\"has_key\":1}",
	    "has_key");
	bad_item(b,
	    "{\"alias\":\"a\",\"kind\":\"ca\",\"sha256\":\"" HASH "\",\"not_after\":\"soon\"}",
	    "not_after");
	bad_item(b, "{\"alias\":\"a\",\"kind\":\"ca\",\"sha256\":\"" HASH "\",\"not_after\":5}",
	    "not_after");
	bad_item(b, "7", "alias");
	bad(b, "{\"protocol\":1,\"inventory\":{}}", "inventory");
	bad(b, "{\"protocol\":1,\"inventory\":\"none\"}", "inventory");
}

static const char *
many(struct box *b, const char *member, const char *item, size_t n)
{
	auto_buf struct buf text;

	buf_init(&text, LIMIT_HTTP_BODY);
	expect_ok(buf_printf(&text, "{\"protocol\":1,\"%s\":[%s", member, item));
	for (size_t i = 1; i < n; i++)
		expect_ok(buf_printf(&text, ",%s", item));
	expect_ok(buf_puts(&text, "]}"));
	return arena_cstr(b->a, buf_str(&text));
}

static void
no_more_is_read_than_a_device_may_report(void **state)
{
	static const char result[] = "{\"id\":\"a\",\"status\":\"ok\"}";
	struct box *b = *state;

	assert_int_equal(
	    good(b, many(b, "inventory", ITEM, LIMIT_INVENTORY)).report.nitems, LIMIT_INVENTORY);
	assert_int_equal(
	    good(b, many(b, "results", result, LIMIT_RESULTS)).report.nresults, LIMIT_RESULTS);
	bad(b, many(b, "inventory", ITEM, LIMIT_INVENTORY + 1), "inventory");
	bad(b, many(b, "results", result, LIMIT_RESULTS + 1), "results");
}

static void
results_are_read(void **state)
{
	struct box *b = *state;
	struct agent_checkin c = good(b,
	    "{\"protocol\":1,\"results\":[{\"id\":\"s:1\",\"status\":\"ok\",\"code\":\"\",\"detail\":\"\"},{\"id\":\"s:2\",\"status\":\"error\",\"code\":\"trust-store\",\"detail\":"
	    "\"status 3\"},{\"id\":\"s:3\",\"status\":\"not_now\",\"colour\":\"\"}]}");
	const struct report_result *v = c.report.results;

	assert_int_equal(c.report.nresults, 3);
	assert_string_equal(v[0].id, "s:1");
	assert_int_equal(v[0].status, RESULT_OK);
	assert_int_equal(v[1].status, RESULT_ERROR);
	assert_string_equal(v[1].code, "trust-store");
	assert_string_equal(v[1].detail, "status 3");
	assert_int_equal(v[2].status, RESULT_NOT_NOW);
}

static void
results_with_a_bad_member_are_refused(void **state)
{
	struct box *b = *state;

	bad(b, "{\"protocol\":1,\"results\":[{\"status\":\"ok\"}]}", "id");
	bad(b, "{\"protocol\":1,\"results\":[{\"id\":7,\"status\":\"ok\"}]}", "id");
	bad(b, "{\"protocol\":1,\"results\":[{\"id\":\"a\"}]}", "status");
	bad(b, "{\"protocol\":1,\"results\":[{\"id\":\"a\",\"status\":\"fine\"}]}", "status");
	bad(b, "{\"protocol\":1,\"results\":[{\"id\":\"a\",\"status\":\"ok\",\"code\":7}]}",
	    "code");
	bad(b, "{\"protocol\":1,\"results\":[{\"id\":\"a\",\"status\":\"ok\",\"detail\":{}}]}",
	    "detail");
	bad(b, "{\"protocol\":1,\"results\":[null]}", "id");
	bad(b, "{\"protocol\":1,\"results\":{}}", "results");
}

static void
codes_become_faults_with_a_next_step(void **state)
{
	static const struct {
		const char *code, *fault;
	} rows[] = {
		{ "decrypt_failed", "device-cannot-decrypt" },
		{ "user_locked", "device-locked" },
		{ "user_approval", "device-approval" },
		{ "not_permitted", "device-forbidden" },
		{ "scep_http_503", "device-scep-unreachable" },
		{ "scep_failinfo_2", "device-scep-refused" },
		{ "trust-store", "trust-store" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(agent_code_fault(rows[i].code), rows[i].fault);
	assert_null(agent_code_fault("something_else"));
	assert_null(agent_code_fault(""));
	assert_null(agent_code_fault(NULL));
	assert_null(agent_code_fault("internal"));
}

static err_t
platform(struct box *b, const char *facts, struct device *ret)
{
	json_free(steal(b->msg));
	expect_ok(json_parse(str_c(facts), LIMIT_HTTP_BODY, &b->msg));
	return agent_platform_read(b->msg, ret);
}

static void
the_platform_follows_from_mode_and_ownership(void **state)
{
	static const struct {
		const char *facts, *platform;
		enum device_ownership ownership;
	} rows[] = {
		{ "{}", "linux", OWNERSHIP_UNKNOWN },
		{ "{\"platform\":\"linux\",\"ownership\":\"corporate\"}", "linux",
		    OWNERSHIP_COMPANY },
		{ "{\"platform\":\"android\",\"mode\":\"device_owner\"}", "androidDeviceOwner",
		    OWNERSHIP_COMPANY },
		{ "{\"platform\":\"android\",\"mode\":\"device_owner\",\"google_services\":false}",
		    "androidAOSP", OWNERSHIP_COMPANY },
		{ "{\"platform\":\"android\",\"mode\":\"profile_owner\"}", "androidWorkProfile",
		    OWNERSHIP_PERSONAL },
		{ "{\"platform\":\"android\",\"mode\":\"profile_owner\",\"ownership\":\"corporate\"}",
		    "androidDeviceOwner", OWNERSHIP_COMPANY },
		{ "{\"platform\":\"android\",\"mode\":\"device_admin\"}", "android",
		    OWNERSHIP_PERSONAL },
	};
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct device d = { 0 };

		expect_ok(platform(b, rows[i].facts, &d));
		assert_string_equal(d.platform, rows[i].platform);
		assert_int_equal(d.ownership, rows[i].ownership);
	}
}

static void
a_platform_that_does_not_exist_is_refused(void **state)
{
	static const char *const rows[] = { "{\"platform\":\"ios\"}", "{\"platform\":7}",
		"{\"platform\":\"android\"}", "{\"platform\":\"android\",\"mode\":\"root\"}",
		"{\"ownership\":\"mine\"}",
		"{\"platform\":\"android\",\"mode\":\"device_owner\",\"google_services\":1}" };
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct device d = { .platform = "" };

		expect_err(ERR_BAD_REQUEST, platform(b, rows[i], &d));
		assert_string_equal(d.platform, "");
	}
}

static void
commands_are_written_with_what_their_kind_needs(void **state)
{
	struct box *b = *state;
	const uint8_t hash[32] = { 0xab };
	const char *apps[] = { "com.example.vpn" };
	const struct primitive what = { .access = { .packages = apps, .npackages = 1 } };
	const struct profile wifi = { .display_name = "Wi-Fi" };
	const char *server = "radius";
	const struct str root = LIT("der");
	const struct wifi office = { .ssid = "office",
		.hidden = true,
		.security = WIFI_WPA2_ENTERPRISE,
		.eap = WIFI_EAP_TLS,
		.servers = { &server, 1 },
		.user = "ada" };
	const struct use use = { .kind = USE_WIFI,
		.wifi = &office,
		.roots = &root,
		.nroots = 1,
		.alias = "chancery-2" };
	const struct primitive network = { .kind = PRIM_NETWORK, .use = &use };
	const struct device_edge edge = { .poll_seconds = 60 };
	const struct command v[] = {
		{ .kind = COMMAND_INSTALL_CA,
		    .id = "s:1",
		    .alias = "chancery-1",
		    .der = LIT("der") },
		{ .kind = COMMAND_INSTALL_IDENTITY,
		    .id = "s:2",
		    .alias = "chancery-2",
		    .pfx = LIT("pfx"),
		    .password = LIT("pw"),
		    .sha256 = STR(hash),
		    .profile = &wifi,
		    .what = &what },
		{ .kind = COMMAND_REMOVE_CA, .id = "s:3", .alias = "chancery-3" },
		{ .kind = COMMAND_REMOVE_IDENTITY, .id = "s:4", .alias = "chancery-4" },
		{ .kind = COMMAND_INSTALL_NETWORK,
		    .id = "s:5",
		    .alias = "chancery-5",
		    .sha256 = STR(hash),
		    .profile = &wifi,
		    .what = &network },
		{ .kind = COMMAND_REMOVE_NETWORK, .id = "s:6", .alias = "chancery-6" },
	};
	auto_json json *j = NULL;
	struct str text;

	expect_ok(agent_commands_write(&edge, b->a, STR_EMPTY, v, COUNT(v), &j));
	expect_ok(json_print(b->a, j, &text));
	assert_string_equal(arena_cstr(b->a, text),
	    "{\"commands\":["
	    "{\"id\":\"s:1\",\"kind\":\"install_ca\",\"alias\":\"chancery-1\",\"der\":\"ZGVy\"},"
	    "{\"id\":\"s:2\",\"kind\":\"install_identity\",\"alias\":\"chancery-2\",\"name\":\"Wi-Fi\","
	    "\"pfx\":\"cGZ4\",\"password\":\"cHc=\","
	    "\"sha256\":\"ab00000000000000000000000000000000000000000000000000000000000000\","
	    "\"scope\":\"device\",\"access\":{\"mode\":\"grant\",\"apps\":[\"com.example.vpn\"]}},"
	    "{\"id\":\"s:3\",\"kind\":\"remove_ca\",\"alias\":\"chancery-3\"},"
	    "{\"id\":\"s:4\",\"kind\":\"remove_identity\",\"alias\":\"chancery-4\"},"
	    "{\"id\":\"s:5\",\"kind\":\"install_network\",\"alias\":\"chancery-5\",\"name\":\"Wi-Fi\","
	    "\"sha256\":\"ab00000000000000000000000000000000000000000000000000000000000000\","
	    "\"network\":{\"ssid\":\"office\",\"hidden\":true,\"automatic\":false,\"security\":\"wpa2-eap\","
	    "\"eap\":\"tls\",\"certificate\":\"chancery-2\",\"identity\":\"ada\",\"servers\":[\"radius\"],"
	    "\"roots\":[\"ZGVy\"],\"hardware_address\":false,\"proxy\":null}},"
	    "{\"id\":\"s:6\",\"kind\":\"remove_network\",\"alias\":\"chancery-6\"}],\"next_poll_seconds\":60}");
}

static void
an_open_network_has_nothing_of_802_1x(void **state)
{
	struct box *b = *state;
	const uint8_t hash[32] = { 0xab };
	const struct profile guests = { .display_name = "Guests" };
	const struct wifi w = { .ssid = "guests", .security = WIFI_OPEN, .automatic = true };
	const struct use use = { .kind = USE_WIFI, .wifi = &w, .alias = "" };
	const struct primitive what = { .kind = PRIM_NETWORK, .use = &use };
	const struct device_edge edge = { .poll_seconds = 60 };
	const struct command c = { .kind = COMMAND_INSTALL_NETWORK,
		.id = "s:5",
		.alias = "chancery-5",
		.sha256 = STR(hash),
		.profile = &guests,
		.what = &what };
	auto_json json *j = NULL;
	struct str text;

	expect_ok(agent_commands_write(&edge, b->a, STR_EMPTY, &c, 1, &j));
	expect_ok(
	    json_print(b->a, json_get(json_at(json_get(j, "commands"), 0), "network"), &text));
	assert_string_equal(arena_cstr(b->a, text),
	    "{\"ssid\":\"guests\",\"hidden\":false,\"automatic\":true,\"security\":\"open\","
	    "\"hardware_address\":false,\"proxy\":null}");
}

static void
no_commands_are_an_empty_list(void **state)
{
	struct box *b = *state;
	const struct device_edge edge = { .poll_seconds = 5 };
	auto_json json *j = NULL;

	expect_ok(agent_commands_write(&edge, b->a, STR_EMPTY, NULL, 0, &j));
	assert_true(json_is_array(json_get(j, "commands")));
	assert_int_equal(json_count(json_get(j, "commands")), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void
who_does_not_say_that_it_can_be_wiped_never_is(void **state)
{
	struct box *b = *state;

	assert_int_equal(good(b, "{\"protocol\":1}").report.wipe, REPORT_WIPE_NEVER);
	assert_int_equal(good(b, "{\"protocol\":1,\"wipe\":false}").report.wipe, REPORT_WIPE_NEVER);
	assert_int_equal(good(b, "{\"protocol\":1,\"wipe\":null}").report.wipe, REPORT_WIPE_NEVER);
	assert_int_equal(good(b, "{\"protocol\":1,\"wipe\":true}").report.wipe, REPORT_WIPE_CAN);
	bad(b, "{\"protocol\":1,\"wipe\":\"true\"}", "wipe");
	bad(b, "{\"protocol\":1,\"wipe\":1}", "wipe");
}

static void
a_wipe_is_told_with_its_id_and_nothing_else(void **state)
{
	struct box *b = *state;
	const struct device_edge edge = { .poll_seconds = 60 };
	const struct command c = { .kind = COMMAND_WIPE, .id = "d:wipe" };
	auto_json json *body = NULL;
	struct str text;

	expect_ok(agent_commands_write(&edge, b->a, STR_EMPTY, &c, 1, &body));
	expect_ok(json_print(b->a, json_at(json_get(body, "commands"), 0), &text));
	assert_string_equal(arena_cstr(b->a, text), "{\"id\":\"d:wipe\",\"kind\":\"wipe\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_smallest_message_reports_nothing),
		CASE(another_version_of_the_protocol_is_told_so),
		CASE(waiting_is_capped),
		CASE(members_that_are_not_known_are_passed_over),
		CASE(facts_are_read),
		CASE(a_fact_may_be_missing_or_null),
		CASE(facts_that_are_no_texts_are_refused),
		CASE(the_inventory_is_read),
		CASE(an_empty_inventory_is_one),
		CASE(items_with_a_bad_member_are_refused),
		CASE(no_more_is_read_than_a_device_may_report),
		CASE(results_are_read),
		CASE(results_with_a_bad_member_are_refused),
		CASE(codes_become_faults_with_a_next_step),
		CASE(the_platform_follows_from_mode_and_ownership),
		CASE(a_platform_that_does_not_exist_is_refused),
		CASE(commands_are_written_with_what_their_kind_needs),
		CASE(an_open_network_has_nothing_of_802_1x),
		CASE(no_commands_are_an_empty_list),
		CASE(who_does_not_say_that_it_can_be_wiped_never_is),
		CASE(a_wipe_is_told_with_its_id_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

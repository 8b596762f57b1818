/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "device/apple_fault.h"
#include "device/apple_msg.h"

#define P(body) "<plist version=\"1.0\"><dict>" body "</dict></plist>"
#define S(key, value) "<key>" key "</key><string>" value "</string>"
#define ID S("UDID", "00008110-000A1C2E3F00801E")

static struct apple_msg
read_ok(struct arena *a, const char *text)
{
	struct apple_msg m = { 0 };

	expect_ok(apple_msg_read(a, str_c(text), &m));
	return m;
}

static void
tells_check_ins_from_commands(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_msg m;

	(void)state;
	m = read_ok(a, P(S("MessageType", "Authenticate") ID S("Topic", "com.apple.mgmt.X")));
	assert_int_equal(m.type, APPLE_AUTHENTICATE);
	assert_string_equal(m.udid, "00008110-000A1C2E3F00801E");
	assert_string_equal(m.topic, "com.apple.mgmt.X");
	assert_string_equal(m.channel, "");
	m = read_ok(a, P(S("Status", "Idle") ID));
	assert_int_equal(m.type, APPLE_COMMAND);
	assert_int_equal(m.status, APPLE_IDLE);
	m = read_ok(a, P(S("Status", "NotNow") S("CommandUUID", "c") S("EnrollmentID", "E")));
	assert_int_equal(m.status, APPLE_NOT_NOW);
	assert_string_equal(m.udid, "E");
	m = read_ok(a, P(S("Status", "CommandFormatError") S("CommandUUID", "c") ID));
	assert_int_equal(m.status, APPLE_ERROR);
	assert_string_equal(m.code, "CommandFormatError");
}

static void
a_user_of_a_mac_has_a_channel(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_msg m;

	(void)state;
	m = read_ok(a, P(S("Status", "Idle") ID S("UserID", "AB-1") S("UserShortName", "ada")));
	assert_string_equal(m.channel, "AB-1");
	assert_string_equal(m.user, "ada");
	m = read_ok(a,
	    P(S("Status", "Idle") ID S("UserID", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF")
		    S("UserShortName", "ada")));
	assert_string_equal(m.channel, "ada");
}

static void
refuses_messages_that_lack_something(void **state)
{
	static const char *const bad[] = {
		"<plist version=\"1.0\"><array/></plist>",
		P(""),
		P(S("Status", "Idle")),
		P(S("Status", "Happy") ID),
		P(S("MessageType", "Unknown") ID),
		P(S("Status", "Acknowledged") ID),
		P(S("MessageType", "TokenUpdate") ID),
		P(S("MessageType", "TokenUpdate") ID "<key>Token</key><data>AAEC</data>"),
		P(S("MessageType", "TokenUpdate") ID
		    "<key>Token</key><string>x</string>" S("PushMagic", "m")),
		P("<key>Status</key><integer>1</integer>" ID),
		P(S("Status", "Idle") "<key>UDID</key><data>AA==</data>"),
		P(S("Status", "Idle") ID S("UserID", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF")),
		P(S("Status", "Error") S("CommandUUID", "c") ID
		    "<key>ErrorChain</key><string>x</string>"),
	};
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct apple_msg m = { 0 };
		err_t e = apple_msg_read(a, str_c(bad[i]), &m);

		if (err_ok(e))
			fail_msg("taken: %s", bad[i]);
		err_forget(e);
		assert_null(m.body);
	}
}

static void
the_cause_is_the_last_of_the_chain(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_msg m = read_ok(a,
	    P(S("Status", "Error") S("CommandUUID", "c-7") ID
		"<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>4001</integer>" S(
		    "ErrorDomain", "MCInstallationErrorDomain") S("USEnglishDescription",
		    "Profile Installation Failed") "</dict><dict><key>ErrorCode</key><integer>22013</integer>" S("ErrorDomain",
		    "MCSCEPErrorDomain") S("LocalizedDescription", "Antwort") "</dict></array>"));

	(void)state;
	assert_string_equal(m.code, "MCSCEPErrorDomain 22013");
	assert_string_equal(m.detail,
	    "Profile Installation Failed (MCInstallationErrorDomain 4001) > Antwort (MCSCEPErrorDomain 22013)");
	assert_string_equal(apple_fault(m.chain, m.nchain), "device-scep-refused");
}

static void
errors_become_faults_with_a_next_step(void **state)
{
	static const struct {
		const char *domain;
		int64_t number;
		const char *fault;
	} rows[] = {
		{ "MCProfileErrorDomain", 1006, "device-cannot-decrypt" },
		{ "MCProfileErrorDomain", 1000, "device-profile" },
		{ "MCInstallationErrorDomain", 4001, "device-profile" },
		{ "MCInstallationErrorDomain", 4009, "device-passcode" },
		{ "MCCertificateErrorDomain", 9000, "device-pfx" },
		{ "MCCertificateErrorDomain", 9004, "device-store" },
		{ "MCMDMErrorDomain", 12021, "device-os-old" },
		{ "MCSCEPErrorDomain", 22005, "device-scep-unreachable" },
		{ "MCSCEPErrorDomain", 22000, "device-scep-key" },
		{ "NSOSStatusErrorDomain", -25293, "device-pfx" },
		{ "MDM-SCEP", 15002, "device-scep-refused" },
		{ "MCMDMErrorDomain", 12007, "device-rights" },
		{ "MCMDMErrorDomain", 12008, "device-profile" },
		{ "MCWiFiErrorDomain", 13000, "device-certificate" },
		{ "MCWiFiErrorDomain", 13002, "device-profile" },
		{ "MCVPNErrorDomain", 15000, "device-profile" },
		{ "MCVPNErrorDomain", 15003, "device-certificate" },
		{ "NSURLErrorDomain", -1001, "device-scep-unreachable" },
		{ "SomethingNew", 1, "device-refused" },
		{ "MCSCEPErrorDomain", 99999, "device-refused" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct apple_link chain[] = { { "MCInstallationErrorDomain", 4001 },
			{ rows[i].domain, rows[i].number } };

		assert_string_equal(apple_fault(chain, 2), rows[i].fault);
		assert_string_equal(apple_fault(&chain[1], 1), rows[i].fault);
	}
	assert_string_equal(apple_fault(NULL, 0), "device-refused");
}

/* Letters of what to do next, by the catalogue; 0: it has no such fault. */
static size_t
fault_hint(const char *id)
{
	const struct err_info *info = err_info_by_id(id);

	return info == NULL ? 0 : strlen(info->hint);
}

/* Each number that Apple's systems are known to answer with has a fault of its own, not the one for what nobody knows. */
static void
every_error_that_is_known_has_a_next_step_of_its_own(void **state)
{
	static const struct {
		const char *domain;
		int64_t numbers[32]; /* ended by 0 */
	} known[] = {
		{ "MCProfileErrorDomain",
		    { 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010 } },
		{ "MCPayloadErrorDomain", { 2000, 2001, 2002, 2003, 2004, 2005 } },
		{ "MCInstallationErrorDomain",
		    { 4000, 4001, 4002, 4003, 4004, 4005, 4008, 4009, 4010, 4012, 4013, 4014, 4016,
			4022, 4023, 4024 } },
		{ "MCKeychainErrorDomain", { 6000 } },
		{ "MCEmailErrorDomain", { 7003, 7004 } },
		{ "MCCertificateErrorDomain", { 9000, 9001, 9002, 9004, 9005, 9006 } },
		{ "MCMDMErrorDomain",
		    { 12000, 12001, 12002, 12004, 12005, 12006, 12007, 12008, 12009, 12011, 12012,
			12013, 12016, 12020, 12021, 12022, 12075, 12076 } },
		{ "MCWiFiErrorDomain", { 13000, 13001, 13002, 13004 } },
		{ "MCVPNErrorDomain", { 15000, 15003 } },
		{ "MCEASErrorDomain", { 21006, 21007 } },
		{ "MCSCEPErrorDomain",
		    { 22000, 22001, 22002, 22003, 22004, 22005, 22006, 22007, 22008, 22009, 22010,
			22011, 22012, 22013 } },
		{ "MCHTTPTransactionErrorDomain", { 23000, 23001, 23002 } },
		{ "MDM-SCEP", { 15002 } },
		{ "NSOSStatusErrorDomain", { -25293, -67731, -50 } },
		{ "NSPOSIXErrorDomain", { 1 } },
		{ "MDMClientError", { 1, -1 } },
		{ "CPProfileManagerErrorDomain", { 1, -1 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++)
		for (size_t k = 0; known[i].numbers[k] != 0; k++) {
			struct apple_link chain[] = { { "MCInstallationErrorDomain", 4001 },
				{ known[i].domain, known[i].numbers[k] } };
			const char *fault = apple_fault(chain, 2);

			if (strcmp(fault, "device-refused") == 0)
				fail_msg(
				    "%s %lld", known[i].domain, (long long)known[i].numbers[k]);
			assert_true(fault_hint(fault) > 10);
		}
}

static void
a_device_that_gives_no_reason_says_so(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_msg m =
	    read_ok(a, P(S("Status", "CommandFormatError") S("CommandUUID", "c-7") ID));

	(void)state;
	assert_int_equal(m.status, APPLE_ERROR);
	assert_string_equal(m.code, "CommandFormatError");
	assert_true(strlen(m.detail) > 0);
	assert_string_equal(apple_fault(m.chain, m.nchain), "device-profile");
	m = read_ok(a, P(S("Status", "Error") S("CommandUUID", "c-7") ID));
	assert_true(strlen(m.detail) > 0);
	assert_string_equal(apple_fault(m.chain, m.nchain), "device-refused");
}

static void
what_the_system_says_below_the_cause_does_not_hide_it(void **state)
{
	static const struct apple_link scep[] = { { "MCInstallationErrorDomain", 4001 },
		{ "MCSCEPErrorDomain", 22013 }, { "NSCocoaErrorDomain", 3840 } };
	static const struct apple_link pfx[] = { { "MCInstallationErrorDomain", 4001 },
		{ "MCCertificateErrorDomain", 9000 }, { "NSOSStatusErrorDomain", -26275 } };

	(void)state;
	assert_string_equal(apple_fault(scep, COUNT(scep)), "device-scep-refused");
	assert_string_equal(apple_fault(pfx, COUNT(pfx)), "device-pfx");
}

static void
what_a_removal_finds_gone_is_removed(void **state)
{
	static const struct apple_link gone[][2] = { { { "MCMDMErrorDomain", 12075 }, { "X", 1 } },
		{ { "MCMDMErrorDomain", 12013 }, { "X", 1 } },
		{ { "X", 1 }, { "MCInstallationErrorDomain", 4024 } } };
	static const struct apple_link there = { "MCInstallationErrorDomain", 4001 };

	(void)state;
	for (size_t i = 0; i < COUNT(gone); i++)
		assert_true(apple_gone_already(gone[i], 2));
	assert_false(apple_gone_already(&there, 1));
	assert_false(apple_gone_already(NULL, 0));
}

static struct device
facts(struct arena *a, const char *text)
{
	struct device d = { 0 };
	struct pl *p;

	expect_ok(pl_parse(a, str_c(text), &p));
	expect_ok(apple_facts_read(a, p, &d));
	return d;
}

static void
facts_name_platform_and_numbers(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct device d;

	(void)state;
	d = facts(a,
	    P(S("ProductName", "iPhone15,2") S("SerialNumber", "F2") S("IMEI", "35 099900 176148 1")
		    S("WiFiMAC", "a4:83") S("OSVersion", "17.4") S("DeviceName", "Ada")));
	assert_string_equal(d.platform, "ios");
	assert_string_equal(d.os, "iOS");
	assert_string_equal(d.imei, "350999001761481");
	assert_string_equal(d.serial, "F2");
	assert_string_equal(d.name, "Ada");
	assert_null(d.meid);
	d = facts(a,
	    P(S("ProductName", "Mac14,2") S("ModelName", "MacBook Air")
		    S("HostName", "ada.example")));
	assert_string_equal(d.platform, "macos");
	assert_string_equal(d.model, "MacBook Air");
	assert_string_equal(d.fqdn, "ada.example");
	d = facts(a, P(S("ProductName", "iPad13,1")));
	assert_string_equal(d.os, "iPadOS");
}

static void
of_two_subscriptions_the_one_for_data_counts(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct device d = facts(a,
	    P("<key>ServiceSubscriptions</key><array><dict>" S("IMEI", "11 1") "</dict><dict>" S(
		"IMEI", "22 2") "<key>IsDataPreferred</key><true/></dict></array>"));

	(void)state;
	assert_string_equal(d.imei, "222");
	d = facts(a,
	    P("<key>ServiceSubscriptions</key><array><dict>" S("Slot", "CTSubscriptionSlotTwo")
		    S("IMEI", "22") "</dict><dict>" S("Slot", "CTSubscriptionSlotOne")
			S("IMEI", "11") "</dict></array>"));
	assert_string_equal(d.imei, "11");
}

static void
lists_show_what_is_ours(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_listed *v;
	struct apple_held *h;
	struct pl *p;
	size_t n;

	(void)state;
	expect_ok(pl_parse(a,
	    str_c(P("<key>ProfileList</key><array><dict>" S("PayloadIdentifier", "chancery-1") S(
		"PayloadUUID", "U1") "</dict><dict>" S("PayloadIdentifier",
		"com.example") S("PayloadUUID",
		"U2") "</dict></array><key>CertificateList</key><array><dict><key>IsIdentity</key><true/>"
		      "<key>Data</key><data>AAEC</data></dict><dict><key>IsIdentity</key><false/></dict></array>")),
	    &p));
	expect_ok(apple_profiles_read(a, p, "chancery-", &v, &n));
	assert_int_equal(n, 1);
	assert_string_equal(v[0].uuid, "U1");
	expect_ok(apple_certificates_read(a, p, &h, &n));
	assert_int_equal(n, 1);
	assert_true(h[0].identity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_check_ins_from_commands),
		cmocka_unit_test(a_user_of_a_mac_has_a_channel),
		cmocka_unit_test(refuses_messages_that_lack_something),
		cmocka_unit_test(the_cause_is_the_last_of_the_chain),
		cmocka_unit_test(errors_become_faults_with_a_next_step),
		cmocka_unit_test(every_error_that_is_known_has_a_next_step_of_its_own),
		cmocka_unit_test(a_device_that_gives_no_reason_says_so),
		cmocka_unit_test(what_the_system_says_below_the_cause_does_not_hide_it),
		cmocka_unit_test(what_a_removal_finds_gone_is_removed),
		cmocka_unit_test(facts_name_platform_and_numbers),
		cmocka_unit_test(of_two_subscriptions_the_one_for_data_counts),
		cmocka_unit_test(lists_show_what_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The document of a Wi-Fi network for Windows: every setting stands where the schemas have it. */
#include "radius.h"

#include "codec/oid.h"
#include "codec/xml.h"
#include "device/windows_wifi.h"

static struct wifi
office(void)
{
	return (struct wifi){ .name = "Office",
		.ssid = "office & <guests>",
		.security = WIFI_WPA2_ENTERPRISE,
		.eap = WIFI_EAP_TLS,
		.inner = FIELD_UNSET,
		.windows = { .pause = 1,
		    .period = 18,
		    .start_period = 5,
		    .starts = 3,
		    .failures = 1,
		    .timeout = 10,
		    .keys = 128,
		    .key_minutes = 720,
		    .earlies = 3,
		    .checks_server = true } };
}

static struct xml_node *
printed(struct radius *f, const struct use *u, bool of_machine)
{
	struct xml_node *root;
	const char *text;

	expect_ok(windows_wifi_print(f->a, u, "", of_machine, &text));
	expect_ok(xml_parse(f->a, str_c(text), &root));
	return root;
}

/* The first element of that name, wherever it stands. */
static const struct xml_node *
any(const struct xml_node *n, const char *name)
{
	for (; n != NULL; n = n->next) {
		const struct xml_node *below;

		if (strcmp(n->name, name) == 0)
			return n;
		below = any(n->child, name);
		if (below != NULL)
			return below;
	}
	return NULL;
}

static void
says(const struct xml_node *root, const char *name, const char *text)
{
	const struct xml_node *n = any(root, name);

	if (n == NULL || strcmp(n->text, text) != 0)
		fail_msg("%s is %s, not %s", name, n == NULL ? "(none)" : n->text, text);
}

static void
names_are_written_so_that_they_are_read_as_they_are(void **state)
{
	struct radius *f = *state;
	struct wifi w = office();
	const struct use u = { .kind = USE_WIFI, .wifi = &w, .alias = "" };
	const struct xml_node *root = printed(f, &u, false);

	says(root, "name", "office & <guests>");
	says(root, "hex", "6F66666963652026203C6775657374733E");
	says(root, "connectionMode", "manual");
	assert_null(any(root, "autoSwitch"));
	assert_string_equal(
	    windows_wifi_node(f->a, &w), "/Vendor/MSFT/WiFi/Profile/office%20%26%20%3Cguests%3E");
}

static void
a_certificate_is_told_from_others_by_its_issuer_and_its_purposes(void **state)
{
	struct radius *f = *state;
	struct wifi w = office();
	const char *ekus[] = { OID_EKU_CLIENT_AUTH, "1.3.6.1.4.1.311.20.2.2" };
	struct use u = { .kind = USE_WIFI,
		.wifi = &w,
		.alias = "chancery-1",
		.ekus = ekus,
		.nekus = 2,
		.roots = &f->der,
		.nroots = 1,
		.issuer = f->der };
	const struct xml_node *root = printed(f, &u, true);

	assert_int_equal(strlen(any(root, "IssuerHash")->text), 59);
	assert_string_equal(any(root, "IssuerHash")->text, any(root, "TrustedRootCA")->text);
	says(root, "EKUOID", "1.3.6.1.4.1.311.20.2.2");
	says(any(root, "EKUMapInList"), "EKUName", "1.3.6.1.4.1.311.20.2.2");
	says(root, "authMode", "machine");
	u.nekus = 1;
	u.issuer = STR_EMPTY;
	root = printed(f, &u, false);
	assert_null(any(root, "CAHashList"));
	assert_null(any(root, "EKUMapping"));
	assert_non_null(any(root, "ClientAuthEKUList"));
	says(root, "authMode", "user");
	u.nekus = 0;
	assert_null(any(printed(f, &u, false), "TLSExtensions"));
}

static void
each_method_has_its_own_form(void **state)
{
	struct radius *f = *state;
	struct wifi w = office();
	const char *server = "radius.example.test";
	const struct use u = {
		.kind = USE_WIFI, .wifi = &w, .alias = "x", .roots = &f->der, .nroots = 1
	};
	const struct xml_node *root;

	w.servers = (struct field_texts){ &server, 1 };
	w.eap = WIFI_PEAP;
	w.outer = "anonymous";
	w.windows.binding = true;
	root = printed(f, &u, false);
	says(root, "Type", "25");
	says(root, "AnonymousUserName", "anonymous");
	says(root, "RequireCryptoBinding", "true");
	says(root, "ServerNames", server);
	assert_non_null(any(root, "CredentialsSource"));
	w.authentication = USE_PASSWORD;
	root = printed(f, &u, false);
	assert_null(any(root, "CredentialsSource"));
	says(root, "UseWinLogonCredentials", "false");
	w.eap = WIFI_EAP_TTLS;
	w.inner = INNER_PAP;
	root = printed(f, &u, false);
	says(root, "AuthorId", "311");
	says(root, "AnonymousIdentity", "anonymous");
	assert_non_null(any(root, "PAPAuthentication"));
	w.inner = INNER_CHAP;
	assert_non_null(any(printed(f, &u, false), "CHAPAuthentication"));
	w.inner = INNER_MSCHAP;
	assert_non_null(any(printed(f, &u, false), "MSCHAPAuthentication"));
	w.inner = INNER_MSCHAP_V2;
	w.windows.sign_on = SIGN_ON_BEFORE;
	says(printed(f, &u, false), "UseWinlogonCredentials", "true");
	w.authentication = USE_CERTIFICATE;
	root = any(printed(f, &u, false), "Phase2Authentication");
	says(root, "Type", "13");
}

static void
every_switch_is_written(void **state)
{
	struct radius *f = *state;
	struct wifi w = office();
	const struct use u = { .kind = USE_WIFI, .wifi = &w, .alias = "" };
	const struct xml_node *root;

	w.automatic = w.hidden = true;
	w.windows = (struct wifi_windows){ .prefers_others = true,
		.fips = true,
		.cache_keys = true,
		.early = true,
		.cache_password = true,
		.prompts = true,
		.asks_nobody = true,
		.own_lan = true,
		.checks_server = true,
		.who = WHO_EITHER,
		.sign_on = SIGN_ON_AFTER,
		.period = 21,
		.pause = 22,
		.start_period = 23,
		.failures = 24,
		.timeout = 25,
		.starts = 26,
		.keys = 27,
		.key_minutes = 28,
		.earlies = 9 };
	root = printed(f, &u, false);
	says(root, "connectionMode", "auto");
	says(root, "nonBroadcast", "true");
	says(root, "autoSwitch", "true");
	says(root, "FIPSMode", "true");
	says(root, "PMKCacheMode", "enabled");
	says(root, "PMKCacheTTL", "28");
	says(root, "PMKCacheSize", "27");
	says(root, "preAuthMode", "enabled");
	says(root, "preAuthThrottle", "9");
	says(root, "cacheUserData", "true");
	says(root, "heldPeriod", "22");
	says(root, "authPeriod", "21");
	says(root, "startPeriod", "23");
	says(root, "maxStart", "26");
	says(root, "maxAuthFailures", "24");
	says(root, "authMode", "machineOrUser");
	says(any(root, "singleSignOn"), "type", "postLogon");
	says(root, "maxDelay", "25");
	says(root, "allowAdditionalDialogs", "true");
	says(root, "userBasedVirtualLan", "true");
	says(root, "DisableUserPromptForServerValidation", "true");
	w = office();
	w.security = WIFI_WPA_ENTERPRISE;
	w.windows.who = WHO_GUEST;
	root = printed(f, &u, false);
	says(root, "encryption", "TKIP");
	says(root, "authMode", "guest");
	says(root, "PMKCacheMode", "disabled");
	assert_null(any(root, "singleSignOn"));
	assert_null(any(root, "PMKCacheTTL"));
	assert_null(any(root, "preAuthThrottle"));
	assert_null(any(root, "FIPSMode"));
}

static void
a_document_that_is_too_large_is_refused(void **state)
{
	struct radius *f = *state;
	struct wifi w = office();
	const char *names[40], *text;
	struct use u = { .kind = USE_WIFI, .wifi = &w, .alias = "" };
	char *name = arena_alloc(f->a, 1001);

	memset(name, 'x', 1000);
	name[1000] = '\0';
	for (size_t i = 0; i < COUNT(names); i++)
		names[i] = name;
	w.servers = (struct field_texts){ names, COUNT(names) };
	expect_err(ERR_TOO_LARGE, windows_wifi_print(f->a, &u, "", false, &text));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, radius_setup, radius_teardown)

static const struct xml_node *
printed_with(struct radius *f, int64_t security, const char *key)
{
	struct wifi *w = ARENA_NEW(f->a, struct wifi);
	const struct use u = { .kind = USE_WIFI, .wifi = w, .alias = "" };
	struct xml_node *root;
	const char *text;

	*w = office();
	w->security = security;
	expect_ok(windows_wifi_print(f->a, &u, key, true, &text));
	expect_ok(xml_parse(f->a, str_c(text), &root));
	return root;
}

static void
a_network_by_a_key_says_the_key_and_nothing_of_802_1x(void **state)
{
	static const char digits[] =
	    "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff";
	const struct xml_node *root = printed_with(*state, WIFI_WPA2_PERSONAL, "a <phrase> & more");

	says(root, "authentication", "WPA2PSK");
	says(root, "encryption", "AES");
	says(root, "useOneX", "false");
	says(root, "keyType", "passPhrase");
	says(root, "protected", "false");
	says(root, "keyMaterial", "a <phrase> & more");
	assert_null(any(root, "OneX"));
	assert_null(any(root, "PMKCacheMode"));
	root = printed_with(*state, WIFI_WPA_PERSONAL, digits);
	says(root, "authentication", "WPAPSK");
	says(root, "encryption", "TKIP");
	says(root, "keyType", "networkKey");
	says(root, "keyMaterial", digits);
}

static void
an_open_network_says_that_it_is_open(void **state)
{
	const struct xml_node *root = printed_with(*state, WIFI_OPEN, "");

	says(root, "authentication", "open");
	says(root, "encryption", "none");
	assert_null(any(root, "sharedKey"));
	assert_null(any(root, "OneX"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(names_are_written_so_that_they_are_read_as_they_are),
		T(a_network_by_a_key_says_the_key_and_nothing_of_802_1x),
		T(an_open_network_says_that_it_is_open),
		T(a_certificate_is_told_from_others_by_its_issuer_and_its_purposes),
		T(each_method_has_its_own_form),
		T(every_switch_is_written),
		T(a_document_that_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

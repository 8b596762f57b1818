/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads that use a certificate: every setting says what Apple's reference has for it. */
#include "radius.h"

#include "codec/plist.h"
#include "device/apple_use.h"

#define CERTIFICATE "00000000-0000-0000-0000-00000000CE27"

/* The payload of that type, read back from what is written; NULL: none. */
static const struct pl *
printed(struct radius *f, struct use *u, bool user, const char *type)
{
	struct pl *content = pl_array(f->a), *back;
	struct str text;

	expect_ok(apple_use_print(f->a, u, "", "chancery-1", CERTIFICATE, user, content));
	expect_ok(pl_print(f->a, content, &text));
	expect_ok(pl_parse(f->a, text, &back));
	for (const struct pl *p = back->child; p != NULL; p = p->next)
		if (strcmp(pl_get(p, "PayloadType")->text, type) == 0)
			return p;
	return NULL;
}

static void
says(const struct pl *d, const char *key, const char *text)
{
	const struct pl *v = pl_get(d, key);

	if (v == NULL || v->kind != PL_TEXT || strcmp(v->text, text) != 0)
		fail_msg("%s is %s, not %s", key, v == NULL || v->text == NULL ? "(none)" : v->text,
		    text);
}

static void
counts(const struct pl *d, const char *key, int64_t number)
{
	const struct pl *v = pl_get(d, key);

	if (v == NULL || (v->kind != PL_INT && v->kind != PL_BOOL) || v->number != number)
		fail_msg("%s is %lld", key, v == NULL ? -1LL : (long long)v->number);
}

static struct wifi
office(void)
{
	return (struct wifi){ .name = "Office",
		.ssid = "office & <guests>",
		.security = WIFI_WPA2_ENTERPRISE,
		.eap = WIFI_EAP_TLS,
		.channel = FIELD_UNSET };
}

static void
a_network_names_its_certificate_and_whom_it_believes(void **state)
{
	struct radius *f = *state;
	const char *names[] = { "radius.example.test" };
	struct wifi w = office();
	struct use u = { .kind = USE_WIFI, .wifi = &w, .roots = &f->der, .nroots = 1 };
	const struct pl *p, *e, *root;

	w.servers = (struct field_texts){ names, 1 };
	w.outer = "anonymous";
	w.user = "ada@example.test";
	w.hidden = w.automatic = true;
	p = printed(f, &u, false, "com.apple.wifi.managed");
	root = printed(f, &u, false, "com.apple.security.root");
	assert_non_null(p);
	assert_non_null(root);
	assert_true(str_eq(pl_get(root, "PayloadContent")->data, f->der));
	says(p, "SSID_STR", "office & <guests>");
	says(p, "EncryptionType", "WPA2");
	says(p, "PayloadCertificateUUID", CERTIFICATE);
	says(p, "ProxyType", "None");
	counts(p, "HIDDEN_NETWORK", 1);
	counts(p, "AutoJoin", 1);
	assert_null(pl_get(p, "SetupModes"));
	e = pl_get(p, "EAPClientConfiguration");
	assert_int_equal(pl_get(e, "AcceptEAPTypes")->child->number, 13);
	counts(e, "TLSCertificateIsRequired", 1);
	assert_string_equal(pl_get(e, "PayloadCertificateAnchorUUID")->child->text,
	    pl_get(root, "PayloadUUID")->text);
	assert_string_equal(pl_get(e, "TLSTrustedServerNames")->child->text, "radius.example.test");
	says(e, "OuterIdentity", "anonymous");
	says(e, "UserName", "ada@example.test");
}

static void
a_mac_connects_before_anybody_signs_in_only_by_a_key_of_its_own(void **state)
{
	struct radius *f = *state;
	struct wifi w = office();
	struct use u = { .kind = USE_WIFI, .wifi = &w };

	w.on_mac = true;
	says(pl_get(printed(f, &u, false, "com.apple.wifi.managed"), "SetupModes")->child == NULL ?
		NULL :
		printed(f, &u, false, "com.apple.wifi.managed"),
	    "SSID_STR", w.ssid);
	assert_null(pl_get(printed(f, &u, true, "com.apple.wifi.managed"), "SetupModes"));
}

static void
each_way_to_a_proxy_and_each_method_is_said(void **state)
{
	struct radius *f = *state;
	struct wifi w = office();
	struct use u = { .kind = USE_WIFI, .wifi = &w };
	const struct pl *p;

	w.proxy = PROXY_MANUAL;
	w.proxy_host = "proxy.example.test";
	w.proxy_port = 3128;
	w.security = WIFI_WPA_ENTERPRISE;
	w.eap = WIFI_PEAP;
	w.fixed_address = true;
	p = printed(f, &u, false, "com.apple.wifi.managed");
	says(p, "ProxyType", "Manual");
	says(p, "ProxyServer", "proxy.example.test");
	counts(p, "ProxyServerPort", 3128);
	says(p, "EncryptionType", "WPA");
	counts(p, "DisableAssociationMACRandomization", 1);
	assert_int_equal(
	    pl_get(pl_get(p, "EAPClientConfiguration"), "AcceptEAPTypes")->child->number, 25);
	w.proxy = PROXY_AUTOMATIC;
	w.proxy_url = "https://proxy.example.test/x.pac";
	w.eap = WIFI_EAP_TTLS;
	p = printed(f, &u, false, "com.apple.wifi.managed");
	says(p, "ProxyType", "Auto");
	says(p, "ProxyPACURL", "https://proxy.example.test/x.pac");
	assert_null(pl_get(p, "ProxyServer"));
	assert_int_equal(
	    pl_get(pl_get(p, "EAPClientConfiguration"), "AcceptEAPTypes")->child->number, 21);
}

static void
a_makers_program_gets_its_settings_and_rules(void **state)
{
	struct radius *f = *state;
	static const struct {
		enum vpn_kind kind;
		const char *bundle;
	} rows[] = { { VPN_ANYCONNECT, "com.cisco.anyconnect.applevpn.plugin" },
		{ VPN_ANYCONNECT_V2, "com.cisco.anyconnect" },
		{ VPN_F5_EDGE, "com.f5.F5-Edge-Client.vpnplugin" },
		{ VPN_F5_ACCESS, "com.f5.access.ios" },
		{ VPN_SONICWALL, "com.sonicwall.SonicWALL-SSLVPN.vpnplugin" },
		{ VPN_CHECKPOINT, "com.checkpoint.CheckPoint-VPN.vpnplugin" },
		{ VPN_GLOBALPROTECT, "com.paloaltonetworks.GlobalProtect.vpnplugin" },
		{ VPN_GLOBALPROTECT_V2, "com.paloaltonetworks.globalprotect.vpn" },
		{ VPN_CITRIX_SSO, "com.citrix.NetScalerGateway.ios.app" },
		{ VPN_CUSTOM, "com.example.vpn" } };
	const char *domains[] = { "corp.example.test" };
	struct vpn_server server = { .address = "vpn.example.test" };
	struct vpn_pair pair = { "mode", "full" };
	struct vpn_rule rule = { .action = 1, .network = 2, .domains = { domains, 1 } };
	struct vpn_proxy proxy = { .address = "proxy.example.test", .port = 8080 };
	struct vpn v = { .name = "Corp",
		.server = &server,
		.group = "staff",
		.identifier = "com.example.vpn",
		.data = { &pair, 1 },
		.demands = { &rule, 1 },
		.proxy = &proxy,
		.provider = 2,
		.idle = true,
		.idle_seconds = 600 };
	struct use u = { .kind = USE_VPN, .vpn = &v };
	const struct pl *p = NULL, *own;

	for (size_t i = 0; i < COUNT(rows); i++) {
		v.connection = rows[i].kind;
		p = printed(f, &u, false, "com.apple.vpn.managed");
		says(p, "VPNType", "VPN");
		says(p, "VPNSubType", rows[i].bundle);
	}
	says(p, "UserDefinedName", "Corp");
	says(pl_get(p, "VendorConfig"), "Group", "staff");
	says(pl_get(p, "VendorConfig"), "mode", "full");
	says(pl_get(p, "Proxies"), "HTTPSProxy", "proxy.example.test");
	counts(pl_get(p, "Proxies"), "HTTPPort", 8080);
	own = pl_get(p, "VPN");
	says(own, "RemoteAddress", "vpn.example.test");
	says(own, "AuthenticationMethod", "Certificate");
	says(own, "PayloadCertificateUUID", CERTIFICATE);
	says(own, "ProviderType", "packet-tunnel");
	counts(own, "DisconnectOnIdleTimer", 600);
	counts(own, "OnDemandEnabled", 1);
	own = pl_get(own, "OnDemandRules")->child;
	says(own, "Action", "EvaluateConnection");
	says(own, "InterfaceTypeMatch", "WiFi");
	own = pl_get(own, "ActionParameters")->child;
	says(own, "DomainAction", "ConnectIfNeeded");
	assert_string_equal(pl_get(own, "Domains")->child->text, "corp.example.test");
}

static void
ipsec_and_ikev2_of_the_system_have_their_own_words(void **state)
{
	struct radius *f = *state;
	struct vpn_server server = { .address = "vpn.example.test" };
	struct vpn_ciphers ciphers = {
		.encryption = 3, .integrity = 1, .group = 20, .minutes = 60
	};
	struct vpn v = { .name = "Corp",
		.server = &server,
		.connection = VPN_IPSEC,
		.group = "staff",
		.remote = "vpn.example.test",
		.server_issuer = "Corp CA",
		.tls_min = 12,
		.tls_max = FIELD_UNSET,
		.secrecy = true,
		.dead_peer = 3,
		.mtu = 1280,
		.ike = &ciphers };
	struct use u = { .kind = USE_VPN, .vpn = &v, .local = "ada" };
	const struct pl *p = printed(f, &u, false, "com.apple.vpn.managed"), *own;

	says(p, "VPNType", "IPSec");
	assert_null(pl_get(p, "VPNSubType"));
	says(pl_get(p, "IPSec"), "LocalIdentifier", "staff");
	says(pl_get(p, "IPSec"), "PayloadCertificateUUID", CERTIFICATE);
	v.connection = VPN_IKEV2;
	p = printed(f, &u, false, "com.apple.vpn.managed");
	says(p, "VPNType", "IKEv2");
	own = pl_get(p, "IKEv2");
	says(own, "LocalIdentifier", "ada");
	says(own, "RemoteIdentifier", "vpn.example.test");
	says(own, "CertificateType", "RSA");
	says(own, "ServerCertificateIssuerCommonName", "Corp CA");
	says(own, "DeadPeerDetectionRate", "High");
	says(own, "TLSMinimumVersion", "1.2");
	assert_null(pl_get(own, "TLSMaximumVersion"));
	counts(own, "EnablePFS", 1);
	counts(own, "ExtendedAuthEnabled", 0);
	own = pl_get(own, "IKESecurityAssociationParameters");
	says(own, "EncryptionAlgorithm", "AES-256-GCM");
	says(own, "IntegrityAlgorithm", "SHA2-384");
	counts(own, "DiffieHellmanGroup", 20);
	counts(own, "LifeTimeInMinutes", 60);
	assert_null(pl_get(pl_get(p, "IKEv2"), "ChildSecurityAssociationParameters"));
}

static void
a_mail_account_says_what_its_certificate_is_for(void **state)
{
	struct radius *f = *state;
	struct mail m = { .account = "Work",
		.host = "mail.example.test",
		.ssl = true,
		.days = 7,
		.services = MAIL_MAIL,
		.signing = true,
		.encrypt_override = true,
		.per_message = true };
	struct use u = { .kind = USE_MAIL,
		.mail = &m,
		.user = "CORP\\ada",
		.address = "ada@example.test",
		.signs = true,
		.encrypts = true };
	const struct pl *p = printed(f, &u, false, "com.apple.eas.account");

	says(p, "Host", "mail.example.test");
	says(p, "UserName", "CORP\\ada");
	says(p, "EmailAddress", "ada@example.test");
	counts(p, "MailNumberOfPastDaysToSync", 7);
	counts(p, "EnableMail", 1);
	counts(p, "EnableNotes", 0);
	assert_null(pl_get(p, "PayloadCertificateUUID"));
	says(p, "SMIMESigningCertificateUUID", CERTIFICATE);
	says(p, "SMIMEEncryptionCertificateUUID", CERTIFICATE);
	counts(p, "SMIMESigningEnabled", 1);
	counts(p, "SMIMEEncryptByDefault", 0);
	counts(p, "SMIMEEncryptByDefaultUserOverrideable", 1);
	counts(p, "SMIMEEnableEncryptionPerMessageSwitch", 1);
	u.signs = u.encrypts = false;
	u.logs_on = true;
	m.days = FIELD_UNSET - 1;
	p = printed(f, &u, false, "com.apple.eas.account");
	says(p, "PayloadCertificateUUID", CERTIFICATE);
	assert_null(pl_get(p, "SMIMESigningCertificateUUID"));
	assert_null(pl_get(p, "MailNumberOfPastDaysToSync"));
}

static void
a_root_that_is_none_is_an_error(void **state)
{
	struct radius *f = *state;
	struct wifi w = office();
	struct str nonsense = str_of("nonsense", 8);
	struct use u = { .kind = USE_WIFI, .wifi = &w, .roots = &nonsense, .nroots = 1 };
	err_t e = apple_use_print(f->a, &u, "", "chancery-1", CERTIFICATE, false, pl_array(f->a));

	assert_false(err_ok(e));
	err_forget(e);
}

#define IN(f) cmocka_unit_test_setup_teardown(f, radius_setup, radius_teardown)

static const struct pl *
printed_with(struct radius *f, int64_t security, const char *key)
{
	struct wifi w = office();
	const struct use u = { .kind = USE_WIFI, .wifi = &w };
	struct pl *content = pl_array(f->a), *back;
	struct str text;

	w.security = security;
	expect_ok(apple_use_print(f->a, &u, key, "chancery-1", "", false, content));
	expect_ok(pl_print(f->a, content, &text));
	expect_ok(pl_parse(f->a, text, &back));
	assert_int_equal(pl_count(back), 1);
	return back->child;
}

static void
a_network_without_certificates_has_its_key_or_none(void **state)
{
	const struct pl *p = printed_with(*state, WIFI_WPA2_PERSONAL, "a <phrase> & more");

	says(p, "EncryptionType", "WPA2");
	says(p, "Password", "a <phrase> & more");
	assert_null(pl_get(p, "EAPClientConfiguration"));
	assert_null(pl_get(p, "PayloadCertificateUUID"));
	says(printed_with(*state, WIFI_WPA_PERSONAL, "a phrase"), "EncryptionType", "WPA");
	p = printed_with(*state, WIFI_OPEN, "");
	says(p, "EncryptionType", "None");
	assert_null(pl_get(p, "Password"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN(a_network_names_its_certificate_and_whom_it_believes),
		IN(a_network_without_certificates_has_its_key_or_none),
		IN(a_mac_connects_before_anybody_signs_in_only_by_a_key_of_its_own),
		IN(each_way_to_a_proxy_and_each_method_is_said),
		IN(a_makers_program_gets_its_settings_and_rules),
		IN(ipsec_and_ikev2_of_the_system_have_their_own_words),
		IN(a_mail_account_says_what_its_certificate_is_for),
		IN(a_root_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Wi-Fi, VPN and mail profiles: what they refer to, what they reduce to, and when a device gets them. */
#include "world.h"

#include "model/use.h"

/* A root and a certificate for telephones, assigned as those of the world. */
struct phone {
	struct profile root, pkcs;
};

static struct profile
certificate(struct world *w, const char *type)
{
	auto_json json *j = world_pkcs_json(w, SUBJECT);

	json_set_text(j, "@odata.type", type);
	json_del(j, "rootCertificate@odata.bind");
	json_del(j, "extendedKeyUsages");
	return world_profile(w, j);
}

static struct phone
phone_of(struct world *w)
{
	auto_json json *root = world_root_json(w, cert_der(w->root.cert));
	struct phone p;

	json_set_text(root, "@odata.type", "#microsoft.graph.iosTrustedRootCertificate");
	p.root = world_profile(w, root);
	p.pkcs = certificate(w, "#microsoft.graph.iosPkcsCertificateProfile");
	return p;
}

static json *
wifi_json(struct world *w, struct id certificate, struct id root)
{
	json *j = json_object_new(), *roots = json_array_new();

	json_set_text(j, "@odata.type", "#microsoft.graph.iosEnterpriseWiFiConfiguration");
	json_set_text(j, "displayName", "Office");
	json_set_text(j, "networkName", "Office");
	json_set_text(j, "ssid", "office");
	json_set_text(j, "wiFiSecurityType", "wpa2Enterprise");
	json_set_text(j, "eapType", "eapTls");
	json_set_text(j, WORLD_WIFI_IDENTITY, world_url(w, certificate));
	json_add(roots, json_text_new(world_url(w, root)));
	json_set(j, WORLD_WIFI_ROOTS, roots);
	return j;
}

static void
references_are_kept_shown_and_taken_back(void **state)
{
	WORLD(state);
	struct phone f = phone_of(w);
	auto_json json *body = wifi_json(w, f.pkcs.id, f.root.id);
	auto_json json *shown = NULL;
	auto_json json *again = NULL;
	struct profile p = world_profile(w, body);
	struct warnings warn;
	const json *refs;

	expect_ok(profile_json(w->a, &p, &shown));
	assert_null(json_get(shown, WORLD_WIFI_IDENTITY));
	refs = json_get(shown, REFS_SHOWN);
	assert_string_equal(json_text(json_get(refs, "identityCertificateForClientAuthentication")),
	    id_text(w->a, f.pkcs.id));
	assert_string_equal(
	    json_text(json_at(json_get(refs, "rootCertificatesForServerValidation"), 0)),
	    id_text(w->a, f.root.id));
	/* What is shown is not read. */
	json_set(shown, REFS_SHOWN, json_object_new());
	expect_ok(profile_update(w->store, w->a, "test", p.id, shown, &p, &warn));
	expect_ok(profile_json(w->a, &p, &again));
	assert_int_equal(json_count(json_get(again, REFS_SHOWN)), 2);
}

static void
a_reference_to_nothing_or_to_the_wrong_thing_is_refused(void **state)
{
	WORLD(state);
	struct phone f = phone_of(w);
	struct profile mac = certificate(w, "#microsoft.graph.macOSPkcsCertificateProfile");
	auto_json json *body = wifi_json(w, f.pkcs.id, f.root.id);
	auto_json json *wifi = wifi_json(w, f.pkcs.id, f.root.id);
	struct profile p = world_profile(w, wifi);

	json_set_text(body, WORLD_WIFI_IDENTITY, world_url(w, mac.id));
	world_invalid(w, body, "is for macos");
	json_set_text(body, WORLD_WIFI_IDENTITY, world_url(w, f.root.id));
	world_invalid(w, body, "no certificate profile");
	json_set_text(body, WORLD_WIFI_IDENTITY, world_url(w, p.id));
	world_invalid(w, body, "no certificate profile");
	json_set_text(body, WORLD_WIFI_IDENTITY, world_url(w, id_new()));
	world_invalid(w, body, "there is no profile");
	json_set_text(body, WORLD_WIFI_IDENTITY, "https://x.test/nonsense");
	world_invalid(w, body, "names no profile");
	json_set(body, WORLD_WIFI_IDENTITY, json_int_new(5));
	world_invalid(w, body, "must be a text");
	json_set(body, WORLD_WIFI_IDENTITY, json_null_new());
	world_invalid(w, body, "is missing");
	json_del(body, WORLD_WIFI_IDENTITY);
	world_invalid(w, body, "is missing");
	json_set_text(body, WORLD_WIFI_IDENTITY, world_url(w, f.pkcs.id));
	json_set_int(body, WORLD_WIFI_ROOTS, 5);
	world_invalid(w, body, "must be a list");
	json_set(body, WORLD_WIFI_ROOTS, json_array_new());
	for (int i = 0; i < 9; i++)
		json_add(json_get(body, WORLD_WIFI_ROOTS), json_text_new(world_url(w, f.root.id)));
	world_invalid(w, body, "8 at most");
	json_set(body, WORLD_WIFI_ROOTS, json_array_new());
	json_add(json_get(body, WORLD_WIFI_ROOTS), json_text_new(world_url(w, f.pkcs.id)));
	world_invalid(w, body, "no trusted root");
	json_del(body, WORLD_WIFI_ROOTS);
	json_set_text(body, "smimeSigningCertificate@odata.bind", world_url(w, f.pkcs.id));
	world_invalid(w, body, "smimeSigningCertificate");
}

static void
a_secret_is_refused_and_not_repeated(void **state)
{
	WORLD(state);
	struct phone f = phone_of(w);
	auto_json json *body = wifi_json(w, f.pkcs.id, f.root.id);
	struct err_report rep = { .code = ERR_NONE };
	struct warnings warn;
	struct profile p;

	json_set_text(body, "preSharedKey", "correct horse");
	err_take(profile_create(w->store, w->a, "test", body, &p, &warn), &rep);
	assert_int_equal(rep.code, ERR_MODEL_INVALID);
	assert_non_null(strstr(rep.detail, "preSharedKey"));
	assert_null(strstr(rep.detail, "horse"));
}

static void
what_is_referred_to_is_not_deleted(void **state)
{
	WORLD(state);
	struct phone f = phone_of(w);
	auto_json json *body = wifi_json(w, f.pkcs.id, f.root.id);
	struct profile p = world_profile(w, body);

	expect_err(ERR_PROFILE_IN_USE, profile_delete(w->store, w->a, "test", f.pkcs.id));
	expect_err(ERR_PROFILE_IN_USE, profile_delete(w->store, w->a, "test", f.root.id));
	expect_ok(profile_delete(w->store, w->a, "test", p.id));
	expect_ok(profile_delete(w->store, w->a, "test", f.pkcs.id));
}

static json *
mail_json(struct world *w, struct id certificate)
{
	json *j = json_object_new();

	json_set_text(j, "@odata.type", "#microsoft.graph.iosEasEmailProfileConfiguration");
	json_set_text(j, "displayName", "Mail");
	json_set_text(j, "accountName", "Work");
	json_set_text(j, "hostName", "mail.example.test");
	json_set_text(j, "authenticationMethod", "usernameAndPassword");
	json_set_text(j, "smimeSigningCertificate@odata.bind", world_url(w, certificate));
	json_set_text(j, "smimeEncryptionCertificate@odata.bind", world_url(w, certificate));
	return j;
}

static void
all_certificates_of_a_mail_account_come_of_one_profile(void **state)
{
	WORLD(state);
	struct phone f = phone_of(w);
	struct profile other = certificate(w, "#microsoft.graph.iosPkcsCertificateProfile");
	auto_json json *body = mail_json(w, f.pkcs.id);

	world_profile(w, body);
	json_set_text(body, "smimeEncryptionCertificate@odata.bind", world_url(w, other.id));
	world_invalid(w, body, "name two profiles");
	json_set_text(body, "smimeEncryptionCertificate@odata.bind", world_url(w, f.pkcs.id));
	json_set_text(body, "authenticationMethod", "certificate");
	world_invalid(w, body, "identityCertificate");
	json_set_text(body, "identityCertificate@odata.bind", world_url(w, f.pkcs.id));
	world_profile(w, body);
	json_set_bool(body, "requireSsl", false);
	world_invalid(w, body, "requireSsl");
	json_set_bool(body, "requireSsl", true);
	json_set_text(body, "userDomainNameSource", "netBiosDomainName");
	world_invalid(w, body, "customDomainName");
	json_set_text(body, "userDomainNameSource", "fullDomainName");
	json_set_bool(body, "useOAuth", true);
	world_invalid(w, body, "useOAuth");
}

static void
settings_that_contradict_each_other_are_refused(void **state)
{
	WORLD(state);
	struct phone f = phone_of(w);
	auto_json json *body = wifi_json(w, f.pkcs.id, f.root.id);
	auto_json json *vpn = json_object_new();
	json *server = json_object_new(), *ciphers = json_object_new();

	json_set_text(body, "proxySettings", "manual");
	world_invalid(w, body, "proxyManualAddress");
	json_set_text(body, "proxySettings", "automatic");
	world_invalid(w, body, "proxyAutomaticConfigurationUrl");
	json_set_text(body, "proxySettings", "none");
	json_set_text(body, "ssid", "");
	world_invalid(w, body, "ssid");
	json_set_text(vpn, "@odata.type", "#microsoft.graph.iosVpnConfiguration");
	json_set_text(vpn, "displayName", "VPN");
	json_set_text(vpn, "connectionName", "VPN");
	json_set_text(vpn, "connectionType", "customVpn");
	json_set_text(server, "address", "vpn.example.test");
	json_set(vpn, "server", server);
	json_set_text(vpn, "identityCertificate@odata.bind", world_url(w, f.pkcs.id));
	world_invalid(w, vpn, "identifier");
	json_set_text(vpn, "connectionType", "ciscoIPSec");
	json_set_text(vpn, "identifier", "com.example.vpn");
	world_invalid(w, vpn, "identifier");
	json_del(vpn, "identifier");
	json_set_text(server, "address", "");
	world_invalid(w, vpn, "address");
	json_set_text(server, "address", "vpn.example.test");
	json_set_text(vpn, "remoteIdentifier", "x");
	world_invalid(w, vpn, "does not exist on type iosVpnConfiguration");
	json_set_text(vpn, "@odata.type", "#microsoft.graph.iosikEv2VpnConfiguration");
	json_set_text(vpn, "connectionType", "ikEv2");
	json_set_int(ciphers, "securityDiffieHellmanGroup", 22);
	json_set(vpn, "securityAssociationParameters", ciphers);
	world_invalid(w, vpn, "securityDiffieHellmanGroup");
	json_set_int(ciphers, "securityDiffieHellmanGroup", 20);
	json_set_text(vpn, "tlsMinimumVersion", "oneDotTwo");
	json_set_text(vpn, "tlsMaximumVersion", "oneDotZero");
	world_invalid(w, vpn, "tlsMinimumVersion");
}

static void
to_phone(struct world *w, struct tx *tx)
{
	w->device.platform = "ios";
	expect_ok(store_device_update(tx, &w->device));
}

/* Assigned to the people of the world, whose device is a telephone from now on. */
static struct profile
assigned_wifi(struct world *w, struct phone *ret)
{
	auto_json json *body = NULL;
	struct warnings warn;
	struct profile p;

	world_write(w, to_phone);
	*ret = phone_of(w);
	body = wifi_json(w, ret->pkcs.id, ret->root.id);
	expect_ok(profile_create(w->store, w->a, "test", body, &p, &warn));
	assert_int_equal(warn.n, 1);
	assert_string_equal(warn.v[0].fault, "server-unnamed");
	world_assign(w, ret->root.id, &warn);
	world_assign(w, ret->pkcs.id, &warn);
	world_assign(w, p.id, &warn);
	assert_int_equal(warn.n, 0);
	return p;
}

/* The connector does what there is to do; *ret: the device's commands then. */
static size_t
issue_all(struct world *w, struct command **ret)
{
	struct job *v;
	size_t n = world_lease(w, &v);

	for (size_t i = 0; i < n; i++) {
		struct job_result r = world_result(w, &v[i], JOB_ISSUED, 365 * 86400);

		r.password = STR_EMPTY; /* it lies in the profile that is sealed */
		expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	}
	return world_checkin(w, NULL, 0, ret);
}

static void
a_network_comes_after_its_certificate_and_its_root(void **state)
{
	WORLD(state);
	struct phone f;
	struct profile p = assigned_wifi(w, &f);
	struct command *v;
	const struct use *use;

	assert_int_equal(world_checkin(w, NULL, 0, NULL), 1);
	assert_int_equal(issue_all(w, &v), 2);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_CA);
	assert_string_equal(world_look(w, "wifi").slot.fault, "certificate-pending");
	assert_int_equal(world_obey(w, &v[0], &v), 1);
	assert_string_equal(v[0].alias, inventory_alias(w->a, f.pkcs.id, (struct id){ { 0 } }));
	assert_string_equal(world_look(w, "wifi").slot.fault, "certificate-pending");
	assert_string_equal(world_word(w, "wifi"), "ready");
	assert_int_equal(world_obey(w, &v[0], &v), 1);
	assert_string_equal(v[0].alias, inventory_alias(w->a, p.id, (struct id){ { 0 } }));
	use = v[0].what->use;
	assert_int_equal(use->kind, USE_WIFI);
	assert_string_equal(use->wifi->ssid, "office");
	assert_int_equal(use->nroots, 1);
	assert_true(str_eq(use->roots[0], cert_der(w->root.cert)));
	assert_int_equal(world_obey(w, &v[0], &v), 0);
	assert_string_equal(world_word(w, "wifi"), "installed");
	assert_false(str_eq(world_look(w, "wifi").slot.cert_sha256, STR_EMPTY));
	assert_string_not_equal(world_look(w, "wifi").slot.serial, "");
}

static void
what_uses_a_certificate_goes_before_it(void **state)
{
	WORLD(state);
	struct phone f;
	struct profile p = assigned_wifi(w, &f);
	struct command *v;
	size_t n;

	n = world_checkin(w, NULL, 0, &v);
	for (int i = 0; i < 4 && n > 0; i++) {
		(void)issue_all(w, &v);
		n = world_obey(w, &v[0], &v);
	}
	assert_int_equal(w->nheld, 3);
	world_unassign(w, f.root.id);
	world_unassign(w, f.pkcs.id);
	world_unassign(w, p.id);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 3);
	assert_string_equal(v[0].alias, inventory_alias(w->a, p.id, (struct id){ { 0 } }));
	assert_string_equal(v[1].alias, inventory_alias(w->a, f.pkcs.id, (struct id){ { 0 } }));
	assert_int_equal(v[2].kind, COMMAND_REMOVE_CA);
}

static void
a_change_of_the_network_or_of_its_certificate_makes_it_another_one(void **state)
{
	WORLD(state);
	struct phone f;
	struct profile p = assigned_wifi(w, &f);
	auto_json json *change = json_object_new();
	auto_json json *name = json_object_new();
	struct warnings warn;
	struct str before, after;

	world_checkin(w, NULL, 0, NULL);
	before = world_look(w, "wifi").slot.wanted_hash;
	assert_int_equal(before.n, 32);
	json_set_text(name, "@odata.type", p.type);
	json_set_text(name, "displayName", "Another name");
	expect_ok(profile_update(w->store, w->a, "test", p.id, name, &p, &warn));
	world_checkin(w, NULL, 0, NULL);
	assert_true(str_eq(world_look(w, "wifi").slot.wanted_hash, before));
	json_set_text(change, "@odata.type", p.type);
	json_set_text(change, "ssid", "office-2");
	expect_ok(profile_update(w->store, w->a, "test", p.id, change, &p, &warn));
	world_checkin(w, NULL, 0, NULL);
	after = world_look(w, "wifi").slot.wanted_hash;
	assert_false(str_eq(after, before));
	json_del(change, "ssid");
	json_set_text(change, "@odata.type", f.pkcs.type);
	json_set_text(change, "subjectNameFormatString", "CN=other {{UserName}}");
	expect_ok(profile_update(w->store, w->a, "test", f.pkcs.id, change, &p, &warn));
	world_checkin(w, NULL, 0, NULL);
	assert_false(str_eq(world_look(w, "wifi").slot.wanted_hash, after));
}

static void
a_network_without_its_certificate_on_the_same_targets_is_told(void **state)
{
	WORLD(state);
	struct phone f;
	struct profile p = assigned_wifi(w, &f);
	struct assignment to = { .kind = TARGET_GROUP, .group = w->group.id };
	struct warnings warn;

	world_checkin(w, NULL, 0, NULL);
	expect_ok(profile_assign(w->store, w->a, "test", f.pkcs.id, NULL, 0, &warn));
	assert_int_equal(warn.n, 1);
	assert_string_equal(warn.v[0].fault, "certificate-not-assigned");
	world_checkin(w, NULL, 0, NULL);
	assert_string_equal(world_look(w, "wifi").slot.fault, "certificate-not-assigned");
	expect_ok(profile_assign(w->store, w->a, "test", p.id, &to, 1, &warn));
	assert_int_equal(warn.n, 1);
	assert_non_null(strstr(warn.v[0].detail, "identityCertificateForClientAuthentication"));
	expect_ok(profile_assign(w->store, w->a, "test", f.pkcs.id, &to, 1, &warn));
	assert_int_equal(warn.n, 0);
	world_checkin(w, NULL, 0, NULL);
	assert_string_equal(world_look(w, "wifi").slot.fault, "");
}

static void
a_network_is_renewed_with_its_certificate(void **state)
{
	WORLD(state);
	struct phone f;
	struct command *v;
	struct str first;
	size_t n;

	assigned_wifi(w, &f);
	n = world_checkin(w, NULL, 0, &v);
	for (int i = 0; i < 4 && n > 0; i++) {
		(void)issue_all(w, &v);
		n = world_obey(w, &v[0], &v);
	}
	assert_string_equal(world_word(w, "wifi"), "installed");
	first = world_look(w, "wifi").slot.cert_sha256;
	when_set(MADE_NOW + 300 * 86400);
	world_checkin(w, NULL, 0, NULL);
	n = issue_all(w, &v);
	for (; n > 0; n--)
		(void)world_obey(w, &v[n - 1], NULL);
	assert_string_equal(world_word(w, "wifi"), "installed");
	assert_false(str_eq(world_look(w, "wifi").slot.cert_sha256, first));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(references_are_kept_shown_and_taken_back),
		IN_WORLD(a_reference_to_nothing_or_to_the_wrong_thing_is_refused),
		IN_WORLD(a_secret_is_refused_and_not_repeated),
		IN_WORLD(what_is_referred_to_is_not_deleted),
		IN_WORLD(all_certificates_of_a_mail_account_come_of_one_profile),
		IN_WORLD(settings_that_contradict_each_other_are_refused),
		IN_WORLD(a_network_comes_after_its_certificate_and_its_root),
		IN_WORLD(what_uses_a_certificate_goes_before_it),
		IN_WORLD(a_change_of_the_network_or_of_its_certificate_makes_it_another_one),
		IN_WORLD(a_network_without_its_certificate_on_the_same_targets_is_told),
		IN_WORLD(a_network_is_renewed_with_its_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

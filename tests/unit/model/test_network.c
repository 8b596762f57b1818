/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that are things by themselves: when a device gets them, what they wait for, and that nothing is issued. */
#include "world.h"

#include "model/use.h"

#define ISSUER "rootCertificateForClientValidation@odata.bind"
#define TYPE "#microsoft.graph.windowsWifiEnterpriseEAPConfiguration"

struct machine {
	struct profile root, pkcs, wifi;
};

static json *
wifi_json(struct world *w, const struct machine *m)
{
	json *j = json_object_new();

	json_set_text(j, "@odata.type", TYPE);
	json_set_text(j, "displayName", "Office");
	json_set_text(j, "networkName", "Office");
	json_set_text(j, "ssid", "office");
	json_set_text(j, "wifiSecurityType", "wpa2Enterprise");
	json_set_text(j, "eapType", "eapTls");
	json_set_text(j, WORLD_WIFI_IDENTITY, world_url(w, m->pkcs.id));
	json_set_text(j, WORLD_WIFI_ROOTS, world_url(w, m->root.id));
	json_set_text(j, ISSUER, world_url(w, m->root.id));
	return j;
}

static void
to_windows(struct world *w, struct tx *tx)
{
	w->device.platform = "windows";
	expect_ok(store_device_update(tx, &w->device));
}

static struct machine
machine_of(struct world *w)
{
	auto_json json *root = world_root_json(w, cert_der(w->root.cert));
	auto_json json *pkcs = world_pkcs_json(w, SUBJECT);
	struct machine m;

	world_write(w, to_windows);
	json_set_text(root, "@odata.type", "#microsoft.graph.windows81TrustedRootCertificate");
	m.root = world_profile(w, root);
	json_set_text(pkcs, "@odata.type", "#microsoft.graph.windows10PkcsCertificateProfile");
	json_del(pkcs, "rootCertificate@odata.bind");
	m.pkcs = world_profile(w, pkcs);
	return m;
}

static struct machine
assigned(struct world *w)
{
	struct machine m = machine_of(w);
	auto_json json *body = wifi_json(w, &m);
	struct warnings warn;

	m.wifi = world_profile(w, body);
	world_assign(w, m.root.id, &warn);
	world_assign(w, m.pkcs.id, &warn);
	world_assign(w, m.wifi.id, &warn);
	return m;
}

/* Everything that there is to do is done. */
static void
settle(struct world *w)
{
	struct command *v;
	struct job *jobs;
	size_t n = world_checkin(w, NULL, 0, &v);

	for (int i = 0; i < 8; i++) {
		size_t leased = world_lease(w, &jobs);

		for (size_t k = 0; k < leased; k++) {
			struct job_result r = world_result(w, &jobs[k], JOB_ISSUED, 365 * 86400);

			expect_ok(job_finish(w->store, w->a, &w->connector, &r));
		}
		n = leased > 0 ? world_checkin(w, NULL, 0, &v) : n;
		if (n > 0)
			n = world_obey(w, &v[0], &v);
	}
	assert_int_equal(n, 0);
}

static void
a_network_waits_for_the_certificate_that_it_uses_and_issues_none(void **state)
{
	WORLD(state);
	struct machine m = assigned(w);
	const struct use *use;
	struct job_result r;
	struct command *v;
	struct job j;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_CA);
	assert_string_equal(world_look(w, "network").slot.fault, "certificate-pending");
	j = world_job(w); /* one: the certificate profile's own */
	r = world_result(w, &j, JOB_ISSUED, 365 * 86400);
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	assert_int_equal(world_obey(w, &v[0], &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_IDENTITY);
	assert_int_equal(world_obey(w, &v[0], &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_NETWORK);
	assert_string_equal(v[0].alias, inventory_alias(w->a, m.wifi.id, (struct id){ { 0 } }));
	use = v[0].what->use;
	assert_string_equal(use->alias, inventory_alias(w->a, m.pkcs.id, (struct id){ { 0 } }));
	assert_string_equal(use->wifi->ssid, "office");
	assert_int_equal(use->nroots, 1);
	assert_true(str_eq(use->issuer, cert_der(w->root.cert)));
	assert_true(use->nekus > 0);
	assert_false(v[0].what->of_machine);
	assert_int_equal(world_obey(w, &v[0], &v), 0);
	assert_string_equal(world_word(w, "network"), "installed");
	assert_string_equal(world_look(w, "network").slot.serial, "");
	assert_int_equal(world_lease(w, &(struct job *){ NULL }), 0);
}

static void
a_network_goes_before_what_it_uses_and_nothing_of_it_is_revoked(void **state)
{
	WORLD(state);
	struct machine m = assigned(w);
	struct command *v;

	settle(w);
	assert_int_equal(w->nheld, 3);
	world_unassign(w, m.root.id);
	world_unassign(w, m.pkcs.id);
	world_unassign(w, m.wifi.id);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 3);
	assert_int_equal(v[0].kind, COMMAND_REMOVE_NETWORK);
	assert_int_equal(v[1].kind, COMMAND_REMOVE_IDENTITY);
	assert_int_equal(v[2].kind, COMMAND_REMOVE_CA);
	assert_int_equal(world_obey(w, &v[0], &v), 2);
	assert_string_equal(world_word(w, "network"), "removed");
	/* The one revocation is the certificate's. */
	assert_int_equal(world_lease(w, &(struct job *){ NULL }), 1);
	world_timeline(
	    w, "network", "assigned ready offered installed unassigned withdrawn removed");
}

static void
a_certificate_that_is_renewed_leaves_its_network_as_it_is(void **state)
{
	WORLD(state);
	struct str before, certificate;
	struct job_result r;
	struct command *v;
	struct job j;

	(void)assigned(w);
	settle(w);
	before = world_look(w, "network").slot.wanted_hash;
	certificate = world_look(w, "pkcs").slot.cert_sha256;
	when_set(MADE_NOW + 300 * 86400);
	world_checkin(w, NULL, 0, NULL);
	j = world_job(w);
	r = world_result(w, &j, JOB_ISSUED, 700 * 86400);
	expect_ok(job_finish(w->store, w->a, &w->connector, &r));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_IDENTITY);
	assert_int_equal(world_obey(w, &v[0], NULL), 0);
	assert_false(str_eq(world_look(w, "pkcs").slot.cert_sha256, certificate));
	assert_true(str_eq(world_look(w, "network").slot.wanted_hash, before));
	assert_string_equal(world_word(w, "network"), "installed");
	world_timeline(w, "network", "assigned ready offered installed");
}

static void
a_network_that_was_changed_is_told_anew_and_one_that_was_lost_comes_back(void **state)
{
	WORLD(state);
	struct machine m = assigned(w);
	auto_json json *change = json_object_new();
	struct warnings warn;
	struct command *v;

	settle(w);
	json_set_text(change, "@odata.type", m.wifi.type);
	json_set_bool(change, "connectAutomatically", true);
	expect_ok(profile_update(w->store, w->a, "test", m.wifi.id, change, &m.wifi, &warn));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_NETWORK);
	assert_true(v[0].what->use->wifi->automatic);
	assert_int_equal(world_obey(w, &v[0], &v), 0);
	world_drop(w, inventory_alias(w->a, m.wifi.id, (struct id){ { 0 } }));
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_NETWORK);
	assert_int_equal(world_obey(w, &v[0], &v), 0);
	assert_string_equal(world_word(w, "network"), "installed");
	/* Nothing ends, however long it lasts. */
	when_set(MADE_NOW + 90 * 86400);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 0);
	assert_string_equal(world_word(w, "network"), "installed");
}

static void
settings_that_contradict_each_other_are_refused(void **state)
{
	static const struct {
		const char *name, *value, *words;
	} rows[] = {
		{ "performServerValidation", "false", "performServerValidation" },
		{ "connectToPreferredNetwork", "true", "connectAutomatically" },
		{ "userBasedVirtualLan", "true", "networkSingleSignOn" },
		{ "authenticationMethod", "\"usernameAndPassword\"", "eapTls" },
		{ "innerAuthenticationProtocolForEAPTTLS", "\"microsoftChap\"", "eapTtls" },
		{ "proxySetting", "\"manual\"", "proxyManualAddress" },
		{ "proxySetting", "\"automatic\"", "proxyAutomaticConfigurationUrl" },
		{ "proxySettings", "\"none\"", "proxySettings" },
		{ "wiFiSecurityType", "\"wpaEnterprise\"", "wiFiSecurityType" },
		{ "preSharedKey", "\"correct horse\"", "preSharedKey" },
		{ "deploymentChannel", "\"userChannel\"", "deploymentChannel" },
		{ "maximumPairwiseMasterKeyCacheTimeInMinutes", "4", "CacheTimeInMinutes" },
		{ "ssid", "\"\"", "ssid" },
	};
	WORLD(state);
	struct machine m = machine_of(w);
	auto_json json *plain = wifi_json(w, &m);

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_json json *body = wifi_json(w, &m);
		json *value = NULL;
		auto_json json *list = NULL;

		expect_ok(
		    json_parse(str_c(arena_printf(w->a, "[%s]", rows[i].value)), 4096, &list));
		value = json_ref(json_at(list, 0));
		json_set(body, rows[i].name, value);
		world_invalid(w, body, rows[i].words);
	}
	json_set_bool(plain, "forceFIPSCompliance", true);
	json_set_text(plain, "wifiSecurityType", "wpaEnterprise");
	world_invalid(w, plain, "wpa2Enterprise");
}

static void
a_network_with_a_password_names_no_certificate(void **state)
{
	WORLD(state);
	struct machine m = machine_of(w);
	auto_json json *body = wifi_json(w, &m);
	struct warnings warn;
	struct command *v;

	json_set_text(body, "eapType", "eapTtls");
	json_set_text(body, "authenticationMethod", "usernameAndPassword");
	world_invalid(w, body, "how the password is shown");
	json_set_text(body, "innerAuthenticationProtocolForEAPTTLS", "unencryptedPassword");
	world_invalid(w, body, "uses none");
	json_del(body, WORLD_WIFI_IDENTITY);
	json_del(body, ISSUER);
	m.wifi = world_profile(w, body);
	world_assign(w, m.root.id, &warn);
	world_assign(w, m.wifi.id, &warn);
	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	assert_int_equal(world_obey(w, &v[0], &v), 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_NETWORK);
	assert_string_equal(v[0].what->use->alias, "");
	assert_true(v[0].what->of_machine);
	/* With a certificate none may be missing. */
	json_set_text(body, "eapType", "peap");
	json_set_text(body, "authenticationMethod", "certificate");
	json_del(body, "innerAuthenticationProtocolForEAPTTLS");
	world_invalid(w, body, "is missing");
}

/* As an older version, or a draft, may have it. */
static void
a_network_whose_certificate_is_not_named_any_more_goes_to_nobody(void **state)
{
	WORLD(state);
	struct machine m = assigned(w);
	auto_json json *settings = NULL;
	struct subject_of who = { .device = &w->device, .user = &w->user };
	const struct profile_type *t;
	struct err_report rep;
	struct primitive what;
	struct str text;
	void *read;

	expect_ok(json_parse(str_c(m.wifi.settings), LIMIT_HTTP_BODY, &settings));
	json_del(settings, "@references");
	expect_ok(json_print(w->a, settings, &text));
	m.wifi.settings = arena_cstr(w->a, text);
	expect_ok(profile_type_find(m.wifi.type, &t));
	expect_ok(profile_settings(w->a, t->kind, &m.wifi, &read));
	err_take(t->kind->reduce(w->a, &m.wifi, read, &who, &what), &rep);
	assert_int_equal(rep.code, ERR_MODEL_INVALID);
	assert_non_null(strstr(rep.detail, "names no certificate"));
}

static void
what_belongs_to_another_platform_is_refused(void **state)
{
	WORLD(state);
	struct machine m = machine_of(w);
	auto_json json *body = wifi_json(w, &m);

	json_set_text(body, ISSUER, world_url(w, m.pkcs.id));
	world_invalid(w, body, "no trusted root");
	json_set_text(body, ISSUER, world_url(w, w->root_profile.id));
	world_invalid(w, body, "is for linux");
	json_set_text(body, ISSUER, world_url(w, m.root.id));
	json_set_text(body, WORLD_WIFI_IDENTITY, world_url(w, w->pkcs_profile.id));
	world_invalid(w, body, "is for linux");
}

static void
a_network_that_the_machine_joins_before_anybody_signs_in_is_the_machines(void **state)
{
	WORLD(state);
	struct machine m = machine_of(w);
	auto_json json *body = wifi_json(w, &m);
	struct warnings warn;
	struct command *v;
	size_t n;

	json_set_text(body, "authenticationType", "machineOrUser");
	m.wifi = world_profile(w, body);
	world_assign(w, m.root.id, &warn);
	world_assign(w, m.pkcs.id, &warn);
	settle(w);
	world_assign(w, m.wifi.id, &warn);
	n = world_checkin(w, NULL, 0, &v);
	assert_int_equal(n, 1);
	assert_int_equal(v[0].kind, COMMAND_INSTALL_NETWORK);
	assert_true(v[0].what->of_machine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_network_waits_for_the_certificate_that_it_uses_and_issues_none),
		IN_WORLD(a_network_goes_before_what_it_uses_and_nothing_of_it_is_revoked),
		IN_WORLD(a_certificate_that_is_renewed_leaves_its_network_as_it_is),
		IN_WORLD(a_network_that_was_changed_is_told_anew_and_one_that_was_lost_comes_back),
		IN_WORLD(settings_that_contradict_each_other_are_refused),
		IN_WORLD(a_network_with_a_password_names_no_certificate),
		IN_WORLD(a_network_whose_certificate_is_not_named_any_more_goes_to_nobody),
		IN_WORLD(what_belongs_to_another_platform_is_refused),
		IN_WORLD(a_network_that_the_machine_joins_before_anybody_signs_in_is_the_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

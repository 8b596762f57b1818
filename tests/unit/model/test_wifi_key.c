/* SPDX-License-Identifier: Apache-2.0 */
/* Networks without certificates: which keys are taken, that none is shown, and when a device hears of a change. */
#include "world.h"

#include "model/secret.h"
#include "model/use.h"
#include "store/access.h"
#include "store/rollout.h"

#define TYPE "#chancery.linuxWiFiConfiguration"
#define KEY "correct horse battery"

/* What the secrets of a body come to where nobody has a key to seal them with. */
static struct secrets
sealed(struct id profile, const char *text)
{
	return (struct secrets){ .profile = profile, .v = { { WIFI_KEY, text } }, .n = 1 };
}

static json *
body_of(const char *type, const char *security, const char *key)
{
	json *j = json_object_new();

	json_set_text(j, "@odata.type", type);
	json_set_text(j, "displayName", "Guests");
	json_set_text(j, "networkName", "Guests");
	json_set_text(j, "ssid", "guests");
	json_set_text(j,
	    strcmp(type, "#microsoft.graph.windowsWifiConfiguration") == 0 ? "wifiSecurityType" :
									     "wiFiSecurityType",
	    security);
	if (key != NULL)
		json_set_text(j, WIFI_KEY, key);
	return j;
}

static struct err_report
tried(struct world *w, const json *body)
{
	struct err_report rep = { .code = ERR_NONE };
	struct secrets s = sealed(id_new(), "c2VhbGVk");
	struct warnings warn;
	struct profile p;

	err_take(profile_create_with(w->store, w->a, "test", body, &s, &p, &warn), &rep);
	return rep;
}

static struct profile
made_of(struct world *w, const char *security, const char *key, const char *seal)
{
	auto_json json *body = body_of(TYPE, security, key);
	struct secrets s = sealed(id_new(), seal);
	struct warnings warn;
	struct profile p;

	expect_ok(profile_create_with(w->store, w->a, "test", body, &s, &p, &warn));
	return p;
}

/* With the secret that `seal` stands for, if the change names one. */
static struct err_report
change(struct world *w, struct profile *p, const char *patch, const char *seal)
{
	struct err_report rep = { .code = ERR_NONE };
	struct secrets s = sealed(p->id, seal);
	auto_json json *j = NULL;
	struct warnings warn;

	expect_ok(json_parse(str_c(patch), 4096, &j));
	json_set_text(j, "@odata.type", TYPE);
	err_take(
	    profile_update_if(w->store, w->a, "test", p->id, j, &s, NULL, NULL, p, &warn), &rep);
	return rep;
}

static void
keys_have_the_length_and_the_characters_that_the_standard_says(void **state)
{
	static const struct {
		const char *key;
		bool good;
	} rows[] = {
		{ "12345678", true },
		{ "1234567", false },
		{ "", false },
		{ " ~ blanks at both ends ~ ", true },
		{ "012345678901234567890123456789012345678901234567890123456789012", true },
		{ "0123456789abcdefABCDEF7890123456789012345678901234567890123456ff", true },
		{ "0123456789abcdefABCDEF789012345678901234567890123456789012345xyz", false },
		{ "01234567890123456789012345678901234567890123456789012345678901234", false },
		{ "Schl\xc3\xbcsselwort", false },
		{ "with\ttab and more", false },
	};
	WORLD(state);

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_json json *body = body_of(TYPE, "wpa2Personal", rows[i].key);
		struct err_report rep = tried(w, body);

		if (rows[i].good != (rep.code == ERR_NONE))
			fail_msg("%s: %s", rows[i].key, err_info(rep.code)->id);
		if (rep.code != ERR_NONE && rows[i].key[0] != '\0')
			assert_null(strstr(rep.detail, rows[i].key));
	}
}

static void
what_is_no_network_by_a_key_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *type, *security, *key;
		enum err_code code;
		const char *words;
	} rows[] = {
		{ TYPE, "wpa2Personal", NULL, ERR_MODEL_INVALID, "is missing" },
		{ TYPE, "open", KEY, ERR_MODEL_INVALID, "does not go with" },
		{ TYPE, "wep", KEY, ERR_WIFI_WEP, "wep" },
		{ TYPE, "wpa2Enterprise", KEY, ERR_MODEL_INVALID, "Enterprise in its name" },
		{ "#microsoft.graph.iosWiFiConfiguration", "wep", "12345", ERR_WIFI_WEP, "wep" },
		{ "#microsoft.graph.windowsWifiConfiguration", "wep", NULL, ERR_WIFI_WEP, "wep" },
		{ "#microsoft.graph.androidDeviceOwnerWiFiConfiguration", "wpa2Personal", KEY,
		    ERR_MODEL_INVALID, "wiFiSecurityType" },
		{ "#microsoft.graph.androidWorkProfileWiFiConfiguration", "wpaEnterprise", KEY,
		    ERR_MODEL_INVALID, "Enterprise in its name" },
	};
	WORLD(state);

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_json json *body = body_of(rows[i].type, rows[i].security, rows[i].key);
		struct err_report rep = tried(w, body);

		if (rep.code != rows[i].code || strstr(rep.detail, rows[i].words) == NULL)
			fail_msg("%zu: %s %s", i, err_info(rep.code)->id, rep.detail);
	}
}

static void
each_platform_has_its_networks_by_a_key(void **state)
{
	static const char *const types[][2] = {
		{ "#microsoft.graph.iosWiFiConfiguration", "wpa2Personal" },
		{ "#microsoft.graph.macOSWiFiConfiguration", "wpaPersonal" },
		{ "#microsoft.graph.windowsWifiConfiguration", "wpa2Personal" },
		{ "#microsoft.graph.androidDeviceOwnerWiFiConfiguration", "wpaPersonal" },
		{ "#microsoft.graph.androidWorkProfileWiFiConfiguration", "wpaPersonal" },
		{ TYPE, "wpaPersonal" },
	};
	WORLD(state);

	for (size_t i = 0; i < COUNT(types); i++) {
		auto_json json *body = body_of(types[i][0], types[i][1], KEY);
		struct err_report rep = tried(w, body);

		if (rep.code != ERR_NONE)
			fail_msg("%s: %s", types[i][0], rep.detail);
	}
}

static void
a_key_that_was_not_sealed_is_not_stored(void **state)
{
	WORLD(state);
	auto_json json *body = body_of(TYPE, "wpa2Personal", KEY);
	struct warnings warn;
	struct profile p;

	expect_err(ERR_INTERNAL, profile_create(w->store, w->a, "test", body, &p, &warn));
}

static void
an_open_network_is_saved_with_a_warning(void **state)
{
	WORLD(state);
	auto_json json *body = body_of(TYPE, "open", NULL);
	struct warnings warn = { .n = 0 };
	struct profile p;

	expect_ok(profile_create(w->store, w->a, "test", body, &p, &warn));
	assert_int_equal(warn.n, 1);
	assert_string_equal(warn.v[0].fault, err_info(ERR_WIFI_OPEN)->id);
	assert_null(strstr(p.settings, SECRETS_STORED));
}

static const char *
shown(struct world *w, const struct profile *p)
{
	auto_json json *j = NULL;
	struct str text;

	expect_ok(profile_json(w->a, p, &j));
	expect_ok(json_print(w->a, j, &text));
	return arena_cstr(w->a, text);
}

static const char *
mark(struct world *w, const struct profile *p)
{
	auto_json json *j = NULL;

	expect_ok(profile_json(w->a, p, &j));
	return arena_strdup(w->a, json_text(json_get(json_get(j, SECRETS_SHOWN), WIFI_KEY)));
}

static void
neither_key_nor_what_is_kept_of_it_is_shown(void **state)
{
	WORLD(state);
	struct profile p = made_of(w, "wpa2Personal", KEY, "c2VhbGVk");

	assert_null(strstr(p.settings, KEY));
	assert_non_null(strstr(p.settings, "c2VhbGVk"));
	assert_null(strstr(shown(w, &p), KEY));
	assert_null(strstr(shown(w, &p), "c2VhbGVk"));
	assert_null(strstr(shown(w, &p), "\"" WIFI_KEY "\":null"));
	assert_int_equal(strlen(mark(w, &p)), 12);
}

static void
a_change_that_does_not_name_the_key_keeps_it(void **state)
{
	WORLD(state);
	struct profile p = made_of(w, "wpa2Personal", KEY, "b25l");
	const char *was = mark(w, &p);

	assert_int_equal(change(w, &p, "{\"ssid\":\"guests-2\"}", "").code, ERR_NONE);
	assert_string_equal(mark(w, &p), was);
	assert_int_equal(change(w, &p, "{\"preSharedKey\":null}", "").code, ERR_NONE);
	assert_string_equal(mark(w, &p), was);
	assert_int_equal(
	    change(w, &p, "{\"preSharedKey\":\"another horse\"}", "dHdv").code, ERR_NONE);
	assert_string_not_equal(mark(w, &p), was);
	assert_non_null(strstr(p.settings, "dHdv"));
	assert_null(strstr(p.settings, "b25l"));
}

static void
an_open_network_forgets_its_key(void **state)
{
	WORLD(state);
	struct profile p = made_of(w, "wpa2Personal", KEY, "b25l");

	assert_int_equal(change(w, &p, "{\"wiFiSecurityType\":\"open\"}", "").code, ERR_NONE);
	assert_null(strstr(p.settings, "b25l"));
	assert_int_equal(
	    change(w, &p, "{\"wiFiSecurityType\":\"wpaPersonal\"}", "").code, ERR_MODEL_INVALID);
	assert_int_equal(
	    change(w, &p, "{\"wiFiSecurityType\":\"wpaPersonal\",\"preSharedKey\":\"" KEY "\"}",
		"dHdv")
		.code,
	    ERR_NONE);
}

static struct id of;
static int64_t version; /* the newest of that profile */

static void
read_version(struct world *w, struct tx *tx)
{
	struct version *v;
	size_t n;

	expect_ok(store_version_list(tx, w->a, of, &v, &n));
	assert_int_equal(n, 1);
	version = v[0].seq;
}

static void
a_version_that_is_restored_has_the_key_of_then(void **state)
{
	WORLD(state);
	struct profile p = made_of(w, "wpa2Personal", KEY, "b25l");
	const char *was = mark(w, &p);
	struct warnings warn;

	assert_int_equal(
	    change(w, &p, "{\"preSharedKey\":\"another horse\"}", "dHdv").code, ERR_NONE);
	of = p.id;
	world_write(w, read_version);
	expect_ok(profile_restore_if(
	    w->store, w->a, "test", p.id, version, false, NULL, NULL, NULL, &p, &warn));
	assert_string_equal(mark(w, &p), was);
}

/* The one network command among those that are due; NULL: there is none. */
static const struct command *
network_of(const struct command *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == COMMAND_INSTALL_NETWORK)
			return &v[i];
	return NULL;
}

static void
a_device_hears_of_another_key_and_of_nothing_else(void **state)
{
	WORLD(state);
	struct profile p = made_of(w, "wpa2Personal", KEY, "b25l");
	const struct command *c;
	struct warnings warn;
	struct command *v;
	size_t n;

	world_assign(w, p.id, &warn);
	n = world_checkin(w, NULL, 0, &v);
	c = network_of(v, n);
	assert_non_null(c);
	assert_string_equal(c->what->use->wifi->shared_key, "b25l");
	assert_true(id_is_zero(c->user));
	n = world_obey(w, c, &v);
	assert_null(network_of(v, n));
	/* The same again, as whoever reads a file anew sends it. */
	assert_int_equal(change(w, &p, "{\"preSharedKey\":\"" KEY "\"}", "b25l").code, ERR_NONE);
	n = world_checkin(w, NULL, 0, &v);
	assert_null(network_of(v, n));
	assert_int_equal(
	    change(w, &p, "{\"preSharedKey\":\"another horse\"}", "dHdv").code, ERR_NONE);
	n = world_checkin(w, NULL, 0, &v);
	c = network_of(v, n);
	assert_non_null(c);
	assert_string_equal(c->what->use->wifi->shared_key, "dHdv");
}

static struct audit newest;

static void
read_newest(struct world *w, struct tx *tx)
{
	struct audit *v;
	size_t n;

	expect_ok(store_audit_list(tx, w->a, 0, 100, &v, &n));
	assert_true(n > 0);
	newest = v[n - 1];
}

static void
the_audit_tells_that_a_key_changed_and_not_what_it_is(void **state)
{
	WORLD(state);
	struct profile p = made_of(w, "wpa2Personal", KEY, "b25l");
	const char *was = mark(w, &p);
	const struct audit *v = &newest;

	assert_int_equal(
	    change(w, &p, "{\"preSharedKey\":\"another horse\"}", "dHdv").code, ERR_NONE);
	world_write(w, read_newest);
	assert_string_equal(v->action, "profile.update");
	assert_non_null(strstr(v->before, was));
	assert_null(strstr(v->after, was));
	assert_non_null(strstr(v->after, mark(w, &p)));
	assert_null(strstr(v->before, "horse"));
	assert_null(strstr(v->after, "horse"));
	assert_null(strstr(v->after, "dHdv"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(keys_have_the_length_and_the_characters_that_the_standard_says),
		CASE(what_is_no_network_by_a_key_is_refused_with_its_reason),
		CASE(each_platform_has_its_networks_by_a_key),
		CASE(a_key_that_was_not_sealed_is_not_stored),
		CASE(an_open_network_is_saved_with_a_warning),
		CASE(neither_key_nor_what_is_kept_of_it_is_shown),
		CASE(a_change_that_does_not_name_the_key_keeps_it),
		CASE(an_open_network_forgets_its_key),
		CASE(a_version_that_is_restored_has_the_key_of_then),
		CASE(a_device_hears_of_another_key_and_of_nothing_else),
		CASE(the_audit_tells_that_a_key_changed_and_not_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

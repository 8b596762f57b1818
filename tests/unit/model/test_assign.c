/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets what: inclusions and exclusions across kinds, filters, applicability, warnings, and what an edit would do. */
#include "expect.h"

#include "world.h"

#include "model/applies.h"
#include "model/desired.h"
#include "model/effect.h"
#include "store/filter.h"

static struct filter the_filter;
static struct group other;
static struct device bare;
static size_t got;

static void
put_filter(struct world *w, struct tx *tx)
{
	(void)w;
	expect_ok(store_filter_insert(tx, &the_filter));
}

static struct assignment
filtered(struct world *w, const char *platform, const char *rule, enum filter_mode mode)
{
	the_filter = (struct filter){ .id = id_new(),
		.display_name = rule,
		.platform = platform,
		.rule = rule,
		.created = MADE_NOW,
		.modified = MADE_NOW };
	world_write(w, put_filter);
	return (struct assignment){ .kind = TARGET_GROUP,
		.group = w->group.id,
		.filter = the_filter.id,
		.filter_mode = mode };
}

static void
count_desired(struct world *w, struct tx *tx)
{
	struct desired *v;

	expect_ok(desired_for(tx, w->a, &w->device, &v, &got));
}

static size_t
desired_now(struct world *w)
{
	world_write(w, count_desired);
	return got;
}

static struct warnings
assign_to(struct world *w, struct id profile, const struct assignment *v, size_t n)
{
	struct warnings warn;

	expect_ok(profile_assign(w->store, w->a, "test", profile, v, n, &warn));
	return warn;
}

static bool
warns_of(const struct warnings *w, enum err_code code)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].fault, err_info(code)->id) == 0)
			return true;
	return false;
}

static void
a_filter_lets_some_devices_pass_or_all_but_those(void **state)
{
	WORLD(state);
	struct assignment with =
	    filtered(w, "linux", "device.deviceName -startsWith \"laptop\"", FILTER_INCLUDE);
	struct assignment without = with;

	without.filter_mode = FILTER_EXCLUDE;
	assign_to(w, w->pkcs_profile.id, &with, 1);
	assert_int_equal(desired_now(w), 2);
	assign_to(w, w->pkcs_profile.id, &without, 1);
	assert_int_equal(desired_now(w), 1);
	with = filtered(w, "linux", "device.model -eq \"X1\"", FILTER_INCLUDE);
	assign_to(w, w->pkcs_profile.id, &with, 1);
	assert_int_equal(desired_now(w), 1);
}

static void
one_of_several_targets_is_enough(void **state)
{
	WORLD(state);
	struct assignment v[] = {
		filtered(w, "linux", "device.model -eq \"X1\"", FILTER_INCLUDE),
		{ .kind = TARGET_ALL_DEVICES },
	};

	assign_to(w, w->pkcs_profile.id, v, 1);
	assert_int_equal(desired_now(w), 1);
	assign_to(w, w->pkcs_profile.id, v, 2);
	assert_int_equal(desired_now(w), 2);
}

static void
a_filter_of_another_platform_matches_nobody_and_is_warned_of(void **state)
{
	WORLD(state);
	struct assignment v =
	    filtered(w, "iOS", "device.deviceName -startsWith \"laptop\"", FILTER_INCLUDE);
	struct warnings warn = assign_to(w, w->pkcs_profile.id, &v, 1);

	assert_true(warns_of(&warn, ERR_ASSIGN_PLATFORM));
	assert_int_equal(desired_now(w), 1);
}

static void
put_other(struct world *w, struct tx *tx)
{
	other = (struct group){ .id = id_new(), .display_name = "Kiosks", .source = SOURCE_CLOUD };
	expect_ok(store_group_insert(tx, &other));
	expect_ok(store_member_add(tx, other.id, (struct member){ w->device.id, MEMBER_DEVICE }));
}

static void
an_exclusion_of_the_device_wins_over_an_inclusion_of_its_user(void **state)
{
	WORLD(state);
	struct assignment v[] = { { .kind = TARGET_GROUP, .group = w->group.id },
		{ .kind = TARGET_EXCLUDE_GROUP } };
	struct warnings warn;

	world_write(w, put_other);
	v[1].group = other.id;
	warn = assign_to(w, w->pkcs_profile.id, v, 2);
	assert_int_equal(desired_now(w), 1);
	assert_true(warns_of(&warn, ERR_ASSIGN_MIXED));
}

static void
an_exclusion_takes_no_filter_and_unknown_filters_are_refused(void **state)
{
	WORLD(state);
	struct assignment v = filtered(w, "linux", "device.model -eq \"X1\"", FILTER_INCLUDE);
	struct warnings warn;

	v.kind = TARGET_EXCLUDE_GROUP;
	expect_err(ERR_ASSIGNMENT,
	    profile_assign(w->store, w->a, "test", w->pkcs_profile.id, &v, 1, &warn));
	v.kind = TARGET_GROUP;
	v.filter = id_new();
	expect_err(ERR_ASSIGNMENT,
	    profile_assign(w->store, w->a, "test", w->pkcs_profile.id, &v, 1, &warn));
	/* Nothing half-applied. */
	assert_int_equal(desired_now(w), 2);
}

static void
a_root_for_people_under_a_certificate_for_devices_is_warned_of(void **state)
{
	WORLD(state);
	struct assignment people = { .kind = TARGET_ALL_USERS };
	struct assignment devices = { .kind = TARGET_ALL_DEVICES };
	struct warnings warn;

	assign_to(w, w->root_profile.id, &people, 1);
	warn = assign_to(w, w->pkcs_profile.id, &devices, 1);
	assert_true(warns_of(&warn, ERR_ROOT_NOT_ASSIGNED));
	assert_true(warns_of(&warn, ERR_ASSIGN_ROOT_KIND));
	assert_true(warns_of(&warn, ERR_ASSIGN_NO_USER));
	warn = assign_to(w, w->root_profile.id, &devices, 1);
	assert_false(warns_of(&warn, ERR_ROOT_NOT_ASSIGNED));
	assert_false(warns_of(&warn, ERR_ASSIGN_ROOT_KIND));
}

static void
a_root_that_is_narrowed_by_another_filter_does_not_cover(void **state)
{
	WORLD(state);
	struct assignment v = filtered(w, "linux", "device.model -eq \"X1\"", FILTER_INCLUDE);
	struct warnings warn = assign_to(w, w->root_profile.id, &v, 1);

	assert_true(warns_of(&warn, ERR_ROOT_NOT_ASSIGNED));
	warn = assign_to(w, w->pkcs_profile.id, &v, 1);
	assert_false(warns_of(&warn, ERR_ROOT_NOT_ASSIGNED));
}

static bool
applies(struct world *w, const char *rule, const char *sku, const char *version)
{
	struct profile p = { .settings = rule };
	struct device d = { .sku = sku, .os_version = version };
	bool yes;

	expect_ok(applies_to(w->a, &p, &d, &yes));
	return yes;
}

#define EDITION(type) \
	"{\"deviceManagementApplicabilityRuleOsEdition\":{\"osEditionTypes\":[" \
	"\"windows10Enterprise\",\"windows10Home\"],\"ruleType\":\"" type "\"}}"
#define VERSION(type) \
	"{\"deviceManagementApplicabilityRuleOsVersion\":{\"minOSVersion\":\"10.0.19041\"," \
	"\"maxOSVersion\":\"10.0.22621.9\",\"ruleType\":\"" type "\"}}"

#define SERVER(rules) "{\"serverApplicabilityRules\":[" rules "]}"
#define OF_SERVER(type, min, max) \
	"{\"filterType\":\"" type "\",\"minOSVersion\":" min ",\"maxOSVersion\":" max "}"

static void
a_device_passes_all_rules_of_a_windows_10x_profile(void **state)
{
	static const char both[] = SERVER(OF_SERVER("include", "\"10.0.19041\"",
	    "null") "," OF_SERVER("exclude", "\"10.0.20000\"", "\"10.0.21000\""));
	WORLD(state);

	assert_true(applies(w, SERVER(""), "", ""));
	assert_true(applies(w, both, "", "10.0.19041"));
	assert_true(applies(w, both, "", "10.0.22621"));
	assert_false(applies(w, both, "", "10.0.20348"));
	assert_false(applies(w, both, "", "10.0.18363"));
	assert_false(applies(w, both, "", ""));
	assert_true(applies(w, SERVER(OF_SERVER("exclude", "null", "\"10.0.1\"")), "", NULL));
}

static void
applicability_rules_go_by_edition_and_version_of_windows(void **state)
{
	WORLD(state);

	assert_true(applies(w, "{}", "", ""));
	assert_true(applies(w, EDITION("include"), "Enterprise", "10"));
	assert_true(applies(w, EDITION("include"), "Core", "10"));
	assert_false(applies(w, EDITION("include"), "EnterpriseN", "10"));
	assert_false(applies(w, EDITION("include"), "", "10"));
	assert_false(applies(w, EDITION("exclude"), "enterprise", "10"));
	assert_true(applies(w, EDITION("exclude"), "Education", "10"));
	assert_true(applies(w, EDITION("exclude"), NULL, NULL));
	assert_true(applies(w, VERSION("include"), "", "10.0.19041"));
	assert_true(applies(w, VERSION("include"), "", "10.0.22621.9"));
	assert_false(applies(w, VERSION("include"), "", "10.0.22621.10"));
	assert_false(applies(w, VERSION("include"), "", "10.0.9"));
	assert_false(applies(w, VERSION("include"), "", ""));
	assert_false(applies(w, VERSION("exclude"), "", "10.0.19045"));
	assert_true(applies(w, VERSION("exclude"), "", "10.0.26100"));
}

static void
a_rule_of_a_windows_profile_holds_as_it_is_saved(void **state)
{
	WORLD(state);
	struct assignment all = { .kind = TARGET_ALL_DEVICES };
	auto_json json *j = world_root_json(w, cert_der(w->root.cert)), *rule = NULL;
	struct warnings warn;
	struct profile p;

	expect_ok(json_parse(str_c(EDITION("include")), 1000, &rule));
	json_set_text(j, "@odata.type", "#microsoft.graph.windows81TrustedRootCertificate");
	json_set(j, "deviceManagementApplicabilityRuleOsEdition",
	    json_ref(json_get(rule, "deviceManagementApplicabilityRuleOsEdition")));
	expect_ok(profile_create(w->store, w->a, "test", j, &p, &warn));
	assign_to(w, p.id, &all, 1);
	w->device.platform = p.platform;
	w->device.sku = "Enterprise";
	assert_int_equal(desired_now(w), 1);
	w->device.sku = "Education";
	assert_int_equal(desired_now(w), 0);
}

static struct effect
effect(struct world *w, struct id profile, const struct assignment *v, size_t n, const json *set)
{
	struct effect x;

	expect_ok(effect_of(w->store, w->a, profile, set, NULL, v, n, 1000, &x));
	assert_true(x.complete);
	return x;
}

static void
the_effect_of_an_edit_is_told_before_it_is_made(void **state)
{
	WORLD(state);
	struct assignment to = { .kind = TARGET_GROUP, .group = w->group.id };
	struct assignment none;
	struct effect x = effect(w, w->pkcs_profile.id, &to, 1, NULL);
	auto_json json *subject = world_pkcs_json(w, "CN={{UserName}},O=Other");
	auto_json json *bad = world_pkcs_json(w, "CN={{OnPrem_Distinguished_Name}}");

	assert_int_equal(x.issue, 1);
	world_install(w);
	x = effect(w, w->pkcs_profile.id, &to, 1, NULL);
	assert_int_equal(x.unchanged, 1);
	assert_int_equal(x.issue + x.reissue + x.withdraw + x.revoke + x.fault, 0);
	x = effect(w, w->pkcs_profile.id, &none, 0, NULL);
	assert_int_equal(x.withdraw, 1);
	assert_int_equal(x.revoke, 1);
	x = effect(w, w->root_profile.id, &none, 0, NULL);
	assert_int_equal(x.withdraw, 1);
	assert_int_equal(x.revoke, 0);
	x = effect(w, w->pkcs_profile.id, NULL, 0, subject);
	assert_int_equal(x.reissue, 1);
	assert_int_equal(x.revoke, 1);
	assert_int_equal(x.unchanged, 0);
	x = effect(w, w->pkcs_profile.id, NULL, 0, bad);
	assert_int_equal(x.fault, 1);
	assert_string_equal(x.first_fault, "variable-empty");
	/* And nothing of it was done. */
	x = effect(w, w->pkcs_profile.id, NULL, 0, NULL);
	assert_int_equal(x.unchanged, 1);
	assert_string_equal(world_word(w, "pkcs"), "installed");
}

static void
what_is_told_is_what_happens(void **state)
{
	WORLD(state);
	struct assignment none;
	struct effect x;

	world_install(w);
	x = effect(w, w->pkcs_profile.id, &none, 0, NULL);
	world_unassign(w, w->pkcs_profile.id);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(x.withdraw, 1);
	assert_false(world_look(w, "pkcs").slot.wanted);
	x = effect(w, w->pkcs_profile.id, NULL, 0, NULL);
	assert_int_equal(x.withdraw + x.issue + x.unchanged, 0);
}

static void
what_saving_refuses_the_effect_refuses_too(void **state)
{
	WORLD(state);
	struct assignment bad = { .kind = TARGET_GROUP, .group = id_new() };
	auto_json json *type = json_object_new();
	struct effect x;

	expect_err(ERR_ASSIGNMENT,
	    effect_of(w->store, w->a, w->pkcs_profile.id, NULL, NULL, &bad, 1, 10, &x));
	expect_err(ERR_NOT_FOUND, effect_of(w->store, w->a, id_new(), NULL, NULL, &bad, 0, 10, &x));
	json_set_text(type, "keyUsag", "x");
	expect_err(ERR_MODEL_INVALID,
	    effect_of(w->store, w->a, w->pkcs_profile.id, type, NULL, NULL, 0, 10, &x));
}

static void
put_bare(struct world *w, struct tx *tx)
{
	(void)w;
	bare = (struct device){ .id = id_new(),
		.name = "desk-1",
		.platform = "linux",
		.state = DEVICE_ACTIVE,
		.enrolled = MADE_NOW };
	expect_ok(store_device_insert(tx, &bare));
}

static void
an_effect_that_stops_early_says_so(void **state)
{
	WORLD(state);
	struct assignment all = { .kind = TARGET_ALL_DEVICES };
	struct effect x;

	for (int i = 0; i < 205; i++)
		world_write(w, put_bare);
	expect_ok(effect_of(w->store, w->a, w->root_profile.id, NULL, NULL, &all, 1, 200, &x));
	assert_false(x.complete);
	assert_int_equal(x.devices, 200);
	x = effect(w, w->root_profile.id, &all, 1, NULL);
	assert_int_equal(x.issue, 206);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_filter_lets_some_devices_pass_or_all_but_those),
		IN_WORLD(one_of_several_targets_is_enough),
		IN_WORLD(a_filter_of_another_platform_matches_nobody_and_is_warned_of),
		IN_WORLD(an_exclusion_of_the_device_wins_over_an_inclusion_of_its_user),
		IN_WORLD(an_exclusion_takes_no_filter_and_unknown_filters_are_refused),
		IN_WORLD(a_root_for_people_under_a_certificate_for_devices_is_warned_of),
		IN_WORLD(a_root_that_is_narrowed_by_another_filter_does_not_cover),
		IN_WORLD(a_device_passes_all_rules_of_a_windows_10x_profile),
		IN_WORLD(applicability_rules_go_by_edition_and_version_of_windows),
		IN_WORLD(a_rule_of_a_windows_profile_holds_as_it_is_saved),
		IN_WORLD(the_effect_of_an_edit_is_told_before_it_is_made),
		IN_WORLD(what_is_told_is_what_happens),
		IN_WORLD(what_saving_refuses_the_effect_refuses_too),
		IN_WORLD(an_effect_that_stops_early_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

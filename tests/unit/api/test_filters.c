/* SPDX-License-Identifier: Apache-2.0 */
/* Assignment filters and scope tags, and assignments that use them. */
#include "expect.h"
#include "fixture.h"

#include "store/device.h"

#define ALL "DeviceManagementConfiguration.ReadWrite.All Group.ReadWrite.All"
#define SET "/beta/deviceManagement/assignmentFilters"
#define TEXT(j, name) json_text(json_get(j, name))

static struct reply
post(struct fixture *f, const char *path, const char *body)
{
	return call(f, "POST", path, token_for(f, ALL), body);
}

#define LAPTOPS \
	"{\"displayName\":\"Laptops\",\"platform\":\"Linux\",\"rule\":" \
	"\"(device.deviceName -startsWith \\\"lap\\\")\",\"roleScopeTags\":[\"0\"]}"

static void
a_filter_is_made_read_changed_and_deleted(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL), *path;
	auto_reply struct reply made = post(f, SET, LAPTOPS);
	auto_reply struct reply twice = post(f, SET, LAPTOPS);

	assert_int_equal(made.status, 201);
	assert_string_equal(TEXT(made.json, "platform"), "linux");
	assert_string_equal(TEXT(made.json, "assignmentFilterManagementType"), "devices");
	assert_int_equal(twice.status, 409);
	path = arena_printf(f->a, SET "/%s", TEXT(made.json, "id"));

	auto_reply struct reply platform = call(f, "PATCH", path, token, "{\"platform\":\"iOS\"}");
	auto_reply struct reply rule =
	    call(f, "PATCH", path, token, "{\"rule\":\"device.model -eq\"}");
	auto_reply struct reply ok =
	    call(f, "PATCH", path, token, "{\"description\":\"x\",\"platform\":\"linux\"}");
	auto_reply struct reply props =
	    call(f, "GET", arena_printf(f->a, "%s/getSupportedProperties()", path), token, NULL);
	auto_reply struct reply gone = call(f, "DELETE", path, token, NULL);

	assert_int_equal(platform.status, 400);
	assert_int_equal(rule.status, 400);
	assert_string_equal(fault_id(&rule), "filter-rule");
	assert_int_equal(ok.status, 200);
	assert_int_equal(props.status, 200);
	assert_true(json_count(json_get(props.json, "value")) >= 8);
	assert_int_equal(gone.status, 204);
}

static void
a_bad_filter_is_refused_with_what_is_wrong(void **state)
{
	static const struct {
		const char *body, *word;
	} bad[] = {
		{ "{\"displayName\":\"F\",\"rule\":\"device.model -eq \\\"x\\\"\"}", "platform" },
		{ "{\"displayName\":\"F\",\"platform\":\"beos\",\"rule\":\"device.model -eq \\\"x\\\"\"}",
		    "beos" },
		{ "{\"displayName\":\"F\",\"platform\":\"linux\",\"rule\":\"device.modle -eq \\\"x\\\"\"}",
		    "device.modle" },
		{ "{\"displayName\":\"F\",\"platform\":\"linux\",\"rule\":\"device.operatingSystemSKU -eq "
		  "\\\"Core\\\"\"}",
		    "platform" },
		{ "{\"displayName\":\"F\",\"platform\":\"linux\",\"rule\":\"device.model -eq \\\"x\\\"\","
		  "\"roleScopeTags\":[\"5\"]}",
		    "5" },
		{ "{\"displayName\":\"F\",\"platform\":\"linux\",\"rule\":\"device.model -eq \\\"x\\\"\","
		  "\"assignmentFilterManagementType\":\"apps\"}",
		    "assignmentFilterManagementType" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_reply struct reply r = post(f, SET, bad[i].body);

		if (r.status != 400 || strstr(error_message(&r), bad[i].word) == NULL)
			fail_msg("%s: %d %s", bad[i].body, r.status, error_message(&r));
	}
}

static err_t
put_devices(struct tx *tx, void *arg)
{
	static const char *const names[] = { "laptop-1", "LAPTOP-2", "desk-1" };

	(void)arg;
	for (size_t i = 0; i < COUNT(names); i++)
		TRY(store_device_insert(tx,
		    &(struct device){ .id = id_new(),
			.name = names[i],
			.platform = "linux",
			.state = DEVICE_ACTIVE }));
	return OK;
}

static void
a_rule_is_validated_and_previewed(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply good = post(f, SET "/validateFilter",
	    "{\"deviceAndAppManagementAssignmentFilter\":{\"platform\":\"linux\",\"rule\":"
	    "\"device.model -eq \\\"x\\\"\"}}");
	auto_reply struct reply bad = post(f, SET "/validateFilter",
	    "{\"deviceAndAppManagementAssignmentFilter\":{\"platform\":\"linux\",\"rule\":\"x\"}}");

	expect_ok(store_write(f->store, put_devices, NULL));

	auto_reply struct reply seen = post(f, "/beta/deviceManagement/evaluateAssignmentFilter",
	    "{\"data\":{\"platform\":\"linux\",\"rule\":\"device.deviceName -startsWith \\\"lap\\\"\","
	    "\"top\":1}}");

	assert_true(json_true(json_get(good.json, "isValidRule")));
	assert_false(json_true(json_get(bad.json, "isValidRule")));
	assert_non_null(strstr(TEXT(bad.json, "@chancery.reason"), "character 1"));
	assert_int_equal(seen.status, 200);
	assert_int_equal(json_int(json_get(seen.json, "totalRowCount")), 2);
	assert_int_equal(json_count(json_get(seen.json, "value")), 1);
	assert_true(json_true(json_get(seen.json, "@chancery.complete")));
}

static void
an_assignment_carries_its_filter_which_then_cannot_be_deleted(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL), *path, *filter;
	auto_reply struct reply made = post(f, SET, LAPTOPS);
	auto_reply struct reply profile = post(f, "/beta/deviceManagement/deviceConfigurations",
	    arena_printf(f->a,
		"{\"@odata.type\":\"#chancery.linuxTrustedRootCertificate\",\"displayName\":\"R\","
		"\"certFileName\":\"r.cer\",\"trustedRootCertificate\":\"%s\"}",
		text_base64(f->a, f->ca_cert)));

	assert_int_equal(profile.status, 201);
	filter = arena_strdup(f->a, TEXT(made.json, "id"));
	path = arena_printf(f->a, "/beta/deviceManagement/deviceConfigurations/%s/assign",
	    TEXT(profile.json, "id"));

	const char *with = arena_printf(f->a,
	    "{\"assignments\":[{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\","
	    "\"deviceAndAppManagementAssignmentFilterId\":\"%s\","
	    "\"deviceAndAppManagementAssignmentFilterType\":\"Include\"}}]}",
	    filter);
	auto_reply struct reply ok = post(f, path, with);
	auto_reply struct reply used =
	    call(f, "DELETE", arena_printf(f->a, SET "/%s", filter), token, NULL);
	auto_reply struct reply half = post(f, path,
	    "{\"assignments\":[{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\","
	    "\"deviceAndAppManagementAssignmentFilterType\":\"include\"}}]}");
	const json *target = json_get(json_at(json_get(ok.json, "value"), 0), "target");
	auto_reply struct reply cleared = post(f, path, "{\"assignments\":[]}");
	auto_reply struct reply gone =
	    call(f, "DELETE", arena_printf(f->a, SET "/%s", filter), token, NULL);

	assert_int_equal(ok.status, 200);
	assert_string_equal(TEXT(target, "deviceAndAppManagementAssignmentFilterId"), filter);
	assert_string_equal(TEXT(target, "deviceAndAppManagementAssignmentFilterType"), "include");
	assert_int_equal(used.status, 409);
	assert_string_equal(fault_id(&used), "filter-in-use");
	assert_int_equal(half.status, 400);
	assert_int_equal(cleared.status, 200);
	assert_int_equal(gone.status, 204);
}

static void
an_effect_is_asked_for_over_the_api(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply profile = post(f, "/beta/deviceManagement/deviceConfigurations",
	    arena_printf(f->a,
		"{\"@odata.type\":\"#chancery.linuxTrustedRootCertificate\",\"displayName\":\"R\","
		"\"certFileName\":\"r.cer\",\"trustedRootCertificate\":\"%s\"}",
		text_base64(f->a, f->ca_cert)));
	const char *path =
	    arena_printf(f->a, "/chancery/v1/profiles/%s/effect", TEXT(profile.json, "id"));

	expect_ok(store_write(f->store, put_devices, NULL));

	auto_reply struct reply x = post(f, path,
	    "{\"assignments\":[{\"target\":{\"@odata.type\":"
	    "\"#microsoft.graph.allDevicesAssignmentTarget\"}}]}");
	auto_reply struct reply nothing = post(f, path, "{}");
	auto_reply struct reply as_is = post(f, path, "{\"settings\":{\"description\":\"d\"}}");

	assert_int_equal(x.status, 200);
	assert_int_equal(json_int(json_get(x.json, "issue")), 3);
	assert_true(json_true(json_get(x.json, "complete")));
	assert_int_equal(nothing.status, 400);
	assert_int_equal(as_is.status, 200);
	assert_int_equal(json_int(json_get(as_is.json, "issue")), 0);
}

static void
scope_tags_have_numbers_and_the_default_stays(void **state)
{
#define TAGS "/beta/deviceManagement/roleScopeTags"
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	auto_reply struct reply made = post(f, TAGS, "{\"displayName\":\"Berlin\"}");
	auto_reply struct reply twice = post(f, TAGS, "{\"displayName\":\"berlin\"}");
	auto_reply struct reply list =
	    call(f, "GET", TAGS "?$filter=isBuiltIn%20eq%20false", token, NULL);
	auto_reply struct reply none = call(f, "DELETE", TAGS "/0", token, NULL);
	auto_reply struct reply patch =
	    call(f, "PATCH", TAGS "/1", token, "{\"description\":\"d\"}");
	auto_reply struct reply filter = post(f, SET,
	    "{\"displayName\":\"F\",\"platform\":\"linux\",\"rule\":\"device.model -eq "
	    "\\\"x\\\"\",\"roleScopeTags\":[\"1\"]}");
	auto_reply struct reply used = call(f, "DELETE", TAGS "/1", token, NULL);
	auto_reply struct reply freed =
	    call(f, "PATCH", arena_printf(f->a, SET "/%s", TEXT(filter.json, "id")), token,
		"{\"roleScopeTags\":[]}");
	auto_reply struct reply gone = call(f, "DELETE", TAGS "/1", token, NULL);
	auto_reply struct reply missing = call(f, "GET", TAGS "/1", token, NULL);

	assert_int_equal(made.status, 201);
	assert_string_equal(TEXT(made.json, "id"), "1");
	assert_int_equal(twice.status, 409);
	assert_int_equal(json_count(json_get(list.json, "value")), 1);
	assert_int_equal(none.status, 400);
	assert_int_equal(patch.status, 200);
	assert_int_equal(filter.status, 201);
	assert_int_equal(used.status, 400);
	assert_int_equal(freed.status, 200);
	assert_int_equal(gone.status, 204);
	assert_int_equal(missing.status, 404);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_filter_is_made_read_changed_and_deleted),
		T(a_bad_filter_is_refused_with_what_is_wrong),
		T(a_rule_is_validated_and_previewed),
		T(an_assignment_carries_its_filter_which_then_cannot_be_deleted),
		T(an_effect_is_asked_for_over_the_api),
		T(scope_tags_have_numbers_and_the_default_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

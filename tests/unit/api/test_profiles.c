/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"
#include "fixture.h"

#define ALL "DeviceManagementConfiguration.ReadWrite.All Group.ReadWrite.All"
#define SET "/beta/deviceManagement/deviceConfigurations"

static struct reply
make_root(struct fixture *f)
{
	return call(f, "POST", SET, token_for(f, ALL),
	    arena_printf(f->a,
		"{\"@odata.type\":\"#chancery.linuxTrustedRootCertificate\",\"id\":"
		"\"00000000-0000-0000-0000-000000000000\",\"displayName\":\"Root\",\"certFileName\":"
		"\"root.cer\",\"trustedRootCertificate\":\"%s\"}",
		text_base64(f->a, f->ca_cert)));
}

static struct reply
make_pkcs(struct fixture *f, const char *root, const char *subject)
{
	return call(f, "POST", SET, token_for(f, ALL),
	    arena_printf(f->a,
		"{\"@odata.type\":\"#chancery.linuxPkcsCertificateProfile\",\"displayName\":\"WiFi\","
		"\"renewalThresholdPercentage\":20,\"subjectNameFormat\":\"custom\","
		"\"subjectNameFormatString\":\"%s\",\"certificationAuthority\":\"ca.test\","
		"\"certificationAuthorityName\":\"Test CA\",\"certificateTemplateName\":\"T\","
		"\"certificateStore\":\"user\",\"rootCertificate@odata.bind\":"
		"\"https://graph.microsoft.com/beta/deviceManagement/deviceConfigurations('%s')\"}",
		subject, root));
}

static const char *
id_of(struct fixture *f, const struct reply *r)
{
	return arena_strdup(f->a, json_text(json_get(r->json, "id")));
}

static void
profiles_are_made_and_read_back(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	auto_reply struct reply root = make_root(f);
	auto_reply struct reply pkcs = make_pkcs(f, id_of(f, &root), "CN={{UserName}}");
	auto_reply struct reply list = call(
	    f, "GET", SET "?$filter=displayName%20eq%20'WiFi'&$expand=assignments", token, NULL);
	auto_reply struct reply typed = call(f, "GET",
	    arena_printf(f->a,
		SET "('%s')/microsoft.graph.linuxPkcsCertificateProfile/rootCertificate",
		id_of(f, &pkcs)),
	    token, NULL);
	auto_reply struct reply unbound = call(
	    f, "GET", arena_printf(f->a, SET "/%s/rootCertificate", id_of(f, &root)), token, NULL);
	auto_reply struct reply used =
	    call(f, "DELETE", arena_printf(f->a, SET "/%s", id_of(f, &root)), token, NULL);
	const json *first = json_at(json_get(list.json, "value"), 0);

	assert_int_equal(root.status, 201);
	if (pkcs.status != 201)
		fail_msg("%.*s", (int)pkcs.body.n, (const char *)pkcs.body.p);
	assert_string_equal(json_text(json_get(root.json, "trustedRootCertificate")),
	    text_base64(f->a, f->ca_cert));
	assert_string_equal(
	    json_text(json_get(pkcs.json, "@odata.type")), "#chancery.linuxPkcsCertificateProfile");
	assert_int_equal(json_count(json_get(list.json, "value")), 1);
	assert_true(json_is_array(json_get(first, "assignments")));
	assert_int_equal(typed.status, 200);
	assert_string_equal(json_text(json_get(typed.json, "id")), id_of(f, &root));
	assert_int_equal(unbound.status, 404);
	assert_int_equal(used.status, 409);
}

static void
an_unknown_type_or_variable_is_named_with_its_near_match(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply root = make_root(f);
	auto_reply struct reply type = call(f, "POST", SET, token_for(f, ALL),
	    "{\"@odata.type\":\"#chancery.linuxPkcsCertificateProfil\",\"displayName\":\"x\"}");
	auto_reply struct reply none =
	    call(f, "POST", SET, token_for(f, ALL), "{\"displayName\":\"x\"}");
	auto_reply struct reply variable = make_pkcs(f, id_of(f, &root), "CN={{UserNam}}");

	assert_int_equal(type.status, 400);
	assert_string_equal(error_code(&type), "ModelValidationFailure");
	assert_non_null(strstr(error_message(&type), "linuxPkcsCertificateProfile"));
	assert_int_equal(none.status, 400);
	assert_string_equal(error_code(&none), "ModelValidationFailure");
	assert_int_equal(variable.status, 400);
	assert_string_equal(error_code(&variable), "ModelValidationFailure");
	assert_non_null(strstr(error_message(&variable), "UserNam"));
	assert_non_null(strstr(error_message(&variable), "{{UserName}}"));
}

static const char *
make_group(struct fixture *f)
{
	auto_reply struct reply r =
	    call(f, "POST", "/v1.0/groups", token_for(f, ALL), "{\"displayName\":\"G\"}");

	assert_int_equal(r.status, 201);
	return id_of(f, &r);
}

static void
assigning_replaces_and_warns_of_a_root_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	const char *group = make_group(f);
	auto_reply struct reply root = make_root(f);
	auto_reply struct reply pkcs = make_pkcs(f, id_of(f, &root), "CN={{UserName}}");
	const char *path = arena_printf(f->a, SET "/%s/assign", id_of(f, &pkcs));
	const char *to_group = arena_printf(f->a,
	    "{\"assignments\":[{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\","
	    "\"groupId\":\"%s\"}}]}",
	    group);
	auto_reply struct reply warned = call(f, "POST", path, token, to_group);
	auto_reply struct reply r =
	    call(f, "POST", arena_printf(f->a, SET "/%s/assign", id_of(f, &root)), token, to_group);
	auto_reply struct reply quiet = call(f, "POST", path, token, to_group);
	auto_reply struct reply cleared = call(f, "POST", path, token, "{\"assignments\":[]}");
	const json *one = json_at(json_get(warned.json, "value"), 0);

	assert_int_equal(warned.status, 200);
	assert_int_equal(json_count(json_get(warned.json, "@chancery.warnings")), 1);
	assert_string_equal(
	    json_text(json_get(one, "id")), arena_printf(f->a, "%s_%s", id_of(f, &pkcs), group));
	assert_string_equal(json_text(json_get(json_get(one, "target"), "groupId")), group);
	assert_int_equal(r.status, 200);
	assert_null(json_get(quiet.json, "@chancery.warnings"));
	assert_int_equal(json_count(json_get(cleared.json, "value")), 0);
}

static void
bad_assignments_are_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"assignments\":1}",
		"{\"assignments\":[{}]}",
		"{\"assignments\":[{\"target\":{\"@odata.type\":\"#microsoft.graph.x\"}}]}",
		"{\"assignments\":[{\"target\":{\"@odata.type\":"
		"\"#microsoft.graph.groupAssignmentTarget\"}}]}",
		"{\"assignments\":[{\"target\":{\"@odata.type\":"
		"\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":"
		"\"11111111-2222-3333-4444-555555555555\"}}]}",
		"{\"assignments\":[{\"target\":{\"@odata.type\":"
		"\"#microsoft.graph.allDevicesAssignmentTarget\","
		"\"deviceAndAppManagementAssignmentFilterId\":"
		"\"11111111-2222-3333-4444-555555555555\"}}]}",
	};
	struct fixture *f = *state;
	auto_reply struct reply root = make_root(f);
	const char *path = arena_printf(f->a, SET "/%s/assign", id_of(f, &root));

	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_reply struct reply r = call(f, "POST", path, token_for(f, ALL), bad[i]);

		if (r.status < 400 || r.status >= 500)
			fail_msg("%s: %d", bad[i], r.status);
	}
}

static void
a_change_counts_the_version_up_and_needs_the_type(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	auto_reply struct reply root = make_root(f);
	const char *path = arena_printf(f->a, SET "/%s", id_of(f, &root));
	auto_reply struct reply untyped =
	    call(f, "PATCH", path, token, "{\"displayName\":\"New\"}");
	auto_reply struct reply ok = call(f, "PATCH", path, token,
	    "{\"@odata.type\":\"#chancery.linuxTrustedRootCertificate\",\"displayName\":\"New\","
	    "\"supportsScopeTags\":true}");

	assert_int_equal(untyped.status, 400);
	assert_int_equal(ok.status, 200);
	assert_string_equal(json_text(json_get(ok.json, "displayName")), "New");
	assert_int_equal(json_int(json_get(ok.json, "version")), 2);
}

static void
the_catalogue_of_faults_is_there(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, "User.Read.All");
	auto_reply struct reply all = call(f, "GET", "/chancery/v1/faults", token, NULL);
	auto_reply struct reply one =
	    call(f, "GET", "/chancery/v1/faults/variable-empty", token, NULL);
	auto_reply struct reply none = call(f, "GET", "/chancery/v1/faults/nonsense", token, NULL);

	assert_int_equal(json_count(json_get(all.json, "value")), ERR_COUNT - 1);
	assert_true(strlen(json_text(json_get(one.json, "nextStep"))) > 10);
	assert_int_equal(none.status, 404);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		T(profiles_are_made_and_read_back),
		T(an_unknown_type_or_variable_is_named_with_its_near_match),
		T(assigning_replaces_and_warns_of_a_root_that_is_not_there),
		T(bad_assignments_are_refused),
		T(a_change_counts_the_version_up_and_needs_the_type),
		T(the_catalogue_of_faults_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

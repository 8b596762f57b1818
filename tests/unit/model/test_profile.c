/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

static void
create_fails(struct world *w, enum err_code code, const json *body)
{
	struct warnings warn;
	struct profile p;

	expect_err(code, profile_create(w->store, w->a, "test", body, &p, &warn));
}

/* Fails with this in its detail. */
static void
create_says(struct world *w, enum err_code code, const json *body, const char *text)
{
	struct warnings warn;
	struct profile p;
	struct err_report rep;

	err_take(profile_create(w->store, w->a, "test", body, &p, &warn), &rep);
	assert_int_equal(rep.code, code);
	if (strstr(rep.detail, text) == NULL) {
		print_error("no \"%s\" in: %s\n", text, rep.detail);
		fail();
	}
}

static void
an_unknown_variable_is_refused_with_the_one_that_was_meant(void **state)
{
	WORLD(state);
	auto_json json *subject = world_pkcs_json(w, "CN={{UserNam}}");
	auto_json json *alt = world_pkcs_json(w, SUBJECT);

	create_says(w, ERR_VARIABLE_UNKNOWN, subject, "{{UserNam}}");
	create_says(w, ERR_VARIABLE_UNKNOWN, subject, "{{UserName}}");
	json_set_text(json_at(json_get(alt, "customSubjectAlternativeNames"), 0), "name",
	    "{{UserPrincipal}}x");
	create_says(w, ERR_VARIABLE_UNKNOWN, alt, "{{UserPrincipal}}");
}

static void
an_unknown_type_is_refused_with_the_one_that_was_meant(void **state)
{
	WORLD(state);
	auto_json json *j = world_pkcs_json(w, SUBJECT);

	json_set_text(j, "@odata.type", "#chancery.linuxPkcsCertificatProfile");
	create_says(w, ERR_PROFILE_TYPE, j, "#chancery.linuxPkcsCertificateProfile");
	json_del(j, "@odata.type");
	create_fails(w, ERR_PROFILE_TYPE, j);
}

static void
a_type_is_found_whatever_its_case_and_without_the_hash(void **state)
{
	const struct profile_type *t;

	(void)state;
	expect_ok(profile_type_find("CHANCERY.linuxpkcscertificateprofile", &t));
	assert_string_equal(t->kind->name, "pkcs");
	expect_err(ERR_PROFILE_TYPE, profile_type_find("", &t));
}

static void
an_unknown_property_is_refused(void **state)
{
	WORLD(state);
	auto_json json *j = world_pkcs_json(w, SUBJECT);

	json_set_text(j, "certificateTemplateNam", "x");
	create_says(w, ERR_MODEL_INVALID, j, "certificateTemplateName");
}

static void
echoed_read_only_properties_are_ignored(void **state)
{
	WORLD(state);
	auto_json json *j = world_pkcs_json(w, SUBJECT);
	struct warnings warn;
	struct profile p;

	json_set_text(j, "id", "00000000-0000-0000-0000-000000000000");
	json_set_int(j, "version", 7);
	json_set_bool(j, "supportsScopeTags", true);
	expect_ok(profile_create(w->store, w->a, "test", j, &p, &warn));
	assert_int_equal(p.version, 1);
	assert_false(id_is_zero(p.id));
}

static void
a_certificate_profile_needs_a_root_that_is_one(void **state)
{
	WORLD(state);
	auto_json json *j = world_pkcs_json(w, SUBJECT);

	json_set_text(j, "rootCertificate@odata.bind",
	    arena_printf(w->a, "/deviceConfigurations/%s", id_text(w->a, w->pkcs_profile.id)));
	create_says(w, ERR_MODEL_INVALID, j, "no trusted root");
	json_set_text(j, "rootCertificate@odata.bind",
	    arena_printf(w->a, "/deviceConfigurations/%s", id_text(w->a, id_new())));
	create_says(w, ERR_MODEL_INVALID, j, "there is no profile");
	json_set_text(j, "rootCertificate@odata.bind", "nonsense");
	create_fails(w, ERR_MODEL_INVALID, j);
	json_del(j, "rootCertificate@odata.bind");
	create_fails(w, ERR_MODEL_INVALID, j);
}

static void
values_out_of_range_are_refused(void **state)
{
	WORLD(state);
	auto_json json *j = world_pkcs_json(w, SUBJECT);

	json_set_int(j, "renewalThresholdPercentage", 100);
	create_fails(w, ERR_MODEL_INVALID, j);
	json_set_int(j, "renewalThresholdPercentage", 99);
	json_set_text(j, "keySize", "size1024");
	create_fails(w, ERR_MODEL_INVALID, j);
	json_del(j, "keySize");
	json_set_text(j, "displayName", "");
	create_fails(w, ERR_MODEL_INVALID, j);
	json_set_text(j, "displayName", "x");
	json_del(j, "subjectNameFormatString");
	create_fails(w, ERR_MODEL_INVALID, j);
	json_set_text(j, "subjectNameFormatString", "CN={{UserName");
	create_fails(w, ERR_NAME_FORMAT, j);
}

static void
a_root_is_taken_in_pem_and_shown_as_it_was_sent(void **state)
{
	WORLD(state);
	struct str pem = str_c(text_pem(w->a, "CERTIFICATE", cert_der(w->root.cert)));
	auto_json json *j = world_root_json(w, pem);
	auto_json json *shown = NULL;
	struct warnings warn;
	struct profile p;

	expect_ok(profile_create(w->store, w->a, "test", j, &p, &warn));
	expect_ok(profile_json(w->a, &p, &shown));
	assert_string_equal(
	    json_text(json_get(shown, "trustedRootCertificate")), text_base64(w->a, pem));
	assert_string_equal(
	    json_text(json_get(shown, "@odata.type")), "#chancery.linuxTrustedRootCertificate");
	assert_string_equal(json_text(json_get(shown, "certFileName")), "root.cer");
	assert_int_equal(json_int(json_get(shown, "version")), 1);
	assert_string_equal(json_text(json_at(json_get(shown, "roleScopeTagIds"), 0)), "0");
}

static void
what_is_not_one_ca_certificate_is_no_root(void **state)
{
	WORLD(state);
	struct str pem = str_c(text_pem(w->a, "CERTIFICATE", cert_der(w->root.cert)));
	struct str two = str_c(arena_printf(
	    w->a, "%.*s%.*s", (int)pem.n, (const char *)pem.p, (int)pem.n, (const char *)pem.p));
	auto_cert struct cert *leaf = world_leaf(w, MADE_DAY);
	auto_json json *garbage = world_root_json(w, LIT("garbage"));
	auto_json json *twice = world_root_json(w, two);
	auto_json json *end = world_root_json(w, cert_der(leaf));

	create_fails(w, ERR_NOT_A_CA, garbage);
	create_fails(w, ERR_NOT_A_CA, twice);
	create_fails(w, ERR_NOT_A_CA, end);
}

static void
a_root_that_others_refer_to_is_not_deleted(void **state)
{
	WORLD(state);

	expect_err(ERR_PROFILE_IN_USE, profile_delete(w->store, w->a, "test", w->root_profile.id));
	expect_ok(profile_delete(w->store, w->a, "test", w->pkcs_profile.id));
	expect_ok(profile_delete(w->store, w->a, "test", w->root_profile.id));
	expect_err(ERR_NOT_FOUND, profile_delete(w->store, w->a, "test", w->root_profile.id));
}

static void
a_deleted_profile_is_withdrawn_and_revoked(void **state)
{
	WORLD(state);
	struct job j;

	world_install(w);
	expect_ok(profile_delete(w->store, w->a, "test", w->pkcs_profile.id));
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 1);
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_REVOKE);
	assert_string_equal(j.order.ca, "Corp Issuing CA");
}

static void
changes_keep_what_is_not_named(void **state)
{
	WORLD(state);
	auto_json json *patch = json_object_new();
	auto_json json *shown = NULL;
	struct warnings warn;
	struct profile p;

	json_set_text(patch, "@odata.type", "#chancery.linuxPkcsCertificateProfile");
	json_set_int(patch, "renewalThresholdPercentage", 33);
	expect_ok(profile_update(w->store, w->a, "test", w->pkcs_profile.id, patch, &p, &warn));
	assert_int_equal(p.version, 2);
	assert_true(id_eq(p.root, w->root_profile.id));
	expect_ok(profile_json(w->a, &p, &shown));
	assert_int_equal(json_int(json_get(shown, "renewalThresholdPercentage")), 33);
	assert_string_equal(json_text(json_get(shown, "subjectNameFormatString")), SUBJECT);
	assert_string_equal(json_text(json_get(shown, "displayName")), "Wi-Fi");
	assert_string_equal(json_text(json_get(shown, "subjectNameFormat")), "custom");
	assert_string_equal(json_text(json_get(shown, "keySize")), "size2048");
}

static void
a_profile_keeps_its_type(void **state)
{
	WORLD(state);
	auto_json json *patch = json_object_new();
	struct warnings warn;
	struct profile p;

	json_set_text(patch, "@odata.type", "#chancery.linuxTrustedRootCertificate");
	expect_err(ERR_PROFILE_TYPE,
	    profile_update(w->store, w->a, "test", w->pkcs_profile.id, patch, &p, &warn));
}

static void
a_change_that_is_refused_changes_nothing(void **state)
{
	WORLD(state);
	auto_json json *patch = world_pkcs_json(w, "CN={{Nobody}}");
	struct warnings warn;
	struct profile p;

	expect_err(ERR_VARIABLE_UNKNOWN,
	    profile_update(w->store, w->a, "test", w->pkcs_profile.id, patch, &p, &warn));
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_job(w).order.profile_version, 1);
}

static void
a_change_of_the_threshold_alone_issues_nothing_anew(void **state)
{
	WORLD(state);
	auto_json json *patch = json_object_new();
	struct warnings warn;
	struct profile p;
	struct job *v;

	world_install(w);
	json_set_text(patch, "@odata.type", "#chancery.linuxPkcsCertificateProfile");
	json_set_int(patch, "renewalThresholdPercentage", 30);
	expect_ok(profile_update(w->store, w->a, "test", w->pkcs_profile.id, patch, &p, &warn));
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(world_lease(w, &v), 0);
}

static void
assigning_without_the_root_is_warned_of(void **state)
{
	WORLD(state);
	struct assignment all = { .kind = TARGET_ALL_USERS };
	struct warnings warn;

	expect_ok(profile_assign(w->store, w->a, "test", w->pkcs_profile.id, &all, 1, &warn));
	assert_int_equal(warn.n, 1);
	assert_string_equal(warn.v[0].fault, "root-not-assigned");
	all.kind = TARGET_ALL_DEVICES;
	expect_ok(profile_assign(w->store, w->a, "test", w->root_profile.id, &all, 1, &warn));
	assert_int_equal(warn.n, 0);
	expect_ok(profile_assign(w->store, w->a, "test", w->root_profile.id, NULL, 0, &warn));
	assert_int_equal(warn.n, 1);
}

static void
one_group_cannot_be_included_and_excluded(void **state)
{
	WORLD(state);
	struct assignment v[] = { { .kind = TARGET_GROUP, .group = w->group.id },
		{ .kind = TARGET_EXCLUDE_GROUP, .group = w->group.id } };
	struct warnings warn;

	expect_err(ERR_ASSIGNMENT,
	    profile_assign(w->store, w->a, "test", w->root_profile.id, v, 2, &warn));
	v[0].group = id_new();
	expect_err(ERR_ASSIGNMENT,
	    profile_assign(w->store, w->a, "test", w->root_profile.id, v, 1, &warn));
	v[0].group = v[1].group;
	v[1] = v[0];
	expect_ok(profile_assign(w->store, w->a, "test", w->root_profile.id, v, 2, &warn));
}

static void
an_assignment_nudges_devices(void **state)
{
	WORLD(state);
	struct warnings warn;
	unsigned before = w->nudges;

	world_assign(w, w->pkcs_profile.id, &warn);
	assert_int_equal(w->nudges, before + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(an_unknown_variable_is_refused_with_the_one_that_was_meant),
		IN_WORLD(an_unknown_type_is_refused_with_the_one_that_was_meant),
		IN_WORLD(a_type_is_found_whatever_its_case_and_without_the_hash),
		IN_WORLD(an_unknown_property_is_refused),
		IN_WORLD(echoed_read_only_properties_are_ignored),
		IN_WORLD(a_certificate_profile_needs_a_root_that_is_one),
		IN_WORLD(values_out_of_range_are_refused),
		IN_WORLD(a_root_is_taken_in_pem_and_shown_as_it_was_sent),
		IN_WORLD(what_is_not_one_ca_certificate_is_no_root),
		IN_WORLD(a_root_that_others_refer_to_is_not_deleted),
		IN_WORLD(a_deleted_profile_is_withdrawn_and_revoked),
		IN_WORLD(changes_keep_what_is_not_named),
		IN_WORLD(a_profile_keeps_its_type),
		IN_WORLD(a_change_that_is_refused_changes_nothing),
		IN_WORLD(a_change_of_the_threshold_alone_issues_nothing_anew),
		IN_WORLD(assigning_without_the_root_is_warned_of),
		IN_WORLD(one_group_cannot_be_included_and_excluded),
		IN_WORLD(an_assignment_nudges_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

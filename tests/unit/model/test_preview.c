/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "model/preview.h"
#include "store/user_pfx.h"

static struct preview
preview(struct world *w, struct preview_ask ask)
{
	struct preview p;

	expect_ok(preview_run(w->store, w->a, &ask, &p));
	return p;
}

static const struct preview_check *
check(const struct preview *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->checks[i].name, name) == 0)
			return &p->checks[i];
	fail_msg("no check %s", name);
	return NULL;
}

static void
expect_fault(const struct preview *p, const char *name, enum err_code code)
{
	const struct preview_check *c = check(p, name);

	assert_int_equal(c->result, PREVIEW_ERROR);
	assert_string_equal(c->fault, err_info(code)->id);
	assert_true(c->detail[0] != '\0');
	assert_false(preview_would_issue(p));
}

/* The draft as text, for the device of the world. */
static struct preview
draft(struct world *w, struct id profile, const char *text)
{
	json *j;

	expect_ok(json_parse(str_c(text), 10000, &j));

	auto_json json *held = j;

	return preview(
	    w, (struct preview_ask){ .profile = profile, .draft = held, .device = w->device.id });
}

static void
a_profile_that_would_be_issued_has_no_fault_and_leaves_no_trace(void **state)
{
	WORLD(state);
	struct preview p = preview(
	    w, (struct preview_ask){ .profile = w->pkcs_profile.id, .device = w->device.id });
	struct dn dn;
	struct job *jobs;

	assert_true(preview_would_issue(&p));
	assert_int_equal(p.n, 6);
	assert_int_equal(check(&p, "template")->result, PREVIEW_UNKNOWN);
	assert_int_equal(check(&p, "lint")->result, PREVIEW_OK);
	expect_ok(dn_decode(w->a, p.what.subject, &dn));
	assert_string_equal(dn_print(w->a, &dn),
	    "CN=alice, E=alice@mail.example.test, OU=Mobile, O=Finance Group, L=Redmond, "
	    "ST=Washington, C=US");
	assert_string_equal(p.what.sid, w->user.sid);
	assert_int_equal(world_lease(w, &jobs), 0);
}

static void
changes_are_shown_and_not_made(void **state)
{
	WORLD(state);
	struct preview p =
	    draft(w, w->pkcs_profile.id, "{\"subjectNameFormatString\":\"CN={{DeviceName}} x\"}");
	struct dn dn;

	expect_ok(dn_decode(w->a, p.what.subject, &dn));
	assert_string_equal(dn_print(w->a, &dn), "CN=laptop-1 x");
	p = preview(
	    w, (struct preview_ask){ .profile = w->pkcs_profile.id, .device = w->device.id });
	assert_int_equal(p.profile.version, 1);
	expect_ok(dn_decode(w->a, p.what.subject, &dn));
	assert_int_equal(dn.n, 7);
}

static void
each_thing_in_the_way_is_named(void **state)
{
	WORLD(state);
	struct preview p;

	p = draft(w, w->pkcs_profile.id, "{\"subjectNameFormatString\":\"CN={{JobTitle}}\"}");
	expect_fault(&p, "names", ERR_VARIABLE_EMPTY);
	assert_false(p.resolved);
	p = draft(w, w->pkcs_profile.id, "{\"certificationAuthorityName\":\"Other CA\"}");
	expect_fault(&p, "authority", ERR_CA_NOT_REACHED);
	p = draft(w, (struct id){ { 0 } },
	    "{\"@odata.type\":\"#microsoft.graph.iosPkcsCertificateProfile\",\"displayName\":\"x\","
	    "\"certificationAuthority\":\"h\",\"certificationAuthorityName\":\"Corp Issuing CA\","
	    "\"certificateTemplateName\":\"T\"}");
	expect_fault(&p, "platform", ERR_PROFILE_PLATFORM);
	assert_int_equal(check(&p, "names")->result, PREVIEW_OK);
	p = draft(w, (struct id){ { 0 } },
	    "{\"@odata.type\":\"#chancery.linuxPkcsCertificateProfile\",\"displayName\":\"x\","
	    "\"certificationAuthority\":\"h\",\"certificationAuthorityName\":\"Corp Issuing CA\","
	    "\"certificateTemplateName\":\"T\"}");
	expect_fault(&p, "root", ERR_MODEL_INVALID);
	when_set(MADE_NOW + 100 * 365 * MADE_DAY);
	p = preview(
	    w, (struct preview_ask){ .profile = w->pkcs_profile.id, .device = w->device.id });
	expect_fault(&p, "root", ERR_EXPIRED);
}

static void
a_user_alone_is_enough_until_a_variable_of_the_device_is_needed(void **state)
{
	WORLD(state);
	struct preview p =
	    preview(w, (struct preview_ask){ .profile = w->pkcs_profile.id, .user = w->user.id });

	assert_true(preview_would_issue(&p));
	auto_json json *j = json_object_new();

	json_set_text(j, "subjectNameFormatString", "CN={{SerialNumber}}");
	p = preview(w,
	    (struct preview_ask){ .profile = w->pkcs_profile.id, .draft = j, .user = w->user.id });
	expect_fault(&p, "names", ERR_VARIABLE_EMPTY);
}

static void
what_cannot_be_read_is_refused(void **state)
{
	WORLD(state);
	auto_json json *j = json_object_new();
	struct preview_ask ask = {
		.profile = w->pkcs_profile.id, .draft = j, .device = w->device.id
	};
	struct preview p;

	json_set_text(j, "subjectNameFormatString", "CN={{Nonsense}}");
	expect_err(ERR_VARIABLE_UNKNOWN, preview_run(w->store, w->a, &ask, &p));
	json_set_text(j, "@odata.type", "#microsoft.graph.iosPkcsCertificateProfile");
	expect_err(ERR_PROFILE_TYPE, preview_run(w->store, w->a, &ask, &p));
	ask.draft = NULL;
	ask.device = id_new();
	expect_err(ERR_NOT_FOUND, preview_run(w->store, w->a, &ask, &p));
	ask.profile = id_new();
	expect_err(ERR_NOT_FOUND, preview_run(w->store, w->a, &ask, &p));
}

static void
import(struct world *w, struct tx *tx)
{
	struct user_pfx x = { .id = id_new(),
		.user = w->user.id,
		.thumbprint = "aa",
		.purpose = PFX_SMIME_SIGNING,
		.upn = w->user.upn,
		.not_after = MADE_NOW + 100 };

	expect_ok(store_pfx_insert(tx, &x));
}

static void
imported_certificates_are_shown_and_scep_too(void **state)
{
	WORLD(state);
	struct preview p = draft(w, (struct id){ { 0 } },
	    "{\"@odata.type\":\"#chancery.linuxImportedPFXCertificateProfile\",\"displayName\":\"x\","
	    "\"intendedPurpose\":\"smimeSigning\"}");

	expect_fault(&p, "names", ERR_PFX_NONE);
	world_write(w, import);
	p = draft(w, (struct id){ { 0 } },
	    "{\"@odata.type\":\"#chancery.linuxImportedPFXCertificateProfile\",\"displayName\":\"x\","
	    "\"intendedPurpose\":\"smimeSigning\"}");
	assert_true(preview_would_issue(&p));
	assert_int_equal(p.what.npfx, 1);
	p = draft(w, (struct id){ { 0 } },
	    "{\"@odata.type\":\"#microsoft.graph.windows81SCEPCertificateProfile\",\"displayName\":\"x\","
	    "\"keySize\":\"size2048\",\"keyUsage\":\"digitalSignature\",\"hashAlgorithm\":\"sha1\","
	    "\"scepServerUrls\":[\"https://x.test/\"]}");
	assert_int_equal(check(&p, "lint")->result, PREVIEW_OK);
	assert_int_equal(check(&p, "root")->result, PREVIEW_WARNING);
	assert_int_equal(p.warn.n, 1);
	assert_string_equal(p.warn.v[0].fault, err_info(ERR_WEAK_HASH)->id);
}

static err_t
checked_run(struct tx *tx, void *arg)
{
	struct world *w = arg;

	return store_connector_update(tx, &w->connector);
}

/* A check found these templates at the CA. */
static struct preview
after_check(struct world *w, const char *templates, when_t when)
{
	w->connector.templates = templates;
	w->connector.checked = when;
	expect_ok(store_write(w->store, checked_run, w));
	return preview(
	    w, (struct preview_ask){ .profile = w->pkcs_profile.id, .device = w->device.id });
}

static void
a_template_is_known_by_what_the_last_check_of_a_connector_found(void **state)
{
	WORLD(state);
	struct preview p = after_check(w, "", 0);
	const char *own = p.what.template;

	assert_int_equal(check(&p, "template")->result, PREVIEW_UNKNOWN);
	p = after_check(w, arena_printf(w->a, "Other, %s", own), 1000);
	assert_int_equal(check(&p, "template")->result, PREVIEW_OK);
	assert_non_null(strstr(check(&p, "template")->detail, "1970-01-01T00:16:40Z"));
	p = after_check(w, arena_printf(w->a, "Other,%s2", own), 2000);
	assert_int_equal(check(&p, "template")->result, PREVIEW_WARNING);
	assert_string_equal(check(&p, "template")->fault, err_info(ERR_TEMPLATE_DENIED)->id);
	assert_non_null(strstr(check(&p, "template")->detail, "Other"));
	assert_true(preview_would_issue(&p));
	p = after_check(w, "", 3000);
	assert_int_equal(check(&p, "template")->result, PREVIEW_WARNING);
	/* One that may not work says nothing of what could be. */
	w->connector.enabled = false;
	p = after_check(w, own, 4000);
	assert_int_equal(check(&p, "template")->result, PREVIEW_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_profile_that_would_be_issued_has_no_fault_and_leaves_no_trace),
		IN_WORLD(changes_are_shown_and_not_made),
		IN_WORLD(a_template_is_known_by_what_the_last_check_of_a_connector_found),
		IN_WORLD(each_thing_in_the_way_is_named),
		IN_WORLD(a_user_alone_is_enough_until_a_variable_of_the_device_is_needed),
		IN_WORLD(what_cannot_be_read_is_refused),
		IN_WORLD(imported_certificates_are_shown_and_scep_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

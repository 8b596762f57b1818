/* SPDX-License-Identifier: Apache-2.0 */
/* Every type with every one of its properties, as the field tables have them: each is taken, shown, and refused by
 * name when it is wrong. */
#include "world.h"

struct case_of {
	struct world *w;
	const struct profile_type *type;
	const struct field *rows;
	size_t n;
	size_t refused;
	struct id certificate; /* a profile for the type to refer to, if it does */
};

/* One member, as the row has it in JSON. */
static json *
member(const struct field *f, const char *name)
{
	json *list;

	if ((f->flags & FIELD_ARRAY) == 0)
		return json_text_new(name);
	list = json_array_new();
	json_add(list, json_text_new(name));
	return list;
}

/* A value that the row takes and that goes with those of the others. */
static json *
sample(struct world *w, const struct profile_type *t, const struct field *f)
{
	json *list = json_array_new(), *one = json_object_new();

	/* Of networks without certificates: with a key there is more to it (test_wifi_key.c). */
	if (t->kind->settle != NULL && strcasecmp(f->name, "wiFiSecurityType") == 0) {
		json_free(list);
		json_free(one);
		return json_text_new("open");
	}
	if (strcmp(f->name, "preSharedKeyIsSet") == 0 ||
	    (t->kind->settle != NULL && strcmp(f->name, "forceFIPSCompliance") == 0)) {
		json_free(list);
		json_free(one);
		return json_bool_new(false);
	}
	if (strcmp(f->name, "preSharedKey") == 0 ||
	    strncmp(f->name, "innerAuthenticationProtocol", 27) == 0) {
		json_free(list);
		json_free(one);
		return json_null_new();
	}
	if (strcmp(f->name, "trustedRootCertificate") == 0) {
		json_free(list);
		json_free(one);
		return json_text_new(text_base64(w->a, cert_der(w->root.cert)));
	}
	switch (f->type) {
	case FIELD_TEXTS:
		json_add(list,
		    json_text_new(strcmp(f->name, "scepServerUrls") == 0 ?
			    "https://scep.example.test/certsrv/mscep/mscep.dll" :
			    "windows10Enterprise"));
		json_free(one);
		return list;
	case FIELD_LIST:
	case FIELD_OBJECT:
		for (size_t i = 0; i < f->nfields; i++)
			json_set(one, f->fields[i].name, sample(w, t, &f->fields[i]));
		if (f->type == FIELD_OBJECT) {
			json_free(list);
			return one;
		}
		json_add(list, one);
		return list;
	default:
		break;
	}
	json_free(list);
	json_free(one);
	if (f->type == FIELD_INT)
		return json_int_new(f->min > 2 ? f->min : 2);
	if (f->type == FIELD_BOOL)
		return json_bool_new(true);
	if (f->type == FIELD_ENUM || f->type == FIELD_FLAGS) {
		static const char *const liked[] = { "size4096", "custom", "months",
			"digitalSignature", "sha2", "emailAddress", "useSoftwareKsp", "user",
			"customVpn", "wpa2Enterprise", "postlogon", "include", NULL };

		for (const char *const *l = liked; *l != NULL; l++)
			for (const struct field_member *m = f->members; m->name != NULL; m++)
				if (strcmp(m->name, *l) == 0)
					return member(f, m->name);
		return member(f, f->members[0].name);
	}
	if (strcmp(f->name, "objectIdentifier") == 0)
		return json_text_new(OID_EKU_CLIENT_AUTH);
	if (strcmp(f->name, "packageId") == 0)
		return json_text_new("com.example.mail");
	if (strstr(f->name, "OSVersion") != NULL)
		return json_text_new("10.0.19045");
	if (strcmp(f->name, "subjectNameFormatString") == 0)
		return json_text_new("CN={{UserName}},O=Example");
	return json_text_new(f->check != NULL ? "{{EmailAddress}}" : "words");
}

static bool
has(const struct case_of *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->rows[i].name, name) == 0)
			return true;
	return false;
}

static bool
has_secret(const struct case_of *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->rows[i].name, name) == 0)
			return (c->rows[i].flags & FIELD_SECRET) != 0;
	return false;
}

/* Whatever certificate it refers to. */
static void
bind(const struct case_of *c, json *j)
{
	for (const struct reference *r = c->type->kind->refs; r != NULL && r->name != NULL; r++)
		if (r->to == REF_CERTIFICATE && (r->only & c->type->only) != 0)
			json_set_text(j, arena_printf(c->w->a, "%s@odata.bind", r->name),
			    arena_printf(c->w->a, "/deviceConfigurations/%s",
				id_text(c->w->a, c->certificate)));
}

/* Everything that the type has, set. */
static json *
whole(const struct case_of *c)
{
	json *j = json_object_new();

	json_set_text(j, "@odata.type", c->type->name);
	json_set_text(j, "displayName", "All of it");
	for (size_t i = 0; i < c->n; i++)
		json_set(j, c->rows[i].name, sample(c->w, c->type, &c->rows[i]));
	if (!has(c, "subjectNameFormatString") && has(c, "subjectNameFormat"))
		json_set_text(j, "subjectNameFormat", "commonName");
	if (c->type->family != ON_WINDOWS) {
		json_del(j, "deviceManagementApplicabilityRuleOsEdition");
		json_del(j, "deviceManagementApplicabilityRuleOsVersion");
		json_del(j, "deviceManagementApplicabilityRuleDeviceMode");
	}
	if (c->type->root == ROOT_MUST)
		json_set_text(j, "rootCertificate@odata.bind",
		    arena_printf(c->w->a, "/deviceConfigurations/%s",
			id_text(c->w->a, c->w->root_profile.id)));
	bind(c, j);
	return j;
}

/* The body with this value for the property: refused with its name and, if given, these words. Takes the value. */
static void
refused(struct case_of *c, const char *name, json *value, const char *words)
{
	auto_json json *body = whole(c);
	struct err_report rep = { .code = ERR_NONE };
	struct warnings warn;
	struct profile p;

	json_set(body, name, value);
	err_take(profile_create(c->w->store, c->w->a, "test", body, &p, &warn), &rep);
	if (rep.code == ERR_NONE || err_info(rep.code)->http != 400 ||
	    strstr(rep.detail, name) == NULL ||
	    (words != NULL && strstr(rep.detail, words) == NULL))
		fail_msg("%s, %s: %s, \"%s\", without \"%s\"", c->type->name, name,
		    err_info(rep.code)->id, rep.detail, words == NULL ? "" : words);
	c->refused++;
}

/* A certificate profile of the platform. */
static struct id
certificate_for(struct world *w, const struct profile_type *t)
{
	auto_json json *j = json_object_new();
	struct warnings warn;
	struct profile p;
	static const char *const types[][2] = {
		{ "ios", "#microsoft.graph.iosPkcsCertificateProfile" },
		{ "macos", "#microsoft.graph.macOSPkcsCertificateProfile" },
		{ "windows", "#microsoft.graph.windows10PkcsCertificateProfile" },
		{ "androidWorkProfile",
		    "#microsoft.graph.androidWorkProfilePkcsCertificateProfile" },
		{ "androidDeviceOwner",
		    "#microsoft.graph.androidDeviceOwnerPkcsCertificateProfile" },
	};

	if (strcmp(t->platform, "linux") == 0)
		return w->pkcs_profile.id;
	for (size_t i = 0; i < COUNT(types); i++)
		if (strcmp(t->platform, types[i][0]) == 0)
			json_set_text(j, "@odata.type", types[i][1]);
	json_set_text(j, "displayName", "Certificate");
	json_set_text(j, "certificationAuthority", "ca.example.test");
	json_set_text(j, "certificationAuthorityName", "Corp CA");
	json_set_text(j, "certificateTemplateName", "User");
	if (strcmp(t->platform, "androidDeviceOwner") == 0)
		json_set_text(j, "subjectNameFormatString", "CN={{UserName}}");
	expect_ok(profile_create(w->store, w->a, "test", j, &p, &warn));
	return p.id;
}

static void
each(struct world *w, void (*fn)(struct case_of *c))
{
	size_t n = 0;

	for (const struct profile_type *t = profile_types; t->name != NULL; t++, n++) {
		struct case_of c = { .w = w, .type = t };

		c.rows = profile_type_fields(w->a, t, &c.n);
		if (t->kind->refs != NULL)
			c.certificate = certificate_for(w, t);
		fn(&c);
	}
	assert_int_equal(n, 56);
}

static void
taken_and_shown(struct case_of *c)
{
	auto_json json *body = whole(c);
	auto_json json *shown = NULL;
	auto_json json *again = NULL;
	struct warnings warn;
	struct profile p;

	expect_ok(profile_create(c->w->store, c->w->a, "test", body, &p, &warn));
	expect_ok(profile_json(c->w->a, &p, &shown));
	for (void *it = json_iter(body); it != NULL; it = json_iter_next(body, it))
		if (strstr(json_iter_key(it), "@odata.bind") == NULL &&
		    !has_secret(c, json_iter_key(it)) &&
		    !json_equal(json_iter_value(it), json_get(shown, json_iter_key(it))))
			fail_msg("%s, %s came back changed", c->type->name, json_iter_key(it));
	for (size_t i = 0; i < c->n; i++)
		assert_int_equal(json_get(shown, c->rows[i].name) == NULL,
		    (c->rows[i].flags & FIELD_SECRET) != 0);
	/* What was read can be sent back. */
	expect_ok(profile_update(c->w->store, c->w->a, "test", p.id, shown, &p, &warn));
	expect_ok(profile_json(c->w->a, &p, &again));
	json_del(shown, "version");
	json_del(again, "version");
	assert_true(json_equal(shown, again));
}

static void
every_property_of_every_type_is_taken_and_shown_as_it_was_sent(void **state)
{
	WORLD(state);

	each(w, taken_and_shown);
}

static void
wrong_kind(struct case_of *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if ((c->rows[i].flags & FIELD_READONLY) != 0)
			continue;
		refused(c, c->rows[i].name,
		    c->rows[i].type == FIELD_INT ? json_text_new("7") : json_int_new(7), "must be");
		if (c->rows[i].type != FIELD_OBJECT)
			refused(c, c->rows[i].name, json_object_new(), "must be");
	}
}

static void
a_value_of_the_wrong_kind_is_refused(void **state)
{
	WORLD(state);

	each(w, wrong_kind);
}

static void
out_of_range(struct case_of *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct field *f = &c->rows[i];

		if (f->type != FIELD_INT)
			continue;
		refused(c, f->name, json_int_new(f->min - 1), "must be");
		refused(c, f->name, json_int_new(f->max + 1), "must be");
		refused(c, f->name, json_int_new(INT64_MAX), "must be");
		refused(c, f->name, json_int_new(INT64_MIN), "must be");
	}
}

static void
a_number_out_of_range_is_refused(void **state)
{
	WORLD(state);

	each(w, out_of_range);
}

static void
no_member(struct case_of *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct field *f = &c->rows[i];

		if (f->type != FIELD_ENUM && f->type != FIELD_FLAGS)
			continue;
		refused(c, f->name, member(f, "noSuchMember"), f->members[0].name);
		refused(c, f->name, member(f, "\xe2\x80\xae"), "has no member");
		refused(c, f->name,
		    member(f, arena_printf(c->w->a, "%s,noSuchMember", f->members[0].name)),
		    "has no member");
	}
}

static void
a_member_that_an_enumeration_does_not_have_is_refused_with_those_that_it_has(void **state)
{
	WORLD(state);

	each(w, no_member);
}

static void
too_long(struct case_of *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct field *f = &c->rows[i];
		size_t max = f->max != 0 ? (size_t)f->max : f->type == FIELD_LIST ? 500 : 256;
		char *text = arena_array(c->w->a, max + 2, 1);

		if (f->type == FIELD_TEXT) {
			memset(text, 'a', max + 1);
			refused(c, f->name, json_text_new(text), "at most");
		}
		if (f->type == FIELD_LIST || f->type == FIELD_TEXTS) {
			json *list = json_array_new();
			auto_json json *one = sample(c->w, c->type, f);

			for (size_t k = 0; k <= max; k++)
				json_add(list, json_ref(json_at(one, 0)));
			refused(c, f->name, list, "at most");
		}
	}
}

static void
what_is_too_long_is_refused(void **state)
{
	WORLD(state);

	each(w, too_long);
}

static void
hostile(struct case_of *c)
{
	static const char *const texts[] = { "a\xe2\x80\xae"
					     "b",
		"a\x07"
		"b",
		"a\xef\xbb\xbf"
		"b",
		"a\xe2\x81\xa6"
		"b",
		"a\xf3\xa0\x81\x81"
		"b",
		"a\xc2\x85"
		"b",
		"a\xef\xbf\xbf"
		"b",
		"a\nb" };

	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < COUNT(texts); k++)
			if (c->rows[i].type == FIELD_TEXT)
				refused(c, c->rows[i].name, json_text_new(texts[k]), "U+");
			else if (c->rows[i].type == FIELD_TEXTS) {
				json *list = json_array_new();

				json_add(list, json_text_new(texts[k]));
				refused(c, c->rows[i].name, list, "U+");
			}
}

static void
texts_with_characters_that_deceive_are_refused(void **state)
{
	WORLD(state);

	each(w, hostile);
}

static void
nested(struct case_of *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct field *f = &c->rows[i];

		if (f->type != FIELD_LIST && f->type != FIELD_OBJECT)
			continue;
		for (size_t k = 0; k <= f->nfields; k++) {
			json *v = sample(c->w, c->type, f);
			json *one = f->type == FIELD_LIST ? json_at(v, 0) : v;

			json_set(one, k == f->nfields ? "nonsense" : f->fields[k].name,
			    k < f->nfields && f->fields[k].type == FIELD_TEXTS ? json_int_new(1) :
										 json_array_new());
			refused(c, f->name, v,
			    k == f->nfields           ? "nonsense" :
				f->fields[k].max == 0 ? f->fields[k].name :
							NULL);
		}
		for (size_t k = 0; k < f->nfields; k++) {
			json *v = sample(c->w, c->type, f);

			json_del(f->type == FIELD_LIST ? json_at(v, 0) : v, f->fields[k].name);
			if ((f->fields[k].flags & FIELD_REQUIRED) != 0)
				refused(c, f->name, v, f->fields[k].name);
			else
				json_free(v);
		}
	}
}

static void
elements_of_lists_and_objects_are_checked_alike(void **state)
{
	WORLD(state);

	each(w, nested);
}

static void
of_another_platform(struct case_of *c)
{
	size_t nall;
	const struct field *all = profile_kind_fields(c->w->a, c->type->kind, &nall);

	for (size_t i = 0; i < nall; i++)
		if (!has(c, all[i].name))
			refused(c, all[i].name, sample(c->w, c->type, &all[i]), "another platform");
	refused(c, "renewalThresholdPercentag", json_int_new(5), "unknown property");
	refused(c, "wiFiSecurityType@odata.bind", json_text_new("x"), "does not exist");
	if (c->type->root == ROOT_NONE)
		refused(c, "rootCertificate@odata.bind", json_text_new("x"), "does not exist");
}

static void
settings_of_other_platforms_and_unknown_ones_are_refused(void **state)
{
	WORLD(state);

	each(w, of_another_platform);
}

static void
null_or_missing(struct case_of *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct field *f = &c->rows[i];

		if ((f->flags & FIELD_REQUIRED) == 0)
			continue;
		refused(c, f->name, json_null_new(), "must not be null");
		if (f->type == FIELD_TEXT)
			refused(c, f->name, json_text_new(""), "must not be empty");
	}
	refused(c, "displayName", json_null_new(), "must not be null");
	refused(c, "displayName", json_text_new(""), "empty");
}

static void
what_is_required_must_be_there(void **state)
{
	WORLD(state);

	each(w, null_or_missing);
}

static void
minimal(struct case_of *c)
{
	auto_json json *body = json_object_new();
	auto_json json *shown = NULL;
	struct warnings warn;
	struct profile p;

	json_set_text(body, "@odata.type", c->type->name);
	json_set_text(body, "displayName", "Least");
	for (size_t i = 0; i < c->n; i++)
		if ((c->rows[i].flags & FIELD_REQUIRED) != 0 || c->rows[i].type == FIELD_TEXTS)
			json_set(body, c->rows[i].name, sample(c->w, c->type, &c->rows[i]));
	if (has(c, "certificationAuthorityName"))
		json_set_text(body, "certificationAuthorityName", "Corp Issuing CA");
	if (c->type->root == ROOT_MUST)
		json_set_text(body, "rootCertificate@odata.bind",
		    arena_printf(c->w->a, "/deviceConfigurations/%s",
			id_text(c->w->a, c->w->root_profile.id)));
	if (has(c, "identifier")) /* of customVpn alone */
		json_set_text(body, "connectionType", "ciscoIPSec");
	bind(c, body);
	expect_ok(profile_create(c->w->store, c->w->a, "test", body, &p, &warn));
	expect_ok(profile_json(c->w->a, &p, &shown));
	if (has(c, "renewalThresholdPercentage"))
		assert_int_equal(json_int(json_get(shown, "renewalThresholdPercentage")), 20);
	if (has(c, "certificateValidityPeriodScale")) {
		assert_int_equal(json_int(json_get(shown, "certificateValidityPeriodValue")), 1);
		assert_string_equal(
		    json_text(json_get(shown, "certificateValidityPeriodScale")), "years");
	}
	if (has(c, "intendedPurpose"))
		assert_string_equal(json_text(json_get(shown, "intendedPurpose")), "unassigned");
	if (has(c, "subjectAlternativeNameType"))
		assert_true((c->type->family & (ON_ANDROID | ON_PHONE)) != 0 ?
			strcmp(json_text(json_get(shown, "subjectAlternativeNameType")), "none") ==
			    0 :
			json_is_null(json_get(shown, "subjectAlternativeNameType")));
	if (has(c, "customSubjectAlternativeNames"))
		assert_true(json_is_array(json_get(shown, "customSubjectAlternativeNames")));
}

static void
what_is_left_out_has_its_default(void **state)
{
	WORLD(state);

	each(w, minimal);
}

struct rule {
	const char *type, *patch, *words;
};

/* A setting or some together that no profile may have. patch: JSON. */
static void
breaks(struct world *w, const struct rule *r)
{
	struct case_of c = { .w = w };
	auto_json json *patch = NULL;
	auto_json json *body = NULL;
	struct err_report rep = { .code = ERR_NONE };
	struct warnings warn;
	struct profile p;

	expect_ok(profile_type_find(r->type, &c.type));
	c.rows = profile_type_fields(w->a, c.type, &c.n);
	body = whole(&c);
	expect_ok(json_parse(str_c(r->patch), 4096, &patch));
	for (void *it = json_iter(patch); it != NULL; it = json_iter_next(patch, it))
		json_set(body, json_iter_key(it), json_ref(json_iter_value(it)));
	err_take(profile_create(w->store, w->a, "test", body, &p, &warn), &rep);
	if (rep.code == ERR_NONE || strstr(rep.detail, r->words) == NULL)
		fail_msg("%s %s: %s, \"%s\", without \"%s\"", r->type, r->patch,
		    err_info(rep.code)->id, rep.detail, r->words);
}

static void
settings_that_contradict_each_other_are_refused(void **state)
{
	static const struct rule rules[] = {
		{ "microsoft.graph.windows10PkcsCertificateProfile",
		    "{\"certificateValidityPeriodScale\":\"days\",\"certificateValidityPeriodValue\":4}",
		    "5 days to 24 months" },
		{ "microsoft.graph.iosScepCertificateProfile",
		    "{\"certificateValidityPeriodScale\":\"months\",\"certificateValidityPeriodValue\":25}",
		    "certificateValidityPeriodValue" },
		{ "microsoft.graph.iosScepCertificateProfile",
		    "{\"certificateValidityPeriodScale\":\"years\",\"certificateValidityPeriodValue\":3}",
		    "certificateValidityPeriodValue" },
		{ "microsoft.graph.windows81SCEPCertificateProfile",
		    "{\"keySize\":\"size4096\",\"keyStorageProvider\":\"useTpmKspOtherwiseFail\"}",
		    "keyStorageProvider" },
		{ "microsoft.graph.windows81SCEPCertificateProfile",
		    "{\"keySize\":\"size4096\",\"keyStorageProvider\":\"usePassportForWorkKspOtherwiseFail\"}",
		    "keyStorageProvider" },
		{ "microsoft.graph.windows81SCEPCertificateProfile", "{\"keySize\":\"size1024\"}",
		    "2048" },
		{ "microsoft.graph.windows10PkcsCertificateProfile",
		    "{\"keyStorageProvider\":\"usePassportForWorkKspOtherwiseFail\","
		    "\"certificateStore\":\"machine\"}",
		    "certificateStore" },
		{ "microsoft.graph.macOSPkcsCertificateProfile",
		    "{\"deploymentChannel\":\"userChannel\",\"certificateStore\":\"machine\"}",
		    "deploymentChannel" },
		{ "microsoft.graph.androidDeviceOwnerScepCertificateProfile",
		    "{\"certificateAccessType\":\"specificApps\",\"silentCertificateAccessDetails\":[]}",
		    "silentCertificateAccessDetails" },
		{ "microsoft.graph.androidDeviceOwnerScepCertificateProfile",
		    "{\"silentCertificateAccessDetails\":[{\"packageId\":\"mail\"}]}",
		    "packageId" },
		{ "microsoft.graph.androidDeviceOwnerPkcsCertificateProfile",
		    "{\"certificationAuthorityName\":null}", "certificationAuthorityName" },
		{ "microsoft.graph.windows81SCEPCertificateProfile", "{\"scepServerUrls\":[]}",
		    "scepServerUrls" },
		{ "microsoft.graph.windows81SCEPCertificateProfile",
		    "{\"scepServerUrls\":[\"ftp://x.test/\"]}", "scepServerUrls" },
		{ "microsoft.graph.windows81SCEPCertificateProfile",
		    "{\"scepServerUrls\":[\"https:///path\"]}", "scepServerUrls" },
		{ "microsoft.graph.windows81SCEPCertificateProfile",
		    "{\"scepServerUrls\":[\"https://x.test/a b\"]}", "scepServerUrls" },
		{ "chancery.linuxScepCertificateProfile",
		    "{\"enrolmentProtocol\":\"est\",\"scepServerUrls\":[\"https://ra.test/certsrv/mscep\"]}",
		    "enrolmentProtocol" },
		{ "microsoft.graph.windows81SCEPCertificateProfile", "{\"hashAlgorithm\":\"\"}",
		    "hashAlgorithm" },
		{ "microsoft.graph.windows81SCEPCertificateProfile", "{\"keyUsage\":\"\"}",
		    "keyUsage" },
		{ "microsoft.graph.windows10PkcsCertificateProfile",
		    "{\"extendedKeyUsages\":[{\"objectIdentifier\":\"1.3.6.1.4.1.311.20.2.1\"}]}",
		    "ESC3" },
		{ "microsoft.graph.windows10PkcsCertificateProfile",
		    "{\"certificateStore\":\"machine\"}", "{{UserName}} is the user's" },
		{ "microsoft.graph.windows10PkcsCertificateProfile",
		    "{\"certificateStore\":\"machine\",\"subjectNameFormatString\":\"CN={{DeviceId}}\"}",
		    "{{EmailAddress}} is the user's" },
		{ "microsoft.graph.iosPkcsCertificateProfile",
		    "{\"subjectNameFormatString\":\"CN={{FullyQualifiedDomainName}}\"}",
		    "does not exist on this platform" },
		{ "microsoft.graph.macOSPkcsCertificateProfile",
		    "{\"subjectNameFormat\":\"commonNameAsIMEI\"}",
		    "does not exist on this platform" },
		{ "microsoft.graph.windows10PkcsCertificateProfile",
		    "{\"customSubjectAlternativeNames\":[{\"sanType\":\"userPrincipalName\","
		    "\"name\":\"{{DeviceName}}@example.test\"}]}",
		    "log on" },
		{ "microsoft.graph.iosScepCertificateProfile",
		    "{\"customSubjectAlternativeNames\":[{\"sanType\":\"customAzureADAttribute\","
		    "\"name\":\"x\"}]}",
		    "sanType" },
		{ "microsoft.graph.iosScepCertificateProfile",
		    "{\"subjectAlternativeNameType\":\"customAzureADAttribute\"}",
		    "subjectAlternativeNameType" },
		{ "microsoft.graph.windows10PkcsCertificateProfile",
		    "{\"customSubjectAlternativeNames\":[],\"subjectAlternativeNameType\":"
		    "\"universalResourceIdentifier\",\"subjectAlternativeNameFormatString\":null}",
		    "universalResourceIdentifier" },
		{ "microsoft.graph.windows10PkcsCertificateProfile",
		    "{\"subjectNameFormatString\":null}", "subjectNameFormatString" },
		{ "microsoft.graph.iosTrustedRootCertificate",
		    "{\"deviceManagementApplicabilityRuleOsVersion\":{\"minOSVersion\":\"10.0\","
		    "\"ruleType\":\"include\"}}",
		    "Windows 10" },
		{ "microsoft.graph.windows81TrustedRootCertificate",
		    "{\"deviceManagementApplicabilityRuleOsVersion\":{\"minOSVersion\":\"10.0.2\","
		    "\"maxOSVersion\":\"10.0.1\",\"ruleType\":\"include\"}}",
		    "above" },
		{ "microsoft.graph.windows81TrustedRootCertificate",
		    "{\"deviceManagementApplicabilityRuleOsEdition\":{\"osEditionTypes\":[\"windows12\"],"
		    "\"ruleType\":\"include\"}}",
		    "osEditionTypes" },
	};
	WORLD(state);

	for (size_t i = 0; i < COUNT(rules); i++)
		breaks(w, &rules[i]);
}

static void
abstract_types_and_other_names_of_types(void **state)
{
	const struct profile_type *t;
	struct err_report rep;

	(void)state;
	expect_ok(profile_type_find(
	    "#microsoft.management.services.api.Windows81ScepCertificateProfile", &t));
	assert_string_equal(t->name, "#microsoft.graph.windows81SCEPCertificateProfile");
	expect_err(ERR_PROFILE_TYPE,
	    profile_type_find(
		"#microsoft.management.services.api.linuxPkcsCertificateProfile", &t));
	err_take(profile_type_find("#microsoft.graph.windows81CertificateProfileBase", &t), &rep);
	assert_int_equal(rep.code, ERR_PROFILE_TYPE);
	assert_non_null(strstr(rep.detail, "abstract"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(every_property_of_every_type_is_taken_and_shown_as_it_was_sent),
		IN_WORLD(a_value_of_the_wrong_kind_is_refused),
		IN_WORLD(a_number_out_of_range_is_refused),
		IN_WORLD(
		    a_member_that_an_enumeration_does_not_have_is_refused_with_those_that_it_has),
		IN_WORLD(what_is_too_long_is_refused),
		IN_WORLD(texts_with_characters_that_deceive_are_refused),
		IN_WORLD(elements_of_lists_and_objects_are_checked_alike),
		IN_WORLD(settings_of_other_platforms_and_unknown_ones_are_refused),
		IN_WORLD(what_is_required_must_be_there),
		IN_WORLD(what_is_left_out_has_its_default),
		IN_WORLD(settings_that_contradict_each_other_are_refused),
		cmocka_unit_test(abstract_types_and_other_names_of_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Applicability rules: see applicability.h. */
#include "model/applicability.h"

#include "codec/rule.h"

enum { SERVER_UNKNOWN, SERVER_INCLUDE, SERVER_EXCLUDE, SERVER_RULES_MAX = 16 };

static const char *const editions[] = { "windows10Enterprise", "windows10EnterpriseN",
	"windows10Education", "windows10EducationN", "windows10MobileEnterprise",
	"windows10HolographicEnterprise", "windows10Professional", "windows10ProfessionalN",
	"windows10ProfessionalEducation", "windows10ProfessionalEducationN",
	"windows10ProfessionalWorkstation", "windows10ProfessionalWorkstationN", "notConfigured",
	"windows10Home", "windows10HomeChina", "windows10HomeN", "windows10HomeSingleLanguage",
	"windows10Mobile", "windows10IoTCore", "windows10IoTCoreCommercial" };

static const struct field_member rule_types[] = {
	{ "include", RULE_INCLUDE },
	{ "exclude", RULE_EXCLUDE },
	{ 0 },
};

static const struct field_member filters[] = {
	{ "unknown", SERVER_UNKNOWN },
	{ "include", SERVER_INCLUDE },
	{ "exclude", SERVER_EXCLUDE },
	{ 0 },
};

/* The one kind of rule of Windows 10X of which the members say what they mean; '#' is left out by some. */
static const struct field_member server_types[] = {
	{ "#microsoft.graph.osVersionApplicabilityRule", 0 },
	{ "microsoft.graph.osVersionApplicabilityRule", 0 },
	{ 0 },
};

static const struct field_member modes[] = {
	{ "standardConfiguration", 0 },
	{ "sModeConfiguration", 1 },
	{ 0 },
};

/* Written as the members are, whatever the case that came. */
static err_t
check_editions(struct arena *a, const struct field *f, const void *at)
{
	const struct field_texts *t = at;

	(void)a;
	for (size_t i = 0; i < t->n; i++) {
		const char *member = NULL;

		for (size_t k = 0; k < COUNT(editions); k++)
			if (str_ieq_c(str_c(t->v[i]), editions[k]))
				member = editions[k];
		if (member == NULL)
			FAIL(ERR_MODEL_INVALID, "%s has no member \"%.64s\"", f->name, t->v[i]);
		t->v[i] = member;
	}
	return OK;
}

/* One number of a version, without its dot. */
static err_t
version_part(struct str *rest, int64_t *ret)
{
	return text_i64(str_cut(rest, '.'), 0, UINT32_MAX, ret);
}

static err_t
check_version(struct arena *a, const struct field *f, const void *at)
{
	const char *text = *(const char *const *)at;
	struct str rest = str_c(text);
	int64_t part;
	size_t n = 0;
	err_t e = OK;

	(void)a;
	for (; rest.n > 0 && err_ok(e); n++)
		e = version_part(&rest, &part);
	if (err_ok(e) && n <= 4 && (text[0] == '\0' || text[strlen(text) - 1] != '.'))
		return OK;
	err_forget(e);
	FAIL(ERR_MODEL_INVALID, "%s must be a version, as 10.0.19045", f->name);
}

#define NAME_ROW(struct_) \
	FIELD(struct_, name, FIELD_TEXT, .name = "name", .flags = FIELD_NULLABLE, \
	    .help = "Name of the rule, for people.")
#define TYPE_ROW(struct_) \
	FIELD(struct_, rule, FIELD_ENUM, .name = "ruleType", .flags = FIELD_REQUIRED, \
	    .members = rule_types, .help = "Whether such devices get the profile.")

static const struct field edition_fields[] = {
	NAME_ROW(struct rule_edition),
	FIELD(struct rule_edition, editions, FIELD_TEXTS, .name = "osEditionTypes", .min = 1,
	    .max = COUNT(editions), .flags = FIELD_REQUIRED, .check = check_editions,
	    .help = "Members of windows10EditionType."),
	TYPE_ROW(struct rule_edition),
};

static const struct field version_fields[] = {
	FIELD(struct rule_version, min, FIELD_TEXT, .name = "minOSVersion", .flags = FIELD_NULLABLE,
	    .check = check_version, .help = "The first version; null: any."),
	FIELD(struct rule_version, max, FIELD_TEXT, .name = "maxOSVersion", .flags = FIELD_NULLABLE,
	    .check = check_version, .help = "The last version; null: any."),
	NAME_ROW(struct rule_version),
	TYPE_ROW(struct rule_version),
};

static const struct field mode_fields[] = {
	FIELD(struct rule_mode, mode, FIELD_ENUM, .name = "deviceMode", .flags = FIELD_REQUIRED,
	    .members = modes, .help = "Mode of Windows."),
	NAME_ROW(struct rule_mode),
	TYPE_ROW(struct rule_mode),
};

static const struct field server_fields[] = {
	FIELD(struct rule_server, type, FIELD_ENUM, .name = "@odata.type", .members = server_types,
	    .help = "Kind of the rule."),
	FIELD(struct rule_server, filter, FIELD_ENUM, .name = "filterType", .flags = FIELD_REQUIRED,
	    .members = filters,
	    .help = "Whether such devices get the profile: include or exclude."),
	FIELD(struct rule_server, min, FIELD_TEXT, .name = "minOSVersion", .flags = FIELD_NULLABLE,
	    .check = check_version, .help = "The first version; null: any."),
	FIELD(struct rule_server, max, FIELD_TEXT, .name = "maxOSVersion", .flags = FIELD_NULLABLE,
	    .check = check_version, .help = "The last version; null: any."),
};

#define RULE_ROW(member_, name_, fields_, help_) \
	FIELD(struct applicability, member_, FIELD_OBJECT, .name = name_, .flags = FIELD_NULLABLE, \
	    .fields = fields_, .nfields = COUNT(fields_), \
	    .size = sizeof(*((struct applicability *)0)->member_), .only = NOT_10X, .help = help_)

static const struct field rows[] = {
	RULE_ROW(edition, "deviceManagementApplicabilityRuleOsEdition", edition_fields,
	    "Windows editions that the profile is for, or not for."),
	RULE_ROW(version, "deviceManagementApplicabilityRuleOsVersion", version_fields,
	    "Windows versions that the profile is for, or not for."),
	RULE_ROW(mode, "deviceManagementApplicabilityRuleDeviceMode", mode_fields,
	    "Windows mode that the profile is for, or not for."),
	FIELD(struct applicability, server, FIELD_LIST, .name = "serverApplicabilityRules",
	    .fields = server_fields, .nfields = COUNT(server_fields),
	    .size = sizeof(struct rule_server), .max = SERVER_RULES_MAX, .only = OF_10X,
	    .help = "Windows versions that the profile is for, or not for; all rules must let a "
		    "device pass."),
};
const struct rows_of applicability_rows = { rows, COUNT(rows) };

static bool
given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* The bounds of a version rule. */
static err_t
check_bounds(const char *name, const char *min, const char *max)
{
	if (!given(min) && !given(max))
		FAIL(ERR_MODEL_INVALID, "\"%s\" needs \"minOSVersion\" or \"maxOSVersion\"", name);
	if (given(min) && given(max) && rule_version_cmp(min, max) > 0)
		FAIL(ERR_MODEL_INVALID, "\"%s\": \"minOSVersion\" is above \"maxOSVersion\"", name);
	return OK;
}

static err_t
check_server(const struct applicability *r)
{
	const struct rule_server *v = r->server.v;

	for (size_t i = 0; i < r->server.n; i++) {
		if (v[i].filter == SERVER_UNKNOWN)
			FAIL(ERR_MODEL_INVALID,
			    "\"serverApplicabilityRules\", element %zu: \"filterType\" must be "
			    "include or exclude",
			    i);
		TRY(check_bounds("serverApplicabilityRules", v[i].min, v[i].max));
	}
	return OK;
}

err_t
applicability_check(const struct profile_type *t, const struct applicability *r)
{
	const void *const rules[] = { r->edition, r->version, r->mode };

	for (size_t i = 0; i < COUNT(rules); i++)
		if (rules[i] != NULL && t->family != ON_WINDOWS)
			FAIL(ERR_MODEL_INVALID, "\"%s\" is for Windows 10 and later", rows[i].name);
	if (r->version != NULL)
		TRY(check_bounds(rows[1].name, r->version->min, r->version->max));
	return check_server(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings that certificate kinds share, and the rules between them: see cert_profile.h. What becomes of
 * them for one device: cert_reduce.c. */
#include "model/cert_profile.h"

#include "codec/oid.h"
#include "model/cert_name.h"
#include "model/subject.h"
#include "pki/key.h"

/* Types that have the base of certificate profiles; imported certificates of iOS have nothing of it. */
#define BASE (PKCS(ON_ANY) | SCEP(ON_ANY) | PFX(ON_ANY & ~(ON_IOS | ON_FORERUNNER)))
#define ALL_OF(families) (PKCS(families) | SCEP(families) | PFX(families))
/* The older ones order the type of the alternative name before the validity, the others after it. */
#define LATE (ON_ENTERPRISE & ~ON_FORWORK)
#define NOT_NULL (ON_ANDROID | ON_PHONE)
#define HAS_STORE (ON_APPLE | ON_WORKPROFILE | ON_OWNER | ON_AOSP | ON_WINDOWS | ON_LINUX)

enum { DAYS_MIN = 5, MONTHS_MAX = 24, DAYS_MAX = 731 };

static const struct field_member name_formats[] = {
	{ "commonName", NAME_COMMON },
	{ "commonNameIncludingEmail", NAME_COMMON_AND_EMAIL },
	{ "commonNameAsEmail", NAME_EMAIL },
	{ "custom", NAME_CUSTOM },
	{ "commonNameAsIMEI", NAME_IMEI },
	{ "commonNameAsSerialNumber", NAME_SERIAL },
	{ "commonNameAsAadDeviceId", NAME_AAD_DEVICE },
	{ "commonNameAsIntuneDeviceId", NAME_INTUNE_DEVICE },
	{ "commonNameAsDurableDeviceId", NAME_DURABLE_DEVICE },
	{ 0 },
};

static const struct field_member apple_name_formats[] = {
	{ "commonName", NAME_COMMON },
	{ "commonNameAsEmail", NAME_EMAIL },
	{ "custom", NAME_CUSTOM },
	{ "commonNameIncludingEmail", NAME_COMMON_AND_EMAIL },
	{ "commonNameAsIMEI", NAME_IMEI },
	{ "commonNameAsSerialNumber", NAME_SERIAL },
	{ 0 },
};

static const struct field_member alt_types[] = {
	{ "none", ALT_NONE },
	{ "emailAddress", ALT_EMAIL },
	{ "userPrincipalName", ALT_UPN },
	{ "customAzureADAttribute", ALT_ATTRIBUTE },
	{ "domainNameService", ALT_DNS },
	{ "universalResourceIdentifier", ALT_URI },
	{ 0 },
};

/* Requests by SCEP have no attribute of the directory's. */
static const struct field_member scep_alt_types[] = {
	{ "none", ALT_NONE },
	{ "emailAddress", ALT_EMAIL },
	{ "userPrincipalName", ALT_UPN },
	{ "domainNameService", ALT_DNS },
	{ "universalResourceIdentifier", ALT_URI },
	{ 0 },
};

static const struct field_member scales[] = {
	{ "days", 0 },
	{ "months", 1 },
	{ "years", 2 },
	{ 0 },
};

static const struct field_member key_stores[] = {
	{ "useTpmKspOtherwiseUseSoftwareKsp", KEY_STORE_TPM_OR_SOFTWARE },
	{ "useTpmKspOtherwiseFail", KEY_STORE_TPM },
	{ "usePassportForWorkKspOtherwiseFail", KEY_STORE_PASSPORT },
	{ "useSoftwareKsp", KEY_STORE_SOFTWARE },
	{ 0 },
};

static const struct field_member stores[] = {
	{ "user", CERT_OF_USER },
	{ "machine", CERT_OF_MACHINE },
	{ 0 },
};

const struct field_member cert_channels[] = {
	{ "deviceChannel", CHANNEL_DEVICE },
	{ "userChannel", CHANNEL_USER },
	{ 0 },
};

static const struct field_member accesses[] = {
	{ "userApproval", ACCESS_APPROVAL },
	{ "specificApps", ACCESS_APPS },
	{ 0 },
};

static const struct field_member sid_switches[] = {
	{ "enabled", SID_ENABLED },
	{ "disabled", SID_DISABLED },
	{ "atRenewal", SID_AT_RENEWAL },
	{ 0 },
};

static err_t
check_oid(struct arena *a, const struct field *f, const void *at)
{
	const char *oid = *(const char *const *)at;

	(void)a;
	if (!oid_valid(oid))
		FAIL(ERR_MODEL_INVALID, "%s: \"%s\" is no object identifier", f->name, oid);
	return OK;
}

/* Segments of letters, digits and '_', joined by '.', each begun by a letter. */
static err_t
check_package(struct arena *a, const struct field *f, const void *at)
{
	struct str rest = str_c(*(const char *const *)at), part;
	size_t parts = 0;

	(void)a;
	for (bool more = true; more; parts++) {
		size_t before = rest.n;

		part = str_cut(&rest, '.');
		more = part.n < before;
		for (size_t i = 0; i < part.n; i++) {
			char c = (char)part.p[i];
			bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

			if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '_')))
				parts = SIZE_MAX / 2;
		}
		if (part.n == 0)
			parts = SIZE_MAX / 2;
	}
	if (parts < 2 || parts > LIMIT_TEXT)
		FAIL(ERR_MODEL_INVALID,
		    "%s must be the name of an Android package, as com.example.mail", f->name);
	return OK;
}

err_t
cert_check_name(struct arena *a, const struct field *f, const void *at)
{
	const char *text = *(const char *const *)at;

	if (text == NULL || text[0] == '\0')
		return OK;
	TRY_CTX(subject_format_check(a, text), "%s", f->name);
	return OK;
}

err_t
cert_check_text(struct arena *a, const struct field *f, const void *at)
{
	const char *text = *(const char *const *)at;

	if (text == NULL || text[0] == '\0')
		return OK;
	TRY_CTX(subject_text_check(a, text), "%s", f->name);
	return OK;
}

static const struct field eku_fields[] = {
	FIELD(struct eku, name, FIELD_TEXT, .name = "name", .flags = FIELD_NULLABLE,
	    .help = "Name of the use, for people."),
	FIELD(struct eku, oid, FIELD_TEXT, .name = "objectIdentifier", .flags = FIELD_REQUIRED,
	    .max = LIMIT_OID_TEXT, .check = check_oid, .help = "Object identifier of the use."),
};

#define ALT_FIELDS(members_) \
	{ \
		FIELD(struct alt, format, FIELD_TEXT, .name = "name", .flags = FIELD_REQUIRED, \
		    .max = LIMIT_NAME_FORMAT, .check = cert_check_text, \
		    .help = "Value with {{variables}}."), \
		    FIELD(struct alt, type, FIELD_ENUM, .name = "sanType", \
			.flags = FIELD_REQUIRED, .members = members_, \
			.help = "Type of the alternative name."), \
	}
static const struct field alt_fields[] = ALT_FIELDS(alt_types);
static const struct field scep_alt_fields[] = ALT_FIELDS(scep_alt_types);

static const struct field package_fields[] = {
	FIELD(struct package, id, FIELD_TEXT, .name = "packageId", .flags = FIELD_REQUIRED,
	    .check = check_package, .help = "Name of the Android package."),
};

#define ALT_TYPE_ROW(only_, fallback_) \
	FIELD(struct cert_profile, alt_types, FIELD_FLAGS, .name = "subjectAlternativeNameType", \
	    .flags = FIELD_NULLABLE, .members = alt_types, .fallback = fallback_, .only = only_, \
	    .help = "Alternative names, when customSubjectAlternativeNames is empty.")

static const struct field head[] = {
	FIELD(struct cert_profile, renewal_percent, FIELD_INT, .name = "renewalThresholdPercentage",
	    .min = 1, .max = 99, .fallback = 20, .only = BASE | SCEP(AS_10X),
	    .help = "Renew when this percentage of the life is left."),
	FIELD(struct cert_profile, key_store, FIELD_ENUM, .name = "keyStorageProvider",
	    .members = key_stores, .fallback = KEY_STORE_TPM_OR_SOFTWARE,
	    .only = ALL_OF(ON_WINDOWS | ON_PHONE | ON_FORERUNNER) | SCEP(AS_10X),
	    .help = "Where Windows keeps the key."),
	FIELD(struct cert_profile, name_format, FIELD_ENUM, .name = "subjectNameFormat",
	    .members = apple_name_formats, .fallback = NAME_COMMON, .only = BASE & ALL_OF(ON_APPLE),
	    .help = "Form of the subject."),
	FIELD(struct cert_profile, name_format, FIELD_ENUM, .name = "subjectNameFormat",
	    .members = name_formats, .fallback = NAME_COMMON,
	    .only = BASE & ~ALL_OF(ON_APPLE | ON_OWNER | ON_AOSP), .help = "Form of the subject."),
	FIELD(struct cert_profile, name_format, FIELD_ENUM, .name = "subjectNameFormat",
	    .flags = FIELD_NULLABLE, .members = name_formats, .fallback = FIELD_UNSET,
	    .only = BASE & ALL_OF(ON_OWNER | ON_AOSP),
	    .help = "Form of the subject; null: custom if there is a text, else commonName."),
	ALT_TYPE_ROW(BASE & ~ALL_OF(LATE | NOT_NULL), FIELD_UNSET),
	ALT_TYPE_ROW(BASE &ALL_OF(NOT_NULL), ALT_NONE),
	FIELD(struct cert_profile, validity_value, FIELD_INT,
	    .name = "certificateValidityPeriodValue", .min = 1, .max = DAYS_MAX, .fallback = 1,
	    .only = BASE | SCEP(AS_10X),
	    .help = "Validity that is wished for: 5 days to 24 months."),
	FIELD(struct cert_profile, validity_scale, FIELD_ENUM,
	    .name = "certificateValidityPeriodScale", .members = scales, .fallback = 2,
	    .only = BASE | SCEP(AS_10X), .help = "Unit of the validity."),
	ALT_TYPE_ROW(BASE &ALL_OF(LATE), FIELD_UNSET),
};

static const struct field tail[] = {
	FIELD(struct cert_profile, store, FIELD_ENUM, .name = "certificateStore", .members = stores,
	    .fallback = CERT_OF_USER,
	    .only = PKCS(HAS_STORE) | SCEP(HAS_STORE | ON_FORWORK | AS_10X),
	    .help = "Whose certificate it is. One of the machine takes device variables only."),
	FIELD(struct cert_profile, all_apps, FIELD_BOOL, .name = "allowAllAppsAccess",
	    .only = PKCS(ON_MACOS) | SCEP(ON_MACOS),
	    .help = "Every program may use the key without asking."),
	FIELD(struct cert_profile, channel, FIELD_ENUM, .name = "deploymentChannel",
	    .flags = FIELD_NULLABLE, .members = cert_channels, .fallback = FIELD_UNSET,
	    .only = ALL_OF(ON_MACOS),
	    .help = "Keychain of the machine or of the user; null: machine."),
	FIELD(struct cert_profile, access, FIELD_ENUM, .name = "certificateAccessType",
	    .flags = FIELD_NULLABLE, .members = accesses, .fallback = FIELD_UNSET,
	    .only = ALL_OF(ON_OWNER),
	    .help = "Whether programs ask the user before they use the key."),
	FIELD(struct cert_profile, ekus, FIELD_LIST, .name = "extendedKeyUsages",
	    .fields = eku_fields, .nfields = COUNT(eku_fields), .size = sizeof(struct eku),
	    .max = LIMIT_EKUS,
	    .only = SCEP(ON_ANY | AS_10X) |
		PKCS(ON_ANDROID | ON_ENTERPRISE | ON_WINDOWS | ON_LINUX) |
		PFX(ON_ANDROID | ON_ENTERPRISE),
	    .help = "Extended key uses that are wished for; the template decides."),
	FIELD(struct cert_profile, alts, FIELD_LIST, .name = "customSubjectAlternativeNames",
	    .fields = alt_fields, .nfields = COUNT(alt_fields), .size = sizeof(struct alt),
	    .max = LIMIT_SANS, .only = PKCS(HAS_STORE),
	    .help = "Alternative names with {{variables}}."),
	FIELD(struct cert_profile, alts, FIELD_LIST, .name = "customSubjectAlternativeNames",
	    .fields = scep_alt_fields, .nfields = COUNT(scep_alt_fields),
	    .size = sizeof(struct alt), .max = LIMIT_SANS, .only = SCEP(HAS_STORE | ON_FORWORK),
	    .help = "Alternative names with {{variables}}."),
	FIELD(struct cert_profile, alts, FIELD_LIST, .name = "subjectAlternativeNameFormats",
	    .fields = scep_alt_fields, .nfields = COUNT(scep_alt_fields),
	    .size = sizeof(struct alt), .max = LIMIT_SANS, .only = SCEP(AS_10X),
	    .help = "Alternative names with {{variables}}."),
	FIELD(struct cert_profile, packages, FIELD_LIST, .name = "silentCertificateAccessDetails",
	    .fields = package_fields, .nfields = COUNT(package_fields),
	    .size = sizeof(struct package), .only = ALL_OF(ON_OWNER),
	    .help = "Packages that get the key without a question, with specificApps."),
	FIELD(struct cert_profile, sid, FIELD_ENUM, .name = "@chancery.sidExtension",
	    .members = sid_switches, .fallback = SID_ENABLED,
	    .only = PKCS(ON_ANY) | SCEP(ON_ANY | AS_10X),
	    .help = "Security identifier in the certificate: enabled (a change re-issues at once), "
		    "disabled, or atRenewal (in and out as certificates are renewed)."),
};

const struct rows_of cert_head = { head, COUNT(head) };
const struct rows_of cert_tail = { tail, COUNT(tail) };

int
cert_validity_days(const struct cert_profile *p)
{
	static const int days[] = { 1, 30, 365 };

	return (int)p->validity_value * days[p->validity_scale];
}

static err_t
check_validity(const struct cert_profile *p)
{
	static const int64_t most[] = { DAYS_MAX, MONTHS_MAX, MONTHS_MAX / 12 };
	static const char *const names[] = { "days", "months", "years" };
	int64_t least = p->validity_scale == 0 ? DAYS_MIN : 1;

	if (p->validity_value == 0) /* the type has none */
		return OK;
	if (p->validity_value < least || p->validity_value > most[p->validity_scale])
		FAIL(ERR_MODEL_INVALID,
		    "\"certificateValidityPeriodValue\" must be %lld to %lld with %s: certificates "
		    "are valid for 5 days to 24 months",
		    (long long)least, (long long)most[p->validity_scale], names[p->validity_scale]);
	return OK;
}

/* Uses that make a certificate an authority over others, which no profile hands out. */
static const struct {
	const char *oid, *what;
} powers[] = {
	{ "1.3.6.1.4.1.311.20.2.1", "enrols certificates for other people (ESC3)" },
	{ OID_EKU_OCSP_SIGNING, "says for a CA which certificates are revoked" },
	{ "1.3.6.1.4.1.311.21.6", "recovers other people's keys" },
	{ "1.3.6.1.4.1.311.21.5", "is for a CA's own exchange of keys" },
};

static err_t
check_ekus(const struct cert_profile *p)
{
	const struct eku *v = p->ekus.v;

	for (size_t i = 0; i < p->ekus.n; i++)
		for (size_t k = 0; k < COUNT(powers); k++)
			if (strcmp(v[i].oid, powers[k].oid) == 0)
				FAIL(ERR_MODEL_INVALID,
				    "\"extendedKeyUsages\", element %zu: a certificate with %s %s, "
				    "which profiles cannot ask for",
				    i, v[i].oid, powers[k].what);
	return OK;
}

err_t
cert_check_key(const struct cert_profile *p, int64_t bits)
{
	if (bits < KEY_RSA_2048)
		FAIL(ERR_MODEL_INVALID,
		    "\"keySize\" size1024 is refused: keys have 2048 bits or more");
	if (bits > KEY_RSA_2048 &&
	    (p->key_store == KEY_STORE_TPM || p->key_store == KEY_STORE_PASSPORT))
		FAIL(ERR_MODEL_INVALID,
		    "\"keySize\" size4096 does not fit into a TPM: it needs \"keyStorageProvider\" "
		    "useSoftwareKsp or useTpmKspOtherwiseUseSoftwareKsp");
	return OK;
}

static err_t
check_access(const struct cert_profile *p, const struct profile_type *t)
{
	bool machine = p->store == CERT_OF_MACHINE;

	if (machine && (t->family & ON_WINDOWS) != 0 && p->key_store == KEY_STORE_PASSPORT)
		FAIL(ERR_MODEL_INVALID,
		    "\"keyStorageProvider\" usePassportForWorkKspOtherwiseFail is for users: "
		    "\"certificateStore\" must be user");
	if (machine && (t->family & ON_MACOS) != 0 && p->channel == CHANNEL_USER)
		FAIL(ERR_MODEL_INVALID,
		    "\"deploymentChannel\" userChannel has the keychain of a user: "
		    "\"certificateStore\" must be user");
	if ((t->family & ON_OWNER) != 0 && p->access == ACCESS_APPS && p->packages.n == 0)
		FAIL(ERR_MODEL_INVALID,
		    "\"certificateAccessType\" specificApps needs the packages in "
		    "\"silentCertificateAccessDetails\"");
	return OK;
}

err_t
cert_check(
    struct arena *a, const struct profile_type *t, const struct cert_profile *p, struct warnings *w)
{
	const struct eku *v = p->ekus.v;

	TRY(applicability_check(t, &p->rules));
	TRY(check_validity(p));
	TRY(check_ekus(p));
	TRY(check_access(p, t));
	for (size_t i = 0; i < p->ekus.n; i++)
		if (strcmp(v[i].oid, "2.5.29.37.0") == 0)
			warn(w, ERR_EKU_ANY,
			    arena_printf(
				a, "\"extendedKeyUsages\", element %zu is any purpose", i));
	return cert_name_check(a, t, p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a certificate whose key pair a connector makes, asks the enterprise CA for, and seals to
 * the device as PKCS#12.
 */
#include <assert.h>

#include "base/rd.h"
#include "codec/oid.h"
#include "model/subject.h"
#include "pki/key.h"

enum store_of { OF_USER = 1, OF_MACHINE = 2 };

enum {
	NAME_COMMON = 0,
	NAME_COMMON_AND_EMAIL = 1,
	NAME_EMAIL = 2,
	NAME_CUSTOM = 3,
	NAME_SERIAL = 6,
	NAME_AAD_DEVICE = 7,
	NAME_INTUNE_DEVICE = 8,
	NAME_DURABLE_DEVICE = 9
};

enum { ALT_NONE = 0, ALT_EMAIL = 1, ALT_UPN = 2, ALT_DNS = 8, ALT_URI = 16 };

struct alt {
	const char *format;
	int64_t type;
};

struct eku {
	const char *name;
	const char *oid;
};

struct pkcs {
	int64_t renewal_percent;
	int64_t name_format;
	int64_t alt_types;
	int64_t validity_value, validity_scale;
	const char *ca_host, *ca_name, *template;
	const char *alt_format, *name_format_text;
	int64_t store;
	int64_t key_size;
	struct field_list ekus;
	struct field_list alts;
};

static const struct field_member name_formats[] = {
	{ "commonName", NAME_COMMON },
	{ "commonNameIncludingEmail", NAME_COMMON_AND_EMAIL },
	{ "commonNameAsEmail", NAME_EMAIL },
	{ "custom", NAME_CUSTOM },
	{ "commonNameAsSerialNumber", NAME_SERIAL },
	{ "commonNameAsAadDeviceId", NAME_AAD_DEVICE },
	{ "commonNameAsIntuneDeviceId", NAME_INTUNE_DEVICE },
	{ "commonNameAsDurableDeviceId", NAME_DURABLE_DEVICE },
	{ 0 },
};

/* What the members other than custom stand for. */
static const struct {
	int64_t format;
	const char *text;
} name_texts[] = {
	{ NAME_COMMON, "CN={{UserName}}" },
	{ NAME_COMMON_AND_EMAIL, "CN={{UserName}},E={{EmailAddress}}" },
	{ NAME_EMAIL, "CN={{EmailAddress}}" },
	{ NAME_SERIAL, "CN={{SerialNumber}}" },
	{ NAME_AAD_DEVICE, "CN={{AAD_Device_ID}}" },
	{ NAME_INTUNE_DEVICE, "CN={{DeviceId}}" },
	{ NAME_DURABLE_DEVICE, "CN={{DeviceId}}" },
};

static const struct field_member alt_types[] = {
	{ "none", ALT_NONE },
	{ "emailAddress", ALT_EMAIL },
	{ "userPrincipalName", ALT_UPN },
	{ "domainNameService", ALT_DNS },
	{ "universalResourceIdentifier", ALT_URI },
	{ 0 },
};

/* How each is encoded, and its value where the profile gives none; a URI always needs one. */
static const struct {
	int64_t type;
	enum san_type san;
	const char *text;
} alts[] = {
	{ ALT_EMAIL, SAN_EMAIL, "{{EmailAddress}}" },
	{ ALT_UPN, SAN_UPN, "{{UserPrincipalName}}" },
	{ ALT_DNS, SAN_DNS, "{{FullyQualifiedDomainName}}" },
	{ ALT_URI, SAN_URI, NULL },
};

static const struct field_member scales[] = {
	{ "days", 0 },
	{ "months", 1 },
	{ "years", 2 },
	{ 0 },
};

static const struct field_member stores[] = {
	{ "user", OF_USER },
	{ "machine", OF_MACHINE },
	{ 0 },
};

static const struct field_member key_sizes[] = {
	{ "size2048", KEY_RSA_2048 },
	{ "size4096", KEY_RSA_4096 },
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

static err_t
check_name(struct arena *a, const struct field *f, const void *at)
{
	const char *text = *(const char *const *)at;

	if (text == NULL || text[0] == '\0')
		return OK;
	TRY_CTX(subject_format_check(a, text), "%s", f->name);
	return OK;
}

static err_t
check_alt(struct arena *a, const struct field *f, const void *at)
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

static const struct field alt_fields[] = {
	FIELD(struct alt, format, FIELD_TEXT, .name = "name", .flags = FIELD_REQUIRED,
	    .max = LIMIT_NAME_FORMAT, .check = check_alt, .help = "Value with {{variables}}."),
	FIELD(struct alt, type, FIELD_ENUM, .name = "sanType", .flags = FIELD_REQUIRED,
	    .members = alt_types, .help = "Type of the alternative name."),
};

static const struct field fields[] = {
	FIELD(struct pkcs, renewal_percent, FIELD_INT, .name = "renewalThresholdPercentage",
	    .min = 1, .max = 99, .fallback = 20,
	    .help = "Renew when this percentage of the life is left."),
	FIELD(struct pkcs, name_format, FIELD_ENUM, .name = "subjectNameFormat",
	    .members = name_formats, .fallback = NAME_COMMON, .help = "Form of the subject."),
	FIELD(struct pkcs, alt_types, FIELD_FLAGS, .name = "subjectAlternativeNameType",
	    .flags = FIELD_NULLABLE, .members = alt_types, .fallback = ALT_NONE,
	    .help = "Alternative names, when customSubjectAlternativeNames is empty."),
	FIELD(struct pkcs, validity_value, FIELD_INT, .name = "certificateValidityPeriodValue",
	    .min = 1, .max = 3650, .fallback = 1, .help = "Validity that is wished for."),
	FIELD(struct pkcs, validity_scale, FIELD_ENUM, .name = "certificateValidityPeriodScale",
	    .members = scales, .fallback = 2, .help = "Unit of the validity."),
	FIELD(struct pkcs, ca_host, FIELD_TEXT, .name = "certificationAuthority",
	    .flags = FIELD_REQUIRED, .help = "Host name of the certification authority."),
	FIELD(struct pkcs, ca_name, FIELD_TEXT, .name = "certificationAuthorityName",
	    .flags = FIELD_REQUIRED, .help = "Name of the certification authority."),
	FIELD(struct pkcs, template, FIELD_TEXT, .name = "certificateTemplateName",
	    .flags = FIELD_REQUIRED, .help = "Name of the certificate template."),
	FIELD(struct pkcs, alt_format, FIELD_TEXT, .name = "subjectAlternativeNameFormatString",
	    .flags = FIELD_NULLABLE, .max = LIMIT_NAME_FORMAT, .check = check_alt,
	    .help = "Value of the one alternative name, with {{variables}}."),
	FIELD(struct pkcs, name_format_text, FIELD_TEXT, .name = "subjectNameFormatString",
	    .flags = FIELD_NULLABLE, .max = LIMIT_NAME_FORMAT, .check = check_name,
	    .help = "Subject with {{variables}}, for subjectNameFormat custom."),
	FIELD(struct pkcs, store, FIELD_ENUM, .name = "certificateStore", .members = stores,
	    .fallback = OF_USER, .help = "Whose certificate it is."),
	FIELD(struct pkcs, key_size, FIELD_ENUM, .name = "keySize", .members = key_sizes,
	    .fallback = KEY_RSA_2048, .help = "Size of the RSA key."),
	FIELD(struct pkcs, ekus, FIELD_LIST, .name = "extendedKeyUsages", .fields = eku_fields,
	    .nfields = COUNT(eku_fields), .size = sizeof(struct eku), .max = LIMIT_EKUS,
	    .help = "Extended key uses that are wished for; the template decides."),
	FIELD(struct pkcs, alts, FIELD_LIST, .name = "customSubjectAlternativeNames",
	    .fields = alt_fields, .nfields = COUNT(alt_fields), .size = sizeof(struct alt),
	    .max = LIMIT_SANS, .help = "Alternative names with {{variables}}."),
};

static const char *
name_text(const struct pkcs *p)
{
	for (size_t i = 0; i < COUNT(name_texts); i++)
		if (name_texts[i].format == p->name_format)
			return name_texts[i].text;
	return p->name_format_text;
}

static err_t
check(struct arena *a, const void *settings)
{
	const struct pkcs *p = settings;
	const struct alt *v = p->alts.v;
	const char *text = name_text(p);

	(void)a;
	if (text == NULL || text[0] == '\0')
		FAIL(ERR_MODEL_INVALID,
		    "subjectNameFormatString is needed with subjectNameFormat custom");
	for (size_t i = 0; i < p->alts.n; i++)
		if (v[i].type == ALT_NONE || v[i].format[0] == '\0')
			FAIL(ERR_MODEL_INVALID,
			    "customSubjectAlternativeNames: element %zu needs a sanType and a name",
			    i + 1);
	if (p->alts.n == 0 && (p->alt_types & ALT_URI) != 0 &&
	    (p->alt_types != ALT_URI || p->alt_format == NULL || p->alt_format[0] == '\0'))
		FAIL(ERR_MODEL_INVALID,
		    "universalResourceIdentifier needs a value in customSubjectAlternativeNames");
	return OK;
}

static err_t
alt_add(struct arena *a, const struct subject_of *who, enum san_type type, const char *format,
    struct san *v, size_t *n)
{
	assert(*n < LIMIT_SANS + COUNT(alts));
	v[*n].type = type;
	TRY_CTX(dn_text_resolve(a, format, subject_lookup, (void *)(uintptr_t)who, &v[*n].value),
	    "alternative name %s", san_type_name(type));
	++*n;
	return OK;
}

static err_t
make_san(struct arena *a, const struct pkcs *p, const struct subject_of *who, struct str *ret)
{
	struct san *v = arena_array(a, LIMIT_SANS + COUNT(alts), sizeof(*v));
	const struct alt *custom = p->alts.v;
	/* The one custom text belongs to the one type that is chosen. */
	bool one = (p->alt_types & (p->alt_types - 1)) == 0 && p->alt_format != NULL &&
	    p->alt_format[0] != '\0';
	size_t n = 0;

	for (size_t i = 0; i < p->alts.n; i++)
		for (size_t k = 0; k < COUNT(alts); k++)
			if (alts[k].type == custom[i].type)
				TRY(alt_add(a, who, alts[k].san, custom[i].format, v, &n));
	for (size_t k = 0; p->alts.n == 0 && k < COUNT(alts); k++)
		if ((p->alt_types & alts[k].type) != 0)
			TRY(alt_add(
			    a, who, alts[k].san, one ? p->alt_format : alts[k].text, v, &n));
	if (n == 0)
		return OK;
	return san_encode(a, v, n, ret);
}

static void
make_ekus(struct arena *a, const struct pkcs *p, struct primitive *what)
{
	const struct eku *v = p->ekus.v;

	what->ekus = arena_array(a, p->ekus.n + 1, sizeof(*what->ekus));
	for (size_t i = 0; i < p->ekus.n; i++) {
		bool twice = false;

		for (size_t k = 0; k < what->nekus; k++)
			twice = twice || strcmp(what->ekus[k], v[i].oid) == 0;
		if (!twice)
			what->ekus[what->nekus++] = v[i].oid;
	}
}

/* Everything that makes it another certificate, and nothing else: where the CA lives and when to
 * renew are not in it. */
static err_t
make_hash(struct arena *a, struct primitive *what)
{
	auto_buf struct buf b;
	uint8_t *hash = arena_alloc(a, 32);

	buf_init(&b, LIMIT_ORDER_BYTES);
	TRY(wr_text(&b, "pkcs 1"));
	TRY(wr_text(&b, what->ca));
	TRY(wr_text(&b, what->template));
	TRY(wr_blob(&b, what->subject));
	TRY(wr_blob(&b, what->san));
	TRY(wr_text(&b, what->sid));
	TRY(wr_u32(&b, (uint32_t)what->nekus));
	for (size_t i = 0; i < what->nekus; i++)
		TRY(wr_text(&b, what->ekus[i]));
	TRY(wr_u32(&b, what->key_bits));
	hash_sha256(buf_str(&b), hash);
	what->hash = str_of(hash, 32);
	return OK;
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	const struct pkcs *s = settings;
	struct primitive what = {
		.kind = PRIM_DELIVER,
		.ca = s->ca_name,
		.ca_host = s->ca_host,
		.template = s->template,
		.sid = "",
		.key_bits = (unsigned)s->key_size,
		.root = p->root,
		.renewal_percent = (int)s->renewal_percent,
	};
	struct dn_format *format;
	struct dn name;

	if (s->store == OF_USER && who->user == NULL)
		FAIL(ERR_NO_USER, "profile \"%s\" is for users (certificateStore user)",
		    p->display_name);
	if (s->store == OF_USER && who->user->sid != NULL)
		what.sid = who->user->sid;
	TRY(dn_format_parse(a, name_text(s), &format));
	TRY(dn_resolve(a, format, subject_lookup, (void *)(uintptr_t)who, &name));
	TRY(dn_encode(a, &name, &what.subject));
	TRY(make_san(a, s, who, &what.san));
	make_ekus(a, s, &what);
	TRY(make_hash(a, &what));
	*ret = what;
	return OK;
}

extern const struct kind kind_pkcs;
const struct kind kind_pkcs = {
	.name = "pkcs",
	.title = "PKCS certificate",
	.fields = fields,
	.nfields = COUNT(fields),
	.size = sizeof(struct pkcs),
	.needs_user = true,
	.needs_root = true,
	.check = check,
	.reduce = reduce,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a certificate whose key pair a connector makes, asks the enterprise CA for, and seals to
 * the device as PKCS#12.
 */
#include "base/rd.h"
#include "model/cert_profile.h"
#include "pki/key.h"

#define HAS_NAME_TEXT (ON_ANY & ~(ON_ANDROID | ON_FORWORK))
#define DIGITAL_SIGNATURE_AND_KEY_ENCIPHERMENT 0xa0
#define DIGITAL_SIGNATURE 0x80 /* all that a key on a curve is for */
/* Whose importers take keys on curves. */
#define TAKES_CURVES (ON_LINUX | ON_ANDROID | ON_ENTERPRISE | ON_WINDOWS)

enum ca_type { CA_NOT_CONFIGURED, CA_MICROSOFT, CA_DIGICERT };

struct pkcs {
	struct cert_profile cert;
	const char *ca_host, *ca_name, *template;
	int64_t ca_type;
	int64_t key_size;
	int64_t key_alg;
};

static const struct field_member ca_types[] = {
	{ "notConfigured", CA_NOT_CONFIGURED },
	{ "microsoft", CA_MICROSOFT },
	{ "digiCert", CA_DIGICERT },
	{ 0 },
};

static const struct field_member key_sizes[] = {
	{ "size2048", KEY_RSA_2048 },
	{ "size4096", KEY_RSA_4096 },
	{ 0 },
};

#define NAME_TEXT_ROW(only_, flags_) \
	FIELD(struct pkcs, cert.name_text, FIELD_TEXT, .name = "subjectNameFormatString", \
	    .flags = flags_, .max = LIMIT_NAME_FORMAT, .check = cert_check_name, .only = only_, \
	    .help = "Subject with {{variables}}, for subjectNameFormat custom.")

static const struct field fields[] = {
	FIELD(struct pkcs, ca_host, FIELD_TEXT, .name = "certificationAuthority",
	    .flags = FIELD_REQUIRED, .help = "Host name of the certification authority."),
	FIELD(struct pkcs, ca_name, FIELD_TEXT, .name = "certificationAuthorityName",
	    .flags = FIELD_REQUIRED, .only = PKCS(ON_ANY & ~(ON_OWNER | ON_AOSP)),
	    .help = "Name of the certification authority."),
	FIELD(struct pkcs, ca_name, FIELD_TEXT, .name = "certificationAuthorityName",
	    .flags = FIELD_NULLABLE, .only = PKCS(ON_OWNER | ON_AOSP),
	    .help = "Name of the certification authority; of one by Microsoft it is needed."),
	FIELD(struct pkcs, ca_type, FIELD_ENUM, .name = "certificationAuthorityType",
	    .members = ca_types, .fallback = CA_MICROSOFT, .only = PKCS(ON_OWNER | ON_AOSP),
	    .help = "Whose protocol the certification authority speaks."),
	FIELD(struct pkcs, template, FIELD_TEXT, .name = "certificateTemplateName",
	    .flags = FIELD_REQUIRED, .help = "Name of the certificate template."),
	FIELD(struct pkcs, cert.alt_format, FIELD_TEXT,
	    .name = "subjectAlternativeNameFormatString", .flags = FIELD_NULLABLE,
	    .max = LIMIT_NAME_FORMAT, .check = cert_check_text,
	    .help = "Value of the one alternative name, with {{variables}}."),
	NAME_TEXT_ROW(PKCS(HAS_NAME_TEXT & ~(ON_OWNER | ON_AOSP)), FIELD_NULLABLE),
	NAME_TEXT_ROW(PKCS(ON_OWNER | ON_AOSP), FIELD_REQUIRED),
	FIELD(struct pkcs, key_size, FIELD_ENUM, .name = "keySize", .members = key_sizes,
	    .fallback = KEY_RSA_2048, .only = PKCS(ON_LINUX), .help = "Size of the RSA key."),
	FIELD(struct pkcs, key_alg, FIELD_ENUM, .name = "@chancery.keyAlgorithm",
	    .members = cert_key_kinds, .fallback = KEY_IS_RSA, .only = PKCS(TAKES_CURVES),
	    .help =
		"RSA, or a key on the curve P-256 or P-384, which signs and nothing else; the template must take it."),
};

static err_t
check(struct arena *a, const struct profile_type *t, const void *settings, struct warnings *warn)
{
	const struct pkcs *p = settings;
	bool named = p->ca_name != NULL && p->ca_name[0] != '\0';

	if (!named && p->ca_type != CA_DIGICERT)
		FAIL(ERR_MODEL_INVALID,
		    "\"certificationAuthorityName\" is needed with \"certificationAuthorityType\" "
		    "microsoft");
	if (p->key_alg != KEY_IS_RSA && p->key_size > KEY_RSA_2048)
		FAIL(ERR_MODEL_INVALID,
		    "\"keySize\" size4096 is of RSA keys; \"@chancery.keyAlgorithm\" says %s",
		    p->key_alg == KEY_IS_P256 ? "p256" : "p384");
	if (p->key_alg != KEY_IS_RSA &&
	    (p->cert.key_store == KEY_STORE_TPM || p->cert.key_store == KEY_STORE_PASSPORT))
		FAIL(ERR_MODEL_INVALID,
		    "\"@chancery.keyAlgorithm\" needs \"keyStorageProvider\" useSoftwareKsp or "
		    "useTpmKspOtherwiseUseSoftwareKsp: no key on a curve is put into a TPM");
	return cert_check(a, t, &p->cert, warn);
}

/* Everything that makes it another certificate, and nothing else: where the CA lives and when to
 * renew are not in it. */
static err_t
make_hash(struct arena *a, const struct pkcs *s, struct primitive *what)
{
	auto_buf struct buf b;
	uint8_t *hash = arena_alloc(a, 32);

	buf_init(&b, LIMIT_ORDER_BYTES);
	TRY(wr_text(&b, "pkcs 1"));
	TRY(wr_text(&b, what->ca));
	TRY(wr_text(&b, what->template));
	TRY(cert_hash(&b, &s->cert, what));
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
		.ca = s->ca_name == NULL ? "" : s->ca_name,
		.ca_host = s->ca_host,
		.template = s->template,
	};

	cert_key_choose(s->key_alg, s->key_size, &what);
	what.key_usage =
	    s->key_alg == KEY_IS_RSA ? DIGITAL_SIGNATURE_AND_KEY_ENCIPHERMENT : DIGITAL_SIGNATURE;
	TRY(cert_reduce(a, p, &s->cert, who, &what));
	TRY(make_hash(a, s, &what));
	*ret = what;
	return OK;
}

extern const struct kind kind_pkcs;
const struct kind kind_pkcs = {
	.name = "pkcs",
	.title = "PKCS certificate",
	.rows = { &applicability_rows, &cert_head, &(const struct rows_of){ fields, COUNT(fields) },
	    &cert_tail },
	.size = sizeof(struct pkcs),
	.needs_user = true,
	.needs_root = true,
	.check = check,
	.reduce = reduce,
};

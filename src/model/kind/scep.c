/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a certificate whose key pair the device makes and keeps. It requests it by SCEP (RFC 8894) with a challenge
 * that stands for what it may have.
 */
#include "base/rd.h"
#include "model/cert_profile.h"
#include "pki/key.h"

enum { KEY_ENCIPHERMENT = 1, DIGITAL_SIGNATURE = 2, SIZE_1024 = 1024, URLS_MAX = 16 };

struct scep {
	struct cert_profile cert;
	struct field_texts urls;
	int64_t key_usage, key_size, key_alg, hashes, protocol;
};

static const struct field_member key_usages[] = {
	{ "keyEncipherment", KEY_ENCIPHERMENT },
	{ "digitalSignature", DIGITAL_SIGNATURE },
	{ 0 },
};

static const struct field_member key_sizes[] = {
	{ "size1024", SIZE_1024 },
	{ "size2048", KEY_RSA_2048 },
	{ "size4096", KEY_RSA_4096 },
	{ 0 },
};

enum { BY_SCEP = 1, BY_EST };

static const struct field_member protocols[] = {
	{ "scep", BY_SCEP },
	{ "est", BY_EST },
	{ 0 },
};

static const struct field_member hashes[] = {
	{ "sha1", HASH_SHA1 },
	{ "sha2", HASH_SHA2 },
	{ 0 },
};

/* http or https, a host, printable and without blanks: devices put it into a request line. */
static err_t
check_urls(struct arena *a, const struct field *f, const void *at)
{
	const struct field_texts *t = at;

	for (size_t i = 0; i < t->n; i++) {
		struct str url = str_c(t->v[i]), rest = url;
		struct str scheme = str_cut(&rest, ':');
		bool known = str_ieq_c(scheme, "https") || str_ieq_c(scheme, "http");

		if (known && rest.n > 2 && rest.p[0] == '/' && rest.p[1] == '/' &&
		    rest.p[2] != '/' && text_printable_ascii(url) &&
		    strpbrk(t->v[i], " \"<>\\^`{|};") == NULL)
			continue;
		FAIL(ERR_MODEL_INVALID,
		    "%s: element %zu, \"%.128s\", is no address, as "
		    "https://scep.example.com/certsrv/mscep/mscep.dll",
		    f->name, i, text_safe(a, url));
	}
	return OK;
}

/* A segment of a path with its %XX (RFC 3986 2.1); no blanks and no NUL come of it that are not meant. */
static err_t
unescape(struct arena *a, struct str in, const char **ret)
{
	uint8_t *out = arena_alloc(a, in.n + 1);
	struct str byte;
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		out[n] = in.p[i];
		if (in.p[i] == '%') {
			if (in.n - i < 3)
				FAIL(ERR_MODEL_INVALID, "%s", "an address that ends within %XX");
			TRY(text_unhex(a, str_of(in.p + i + 1, 2), &byte));
			out[n] = byte.p[0];
			i += 2;
		}
		n++;
	}
	return text_cstr(a, str_of(out, n), ret);
}

/*
 * "/scep/<CA>/<template>", with or without "/pkiclient.exe": the address of one of our CAs, at its own front or at the
 * service's, says which CA and template the order is for. Anything else is somebody else's RA, which asks the service what
 * a challenge stands for. Of several addresses the first speaks for all.
 */
static err_t
read_address(struct arena *a, const char *url, const char **ret_ca, const char **ret_template)
{
	struct str rest = str_c(url), part[4];
	size_t n = 0;

	*ret_ca = *ret_template = "";
	(void)str_cut(&rest, ':');
	rest.p += 2;
	rest.n -= 2;
	(void)str_cut(&rest, '/');
	for (; n < COUNT(part) && rest.n > 0; n++)
		part[n] = str_cut(&rest, '/');
	if (n == 4 && rest.n == 0 && str_ieq_c(part[3], "pkiclient.exe"))
		n = 3;
	if (n != 3 || rest.n > 0 || !str_ieq_c(part[0], "scep"))
		return OK;
	TRY(unescape(a, part[1], ret_ca));
	return unescape(a, part[2], ret_template);
}

#define HASH_ROW(only_, flags_, fallback_) \
	FIELD(struct scep, hashes, FIELD_FLAGS, .name = "hashAlgorithm", .flags = flags_, \
	    .members = hashes, .fallback = fallback_, .only = only_, \
	    .help = "What the device may sign its request with.")

static const struct field fields[] = {
	FIELD(struct scep, urls, FIELD_TEXTS, .name = "scepServerUrls", .max = URLS_MAX,
	    .check = check_urls,
	    .help = "Addresses of SCEP servers; the device takes any of them."),
	FIELD(struct scep, cert.name_text, FIELD_TEXT, .name = "subjectNameFormatString",
	    .flags = FIELD_NULLABLE, .max = LIMIT_NAME_FORMAT, .check = cert_check_name,
	    .help = "Subject with {{variables}}, for subjectNameFormat custom."),
	FIELD(struct scep, key_usage, FIELD_FLAGS, .name = "keyUsage", .flags = FIELD_REQUIRED,
	    .members = key_usages, .help = "What the key is for."),
	FIELD(struct scep, key_size, FIELD_ENUM, .name = "keySize", .flags = FIELD_REQUIRED,
	    .members = key_sizes, .help = "Size of the RSA key."),
	HASH_ROW(SCEP(ON_MACOS), FIELD_NULLABLE, FIELD_UNSET),
	HASH_ROW(SCEP(ON_ANY & ~ON_APPLE), FIELD_REQUIRED, HASH_SHA2),
	HASH_ROW(SCEP(AS_10X), FIELD_REQUIRED | FIELD_ARRAY, HASH_SHA2),
	FIELD(struct scep, protocol, FIELD_ENUM, .name = "enrolmentProtocol", .members = protocols,
	    .fallback = BY_SCEP, .only = SCEP(ON_LINUX),
	    .help =
		"How the device requests: by SCEP at one of the addresses, or by EST at the service for the CA that the "
		"first address names."),
	FIELD(struct scep, key_alg, FIELD_ENUM, .name = "@chancery.keyAlgorithm",
	    .members = cert_key_kinds, .fallback = KEY_IS_RSA, .only = SCEP(ON_LINUX),
	    .help =
		"RSA, or with enrolmentProtocol est a key on the curve P-256 or P-384, which signs and nothing else; "
		"the template must take it."),
	FIELD(struct scep, cert.alt_format, FIELD_TEXT,
	    .name = "subjectAlternativeNameFormatString", .flags = FIELD_NULLABLE,
	    .max = LIMIT_NAME_FORMAT, .check = cert_check_text, .only = SCEP(ON_ANY),
	    .help = "Value of the one alternative name, with {{variables}}."),
};

/* Without a setting for its form the subject is the text, if there is one. */
static void
begin(void *settings)
{
	struct scep *s = settings;

	s->cert.name_format = FIELD_UNSET;
}

/* By EST a request goes where an order for its key can go. */
static err_t
check_protocol(struct arena *a, const struct scep *s)
{
	const char *ca, *template;

	if (s->protocol != BY_EST)
		return OK;
	TRY(read_address(a, s->urls.v[0], &ca, &template));
	if (ca[0] == '\0')
		FAIL(ERR_MODEL_INVALID,
		    "\"enrolmentProtocol\" est needs a first address in \"scepServerUrls\" that names one of our CAs: "
		    "https://<service>/scep/<CA>/<template>");
	return OK;
}

/* The answers of SCEP are sealed to the key, which keys on curves are not for. */
static err_t
check_curve(const struct scep *s)
{
	const char *name = s->key_alg == KEY_IS_P256 ? "p256" : "p384";

	if (s->key_alg == KEY_IS_RSA)
		return OK;
	if (s->protocol != BY_EST)
		FAIL(ERR_MODEL_INVALID,
		    "\"@chancery.keyAlgorithm\" %s needs \"enrolmentProtocol\" est: by SCEP keys are RSA",
		    name);
	if (s->key_usage != DIGITAL_SIGNATURE)
		FAIL(ERR_MODEL_INVALID,
		    "\"@chancery.keyAlgorithm\" %s needs \"keyUsage\" digitalSignature alone",
		    name);
	if (s->key_size != KEY_RSA_2048)
		FAIL(ERR_MODEL_INVALID,
		    "\"keySize\" is of RSA keys and stays size2048 where \"@chancery.keyAlgorithm\" says %s",
		    name);
	return OK;
}

static err_t
check(struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w)
{
	const struct scep *s = settings;

	if (s->urls.n == 0)
		FAIL(ERR_MODEL_INVALID, "\"scepServerUrls\" needs at least one address");
	if (s->key_usage == 0)
		FAIL(ERR_MODEL_INVALID,
		    "\"keyUsage\" must have keyEncipherment, digitalSignature, or both");
	if (s->hashes == 0 && (t->family & ON_IOS) == 0)
		FAIL(ERR_MODEL_INVALID, "\"hashAlgorithm\" must have sha1, sha2, or both");
	TRY(check_protocol(a, s));
	TRY(check_curve(s));
	TRY(cert_check_key(&s->cert, s->key_size));
	if (s->hashes == HASH_SHA1)
		warn(w, ERR_WEAK_HASH, "\"hashAlgorithm\" is sha1 alone");
	if ((s->cert.alt_types & 4) != 0 && s->cert.alt_types != FIELD_UNSET)
		FAIL(ERR_MODEL_INVALID,
		    "\"subjectAlternativeNameType\" customAzureADAttribute is for PKCS "
		    "certificates");
	return cert_check(a, t, &s->cert, w);
}

static err_t
make_hash(struct arena *a, const struct scep *s, struct primitive *what)
{
	auto_buf struct buf b;
	uint8_t *hash = arena_alloc(a, 32);

	buf_init(&b, LIMIT_ORDER_BYTES);
	TRY(wr_text(&b, "scep 1"));
	TRY(cert_hash(&b, &s->cert, what));
	TRY(wr_u8(&b, what->key_usage));
	TRY(wr_text(&b, what->ca));
	TRY(wr_text(&b, what->template));
	if (what->est)
		TRY(wr_text(&b, "est"));
	hash_sha256(buf_str(&b), hash);
	what->hash = str_of(hash, 32);
	return OK;
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	const struct scep *s = settings;
	struct primitive what = {
		.kind = PRIM_ENROL,
		.ca = "",
		.ca_host = "",
		.template = "",
		.urls = s->urls.v,
		.nurls = s->urls.n,
		.est = s->protocol == BY_EST,
		.hashes =
		    s->hashes == FIELD_UNSET || s->hashes == 0 ? HASH_SHA2 : (unsigned)s->hashes,
	};

	/* RFC 5280 4.2.1.3: digitalSignature is the first bit, keyEncipherment the third. */
	if ((s->key_usage & DIGITAL_SIGNATURE) != 0)
		what.key_usage |= 0x80;
	if ((s->key_usage & KEY_ENCIPHERMENT) != 0)
		what.key_usage |= 0x20;
	cert_key_choose(s->key_alg, s->key_size, &what);
	TRY(read_address(a, s->urls.v[0], &what.ca, &what.template));
	TRY(cert_reduce(a, p, &s->cert, who, &what));
	TRY(make_hash(a, s, &what));
	*ret = what;
	return OK;
}

extern const struct kind kind_scep;
const struct kind kind_scep = {
	.name = "scep",
	.title = "SCEP certificate",
	.rows = { &applicability_rows, &cert_head, &(const struct rows_of){ fields, COUNT(fields) },
	    &cert_tail },
	.size = sizeof(struct scep),
	.needs_user = true,
	.needs_root = true,
	.begin = begin,
	.check = check,
	.reduce = reduce,
};

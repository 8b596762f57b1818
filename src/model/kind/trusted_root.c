/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a certificate of a certification authority that devices shall trust. Given in DER or PEM,
 * kept as it was sent, delivered as DER.
 */
#include "model/cert_name.h"
#include "pki/cert.h"

struct trusted_root {
	struct applicability rules;
	const char *file_name;
	int64_t store; /* enum trust_store */
	int64_t channel;
	struct str certificate; /* as uploaded */
};

static const struct field_member stores[] = {
	{ "computerCertStoreRoot", TRUST_MACHINE_ROOT },
	{ "computerCertStoreIntermediate", TRUST_MACHINE_CA },
	{ "userCertStoreIntermediate", TRUST_USER_CA },
	{ 0 },
};

static const struct field fields[] = {
	FIELD(struct trusted_root, certificate, FIELD_BINARY, .name = "trustedRootCertificate",
	    .flags = FIELD_REQUIRED, .max = 2 * LIMIT_CERT_BYTES,
	    .help = "The CA certificate in DER or PEM, base64."),
	FIELD(struct trusted_root, file_name, FIELD_TEXT, .name = "certFileName",
	    .flags = FIELD_NULLABLE, .help = "Name of the uploaded file, for people."),
	FIELD(struct trusted_root, store, FIELD_ENUM, .name = "destinationStore", .members = stores,
	    .fallback = TRUST_MACHINE_ROOT, .only = ROOT(ON_WINDOWS | AS_10X),
	    .help = "Certificate store of Windows."),
	FIELD(struct trusted_root, channel, FIELD_ENUM, .name = "deploymentChannel",
	    .flags = FIELD_NULLABLE, .members = cert_channels, .fallback = FIELD_UNSET,
	    .only = ROOT(ON_MACOS),
	    .help = "Keychain of the machine or of the user; null: machine."),
};

static err_t
read_certificate(struct arena *a, struct str in, struct str *ret)
{
	auto_cert struct cert *c = NULL;
	struct str blocks[2];
	size_t n;
	err_t e;

	e = text_unpem(a, in, "CERTIFICATE", blocks, COUNT(blocks), &n);
	if (err_ok(e) && n == 1)
		e = cert_parse(blocks[0], &c);
	if (!err_ok(e)) {
		const char *detail = arena_strdup(a, err_detail());

		err_forget(e);
		FAIL(ERR_NOT_A_CA, "trustedRootCertificate: %s", detail);
	}
	if (n != 1)
		FAIL(ERR_NOT_A_CA, "trustedRootCertificate: more than one certificate");
	if (!cert_is_ca(c))
		FAIL(ERR_NOT_A_CA, "trustedRootCertificate: %s is no certification authority",
		    cert_subject(c));
	*ret = arena_str(a, cert_der(c));
	return OK;
}

/* What is its own issuer is a root; Windows trusts nothing below it that lies in another store, and the other way
 * round. */
static err_t
store_look(struct str der, const struct trusted_root *s, struct warnings *w)
{
	auto_cert struct cert *c = NULL;
	bool root;

	TRY(cert_parse(der, &c));
	root = strcmp(cert_subject(c), cert_issuer(c)) == 0;
	if (root != (s->store == TRUST_MACHINE_ROOT))
		warn(w, ERR_TRUST_STORE_KIND,
		    root ?
			"\"destinationStore\" is for intermediate certificates, and this is a root" :
			"\"destinationStore\" is computerCertStoreRoot, and this is no root");
	return OK;
}

static err_t
check(struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w)
{
	const struct trusted_root *s = settings;
	struct str der;

	TRY(applicability_check(t, &s->rules));
	TRY(read_certificate(a, s->certificate, &der));
	return t->family == ON_WINDOWS ? store_look(der, s, w) : OK;
}

/* What was saved was checked; parsing it again for each check-in of each device would be half of what they cost. */
static err_t
saved_certificate(struct arena *a, struct str in, struct str *ret)
{
	struct str blocks[2];
	size_t n;

	TRY(text_unpem(a, in, "CERTIFICATE", blocks, COUNT(blocks), &n));
	if (n != 1)
		FAIL(ERR_NOT_A_CA, "trustedRootCertificate: %zu certificates", n);
	*ret = blocks[0];
	return OK;
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	const struct trusted_root *t = settings;
	struct primitive what = { .kind = PRIM_TRUST,
		.trust_store = (enum trust_store)t->store,
		.access.user_channel = t->channel == CHANNEL_USER };
	uint8_t *hash = arena_alloc(a, 32);

	(void)p;
	(void)who;
	TRY(saved_certificate(a, t->certificate, &what.der));
	if (what.trust_store == TRUST_MACHINE_ROOT && !what.access.user_channel)
		hash_sha256(what.der, hash);
	else /* the same certificate in another place */
		hash_sha256(str_c(arena_printf(a, "%s %d %d", text_hex(a, what.der),
				what.trust_store, what.access.user_channel)),
		    hash);
	what.hash = str_of(hash, 32);
	*ret = what;
	return OK;
}

extern const struct kind kind_trusted_root;
const struct kind kind_trusted_root = {
	.name = KIND_TRUSTED_ROOT,
	.title = "Trusted root certificate",
	.rows = { &applicability_rows, &(const struct rows_of){ fields, COUNT(fields) } },
	.size = sizeof(struct trusted_root),
	.check = check,
	.reduce = reduce,
};

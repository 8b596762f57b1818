/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a certificate of a certification authority that devices shall trust. Given in DER or PEM,
 * kept as it was sent, delivered as DER.
 */
#include "model/kind.h"
#include "pki/cert.h"

struct trusted_root {
	const char *file_name;
	struct str certificate; /* as uploaded */
};

static const struct field fields[] = {
	FIELD(struct trusted_root, certificate, FIELD_BINARY, .name = "trustedRootCertificate",
	    .flags = FIELD_REQUIRED, .max = 2 * LIMIT_CERT_BYTES,
	    .help = "The CA certificate in DER or PEM, base64."),
	FIELD(struct trusted_root, file_name, FIELD_TEXT, .name = "certFileName",
	    .flags = FIELD_NULLABLE, .help = "Name of the uploaded file, for people."),
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

static err_t
check(struct arena *a, const void *settings)
{
	const struct trusted_root *t = settings;
	struct str der;

	return read_certificate(a, t->certificate, &der);
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	const struct trusted_root *t = settings;
	struct primitive what = { .kind = PRIM_TRUST };
	uint8_t *hash = arena_alloc(a, 32);

	(void)p;
	(void)who;
	TRY(read_certificate(a, t->certificate, &what.der));
	hash_sha256(what.der, hash);
	what.hash = str_of(hash, 32);
	*ret = what;
	return OK;
}

extern const struct kind kind_trusted_root;
const struct kind kind_trusted_root = {
	.name = "trusted-root",
	.title = "Trusted root certificate",
	.fields = fields,
	.nfields = COUNT(fields),
	.size = sizeof(struct trusted_root),
	.check = check,
	.reduce = reduce,
};

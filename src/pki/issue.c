/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: building and signing. The check in between is issue_lint.c; CRLs are crl.c. */
#include "pki/issue.h"

#include <openssl/x509v3.h>

#include "base/secret.h"
#include "codec/der.h"
#include "codec/oid.h"
#include "pki/build.h"
#include "pki/key_int.h"

#define OID_SKI "2.5.29.14"
#define OID_SAN "2.5.29.17"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_CRL_POINTS "2.5.29.31"
#define OID_AKI "2.5.29.35"
#define OID_AIA "1.3.6.1.5.5.7.1.1"
#define OID_AD_CA_ISSUERS "1.3.6.1.5.5.7.48.2"
#define OID_AD_OCSP "1.3.6.1.5.5.7.48.1"

void
issue_serial(uint8_t ret[20])
{
	rand_bytes(ret, 20);
	ret[0] = (ret[0] & 0x3f) | 0x40;
}

static err_t
add_ids(struct arena *a, const struct issue_spec *s, const struct key *signer,
    STACK_OF(X509_EXTENSION) * *list)
{
	uint8_t id[20];
	struct str der;

	TRY(build_key_id(s->key, id));
	TRY(build_wrap(a, DER_OCTETS, STR(id), &der));
	TRY(build_ext(list, OID_SKI, false, der));
	TRY(build_aki_der(a, s->issuer, signer, &der));
	return build_ext(list, OID_AKI, false, der);
}

/* RFC 5280 4.2.1.13: one point with one URL. */
static err_t
add_crl_point(struct arena *a, const char *url, STACK_OF(X509_EXTENSION) * *list)
{
	struct str der;

	if (url == NULL)
		return OK;
	TRY(build_wrap(a, DER_CONTEXT_PRIMITIVE(6), str_c(url), &der)); /* GeneralName: URI */
	TRY(build_wrap(a, DER_CONTEXT(0), der, &der));                  /* fullName */
	TRY(build_wrap(a, DER_CONTEXT(0), der, &der));                  /* distributionPoint */
	TRY(build_wrap(a, DER_SEQUENCE, der, &der));
	TRY(build_wrap(a, DER_SEQUENCE, der, &der));
	return build_ext(list, OID_CRL_POINTS, false, der);
}

static err_t
access_description(struct arena *a, const char *method, const char *url, struct str *ret)
{
	struct str parts[2];

	*ret = STR_EMPTY;
	if (url == NULL)
		return OK;
	TRY(oid_content(a, method, &parts[0]));
	TRY(build_wrap(a, DER_OID, parts[0], &parts[0]));
	TRY(build_wrap(a, DER_CONTEXT_PRIMITIVE(6), str_c(url), &parts[1]));
	return build_wrap(a, DER_SEQUENCE, build_join(a, parts, 2), ret);
}

/* RFC 5280 4.2.2.1 */
static err_t
add_access(struct arena *a, const struct issue_spec *s, STACK_OF(X509_EXTENSION) * *list)
{
	struct str parts[2], der;

	if (s->aia_url == NULL && s->ocsp_url == NULL)
		return OK;
	TRY(access_description(a, OID_AD_CA_ISSUERS, s->aia_url, &parts[0]));
	TRY(access_description(a, OID_AD_OCSP, s->ocsp_url, &parts[1]));
	TRY(build_wrap(a, DER_SEQUENCE, build_join(a, parts, 2), &der));
	return build_ext(list, OID_AIA, false, der);
}

static err_t
add_constraints(struct arena *a, const struct issue_spec *s, STACK_OF(X509_EXTENSION) * *list)
{
	static const uint8_t is_ca[] = { DER_BOOLEAN, 1, 0xff };
	uint8_t length[] = { DER_INTEGER, 1, (uint8_t)s->path_len };
	struct str parts[] = { STR(is_ca), s->path_len < 0 ? STR_EMPTY : STR(length) };
	struct str der;

	if (!s->ca)
		return OK;
	if (s->path_len > 127)
		FAIL(ERR_RANGE, "path length %d", s->path_len);
	TRY(build_wrap(a, DER_SEQUENCE, build_join(a, parts, 2), &der));
	return build_ext(list, OID_BASIC_CONSTRAINTS, true, der);
}

static err_t
add_extensions(struct arena *a, const struct issue_spec *s, const struct key *signer,
    STACK_OF(X509_EXTENSION) * *list)
{
	TRY(add_ids(a, s, signer, list));
	TRY(build_key_usage(list, s->key_usage));
	TRY(build_ekus(list, s->ekus, s->nekus));
	if (s->san.n > 0)
		TRY(build_ext(list, OID_SAN, s->subject.n <= 2, s->san));
	TRY(add_crl_point(a, s->crl_url, list));
	TRY(add_access(a, s, list));
	TRY(add_constraints(a, s, list));
	TRY(build_sid(list, s->sid));
	for (size_t i = 0; i < s->nmore; i++)
		TRY(build_ext(list, s->more[i].oid, s->more[i].critical, s->more[i].value));
	return OK;
}

static err_t
set_times(X509 *x, const struct issue_spec *s)
{
	if (ASN1_TIME_set(X509_getm_notBefore(x), s->not_before) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(x), s->not_after) == NULL)
		FAIL_SSL(ERR_RANGE, "validity");
	return OK;
}

static err_t
set_serial(X509 *x, const uint8_t serial[20])
{
	auto_bn BIGNUM *bn = BN_bin2bn(serial, 20, NULL);

	if (bn == NULL || BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) == NULL)
		FAIL_SSL(ERR_CRYPTO, "serial number");
	return OK;
}

static err_t
set_names(X509 *x, const struct issue_spec *s)
{
	auto_x509_name X509_NAME *subject = NULL, *issuer = NULL;

	TRY(build_name(s->subject, &subject));
	TRY(build_name(s->issuer == NULL ? s->subject : cert_subject_der(s->issuer), &issuer));
	if (X509_set_subject_name(x, subject) != 1 || X509_set_issuer_name(x, issuer) != 1)
		FAIL_SSL(ERR_CRYPTO, "names");
	return OK;
}

/* The algorithm stands inside the signed part too (RFC 5280 4.1.1.2). OpenSSL only gives it out as const. */
static err_t
set_algorithm(X509 *x, const struct key *signer)
{
	struct str alg = key_sigalg(signer);
	const unsigned char *p = alg.p;
	X509_ALGOR *to = (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(x);
	auto_algor X509_ALGOR *from = d2i_X509_ALGOR(NULL, &p, (long)alg.n);

	if (from == NULL || X509_ALGOR_copy(to, from) != 1)
		FAIL_SSL(ERR_CRYPTO, "signature algorithm");
	return OK;
}

static err_t
set_extensions(struct arena *a, X509 *x, const struct issue_spec *s, const struct key *signer)
{
	auto_exts STACK_OF(X509_EXTENSION) *list = NULL;

	TRY(add_extensions(a, s, signer, &list));
	for (int i = 0; i < sk_X509_EXTENSION_num(list); i++)
		if (X509_add_ext(x, sk_X509_EXTENSION_value(list, i), -1) != 1)
			FAIL_SSL(ERR_CRYPTO, "extensions");
	return OK;
}

err_t
issue_tbs(
    struct arena *a, const struct issue_spec *s, const struct key *signer, struct str *ret_tbs)
{
	auto_x509 X509 *x = X509_new();
	auto_pkey EVP_PKEY *pub = NULL;
	auto_ossl_bytes unsigned char *tbs = NULL;
	int n;

	TRY(key_public(s->key, &pub));
	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 || X509_set_pubkey(x, pub) != 1)
		FAIL_SSL(ERR_CRYPTO, "building a certificate");
	TRY(set_serial(x, s->serial));
	TRY(set_names(x, s));
	TRY(set_times(x, s));
	TRY(set_algorithm(x, signer));
	TRY(set_extensions(a, x, s, signer));
	n = i2d_re_X509_tbs(x, &tbs);
	if (n <= 0)
		FAIL_SSL(ERR_CRYPTO, "building a certificate");
	*ret_tbs = arena_str(a, str_of(tbs, (size_t)n));
	return OK;
}

err_t
issue_sign(struct arena *a, struct str tbs, const struct key *signer, struct str *ret_der)
{
	return key_sign_tbs(a, signer, tbs, ret_der);
}

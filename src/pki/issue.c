/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: building and signing. The check in between is issue_lint.c; CRLs are crl.h. */
#include "pki/issue.h"

#include "base/limits.h"
#include "base/secret.h"
#include "codec/der.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"
#include "pki/build.h"
#include "pki/key_int.h"

#define OID_SKI "2.5.29.14"
#define OID_KEY_USAGE "2.5.29.15"
#define OID_SAN "2.5.29.17"
#define OID_BASIC_CONSTRAINTS "2.5.29.19"
#define OID_CRL_POINTS "2.5.29.31"
#define OID_AKI "2.5.29.35"
#define OID_EKU "2.5.29.37"
#define OID_AIA "1.3.6.1.5.5.7.1.1"
#define OID_AD_CA_ISSUERS "1.3.6.1.5.5.7.48.2"
#define OID_AD_OCSP "1.3.6.1.5.5.7.48.1"

void
issue_serial(uint8_t ret[20])
{
	rand_bytes(ret, 20);
	ret[0] = (ret[0] & 0x3f) | 0x40;
}

/* The extensions, each as its bytes (RFC 5280 4.1): OpenSSL's objects are made of texts, and taken apart again. */
struct exts {
	struct arena *a;
	struct str v[LIMIT_EXTENSIONS];
	size_t n;
};

static err_t
put_ext(struct exts *list, const char *oid, bool critical, struct str value)
{
	static const uint8_t yes[] = { DER_BOOLEAN, 1, 0xff };
	struct str parts[3] = { STR_EMPTY, critical ? STR(yes) : STR_EMPTY, STR_EMPTY };

	if (list->n == LIMIT_EXTENSIONS)
		FAIL(ERR_TOO_LARGE, "more than %u extensions", LIMIT_EXTENSIONS);
	TRY(oid_content(list->a, oid, &parts[0]));
	TRY(build_wrap(list->a, DER_OID, parts[0], &parts[0]));
	TRY(build_wrap(list->a, DER_OCTETS, value, &parts[2]));
	TRY(build_wrap(
	    list->a, DER_SEQUENCE, build_join(list->a, parts, COUNT(parts)), &list->v[list->n]));
	list->n++;
	return OK;
}

static err_t
add_purposes(struct arena *a, const struct issue_spec *s, struct exts *list)
{
	uint8_t usage[4];
	struct str der;

	if (s->key_usage != 0) {
		build_key_usage_der(s->key_usage, usage);
		TRY(put_ext(list, OID_KEY_USAGE, true, STR(usage)));
	}
	if (s->nekus == 0)
		return OK;
	TRY(build_ekus_der(a, s->ekus, s->nekus, &der));
	return put_ext(list, OID_EKU, false, der);
}

static err_t
add_sid(struct arena *a, const struct issue_spec *s, struct exts *list)
{
	struct str der;

	if (s->sid == NULL || s->sid[0] == '\0')
		return OK;
	TRY(ms_sid_encode(a, s->sid, &der));
	return put_ext(list, OID_NTDS_SECURITY, false, der);
}

static err_t
add_ids(struct arena *a, const struct issue_spec *s, const struct key *signer, struct exts *list)
{
	uint8_t id[20];
	struct str der;

	TRY(build_key_id(s->key, id));
	TRY(build_wrap(a, DER_OCTETS, STR(id), &der));
	TRY(put_ext(list, OID_SKI, false, der));
	TRY(build_aki_der(a, s->issuer, signer, &der));
	return put_ext(list, OID_AKI, false, der);
}

/* RFC 5280 4.2.1.13: one point with one URL. */
static err_t
add_crl_point(struct arena *a, const char *url, struct exts *list)
{
	struct str der;

	if (url == NULL)
		return OK;
	TRY(build_wrap(a, DER_CONTEXT_PRIMITIVE(6), str_c(url), &der)); /* GeneralName: URI */
	TRY(build_wrap(a, DER_CONTEXT(0), der, &der));                  /* fullName */
	TRY(build_wrap(a, DER_CONTEXT(0), der, &der));                  /* distributionPoint */
	TRY(build_wrap(a, DER_SEQUENCE, der, &der));
	TRY(build_wrap(a, DER_SEQUENCE, der, &der));
	return put_ext(list, OID_CRL_POINTS, false, der);
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
add_access(struct arena *a, const struct issue_spec *s, struct exts *list)
{
	struct str parts[2], der;

	if (s->aia_url == NULL && s->ocsp_url == NULL)
		return OK;
	TRY(access_description(a, OID_AD_CA_ISSUERS, s->aia_url, &parts[0]));
	TRY(access_description(a, OID_AD_OCSP, s->ocsp_url, &parts[1]));
	TRY(build_wrap(a, DER_SEQUENCE, build_join(a, parts, 2), &der));
	return put_ext(list, OID_AIA, false, der);
}

static err_t
add_constraints(struct arena *a, const struct issue_spec *s, struct exts *list)
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
	return put_ext(list, OID_BASIC_CONSTRAINTS, true, der);
}

static err_t
add_extensions(
    struct arena *a, const struct issue_spec *s, const struct key *signer, struct exts *list)
{
	TRY(add_ids(a, s, signer, list));
	TRY(add_purposes(a, s, list));
	if (s->san.n > 0)
		TRY(put_ext(list, OID_SAN, s->subject.n <= 2, s->san));
	TRY(add_crl_point(a, s->crl_url, list));
	TRY(add_access(a, s, list));
	TRY(add_constraints(a, s, list));
	TRY(add_sid(a, s, list));
	for (size_t i = 0; i < s->nmore; i++)
		TRY(put_ext(list, s->more[i].oid, s->more[i].critical, s->more[i].value));
	return OK;
}

/* RFC 5280 4.1.2.5 */
static err_t
put_validity(struct arena *a, const struct issue_spec *s, struct str *ret)
{
	struct str parts[2];

	TRY(build_time(a, s->not_before, &parts[0]));
	TRY(build_time(a, s->not_after, &parts[1]));
	return build_wrap(a, DER_SEQUENCE, build_join(a, parts, 2), ret);
}

static err_t
put_extensions(
    struct arena *a, const struct issue_spec *s, const struct key *signer, struct str *ret)
{
	struct exts *list = ARENA_NEW(a, struct exts);
	struct str all;

	list->a = a;
	TRY(add_extensions(a, s, signer, list));
	TRY(build_wrap(a, DER_SEQUENCE, build_join(a, list->v, list->n), &all));
	return build_wrap(a, DER_CONTEXT(3), all, ret);
}

/* RFC 5280 4.1.2, written directly: OpenSSL would decode the public key once more for it. */
err_t
issue_tbs(
    struct arena *a, const struct issue_spec *s, const struct key *signer, struct str *ret_tbs)
{
	static const uint8_t version_3[] = { DER_CONTEXT(0), 3, DER_INTEGER, 1, 2 };
	static const uint8_t no_name[] = { DER_SEQUENCE, 0 };
	struct str parts[8] = { STR(version_3) };

	TRY(build_wrap(a, DER_INTEGER, STR(s->serial), &parts[1]));
	parts[2] = key_sigalg(signer);
	parts[3] = s->issuer == NULL ? s->subject : cert_subject_der(s->issuer);
	TRY(put_validity(a, s, &parts[4]));
	parts[5] = s->subject.n == 0 ? STR(no_name) : s->subject;
	TRY(key_spki(a, s->key, &parts[6]));
	TRY(put_extensions(a, s, signer, &parts[7]));
	return build_wrap(a, DER_SEQUENCE, build_join(a, parts, COUNT(parts)), ret_tbs);
}

err_t
issue_sign(struct arena *a, struct str tbs, const struct key *signer, struct str *ret_der)
{
	return key_sign_tbs(a, signer, tbs, ret_der);
}

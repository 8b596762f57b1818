/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: who issued them, and whether that is somebody we trust. RFC 5280 6. No revocation here. */
#include "pki/cert.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/limits.h"
#include "codec/der.h"
#include "pki/key_int.h"
#include "pki/sigalg.h"
#include "pki/ssl_err.h"

#define KEY_CERT_SIGN 0x04 /* of the first byte */
#define ANY_EKU "2.5.29.37.0"
/* 112 bits: RSA from 2048, no SHA-1. */
#define SECURITY_LEVEL 2

static err_t
check_validity(const struct cert *c, when_t now)
{
	if (now < cert_not_before(c))
		FAIL(ERR_EXPIRED, "%s is not valid yet", cert_subject(c));
	if (now > cert_not_after(c))
		FAIL(ERR_EXPIRED, "%s has expired", cert_subject(c));
	return OK;
}

/* Whatever OpenSSL knows. */
static err_t
check_any_signature(const struct cert *c, const struct cert *issuer)
{
	X509 *x = cert_x509(c);
	EVP_PKEY *key = X509_get0_pubkey(cert_x509(issuer));
	int md = NID_undef, bits = 0;

	if (X509_get_signature_info(x, &md, NULL, &bits, NULL) != 1 || md == NID_sha1 ||
	    md == NID_md5) {
		ssl_forget();
		FAIL(
		    ERR_CHAIN, "%s is signed with an algorithm that is not taken", cert_subject(c));
	}
	if (key == NULL || X509_verify(x, key) != 1) {
		ssl_forget();
		FAIL(ERR_CHAIN, "signature of %s", cert_subject(c));
	}
	return OK;
}

/* RFC 5280 4.1.1, taken apart; all borrowed. */
struct signed_parts {
	struct str tbs; /* what is signed, whole */
	const struct sigalg *by;
	struct str signature;
};

/* ERR_UNSUPPORTED: not one of the usual algorithms, or written unusually. */
static err_t
take_apart(struct str der, struct signed_parts *ret)
{
	static const uint8_t null[] = { DER_NULL, 0 };
	struct str cert, tbs, inner, outer, oid, bits, skipped;
	const uint8_t *start;

	TRY(der_take(&der, DER_SEQUENCE, &cert));
	start = cert.p;
	TRY(der_take(&cert, DER_SEQUENCE, &tbs));
	ret->tbs = str_of(start, (size_t)(cert.p - start));
	TRY(der_take(&cert, DER_SEQUENCE, &outer));
	TRY(der_take(&cert, DER_BITSTRING, &bits));
	if (tbs.n > 0 && tbs.p[0] == DER_CONTEXT(0))
		TRY(der_take(&tbs, DER_CONTEXT(0), &skipped));
	TRY(der_take(&tbs, DER_INTEGER, &skipped));
	TRY(der_take(&tbs, DER_SEQUENCE, &inner));
	if (!str_eq(inner, outer) || bits.n == 0 || bits.p[0] != 0)
		FAIL(ERR_UNSUPPORTED, "%s", "");
	TRY(der_take(&outer, DER_OID, &oid));
	ret->by = sigalg_find(oid);
	ret->signature = str_of(bits.p + 1, bits.n - 1);
	if (ret->by == NULL || ret->by->sha1 ||
	    !str_eq(outer, ret->by->alg == KEY_RSA ? STR(null) : STR_EMPTY))
		FAIL(ERR_UNSUPPORTED, "%s", "");
	return OK;
}

/* Without X509_verify(), for which OpenSSL reads both certificates whole, with all that it knows of keys. */
static err_t
check_signature(const struct cert *c, const struct cert *issuer)
{
	auto_key struct key *key = NULL;
	struct signed_parts parts;
	err_t e = take_apart(cert_der(c), &parts);

	if (err_ok(e))
		e = cert_key(issuer, &key);
	if (!err_ok(e) || key_algorithm(key) != parts.by->alg) {
		err_forget(e);
		return check_any_signature(c, issuer);
	}
	e = key_verify_with(key, parts.by->md, parts.tbs, parts.signature);
	if (err_is(e, ERR_SIGNATURE)) {
		err_forget(e);
		FAIL(ERR_CHAIN, "signature of %s", cert_subject(c));
	}
	return e;
}

/* RFC 5280 7.1, as OpenSSL compares; most are the same to the byte. */
static bool
names_chain(const struct cert *c, const struct cert *issuer)
{
	return str_eq(cert_issuer_der(c), cert_subject_der(issuer)) ||
	    X509_NAME_cmp(
		X509_get_issuer_name(cert_x509(c)), X509_get_subject_name(cert_x509(issuer))) == 0;
}

err_t
cert_verify(const struct cert *c, const struct cert *issuer, when_t now)
{
	if (!names_chain(c, issuer))
		FAIL(ERR_CHAIN, "%s was issued by %s, not by %s", cert_subject(c), cert_issuer(c),
		    cert_subject(issuer));
	if (!cert_is_ca(issuer) || (cert_key_usage(issuer) & KEY_CERT_SIGN) == 0)
		FAIL(ERR_CHAIN, "%s is no CA", cert_subject(issuer));
	TRY(check_signature(c, issuer));
	TRY(check_validity(c, now));
	return check_validity(issuer, now);
}

static err_t
stack_add(STACK_OF(X509) * to, const struct cert *c)
{
	X509 *x = cert_x509(c);

	if (X509_up_ref(x) != 1)
		FAIL_SSL(ERR_CRYPTO, "%s", "");
	if (sk_X509_push(to, x) <= 0)
		abort();
	return OK;
}

static err_t
stack_of(const struct str *ders, size_t n, STACK_OF(X509) * *ret)
{
	auto_x509s STACK_OF(X509) *s = sk_X509_new_null();

	if (s == NULL)
		abort();
	if (n > LIMIT_CERTS)
		FAIL(ERR_CHAIN, "%zu certificates", n);
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(ders[i], &c));
		TRY(stack_add(s, c));
	}
	*ret = steal(s);
	return OK;
}

/* RFC 5280 4.2.1.12; as everybody does, an EKU in a CA's certificate limits what is below it. */
static bool
eku_allows(X509 *x, const char *eku, bool leaf)
{
	EXTENDED_KEY_USAGE *list = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	auto_object ASN1_OBJECT *want = OBJ_txt2obj(eku, 1);
	auto_object ASN1_OBJECT *any = OBJ_txt2obj(ANY_EKU, 1);
	bool ok = list == NULL && !leaf;

	for (int i = 0; want != NULL && i < sk_ASN1_OBJECT_num(list); i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(list, i);

		ok |= OBJ_cmp(o, want) == 0 || (!leaf && OBJ_cmp(o, any) == 0);
	}
	EXTENDED_KEY_USAGE_free(list);
	ssl_forget();
	return ok;
}

static err_t
check_ekus(STACK_OF(X509) * path, const char *eku)
{
	for (int i = 0; i < sk_X509_num(path); i++)
		if (!eku_allows(sk_X509_value(path, i), eku, i == 0))
			FAIL(ERR_CHAIN, "certificate %d of the path is not for %s", i + 1, eku);
	return OK;
}

static err_t
path_failed(const struct cert *c, int why)
{
	ssl_forget();
	if (why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID)
		FAIL(ERR_EXPIRED, "%s: %s", cert_subject(c), X509_verify_cert_error_string(why));
	FAIL(ERR_CHAIN, "%s: %s", cert_subject(c), X509_verify_cert_error_string(why));
}

static err_t
verify(const struct cert *c, STACK_OF(X509) * middle, STACK_OF(X509) * trusted, const char *eku,
    when_t now)
{
	auto_x509_store X509_STORE *store = X509_STORE_new();
	auto_x509_store_ctx X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	if (store == NULL || ctx == NULL ||
	    X509_STORE_CTX_init(ctx, store, cert_x509(c), middle) != 1)
		FAIL_SSL(ERR_CRYPTO, "%s", "");
	X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, now);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_depth(param, LIMIT_CHAIN_CERTS);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (X509_verify_cert(ctx) != 1)
		return path_failed(c, X509_STORE_CTX_get_error(ctx));
	return eku == NULL ? OK : check_ekus(X509_STORE_CTX_get0_chain(ctx), eku);
}

err_t
cert_verify_path(const struct cert *c, const struct str *others, size_t nothers,
    const struct str *anchors, size_t nanchors, const char *eku, when_t now)
{
	auto_x509s STACK_OF(X509) *middle = NULL, *trusted = NULL;

	TRY(stack_of(others, nothers, &middle));
	TRY(stack_of(anchors, nanchors, &trusted));
	return verify(c, middle, trusted, eku, now);
}

err_t
cert_verify_under(const struct cert *c, const struct cert *anchor, const char *eku, when_t now)
{
	auto_x509s STACK_OF(X509) *trusted = sk_X509_new_null();

	if (trusted == NULL)
		abort();
	TRY(stack_add(trusted, anchor));
	return verify(c, NULL, trusted, eku, now);
}

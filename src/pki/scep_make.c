/* SPDX-License-Identifier: Apache-2.0 */
/* Making SCEP messages: see scep.h. */
#include "pki/scep.h"

#include "pki/cms_int.h"
#include "pki/fips.h"
#include "pki/ssl_err.h"

static const EVP_MD *
digest_of(enum scep_digest d)
{
	switch (d) {
	case SCEP_SHA1:
		return EVP_sha1();
	case SCEP_SHA384:
		return EVP_sha384();
	case SCEP_SHA512:
		return EVP_sha512();
	case SCEP_SHA256:
	case SCEP_NO_DIGEST:
		break;
	}
	return EVP_sha256();
}

static const EVP_CIPHER *
cipher_of(enum scep_cipher c)
{
	switch (c) {
	case SCEP_DES3:
		return EVP_des_ede3_cbc();
	case SCEP_AES192:
		return EVP_aes_192_cbc();
	case SCEP_AES256:
		return EVP_aes_256_cbc();
	case SCEP_AES128:
	case SCEP_NO_CIPHER:
		break;
	}
	return EVP_aes_128_cbc();
}

static err_t
to_der(struct arena *a, CMS_ContentInfo *cms, struct str *ret)
{
	auto_ossl_bytes unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);

	if (n <= 0)
		FAIL_SSL(ERR_CRYPTO, "writing a SCEP message");
	*ret = arena_str(a, str_of(der, (size_t)n));
	return OK;
}

err_t
scep_seal(struct arena *a, const struct cert *to, enum scep_cipher cipher, struct str content,
    struct str *ret)
{
	STACK_OF(X509) * certs;
	auto_bio BIO *in = NULL;
	auto_cms CMS_ContentInfo *cms = NULL;

	TRY(fips_refuse(SCEP_UNAPPROVED));
	if (content.n == 0 || content.n > LIMIT_SCEP_BYTES)
		FAIL(ERR_TOO_LARGE, "%zu bytes to seal", content.n);
	certs = sk_X509_new_null();
	in = BIO_new_mem_buf(content.p, (int)content.n);
	if (certs == NULL || in == NULL || sk_X509_push(certs, cert_x509(to)) <= 0)
		abort();
	cms = CMS_encrypt(certs, in, cipher_of(cipher), CMS_BINARY);
	sk_X509_free(certs);
	if (cms == NULL)
		FAIL_SSL(ERR_CRYPTO, "sealing");
	return to_der(a, cms, ret);
}

static err_t
put(CMS_SignerInfo *si, const char *oid, int type, struct str value)
{
	if (CMS_signed_add1_attr_by_txt(si, oid, type, value.p, (int)value.n) != 1)
		FAIL_SSL(ERR_CRYPTO, "attribute %s", oid);
	return OK;
}

static err_t
put_number(CMS_SignerInfo *si, struct arena *a, const char *oid, int n)
{
	return n < 0 ? OK : put(si, oid, V_ASN1_PRINTABLESTRING, str_c(arena_printf(a, "%d", n)));
}

static err_t
put_octets(CMS_SignerInfo *si, const char *oid, struct str value)
{
	return value.n == 0 ? OK : put(si, oid, V_ASN1_OCTET_STRING, value);
}

static err_t
put_head(CMS_SignerInfo *si, struct arena *a, const struct scep_head *h)
{
	TRY(put_number(si, a, OID_SCEP_TYPE, h->type));
	TRY(put_number(si, a, OID_SCEP_STATUS, h->status));
	TRY(put_number(si, a, OID_SCEP_FAIL_INFO, h->fail_info));
	TRY(put_octets(si, OID_SCEP_SENDER_NONCE, h->sender_nonce));
	TRY(put_octets(si, OID_SCEP_RECIPIENT_NONCE, h->recipient_nonce));
	TRY(put(si, OID_SCEP_TRANSACTION, V_ASN1_PRINTABLESTRING, str_c(h->transaction)));
	if (h->fail_text != NULL && h->fail_text[0] != '\0')
		TRY(put(si, OID_SCEP_FAIL_TEXT, V_ASN1_UTF8STRING, str_c(h->fail_text)));
	return OK;
}

err_t
scep_make(struct arena *a, const struct scep_spec *s, struct str *ret)
{
	const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
	auto_cms CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
	auto_bio BIO *in = NULL;
	CMS_SignerInfo *si;

	/*
	 * RFC 8894 3.3.2.2 leaves the envelope of a refusal out. What is written for it is an empty content, not an absent
	 * one: clients on OpenSSL's PKCS #7 (certmonger, sscep) take an absent one for a detached signature and fail.
	 */
	if (cms == NULL || CMS_set_detached(cms, 0) != 1)
		FAIL_SSL(ERR_CRYPTO, "making a SCEP message");
	si = CMS_add1_signer(
	    cms, cert_x509(s->signer), key_pkey(s->key), digest_of(s->digest), flags);
	if (si == NULL)
		FAIL_SSL(ERR_CRYPTO, "signing a SCEP message");
	TRY(put_head(si, a, &s->head));
	TRY(cms_put_certs(cms, s->certs, s->ncerts, LIMIT_SCEP_CERTS));
	in =
	    BIO_new_mem_buf(s->content.n == 0 ? (const void *)"" : s->content.p, (int)s->content.n);
	if (in == NULL)
		abort();
	if (CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		FAIL_SSL(ERR_CRYPTO, "signing a SCEP message");
	return to_der(a, cms, ret);
}

err_t
scep_next_ca(struct arena *a, const struct cert *signer, const struct key *key, struct str certs,
    struct str *ret)
{
	const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
	auto_cms CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
	auto_bio BIO *in = NULL;

	if (certs.n == 0 || certs.n > LIMIT_CMS_BYTES)
		FAIL(ERR_TOO_LARGE, "%zu bytes to sign", certs.n);
	in = BIO_new_mem_buf(certs.p, (int)certs.n);
	if (in == NULL)
		abort();
	if (cms == NULL || CMS_set_detached(cms, 0) != 1 ||
	    CMS_add1_signer(cms, cert_x509(signer), key_pkey(key), EVP_sha256(), flags) == NULL ||
	    CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		FAIL_SSL(ERR_CRYPTO, "signing the next CA certificates");
	return to_der(a, cms, ret);
}

err_t
scep_crl(struct arena *a, struct str crl, struct str *ret)
{
	auto_cms CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
	const unsigned char *p = crl.p;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)crl.n);
	int ok = 0;

	if (cms != NULL && x != NULL)
		ok = CMS_set_detached(cms, 1) == 1 && CMS_add1_crl(cms, x) == 1;
	X509_CRL_free(x);
	if (ok != 1)
		FAIL_SSL(ERR_CRYPTO, "CRL");
	return to_der(a, cms, ret);
}

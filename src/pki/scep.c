/* SPDX-License-Identifier: Apache-2.0 */
/* Reading SCEP messages: see scep.h. */
#include "pki/scep.h"

#include <openssl/rsa.h>

#include "base/secret.h"
#include "base/text.h"
#include "codec/der.h"
#include "codec/oid.h"
#include "pki/fips.h"
#include "pki/ssl_err.h"

enum { RSA_MIN = 2048, RSA_MAX = 8192, SERIAL_BYTES = 20 };

static const struct {
	enum scep_digest digest;
	int nid;
	const char *name;
} digests[] = {
	{ SCEP_SHA1, NID_sha1, "SHA1" },
	{ SCEP_SHA256, NID_sha256, "SHA256" },
	{ SCEP_SHA384, NID_sha384, "SHA384" },
	{ SCEP_SHA512, NID_sha512, "SHA512" },
};

static const struct {
	enum scep_cipher cipher;
	const char *oid;
} ciphers[] = {
	{ SCEP_DES3, "1.2.840.113549.3.7" },
	{ SCEP_AES128, "2.16.840.1.101.3.4.1.2" },
	{ SCEP_AES192, "2.16.840.1.101.3.4.1.22" },
	{ SCEP_AES256, "2.16.840.1.101.3.4.1.42" },
};

/* ---- the parts ---- */

static err_t
cms_read(struct str ber, int type, CMS_ContentInfo **ret)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	const unsigned char *p = ber.p;

	if (ber.n == 0 || ber.n > LIMIT_SCEP_BYTES)
		FAIL(ERR_SCEP, "%zu bytes", ber.n);
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)ber.n);
	if (cms == NULL || p != ber.p + ber.n || OBJ_obj2nid(CMS_get0_type(cms)) != type) {
		ssl_forget();
		FAIL(ERR_SCEP, "it is no %s",
		    type == NID_pkcs7_signed ? "SignedData" : "EnvelopedData");
	}
	*ret = steal(cms);
	return OK;
}

static err_t
take_signer_cert(struct arena *a, CMS_ContentInfo *cms, CMS_SignerInfo *si, struct str *ret)
{
	auto_x509s STACK_OF(X509) *certs = CMS_get1_certs(cms);
	int n = certs == NULL ? 0 : sk_X509_num(certs);

	if (n > (int)LIMIT_SCEP_CERTS)
		FAIL(ERR_SCEP, "%d certificates", n);
	for (int i = 0; i < n; i++) {
		auto_ossl_bytes unsigned char *der = NULL;
		int len;

		if (CMS_SignerInfo_cert_cmp(si, sk_X509_value(certs, i)) != 0)
			continue;
		len = i2d_X509(sk_X509_value(certs, i), &der);
		if (len <= 0 || len > (int)LIMIT_CERT_BYTES) {
			ssl_forget();
			FAIL(ERR_SCEP, "certificate of %d bytes", len);
		}
		*ret = arena_str(a, str_of(der, (size_t)len));
		return OK;
	}
	ssl_forget();
	FAIL(ERR_SCEP, "the certificate of its signer is not in it");
}

/* The SET in the order that the signer wrote it: CMS signs it with the tag of SET (RFC 5652 5.4). */
static err_t
take_attrs(struct arena *a, CMS_SignerInfo *si, struct str *ret)
{
	int n = CMS_signed_get_attr_count(si);
	auto_buf struct buf all = { 0 }, set = { 0 };

	buf_init(&all, LIMIT_SCEP_BYTES);
	buf_init(&set, LIMIT_SCEP_BYTES);
	if (n <= 0)
		FAIL(ERR_SCEP, "it has no signed attributes");
	for (int i = 0; i < n; i++) {
		auto_ossl_bytes unsigned char *der = NULL;
		int len = i2d_X509_ATTRIBUTE(CMS_signed_get_attr(si, i), &der);

		if (len <= 0)
			FAIL_SSL(ERR_SCEP, "attribute %d", i + 1);
		TRY(buf_put(&all, str_of(der, (size_t)len)));
	}
	TRY(der_put(&set, DER_SET, buf_str(&all)));
	*ret = arena_str(a, buf_str(&set));
	return OK;
}

static void
take_algorithms(CMS_SignerInfo *si, struct scep_msg *m)
{
	X509_ALGOR *digest = NULL, *signature = NULL;
	const ASN1_OBJECT *o;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &digest, &signature);
	X509_ALGOR_get0(&o, NULL, NULL, digest);
	for (size_t i = 0; i < COUNT(digests); i++) {
		if (OBJ_obj2nid(o) == digests[i].nid)
			m->digest = digests[i].digest;
	}
	X509_ALGOR_get0(&o, NULL, NULL, signature);
	m->pss = OBJ_obj2nid(o) == NID_rsassaPss;
}

err_t
scep_parse(struct arena *a, struct str ber, struct scep_msg *ret)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	struct scep_msg m = { .digest = SCEP_NO_DIGEST };
	STACK_OF(CMS_SignerInfo) * signers;
	ASN1_OCTET_STRING **content, *signature;
	CMS_SignerInfo *si;

	TRY(cms_read(ber, NID_pkcs7_signed, &cms));
	signers = CMS_get0_SignerInfos(cms);
	if (signers == NULL || sk_CMS_SignerInfo_num(signers) != 1) {
		ssl_forget();
		FAIL(ERR_SCEP, "it does not have exactly one signer");
	}
	si = sk_CMS_SignerInfo_value(signers, 0);
	TRY(take_signer_cert(a, cms, si, &m.signer));
	TRY(take_attrs(a, si, &m.attrs));
	take_algorithms(si, &m);
	signature = CMS_SignerInfo_get0_signature(si);
	m.signature = arena_str(
	    a, str_of(ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature)));
	content = CMS_get0_content(cms);
	if (content != NULL && *content != NULL)
		m.content = arena_str(a,
		    str_of(ASN1_STRING_get0_data(*content), (size_t)ASN1_STRING_length(*content)));
	ssl_forget();
	*ret = m;
	return OK;
}

/* ---- the signature ---- */

static err_t
digest_name(const struct scep_msg *m, bool sha1, const char **ret)
{
	if (m->digest == SCEP_SHA1 && !sha1)
		FAIL(ERR_SCEP_ALGORITHM, "it is signed with SHA-1");
	for (size_t i = 0; i < COUNT(digests); i++) {
		if (digests[i].digest == m->digest) {
			*ret = digests[i].name;
			return OK;
		}
	}
	FAIL(ERR_SCEP_ALGORITHM, "it is signed with MD5 or something else that is not taken");
}

static err_t
check_digest(const char *name, struct str content, struct str want)
{
	uint8_t got[EVP_MAX_MD_SIZE];
	size_t n = 0;

	if (EVP_Q_digest(NULL, name, NULL, content.p, content.n, got, &n) != 1)
		FAIL_SSL(ERR_CRYPTO, "%s", name);
	if (!str_eq(str_of(got, n), want))
		FAIL(ERR_SIGNATURE, "the content is not what was signed");
	return OK;
}

static err_t
check_signature(const struct scep_msg *m, const char *digest, const struct cert *signer)
{
	auto_md_ctx EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	auto_key struct key *k = NULL;

	TRY(cert_key(signer, &k));
	if (key_algorithm(k) != KEY_RSA || key_bits(k) < RSA_MIN || key_bits(k) > RSA_MAX)
		FAIL(ERR_SCEP_ALGORITHM, "it is signed with a key of %s %u bits",
		    key_algorithm(k) == KEY_RSA ? "RSA" : "EC", key_bits(k));
	if (ctx == NULL ||
	    EVP_DigestVerifyInit_ex(ctx, &pctx, digest, NULL, NULL, key_pkey(k), NULL) != 1)
		FAIL_SSL(ERR_CRYPTO, "signature of the message");
	if (m->pss &&
	    (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_AUTO) != 1))
		FAIL_SSL(ERR_CRYPTO, "signature of the message");
	if (EVP_DigestVerify(ctx, m->signature.p, m->signature.n, m->attrs.p, m->attrs.n) != 1) {
		ssl_forget();
		FAIL(ERR_SIGNATURE, "signature of the message");
	}
	return OK;
}

err_t
scep_verify(struct arena *a, const struct scep_msg *m, bool sha1, struct scep_head *ret_head,
    struct cert **ret_signer)
{
	auto_cert struct cert *signer = NULL;
	struct scep_head head;
	const char *digest;

	TRY(scep_head_parse(a, m->attrs, &head));
	TRY(digest_name(m, sha1, &digest));
	TRY(check_digest(digest, m->content, head.digest));
	TRY_CTX(cert_parse_odd(m->signer, &signer), "certificate of the signer");
	TRY(check_signature(m, digest, signer));
	*ret_head = head;
	*ret_signer = steal(signer);
	return OK;
}

/* ---- the envelope ---- */

/*
 * OpenSSL does not tell the algorithm of an envelope's content, so it is read from what OpenSSL writes, which is DER:
 * ContentInfo { type, [0] { version, [0] originatorInfo OPTIONAL, recipientInfos SET,
 *                            { contentType, algorithm { oid ... } ... } } }
 */
static err_t
content_algorithm(struct arena *a, struct str der, const char **ret)
{
	struct str info, type, wrap, body, version, recipients, content, algorithm, oid;
	uint8_t tag;

	TRY(der_take(&der, DER_SEQUENCE, &info));
	TRY(der_take(&info, DER_OID, &type));
	TRY(der_take(&info, DER_CONTEXT(0), &wrap));
	TRY(der_take(&wrap, DER_SEQUENCE, &body));
	TRY(der_take(&body, DER_INTEGER, &version));
	TRY(der_next(&body, &tag, &recipients));
	if (tag == DER_CONTEXT(0))
		TRY(der_next(&body, &tag, &recipients));
	TRY(der_take(&body, DER_SEQUENCE, &content));
	TRY(der_take(&content, DER_OID, &type));
	TRY(der_take(&content, DER_SEQUENCE, &algorithm));
	TRY(der_take(&algorithm, DER_OID, &oid));
	return oid_text(a, oid, ret);
}

static err_t
envelope_read(struct str envelope, CMS_ContentInfo **ret)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	STACK_OF(CMS_RecipientInfo) * to;

	TRY_CTX(cms_read(envelope, NID_pkcs7_enveloped, &cms), "content");
	to = CMS_get0_RecipientInfos(cms);
	if (to == NULL || sk_CMS_RecipientInfo_num(to) < 1 ||
	    sk_CMS_RecipientInfo_num(to) > (int)LIMIT_SCEP_RECIPIENTS) {
		ssl_forget();
		FAIL(ERR_SCEP, "the envelope has no recipient, or too many");
	}
	*ret = steal(cms);
	return OK;
}

err_t
scep_envelope(struct arena *a, struct str envelope, enum scep_cipher *ret)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	auto_ossl_bytes unsigned char *der = NULL;
	const char *oid;
	int n;

	TRY(envelope_read(envelope, &cms));
	n = i2d_CMS_ContentInfo(cms, &der);
	if (n <= 0)
		FAIL_SSL(ERR_SCEP, "envelope");
	TRY_CTX(content_algorithm(a, str_of(der, (size_t)n), &oid), "envelope");
	for (size_t i = 0; i < COUNT(ciphers); i++) {
		if (str_eq_c(str_c(oid), ciphers[i].oid)) {
			*ret = ciphers[i].cipher;
			return OK;
		}
	}
	FAIL(ERR_SCEP_ALGORITHM, "its content is encrypted with algorithm %s", oid);
}

static void
wiped_bio_cleanup(BIO **b)
{
	char *p = NULL;
	long n = *b == NULL ? 0 : BIO_get_mem_data(*b, &p);

	if (p != NULL && n > 0)
		secret_wipe(p, (size_t)n);
	BIO_free(*b);
}
#define auto_wiped_bio __attribute__((cleanup(wiped_bio_cleanup)))

/*
 * The recipient is not looked up by certificate: after a renewal of the RA certificate for the same key, clients still
 * name the old one. When no transported key opens, OpenSSL goes on with a random one (RFC 3218 2.3.2).
 */
err_t
scep_open(struct arena *a, const struct key *k, struct str envelope, struct str *ret)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	auto_wiped_bio BIO *out = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	TRY(fips_refuse(SCEP_UNAPPROVED));
	TRY(envelope_read(envelope, &cms));
	if (out == NULL)
		abort();
	if (CMS_decrypt(cms, key_pkey(k), NULL, NULL, out, CMS_BINARY) != 1) {
		ssl_forget();
		FAIL(ERR_SCEP_SEALED, "%s", "");
	}
	ssl_forget();
	n = BIO_get_mem_data(out, &p);
	*ret = arena_str(a, str_of(p, (size_t)n));
	return OK;
}

err_t
scep_issuer_serial(struct arena *a, struct str der, struct str *ret_issuer, const char **ret_serial)
{
	struct str pair, before, name, serial;

	TRY(der_take(&der, DER_SEQUENCE, &pair));
	if (der.n > 0)
		FAIL(ERR_SCEP, "bytes after issuer and serial number");
	before = pair;
	TRY(der_take(&pair, DER_SEQUENCE, &name));
	name = str_of(before.p, before.n - pair.n);
	TRY(der_take(&pair, DER_INTEGER, &serial));
	if (pair.n > 0 || serial.n == 0 || serial.n > SERIAL_BYTES + 1 || (serial.p[0] & 0x80))
		FAIL(ERR_SCEP, "issuer and serial number");
	if (serial.n > 1 && serial.p[0] == 0)
		serial = str_of(serial.p + 1, serial.n - 1);
	*ret_issuer = arena_str(a, name);
	*ret_serial = text_hex(a, serial);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See cms.h. */
#include "pki/cms.h"

#include <openssl/rsa.h>

#include "base/limits.h"
#include "base/rd.h"
#include "base/secret.h"
#include "codec/der.h"
#include "pki/build.h"
#include "pki/cert_skim.h"
#include "pki/fips.h"
#include "pki/key_int.h"
#include "pki/ssl_err.h"

#define KEY_ENCIPHERMENT 0x20

/* What was opened; wiped. */
static void
wiped_bio_cleanup(BIO **b)
{
	char *p = NULL;
	long n;

	if (*b == NULL)
		return;
	n = BIO_get_mem_data(*b, &p);
	if (p != NULL && n > 0)
		secret_wipe(p, (size_t)n);
	BIO_free(*b);
}
#define auto_wiped_bio __attribute__((cleanup(wiped_bio_cleanup)))

static err_t
to_der(struct arena *a, CMS_ContentInfo *cms, struct str *ret)
{
	auto_ossl_bytes unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);

	if (n <= 0)
		FAIL_SSL(ERR_CRYPTO, "writing CMS");
	*ret = arena_str(a, str_of(der, (size_t)n));
	return OK;
}

static err_t
check_recipient(const struct cert *to)
{
	auto_key struct key *k = NULL;

	TRY(cert_key(to, &k));
	if (key_algorithm(k) != KEY_RSA || key_bits(k) < KEY_RSA_2048)
		FAIL(ERR_RECIPIENT, "%s has no RSA key of 2048 bits or more", cert_subject(to));
	if ((cert_key_usage(to) & KEY_ENCIPHERMENT) == 0)
		FAIL(ERR_RECIPIENT, "%s is not for keyEncipherment", cert_subject(to));
	return OK;
}

/* SP 800-56B: in FIPS mode the key is transported by RSAES-OAEP (RFC 4055 4.1, with SHA-256), which our agent opens. */
static err_t
to_recipient(CMS_ContentInfo *cms, const struct cert *to)
{
	bool oaep = fips_is_on();
	CMS_RecipientInfo *ri =
	    CMS_add1_recipient_cert(cms, cert_x509(to), oaep ? CMS_KEY_PARAM : 0);
	EVP_PKEY_CTX *c = ri == NULL || !oaep ? NULL : CMS_RecipientInfo_get0_pkey_ctx(ri);

	if (ri == NULL ||
	    (oaep &&
		(c == NULL || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) != 1 ||
		    EVP_PKEY_CTX_set_rsa_oaep_md_name(c, "SHA256", NULL) != 1 ||
		    EVP_PKEY_CTX_set_rsa_mgf1_md_name(c, "SHA256", NULL) != 1)))
		FAIL_SSL(ERR_CRYPTO, "sealing");
	return OK;
}

err_t
cms_seal(struct arena *a, const struct cert *to, struct str content, struct str *ret)
{
	auto_bio BIO *in = NULL;
	auto_cms CMS_ContentInfo *cms = NULL;

	TRY(check_recipient(to));
	if (content.n > LIMIT_CMS_BYTES)
		FAIL(ERR_TOO_LARGE, "%zu bytes to seal", content.n);
	in = BIO_new_mem_buf(content.n == 0 ? (const void *)"" : content.p, (int)content.n);
	if (in == NULL)
		abort();
	cms = CMS_encrypt(NULL, NULL, EVP_aes_256_cbc(), CMS_BINARY | CMS_PARTIAL);
	if (cms == NULL)
		FAIL_SSL(ERR_CRYPTO, "sealing");
	TRY(to_recipient(cms, to));
	if (CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		FAIL_SSL(ERR_CRYPTO, "sealing");
	return to_der(a, cms, ret);
}

static err_t
parse(struct str der, int type, CMS_ContentInfo **ret)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	const unsigned char *p = der.p;

	if (der.n == 0 || der.n > LIMIT_CMS_BYTES)
		FAIL(ERR_CMS, "%zu bytes", der.n);
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	if (cms == NULL || p != der.p + der.n || OBJ_obj2nid(CMS_get0_type(cms)) != type) {
		ssl_forget();
		FAIL(ERR_CMS, "not a message of this kind");
	}
	*ret = steal(cms);
	return OK;
}

/*
 * With the certificate named, OpenSSL goes on with a random key when the key transport does not open (RFC 3218 2.3.2),
 * so that what remains to be seen is one failure, the same for key, padding and content.
 */
err_t
cms_open(
    struct arena *a, const struct cert *who, const struct key *k, struct str der, struct str *ret)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	auto_wiped_bio BIO *out = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	TRY(parse(der, NID_pkcs7_enveloped, &cms));
	if (out == NULL)
		abort();
	if (CMS_decrypt(cms, key_pkey(k), cert_x509(who), NULL, out, CMS_BINARY) != 1) {
		ssl_forget();
		FAIL(ERR_CMS, "%s", "");
	}
	ssl_forget();
	n = BIO_get_mem_data(out, &p);
	*ret = arena_str(a, str_of(p, (size_t)n));
	return OK;
}

/* Exactly one element that can be a certificate: what it says is for who reads it. */
static err_t
check_whole(struct str der)
{
	struct str in = der, body;
	err_t e = der_take(&in, DER_SEQUENCE, &body);

	if (der.n > LIMIT_CERT_BYTES || !err_ok(e) || in.n > 0) {
		err_forget(e);
		FAIL(ERR_CERTIFICATE, "%zu bytes that are no certificate", der.n);
	}
	return OK;
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/*
 * RFC 5652 5.1 without signers and content, RFC 5272 4.1: "certs-only". Written directly: OpenSSL would parse every
 * certificate for it, and it is made for each one that is issued.
 */
err_t
cms_certs(struct arena *a, const struct str *certs, size_t n, struct str *ret)
{
	static const uint8_t version[] = { DER_INTEGER, 1, 1 }, none[] = { DER_SET, 0 };
	static const uint8_t data[] = { DER_SEQUENCE, 11, DER_OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7,
		0x0d, 0x01, 0x07, 0x01 };
	static const uint8_t signed_data[] = { DER_OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
		0x07, 0x02 };
	struct str parts[5] = { STR(version), STR(none), STR(data), STR_EMPTY, STR(none) };
	struct str outer[2] = { STR(signed_data), STR_EMPTY };
	struct str *sorted;

	if (n == 0 || n > LIMIT_CERTS)
		FAIL(ERR_RANGE, "%zu certificates", n);
	sorted = arena_copy(a, certs, n * sizeof(*certs));
	for (size_t i = 0; i < n; i++)
		TRY(check_whole(sorted[i]));
	qsort(sorted, n, sizeof(*sorted), by_bytes); /* X.690 11.6 */
	TRY(build_wrap(a, DER_CONTEXT(0), build_join(a, sorted, n), &parts[3]));
	TRY(build_wrap(a, DER_SEQUENCE, build_join(a, parts, COUNT(parts)), &outer[1]));
	TRY(build_wrap(a, DER_CONTEXT(0), outer[1], &outer[1]));
	return build_wrap(a, DER_SEQUENCE, build_join(a, outer, COUNT(outer)), ret);
}

/* SEQUENCE whose first member is an OBJECT IDENTIFIER. */
bool
cms_is(struct str der)
{
	struct str seq, first;
	uint8_t tag;
	err_t e = der_take(&der, DER_SEQUENCE, &seq);

	if (err_ok(e))
		e = der_next(&seq, &tag, &first);
	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	return tag == DER_OID;
}

static err_t
check_signer(CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	X509_ALGOR *digest = NULL;
	int nid;

	if (sk_CMS_SignerInfo_num(signers) != 1)
		FAIL(ERR_CMS, "not exactly one signer");
	CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(signers, 0), NULL, NULL, &digest, NULL);
	nid = OBJ_obj2nid(digest->algorithm);
	if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512)
		FAIL(ERR_CMS, "digest %s is not taken", OBJ_nid2sn(nid));
	return OK;
}

err_t
cms_signed_open(struct arena *a, struct str der, struct str *ret_content, struct str *ret_signer)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	auto_bio BIO *out = BIO_new(BIO_s_mem());
	auto_ossl_bytes unsigned char *one = NULL;
	STACK_OF(X509) * signers;
	char *p = NULL;
	long n;
	int len;

	TRY(parse(der, NID_pkcs7_signed, &cms));
	TRY(check_signer(cms));
	if (out == NULL)
		abort();
	if (CMS_verify(cms, NULL, NULL, NULL, out, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) != 1) {
		ssl_forget();
		FAIL(ERR_CMS, "the signature of the message does not hold");
	}
	signers = CMS_get0_signers(cms);
	len = sk_X509_num(signers) == 1 ? i2d_X509(sk_X509_value(signers, 0), &one) : 0;
	sk_X509_free(signers);
	if (len <= 0)
		FAIL_SSL(ERR_CMS, "signer");
	n = BIO_get_mem_data(out, &p);
	*ret_content = arena_str(a, str_of(p, (size_t)n));
	*ret_signer = arena_str(a, str_of(one, (size_t)len));
	return OK;
}

/* Some CAs write their name into certificates in another form than it stands in their own. */
static bool
same_name(struct arena *a, struct str x, struct str y)
{
	struct dn dx, dy;
	err_t e;

	if (str_eq(x, y))
		return true;
	e = dn_decode(a, x, &dx);
	if (err_ok(e))
		e = dn_decode(a, y, &dy);
	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	return dn_equal(&dx, &dy);
}

/* DER sorts sets, so the order says nothing: the leaf is the one that issued none of the others. */
static size_t
leaf_of(struct arena *a, const struct cert_skim *certs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool issued = false;

		for (size_t j = 0; j < n && !issued; j++)
			issued = j != i && same_name(a, certs[i].subject, certs[j].issuer);
		if (!issued)
			return i;
	}
	return 0;
}

/* RFC 5652 5.1: version, digest algorithms, content, certificates. Anything but strict DER is left to OpenSSL. */
static err_t
read_certs(struct arena *a, struct str der, struct str *list, size_t *retn)
{
	static const uint8_t signed_data[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07,
		0x02 };
	struct str in, type, body, skipped, certs = STR_EMPTY;
	size_t n = 0;

	TRY(der_take(&der, DER_SEQUENCE, &in));
	TRY(rd_end(&der));
	TRY(der_take(&in, DER_OID, &type));
	TRY(der_take(&in, DER_CONTEXT(0), &body));
	TRY(rd_end(&in));
	TRY(der_take(&body, DER_SEQUENCE, &in));
	TRY(rd_end(&body));
	TRY(der_take(&in, DER_INTEGER, &skipped));
	TRY(der_take(&in, DER_SET, &skipped));
	TRY(der_take(&in, DER_SEQUENCE, &skipped));
	if (in.n > 0 && in.p[0] == DER_CONTEXT(0))
		TRY(der_take(&in, DER_CONTEXT(0), &certs));
	if (!str_eq(type, STR(signed_data)))
		FAIL(ERR_CMS, "not a message of this kind");
	while (certs.n > 0 && n < LIMIT_CERTS) {
		const uint8_t *start = certs.p;

		TRY(der_take(&certs, DER_SEQUENCE, &skipped));
		list[n++] = arena_str(a, str_of(start, (size_t)(certs.p - start)));
	}
	if (n == 0 || certs.n > 0)
		FAIL(ERR_CMS, "no certificates, or too many");
	*retn = n;
	return OK;
}

static err_t
read_certs_openssl(struct arena *a, struct str der, struct str *list, size_t *retn)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	auto_x509s STACK_OF(X509) *certs = NULL;
	int n;

	TRY(parse(der, NID_pkcs7_signed, &cms));
	certs = CMS_get1_certs(cms);
	n = sk_X509_num(certs);
	if (n <= 0 || n > (int)LIMIT_CERTS) {
		ssl_forget();
		FAIL(ERR_CMS, "no certificates, or too many");
	}
	for (int i = 0; i < n; i++) {
		auto_ossl_bytes unsigned char *one = NULL;
		int len = i2d_X509(sk_X509_value(certs, i), &one);

		if (len <= 0)
			FAIL_SSL(ERR_CMS, "certificate %d", i + 1);
		list[i] = arena_str(a, str_of(one, (size_t)len));
	}
	*retn = (size_t)n;
	return OK;
}

err_t
cms_certs_parse(struct arena *a, struct str der, struct str **ret, size_t *retn)
{
	struct str *list = arena_array(a, LIMIT_CERTS, sizeof(*list));
	struct cert_skim *skims;
	struct str first;
	size_t n = 0, leaf;
	err_t e;

	if (der.n == 0 || der.n > LIMIT_CMS_BYTES)
		FAIL(ERR_CMS, "%zu bytes", der.n);
	e = read_certs(a, der, list, &n);
	if (!err_ok(e)) {
		err_forget(e);
		TRY(read_certs_openssl(a, der, list, &n));
	}
	skims = arena_array(a, n, sizeof(*skims));
	for (size_t i = 0; i < n; i++)
		TRY_CTX(cert_skim(list[i], &skims[i]), "certificate %zu", i + 1);
	leaf = leaf_of(a, skims, n);
	first = list[leaf];
	memmove(list + 1, list, leaf * sizeof(*list));
	list[0] = first;
	*ret = list;
	*retn = n;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See cms_sign.h. */
#include "pki/cms_sign.h"

#include "base/limits.h"
#include "pki/cms_int.h"

err_t
cms_put_certs(CMS_ContentInfo *cms, const struct str *certs, size_t n, size_t max)
{
	if (n > max)
		FAIL(ERR_RANGE, "%zu certificates", n);
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(certs[i], &c));
		if (CMS_add1_cert(cms, cert_x509(c)) != 1)
			FAIL_SSL(ERR_CRYPTO, "certificates");
	}
	return OK;
}

err_t
cms_sign(struct arena *a, const struct cert *signer, const struct key *key,
    const struct str *others, size_t n, struct str content, struct str *ret)
{
	const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
	auto_cms CMS_ContentInfo *cms = NULL;
	auto_ossl_bytes unsigned char *der = NULL;
	auto_bio BIO *in = NULL;
	int len;

	if (content.n == 0 || content.n > LIMIT_CMS_BYTES)
		FAIL(ERR_TOO_LARGE, "%zu bytes to sign", content.n);
	cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
	in = BIO_new_mem_buf(content.p, (int)content.n);
	if (in == NULL)
		abort();
	if (cms == NULL || CMS_set_detached(cms, 0) != 1 ||
	    CMS_add1_signer(cms, cert_x509(signer), key_pkey(key), EVP_sha256(), flags) == NULL)
		FAIL_SSL(ERR_CRYPTO, "signing");
	TRY(cms_put_certs(cms, others, n, LIMIT_CHAIN_CERTS));
	if (CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		FAIL_SSL(ERR_CRYPTO, "signing");
	len = i2d_CMS_ContentInfo(cms, &der);
	if (len <= 0)
		FAIL_SSL(ERR_CRYPTO, "writing CMS");
	*ret = arena_str(a, str_of(der, (size_t)len));
	return OK;
}

static bool
digest_taken(const X509_ALGOR *digest)
{
	int nid = OBJ_obj2nid(digest->algorithm);

	return nid == NID_sha1 || nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

static err_t
detached_read(struct str der, CMS_ContentInfo **ret)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	const unsigned char *p = der.p;
	STACK_OF(CMS_SignerInfo) * signers;
	X509_ALGOR *digest = NULL;

	if (der.n == 0 || der.n > LIMIT_HTTP_HEADERS)
		FAIL(ERR_CMS, "%zu bytes", der.n);
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	if (cms == NULL || p != der.p + der.n ||
	    OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed || CMS_is_detached(cms) != 1) {
		ssl_forget();
		FAIL(ERR_CMS, "not a detached signature");
	}
	signers = CMS_get0_SignerInfos(cms);
	if (sk_CMS_SignerInfo_num(signers) != 1)
		FAIL(ERR_CMS, "not exactly one signer");
	CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(signers, 0), NULL, NULL, &digest, NULL);
	if (!digest_taken(digest))
		FAIL(ERR_CMS, "digest %s is not taken", OBJ_nid2sn(OBJ_obj2nid(digest->algorithm)));
	*ret = steal(cms);
	return OK;
}

err_t
cms_detached_check(struct arena *a, struct str der, struct str content, struct str *ret_signer)
{
	auto_cms CMS_ContentInfo *cms = NULL;
	auto_ossl_bytes unsigned char *one = NULL;
	auto_bio BIO *in = NULL;
	STACK_OF(X509) * signers;
	int len;

	TRY(detached_read(der, &cms));
	in = BIO_new_mem_buf(content.n == 0 ? (const void *)"" : content.p, (int)content.n);
	if (in == NULL)
		abort();
	if (CMS_verify(cms, NULL, NULL, in, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) != 1) {
		ssl_forget();
		FAIL(ERR_CMS, "the signature of the message does not hold");
	}
	signers = CMS_get0_signers(cms);
	len = sk_X509_num(signers) == 1 ? i2d_X509(sk_X509_value(signers, 0), &one) : 0;
	sk_X509_free(signers);
	if (len <= 0)
		FAIL_SSL(ERR_CMS, "signer");
	*ret_signer = arena_str(a, str_of(one, (size_t)len));
	return OK;
}

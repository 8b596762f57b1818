/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's errors and handles in the manner of this house.
 *
 * OpenSSL keeps a queue of errors per thread. FAIL_SSL empties it into the detail of our error, so nothing stale is
 * read as the cause of a later failure. ssl_forget() empties it after a failure that was expected.
 *
 * Handles are declared with their initialiser: auto_pkey EVP_PKEY *p = ...; steal(p) hands over.
 */
#ifndef PKI_SSL_ERR_H
#define PKI_SSL_ERR_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/err.h"

/* The detail becomes "text: reasons of the queue". Use "%s", "" for no text. Where a key elsewhere failed to sign, the code
 * is the one of that failure. */
#define FAIL_SSL(code_, ...) return ssl_fail(code_, __FILE__, __LINE__, __VA_ARGS__)

err_t ssl_fail(enum err_code code, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5), cold));
/* Added to the code of our own failure that passed through OpenSSL (keyprov): as a reason of ERR_LIB_USER. */
enum { SSL_FAR_REASON = 1000 };

/* Empties the queue. */
void ssl_forget(void);

#define SSL_HANDLE(name, type, release) \
	static inline void name##_cleanup(type **p) \
	{ \
		release(*p); \
	}

/* clang-format off */
SSL_HANDLE(pkey, EVP_PKEY, EVP_PKEY_free)
#define auto_pkey __attribute__((cleanup(pkey_cleanup)))
SSL_HANDLE(pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
#define auto_pkey_ctx __attribute__((cleanup(pkey_ctx_cleanup)))
SSL_HANDLE(md_ctx, EVP_MD_CTX, EVP_MD_CTX_free)
#define auto_md_ctx __attribute__((cleanup(md_ctx_cleanup)))
SSL_HANDLE(md, EVP_MD, EVP_MD_free)
#define auto_md __attribute__((cleanup(md_cleanup)))
SSL_HANDLE(bio, BIO, BIO_vfree)
#define auto_bio __attribute__((cleanup(bio_cleanup)))
SSL_HANDLE(bn, BIGNUM, BN_clear_free)
#define auto_bn __attribute__((cleanup(bn_cleanup)))
SSL_HANDLE(bn_ctx, BN_CTX, BN_CTX_free)
#define auto_bn_ctx __attribute__((cleanup(bn_ctx_cleanup)))
SSL_HANDLE(x509, X509, X509_free)
#define auto_x509 __attribute__((cleanup(x509_cleanup)))
SSL_HANDLE(x509_req, X509_REQ, X509_REQ_free)
#define auto_x509_req __attribute__((cleanup(x509_req_cleanup)))
SSL_HANDLE(x509_name, X509_NAME, X509_NAME_free)
#define auto_x509_name __attribute__((cleanup(x509_name_cleanup)))
SSL_HANDLE(x509_store, X509_STORE, X509_STORE_free)
#define auto_x509_store __attribute__((cleanup(x509_store_cleanup)))
SSL_HANDLE(x509_store_ctx, X509_STORE_CTX, X509_STORE_CTX_free)
#define auto_x509_store_ctx __attribute__((cleanup(x509_store_ctx_cleanup)))
SSL_HANDLE(p8, PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
#define auto_p8 __attribute__((cleanup(p8_cleanup)))
SSL_HANDLE(x509_sig, X509_SIG, X509_SIG_free)
#define auto_x509_sig __attribute__((cleanup(x509_sig_cleanup)))
SSL_HANDLE(p12, PKCS12, PKCS12_free)
#define auto_p12 __attribute__((cleanup(p12_cleanup)))
SSL_HANDLE(cms, CMS_ContentInfo, CMS_ContentInfo_free)
#define auto_cms __attribute__((cleanup(cms_cleanup)))
SSL_HANDLE(algor, X509_ALGOR, X509_ALGOR_free)
#define auto_algor __attribute__((cleanup(algor_cleanup)))
SSL_HANDLE(octets, ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
#define auto_octets __attribute__((cleanup(octets_cleanup)))
SSL_HANDLE(object, ASN1_OBJECT, ASN1_OBJECT_free)
#define auto_object __attribute__((cleanup(object_cleanup)))
/* clang-format on */

static inline void
x509s_cleanup(STACK_OF(X509) * *s)
{
	sk_X509_pop_free(*s, X509_free);
}
#define auto_x509s __attribute__((cleanup(x509s_cleanup)))

static inline void
exts_cleanup(STACK_OF(X509_EXTENSION) * *s)
{
	sk_X509_EXTENSION_pop_free(*s, X509_EXTENSION_free);
}
#define auto_exts __attribute__((cleanup(exts_cleanup)))

/* What OpenSSL allocated for an i2d call. */
static inline void
ossl_bytes_cleanup(unsigned char **p)
{
	OPENSSL_free(*p);
}
#define auto_ossl_bytes __attribute__((cleanup(ossl_bytes_cleanup)))

#endif

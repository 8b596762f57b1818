/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates for tests of TLS, made on the spot. */
#ifndef TESTS_UNIT_NET_CERTS_H
#define TESTS_UNIT_NET_CERTS_H

#include <openssl/x509v3.h>

#include "base/arena.h"
#include "base/str.h"
#include "pki/key.h"

struct party {
	struct key *key;
	struct str cert; /* DER, in the arena */
};

static inline void
party_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* by NULL: self-signed CA. Else a leaf for localhost, valid from one hour ago until `until` seconds from now. */
static inline struct party
party_make(struct arena *a, const char *cn, const struct party *by, long until)
{
	const uint8_t *at = by == NULL ? NULL : by->cert.p;
	X509 *issuer = by == NULL ? NULL : d2i_X509(NULL, &at, (long)by->cert.n);
	X509 *x = X509_new();
	struct party p = { NULL, STR_EMPTY };
	static long serial = 1;
	uint8_t *der = NULL;
	int n;

	expect_ok(key_make(KEY_EC, KEY_P256, &p.key));
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_NAME_add_entry_by_txt(
	    X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer == NULL ? x : issuer));
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), until);
	X509_set_pubkey(x, key_pkey(p.key));
	if (by == NULL) {
		party_ext(x, NID_basic_constraints, "critical,CA:TRUE");
		party_ext(x, NID_key_usage, "critical,keyCertSign,cRLSign");
	} else {
		party_ext(x, NID_key_usage, "critical,digitalSignature");
		party_ext(x, NID_ext_key_usage, "serverAuth,clientAuth");
		party_ext(x, NID_subject_alt_name, "DNS:localhost");
	}
	assert_true(X509_sign(x, key_pkey(by == NULL ? p.key : by->key), EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	p.cert = arena_str(a, str_of(der, (size_t)n));
	OPENSSL_free(der);
	X509_free(x);
	X509_free(issuer);
	return p;
}

#endif

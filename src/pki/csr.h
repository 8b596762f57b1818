/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#10 requests (RFC 2986): made by key holders, read by the issuer. To us a request is a public key, a proof that
 * the asker holds its private half, and names to compare.
 */
#ifndef PKI_CSR_H
#define PKI_CSR_H

#include "codec/dn.h"
#include "codec/san.h"
#include "pki/key.h"

struct csr_spec {
	struct str subject;      /* DER Name; empty: the empty name */
	struct str san;          /* DER GeneralNames; empty: none */
	const char *sid;         /* NULL or "": none */
	const char *const *ekus; /* OID text */
	size_t nekus;
	uint8_t key_usage;     /* 0: none */
	const char *challenge; /* challengePassword; NULL or "": none */
	struct str attest;     /* attest_make()'s; empty: none */
};

err_t csr_make(
    struct arena *a, const struct key *k, const struct csr_spec *spec, struct str *ret_der);

struct csr {
	struct key *key;    /* owned; csr_free */
	struct str subject; /* DER; these are in the arena */
	struct str san;     /* content of the extension; empty: none */
	const char *sid;    /* "" if none */
	const char **ekus;
	size_t nekus;
	const char *
	    *policies; /* application policies: Microsoft's, beside or in place of the above */
	size_t npolicies;
	uint8_t key_usage;     /* first byte of KeyUsage; 0: none asked for */
	bool ca;               /* asks for a certificate of a CA (RFC 5280 4.2.1.9) */
	const char *template;  /* from v1 or v2 template extension: name or OID; "" if none */
	const char *challenge; /* challengePassword (RFC 2985 5.4.1); "" if none */
	struct str
	    attest; /* the word of who made the key (pki/attest.h), not checked; empty: none */
	bool
	    sealed_key; /* asks that a key made for it comes back sealed (RFC 7030 4.4.1.1, 4.4.1.2) */
	uint8_t spki_sha256[32];
};

/* Parses and checks the proof of possession. ERR_CSR, ERR_CSR_SIGNATURE. SHA-1 and MD5 signatures are refused. */
err_t csr_parse(struct arena *a, struct str der, struct csr *ret);
/* The same without the proof, for a request whose key is not going to be certified (RFC 7030 4.4.1). */
err_t csr_parse_unproven(struct arena *a, struct str der, struct csr *ret);
/* The same for what old devices make: a proof with SHA-1 is taken as well. */
err_t csr_parse_sha1(struct arena *a, struct str der, struct csr *ret);
void csr_free(struct csr *c);
#define auto_csr __attribute__((cleanup(csr_free)))

/* The subject of the request has the parts of the one that was ordered (DER Name), in whatever order, or it has none.
 * ERR_ORDER_SUBJECT. */
err_t csr_names(struct arena *a, const struct csr *csr, struct str ordered);

#endif

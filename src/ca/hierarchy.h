/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CAs of one issuer with their keys: loaded whole, then read-only.
 *
 *   <name> Root CA --- signs ---> <name> Issuing CA          certificates of principals, servers and devices
 *                  \-- signs ---> <name> Device Identity CA  what devices and connectors are known by
 *
 * Further issuing CAs may stand beside these, below a CA here or below one elsewhere (succession.h). A CA that was
 * renewed with a new key has a struct ca for each key; names find the newest.
 *
 * hierarchy_init() can be killed at any point and called again with the same arguments: every step is either on disk
 * or done anew. A certificate of a step that was cut off is on the CRL afterwards.
 */
#ifndef CA_HIERARCHY_H
#define CA_HIERARCHY_H

#include "ca/extra_cert.h"
#include "codec/ca_ipc.h"
#include "pki/cert.h"

struct issuer;
struct store;

struct ca {
	const char *name;
	enum ca_role role;
	const char *issuer; /* name; its own for the root */
	struct key *key;
	struct cert *cert; /* NULL only while the root signs itself */
	const char *crl_url, *aia_url, *ocsp_url;
	uint16_t key_index, cert_index; /* 0: its first; MS-WCCE 3.2.1.4.3: certIndex, keyIndex */
	bool
	    retired; /* an older key: its certificates and lists go on, nothing new is issued with it */
	const char *key_file;
	const struct ca *above; /* whose key signed its certificate; NULL: nobody here, or itself */
	bool limited;           /* it, or one above it, has name constraints */
};

/* Every certificate that a CA had, for who looks for the issuer of an old certificate. */
struct ca_cert {
	const char *ca;
	uint32_t cert_index;
	struct str der;
};

struct hierarchy {
	struct arena *arena;
	struct ca *v;
	size_t n;
	struct known *known;       /* callers */
	struct gate_memory *gates; /* who passed the gates to them */
	struct ca_cert *certs;
	size_t ncerts;
	struct extra_certs extra;
	struct key *tls_key; /* of ca/front; NULL before it is made */
	struct cert *tls_cert;
	struct hierarchy *older;
};

/* A CA whose certificate was not made yet is left out. */
err_t hierarchy_load(struct issuer *is, struct hierarchy **ret);
void hierarchy_free(struct hierarchy *h); /* and the older ones behind it */

/* Case ignored. ERR_CA_NONE when there is no CA at all, ERR_CA_UNKNOWN. */
err_t hierarchy_find(const struct hierarchy *h, const char *name, const struct ca **ret);
/* RFC 5280 4.2.1.9: the path length of a certificate; -1: no limit. ERR_CA_CERTIFICATE: out of range. */
err_t hierarchy_path_len(struct arena *a, const struct cert *c, int *ret);
/* Has it, or one above it, name constraints? */
err_t hierarchy_limited(const struct hierarchy *h, const struct ca *ca, bool *ret);
/* How many CAs may be below ca as its certificate and those above it say; -1: no limit. ERR_CA_CERTIFICATE: out of
 * range. */
err_t hierarchy_room(struct arena *a, const struct hierarchy *h, const struct ca *ca, int *ret);
/* May ca certify these names, as it and those above it are constrained? ERR_NAME_CONSTRAINT. */
err_t hierarchy_names_fit(
    const struct hierarchy *h, const struct ca *ca, struct str subject, struct str san);
/* As files are named: "Name" is the first key, "Name(2)" the one of that index. ERR_CA_UNKNOWN. */
err_t hierarchy_of_file(const struct hierarchy *h, const char *file, const struct ca **ret);
/* The certificate with this index, of "Name" or "Name(2)", or the cross certificate "Name(0-1)". ERR_CA_UNKNOWN. */
err_t hierarchy_cert_of_file(const struct hierarchy *h, const char *file, struct str *ret);
/* The first that was made, with its newest key. */
err_t hierarchy_by_role(const struct hierarchy *h, enum ca_role role, const struct ca **ret);
/* The one that signed c and is valid now; ERR_CHAIN, ERR_EXPIRED. */
err_t hierarchy_verify(const struct hierarchy *h, const struct cert *c, const struct ca **ret);
/* ca's certificate and those above it, without the root. */
struct ipc_blobs hierarchy_chain(struct arena *a, const struct hierarchy *h, const struct ca *ca);
/* The same for a certificate of ca: above a key that was renewed there is another certificate. */
struct ipc_blobs hierarchy_chain_of(
    struct arena *a, const struct hierarchy *h, const struct ca *ca, struct str leaf);
const char *ca_role_name(enum ca_role role); /* "root", "issuing", "identity" */

struct hierarchy_spec {
	const char *name;         /* letters, digits, blank . _ -; at most 40 characters */
	const char *const *hosts; /* DNS names and addresses of ca/front, for its TLS certificate */
	size_t nhosts;
	const char *
	    http_url; /* of the plain port, for CRL and issuer addresses: "http://ca.example.test" */
	enum key_alg alg; /* RSA: root 3072, others 2048 */
	unsigned bits;    /* of all; 0 with RSA: as the role has it */
	/* URI of a token without an object: the keys of the CAs are made there, each under the name of its CA; "": files. The
	 * key of the TLS certificate is a file. */
	const char *token;
};
/* ERR_CONFLICT when a hierarchy of another name is there. */
err_t hierarchy_init(struct issuer *is, struct arena *a, const struct hierarchy_spec *spec);
/* A new TLS certificate for the front, of the same names, when the old one ends within 30 days or was revoked; with a
 * new key (own_cert.h) when the old one is compromised. The front looks for it, and starts again with it. */
err_t hierarchy_renew_tls(struct issuer *is);

#endif

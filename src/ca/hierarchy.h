/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CAs of one issuer with their keys: loaded whole, then read-only.
 *
 *   <name> Root CA --- signs ---> <name> Issuing CA          certificates of principals, servers and devices
 *                  \-- signs ---> <name> Device Identity CA  what devices and connectors are known by
 *
 * hierarchy_init() can be killed at any point and called again with the same arguments: every step is either on disk
 * or done anew. A certificate of a step that was cut off is on the CRL afterwards.
 */
#ifndef CA_HIERARCHY_H
#define CA_HIERARCHY_H

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
	const char *crl_url, *aia_url;
};

struct hierarchy {
	struct arena *arena;
	struct ca *v;
	size_t n;
	struct key *tls_key; /* of ca/front; NULL before it is made */
	struct cert *tls_cert;
	struct hierarchy *older;
};

/* Keys are read from keys_dir. A CA whose certificate was not made yet is left out. */
err_t hierarchy_load(struct store *s, const char *keys_dir, struct hierarchy **ret);
void hierarchy_free(struct hierarchy *h); /* and the older ones behind it */

/* Case ignored. ERR_CA_NONE when there is no CA at all, ERR_CA_UNKNOWN. */
err_t hierarchy_find(const struct hierarchy *h, const char *name, const struct ca **ret);
err_t hierarchy_by_role(const struct hierarchy *h, enum ca_role role, const struct ca **ret);
/* The one that signed c and is valid now; ERR_CHAIN, ERR_EXPIRED. */
err_t hierarchy_verify(const struct hierarchy *h, const struct cert *c, const struct ca **ret);
/* ca's certificate and those above it, without the root. */
struct ipc_blobs hierarchy_chain(struct arena *a, const struct hierarchy *h, const struct ca *ca);
const char *ca_role_name(enum ca_role role); /* "root", "issuing", "identity" */

struct hierarchy_spec {
	const char *name;         /* letters, digits, blank . _ -; at most 40 characters */
	const char *const *hosts; /* DNS names and addresses of ca/front, for its TLS certificate */
	size_t nhosts;
	const char *
	    http_url; /* of the plain port, for CRL and issuer addresses: "http://ca.example.test" */
	enum key_alg alg; /* RSA: root 3072, others 2048 */
	unsigned bits;    /* EC: of all; RSA: 0 */
};
/* ERR_CONFLICT when a hierarchy of another name is there. */
err_t hierarchy_init(struct issuer *is, struct arena *a, const struct hierarchy_spec *spec);
/* A new TLS certificate for the front, for the same key and names, when the old one ends within 30 days. The front has
 * it from its next start on. */
err_t hierarchy_renew_tls(struct issuer *is);

#endif

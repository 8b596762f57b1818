/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a CA over time: more CAs beside the first ones, certificates from above, renewals.
 *
 *   add      a further issuing CA, below a CA here, or below one elsewhere (offline root, corporate root)
 *   csr      the request of a CA that has its certificate from elsewhere --> install   the certificate that came back
 *   renew    a new certificate, for the same key or a new one, of a CA whose issuer is here (or that signs itself)
 *   sign     a certificate for a CA elsewhere
 *
 * Certificates of a CA are counted from 0, and so are its keys, by the certificate that they first came with (MS-WCCE
 * 3.2.1.4.3). What an older key signed stays valid: its certificates are published, and it signs its own CRLs and OCSP
 * answers until they end. A renewed certificate says which it is (MS CA version) and which came before it.
 *
 * Each of these can be killed at any point and called again with the same arguments.
 */
#ifndef CA_SUCCESSION_H
#define CA_SUCCESSION_H

#include "ca/hierarchy.h"

/* A key to make. key: "" a file, else the URI of a token's (ca_key.h). */
struct succession_key {
	enum key_alg alg;
	unsigned bits; /* 0: as the role has by default, or as the key before */
	const char *key;
};

struct succession_add {
	const char *name;   /* as hierarchy_spec.name, whole */
	const char *issuer; /* a CA here; "": elsewhere, and ret_csr is what it has to sign */
	struct succession_key key;
};
/* The CA is there once it has its certificate. ERR_CONFLICT: the name is taken. */
err_t succession_add(
    struct issuer *is, struct arena *a, const struct succession_add *q, struct str *ret_csr);
/* new_key: of a CA that has a certificate already. The key waits until one is installed. */
err_t succession_csr(struct issuer *is, struct arena *a, const char *name, bool new_key,
    const struct succession_key *key, struct str *ret_csr);
/* v[0] is the CA's; those that follow are above it. The path up to a root is checked, of what came along and of what is
 * known here; only when nothing came along and its issuer is not known either, it is taken as it is. Those above are
 * kept, and published with it. ERR_KEY_MISMATCH, ERR_CA_CERTIFICATE, ERR_CHAIN, ERR_EXPIRED. */
err_t succession_install(
    struct issuer *is, struct arena *a, const char *name, const struct str *v, size_t n);
/* Cross certificates that could not be made with a root's new key. */
err_t succession_upkeep(struct issuer *is);
/* ERR_CA_ABOVE: its certificate comes from elsewhere. */
err_t succession_renew(struct issuer *is, struct arena *a, const char *name, bool new_key,
    const struct succession_key *key);

struct succession_sign {
	struct str csr;
	const char *ca;      /* "": the root */
	int years, path_len; /* path_len -1: as much as the CA may give */
};
err_t succession_sign(
    struct issuer *is, struct arena *a, const struct succession_sign *q, struct str *ret);

#endif

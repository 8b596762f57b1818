/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that the CAs here need beside their own, so that everybody finds a path:
 *
 *   cross   RFC 4210 4.4: when a root gets a new key, each of the two keys certifies the other. Who trusts only the
 *           old root finds what the new key signed, and the other way round. "Name(0-1)" is key 1, certified by key 0.
 *   above   those that stand above a CA whose issuer is elsewhere, up to the root, from the nearest on.
 *
 * They are published with the certificates of the CAs (AIA, EST cacerts). A cross certificate that could not be made,
 * as the key was away, is made later; none is made for or by a key whose certificate is revoked. Not here: the CAs' own
 * certificates (hierarchy.h), deciding about a path (succession.c).
 */
#ifndef CA_EXTRA_CERT_H
#define CA_EXTRA_CERT_H

#include "base/arena.h"
#include "store/ca.h"

struct hierarchy;
struct ca;
struct issuer;

struct extra_cert {
	const char *ca; /* to which it belongs */
	bool cross;
	bool root;       /* above: it signed itself */
	uint32_t by, of; /* cross: keys */
	struct str der;
};

struct extra_certs {
	struct extra_cert *v;
	size_t n;
};

/* Reads those of all CAs, in a transaction. */
err_t extra_cert_load(struct tx *tx, struct arena *a, const struct ca_row *rows, size_t n,
    const struct ca_cert_row *certs, size_t ncerts, struct extra_certs *ret);
/* Those above a CA, from the nearest on; replaces. In a transaction. */
err_t extra_cert_put_above(
    struct tx *tx, struct arena *a, const char *ca, const struct str *v, size_t n);

/* As the published files are named: "Name(0-1)", "Name (2)" is none. ERR_NOT_FOUND. */
err_t extra_cert_of_file(const struct extra_certs *x, const char *file, struct str *ret);
/* The one above a CA at this distance, from 0 on; NULL: none. */
const struct extra_cert *extra_cert_above(
    const struct extra_certs *x, const char *ca, size_t distance);

/* Makes the cross certificates that are missing, and reloads the hierarchy when there were any. The caller holds
 * init_lock. */
err_t extra_cert_cross(struct issuer *is);

#endif

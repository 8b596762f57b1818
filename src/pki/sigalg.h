/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature algorithms of requests and certificates by their identifiers (RFC 8017 A.2.4, RFC 5758 3.2, RFC 3279 2.2.3):
 * those that a digest and the kind of the key say all of. Not for other layers.
 */
#ifndef PKI_SIGALG_H
#define PKI_SIGALG_H

#include "base/str.h"
#include "pki/key.h"

struct sigalg {
	struct str oid; /* its bytes */
	const char *md; /* as EVP knows it */
	enum key_alg alg;
	bool sha1;
};

/* NULL: none of these; others (RSA-PSS) are left to OpenSSL by who calls this. */
const struct sigalg *sigalg_find(struct str oid);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way up from a certificate that came from a CA elsewhere: looked for before a CA here goes over to it.
 *
 * Not here: whether the certificate is the one that was asked for (succession.c).
 */
#ifndef CA_INSTALL_H
#define CA_INSTALL_H

#include "base/limits.h"
#include "ca/hierarchy.h"

/* Those above it, from the nearest on up to a root. */
struct install_above {
	struct str v[LIMIT_CHAIN_CERTS];
	size_t n;
};

/* v: what came along. The path is made of that and of what is known here, and checked: signatures, times, path
 * lengths, names. Nothing came along and its issuer is not known either: ret->n is 0, nothing can be checked. *ret
 * points into v, or to certificates of the hierarchy. ERR_CHAIN, ERR_EXPIRED, ERR_CA_CERTIFICATE. */
err_t install_path(struct issuer *is, struct arena *a, const struct cert *c, const struct str *v,
    size_t n, struct install_above *ret);
/* Do those above it leave room for the CAs that are below the CA of this name? ERR_CA_CERTIFICATE. */
err_t install_room(struct issuer *is, struct arena *a, const char *name, const struct cert *c,
    const struct install_above *x);

#endif

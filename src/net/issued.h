/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA sends with a certificate, put in order: for the clients of WSTEP and EST.
 */
#ifndef NET_ISSUED_H
#define NET_ISSUED_H

#include "base/arena.h"
#include "base/str.h"

/* The chain of the leaf among these certificates, its issuer first; what fits nowhere is left out. ERR_CERTIFICATE. */
err_t issued_chain(struct arena *a, struct str leaf, const struct str *certs, size_t n,
    struct str **ret, size_t *retn);
/* The first of these certificates that is for the key of this request. ERR_KEY_MISMATCH: none is. */
err_t issued_leaf(
    struct arena *a, struct str csr, const struct str *certs, size_t n, struct str *ret);

#endif

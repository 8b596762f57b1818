/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust anchors in the form that a TLS context wants: a store in which each anchor ends a path,
 * also one that is not self-signed.
 */
#ifndef PKI_TRUST_H
#define PKI_TRUST_H

#include "base/str.h"

/* *ret is an X509_STORE * with one reference, for net only. ERR_CERTIFICATE if an anchor does
 * not parse. */
err_t trust_store(const struct str *anchors, size_t n, void **ret);

#endif

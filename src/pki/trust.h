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
/* A path whose leaf has ended passes in this store (an X509_STORE *), if that is all there is against it. The verdict that a
 * connection keeps (SSL_get_verify_result) still says X509_V_ERR_CERT_HAS_EXPIRED. */
void trust_let_ended(void *store);

#endif

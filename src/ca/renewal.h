/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal: a request from somebody who holds a certificate of ours that is still good, for the same names under
 * the same template. It never gives a new name, and opens no template: rights, key, order and the rest are asked
 * as for a first certificate (policy.h). RFC 7030 4.2.2; MS-WSTEP 3.1.4.1.1 with MS-WCCE 3.1.1.4.3.1.3.
 */
#ifndef CA_RENEWAL_H
#define CA_RENEWAL_H

#include "ca/hierarchy.h"
#include "pki/csr.h"
#include "store/ca.h"

/* The record of a certificate that may be renewed, or that a caller shows. ERR_CALLER_EXPIRED, ERR_CALLER_UNKNOWN (not
 * one of ours), ERR_CALLER_REVOKED. Expects a transaction for the second. */
err_t renewal_certificate(const struct hierarchy *h, struct str der, uint8_t ret_sha256[32]);
err_t renewal_record(struct tx *tx, struct arena *a, const uint8_t sha256[32], struct issued *ret);
/* Does the request name what the certificate names? ERR_RENEWAL_NAMES. */
err_t renewal_names(struct arena *a, struct str der, const struct csr *csr);
/* May that certificate be renewed on this CA? A renewal stays with its CA, and without a new order under the order of
 * what it renews: that must not be closed. ERR_RENEWAL, ERR_ORDER_CLOSED. Expects a transaction. */
err_t renewal_stays(
    struct tx *tx, struct arena *a, const struct issued *was, const char *ca, bool ordered);
/* Takes over what the requester does not say: the order with what belongs to it, so that a revocation of the order
 * finds the new certificate too, and the SID extension. */
struct grant;
err_t renewal_inherit(struct arena *a, const struct issued *was, struct grant *g);
/* The SID in a certificate's extension; "" if it has none. */
err_t renewal_sid(struct arena *a, struct str der, const char **ret);

#endif

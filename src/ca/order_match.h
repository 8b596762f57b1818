/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares a certificate request with its order, by decoded values. What a request leaves out (no subject, no
 * alternative names) is no claim and passes: the certificate is made from the order either way.
 */
#ifndef CA_ORDER_MATCH_H
#define CA_ORDER_MATCH_H

#include "codec/order.h"
#include "pki/csr.h"
#include "store/ca.h"

/* ERR_ORDER_KEY, ERR_ORDER_SUBJECT, ERR_ORDER_SAN, ERR_ORDER_SID, ERR_ORDER_EKU. */
err_t order_match(
    struct arena *a, const struct order *o, const struct csr *csr, const struct template_row *t);

#endif

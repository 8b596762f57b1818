/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing of orders: ECDSA P-256 with SHA-256 over "chancery-order-v1" NUL and the order's bytes.
 */
#ifndef PKI_SEAL_H
#define PKI_SEAL_H

#include "codec/order.h"
#include "pki/key.h"

err_t seal_order(
    struct arena *a, const struct key *k, const struct order *o, struct str *ret_sealed);
/* keys: those whose orders are taken. ERR_ORDER_SIGNATURE, ERR_ORDER. Time, kind and use are the caller's to check. */
err_t seal_open(
    struct arena *a, const struct key *const *keys, size_t n, struct str sealed, struct order *ret);

/* What an order says of a holder that the CA knows by name and password, not by a certificate: a hash of the name, in which
 * case of ASCII letters does not matter. ERR_TOO_LARGE: longer than LIMIT_TEXT. */
err_t seal_holder(const char *name, uint8_t ret[32]);

/* An imported certificate as it is handed to who opens it. */
struct seal_import {
	const char *key; /* which import key, as it is asked for */
	uint8_t padding;
	struct str wrapped, pfx, thumbprint;
};
/* What an order to open it says of it. ERR_TOO_LARGE: no such thing is imported. */
err_t seal_import(const struct seal_import *i, uint8_t ret[32]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of connector/keys know of each other. */
#ifndef CONNECTOR_KEYS_INT_H
#define CONNECTOR_KEYS_INT_H

#include "connector/import_key.h"
#include "connector/keys.h"
#include "pki/cert.h"
#include "pki/seal.h"

struct import_keys *connector_import_keys(struct connector_keys *k);
/* May we seal to this certificate? That it can be sealed to is seen by cms_seal(). */
err_t connector_keys_device(struct connector_keys *k, struct str der, struct cert **ret);

/* keys_order.c: the orders of the service that this process looks at itself. */
struct keys_order;

/* path: of the public key in PEM; it need not be there. */
err_t keys_order_open(const char *path, struct keys_order **ret);
void keys_order_close(struct keys_order *k); /* NULL is fine */
/* Named once. ERR_KEY; ERR_JOINED: another one was named before. */
err_t keys_order_name(struct keys_order *k, struct arena *a, struct str spki);
/* ERR_ORDER_UNNAMED; ERR_ORDER..., as policy_order_open() in the CA; ERR_ORDER_HOLDER: for another connector than that
 * whose key is maker, or for all. */
err_t keys_order_look(struct keys_order *k, struct arena *a, enum order_kind kind,
    const struct key *maker, struct str sealed, struct order *ret);
/* The same with the keys of this process. */
err_t connector_keys_order(struct connector_keys *k, struct arena *a, enum order_kind kind,
    struct str sealed, struct order *ret);

/* keys_pfx.c; context: struct connector_keys */
err_t keys_pfx_make(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t keys_pfx_list(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t keys_pfx_admit(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t keys_pfx_open(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t keys_pfx_rewrap(void *ctx, struct arena *a, struct str in, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of connector/keys know of each other. */
#ifndef CONNECTOR_KEYS_INT_H
#define CONNECTOR_KEYS_INT_H

#include "connector/import_key.h"
#include "connector/keys.h"
#include "pki/cert.h"

struct import_keys *connector_import_keys(struct connector_keys *k);
/* May we seal to this certificate? That it can be sealed to is seen by cms_seal(). */
err_t connector_keys_device(struct connector_keys *k, struct str der, struct cert **ret);

/* keys_pfx.c; context: struct connector_keys */
err_t keys_pfx_make(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t keys_pfx_list(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t keys_pfx_admit(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t keys_pfx_open(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t keys_pfx_rewrap(void *ctx, struct arena *a, struct str in, struct buf *out);

#endif

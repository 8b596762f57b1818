/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import keys as the link knows them: what it tells the service, and the administrator's verbs.
 *
 *   pfx.key.create  {name, bits, uri}  -> {name, id, public_key}
 *   pfx.key.list    {}                 -> {keys: [{name, id, public_key}], admitted: [{id}]}
 *   pfx.key.admit   {public_key}       -> {id}; passwords may be encrypted to this key of another connector from now on
 *   pfx.rewrap      {id, name, after}  -> {done, failed, after}; one portion of what the admitted key has no copy of;
 *                                         "after" is "" when it is the last
 *
 * id: SHA-256 of the public key in hex.
 */
#ifndef CONNECTOR_LINK_PFX_H
#define CONNECTOR_LINK_PFX_H

#include "codec/pfx_ipc.h"
#include "connector/link.h"

/* Asks connector/keys. */
err_t link_import_keys(const struct link *l, struct arena *a, struct pfx_keys_rep *ret);
/* "HASH" and "name:NAME" of each, as the service routes by them. */
err_t link_import_names(const struct link *l, struct arena *a, json **ret);

err_t link_pfx_create(void *ctx, struct arena *a, const json *args, json *answer);
err_t link_pfx_list(void *ctx, struct arena *a, const json *args, json *answer);
err_t link_pfx_admit(void *ctx, struct arena *a, const json *args, json *answer);
err_t link_pfx_rewrap(void *ctx, struct arena *a, const json *args, json *answer);

#endif

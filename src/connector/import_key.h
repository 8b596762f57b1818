/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import keys: the RSA pairs of this connector that passwords of imported PKCS#12 files are encrypted to, and public
 * keys of other connectors that its administrator admitted, so that those passwords may be encrypted to them again.
 *
 *   dir/NAME.pem            a pair of ours, PKCS#8
 *   dir/NAME.uri            one in a token: its PKCS#11 URI, and the public key in PEM
 *   dir/admitted/HASH.pem   of another connector
 *
 * A pair is made once and never replaced; its private half leaves neither this process nor the token. Used by many
 * threads.
 *
 * Not here: what is done with the passwords (keys_pfx.c).
 */
#ifndef CONNECTOR_IMPORT_KEY_H
#define CONNECTOR_IMPORT_KEY_H

#include "codec/pfx_ipc.h"
#include "pki/key.h"

struct import_keys;

err_t import_keys_open(const char *dir, struct import_keys **ret);
void import_keys_close(struct import_keys *k); /* NULL is fine */

/* ERR_PFX_KEY_NAME, ERR_CONFLICT: the name is taken. uri "": a file. ret_spki in the arena. */
err_t import_key_make(
    struct import_keys *k, struct arena *a, const struct pfx_key_req *what, struct str *ret_spki);
/* By SHA-256 of the public key in hex, or "name:NAME", case ignored. Lives as long as k. ERR_PFX_KEY_UNKNOWN. */
err_t import_key_find(struct import_keys *k, const char *name, const struct key **ret);
err_t import_keys_list(struct import_keys *k, struct arena *a, struct pfx_keys_rep *ret);
/* ERR_KEY: no RSA key of 2048 bits or more. One that is there is success. */
err_t import_key_admit(struct import_keys *k, struct arena *a, struct str spki);
/* sha256: 32 bytes. ERR_PFX_KEY_UNKNOWN. */
err_t import_key_admitted(struct import_keys *k, struct str sha256, const struct key **ret);

#endif

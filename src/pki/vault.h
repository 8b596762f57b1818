/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of private keys that are encrypted at rest.
 *
 *   passphrase --argon2id (64 MiB, 3 passes)--> opens "vault" --> master key --AES-256-GCM--> each key file
 *
 * The name of a key file is authenticated with it, so files cannot be exchanged for one another. A new passphrase rewrites
 * the file "vault" only, whole or not at all. Key files that are not encrypted yet are encrypted when they are read.
 *
 * The master key stays in memory for as long as the vault is open. Not here: where the passphrase comes from.
 */
#ifndef PKI_VAULT_H
#define PKI_VAULT_H

#include "pki/key.h"

struct vault;

enum { VAULT_PASSPHRASE_MIN = 8, VAULT_PASSPHRASE_MAX = 1024 };

/* Makes the folder's vault when there is none. passphrase NULL: *ret is NULL, and keys stay as they are; a folder that has a
 * vault is refused then. ERR_KEY_PASSPHRASE: it is wrong, missing, or too short. */
err_t vault_open(const char *dir, const char *passphrase, struct vault **ret);
void vault_free(struct vault *v); /* NULL is fine; wipes */
/* ERR_KEY_PASSPHRASE when `old` is not the present one. */
err_t vault_passwd(struct vault *v, const char *old, const char *passphrase);

/* v NULL: as key_file(). ERR_KEY: the file was changed, or is another's. */
err_t vault_key_file(struct vault *v, struct arena *a, const char *path, enum key_alg alg,
    unsigned bits, struct key **ret);
/* The same for a file that must be there; ERR_FILE_MISSING. */
err_t vault_key_read(struct vault *v, struct arena *a, const char *path, struct key **ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of private keys that are encrypted at rest.
 *
 *   passphrase --argon2id (64 MiB, 3 passes)--> opens "vault" --> master key --AES-256-GCM--> each key file
 *
 *   - A vault takes only what it sealed itself: with each key file the identity of the vault and the name of the file
 *     are authenticated. Files of another CA, exchanged, changed or plain ones are ERR_KEY_SEAL.
 *   - A folder that has plain keys when it gets its vault: those very files are sealed by vault_open(), which can be
 *     killed at any point. Files that come later are not.
 *   - A new passphrase rewrites the file "vault" only, whole or not at all.
 *
 * In FIPS mode a vault is made with PBKDF2 (HMAC-SHA-256, 600,000 rounds) in the place of argon2id; one that was made
 * without is ERR_FIPS_REFUSED then.
 *
 * The master key stays in memory for as long as the vault is open. Not here: where the passphrase comes from. Who can
 * write to the folder can put an older state of it back, or remove all of it; the certificates of the CAs are
 * elsewhere.
 */
#ifndef PKI_VAULT_H
#define PKI_VAULT_H

#include "pki/key.h"

struct vault;

enum { VAULT_PASSPHRASE_MIN = 8, VAULT_PASSPHRASE_MAX = 1024 };

/* Makes the folder's vault when there is none. passphrase NULL: *ret is NULL, and keys stay as they are; a folder
 * that has a vault is refused then. ERR_KEY_PASSPHRASE: it is wrong, missing, or too short, or the file was changed
 * so that none fits. ERR_KEY_SEAL: the file "vault" is damaged, or lost while keys are sealed. */
err_t vault_open(const char *dir, const char *passphrase, struct vault **ret);
void vault_free(struct vault *v); /* NULL is fine; wipes */
/* ERR_KEY_PASSPHRASE when `old` is not the present one. */
err_t vault_passwd(struct vault *v, const char *old, const char *passphrase);

/* v NULL: as key_file(). ERR_KEY_SEAL. */
err_t vault_key_file(struct vault *v, struct arena *a, const char *path, enum key_alg alg,
    unsigned bits, struct key **ret);
/* The same for a file that must be there; ERR_FILE_MISSING. */
err_t vault_key_read(struct vault *v, struct arena *a, const char *path, struct key **ret);

#endif

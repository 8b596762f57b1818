/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vault reads from files, apart from the files: for vault.c, its tests and its fuzz target.
 *
 *   vault    u8 2, u32 KiB (0: PBKDF2), u32 passes, salt[16], id[16], u16 n, n * SHA-256, nonce[12] master key[32] tag[16]
 *            PEM; the seal of the master key covers everything in front of it
 *   key      nonce[12] PKCS#8 PEM tag[16]; PEM; the seal covers the id of the vault and the name of the file
 *
 * The n hashes are of name and content of the plain keys that the folder had when it got its vault: each is taken in,
 * no other is, and none any more when that is done.
 */
#ifndef PKI_VAULT_INT_H
#define PKI_VAULT_INT_H

#include "pki/vault.h"

enum { VAULT_MASTER = 32, VAULT_ID = 16, VAULT_HASH = 32 };

struct vault_head {
	uint32_t kibibytes, passes;
	struct str salt, id, plain, authentic, sealed; /* borrowed from what was parsed */
};

/* ERR_KEY_SEAL: format, or a cost out of bounds; ERR_TRUNCATED, ERR_TRAILING. */
err_t vault_head_parse(struct str in, struct vault_head *ret);

/* A vault whose master key and id are zero: not opened. */
struct vault *vault_new(const char *dir);
/* text: the content of the key file of that name. ERR_KEY_SEAL. */
err_t vault_key_parse(
    struct vault *v, struct arena *a, const char *name, struct str text, struct key **ret);

#endif

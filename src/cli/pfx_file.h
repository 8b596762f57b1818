/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One PKCS#12 file on its way in: opened and checked here, packed anew under a random password that is encrypted to
 * the import keys of connectors. The service gets neither the password nor anything that opens with one that a person
 * knows.
 *
 * Any thread may call these.
 */
#ifndef CLI_PFX_FILE_H
#define CLI_PFX_FILE_H

#include "base/when.h"
#include "codec/json.h"
#include "pki/key.h"

#define PFX_KEYS_MAX 256u

/* Public import keys, as `chancery pfx key export-public` writes them. */
struct pfx_keys {
	struct pfx_key {
		const char *name;
		const char *id; /* SHA-256 of the public key in hex */
		struct key *key;
	} v[PFX_KEYS_MAX];
	size_t n;
	unsigned padding; /* enum wrap_padding */
};
/* Adds those of a file, which may hold several. ERR_KEY: none, or one that is no RSA key of 2048 bits or more. */
err_t pfx_keys_read(struct arena *a, const char *path, struct pfx_keys *keys);
void pfx_keys_free(struct pfx_keys *keys);
#define auto_pfx_keys __attribute__((cleanup(pfx_keys_free)))

struct pfx_row {
	size_t line; /* of the table; 0: there is none */
	const char *file, *user, *purpose;
	const char *password; /* of the file; "": none */
};

struct pfx_packed {
	const char *thumbprint; /* lower case */
	when_t not_after;
	json *body; /* as the import takes it; NULL when only checked. The caller's */
};

/* "unassigned", "smimeEncryption" ..., as the API writes it; NULL: none of these. Case is ignored. */
const char *pfx_purpose(const char *name);

/* keys NULL: only checked. ERR_PFX, ERR_PFX_PASSWORD, ERR_PFX_NO_KEY, ERR_PFX_TWO_KEYS, ERR_PFX_LEGACY,
 * ERR_PFX_EXPIRED, ERR_PFX_PURPOSE, and what keeps the file from being read. */
err_t pfx_file_pack(struct arena *a, const struct pfx_row *row, const struct pfx_keys *keys,
    struct pfx_packed *ret);

#endif

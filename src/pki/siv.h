/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short secrets that are kept by who must not read them: encrypted under one key, with a label that says what they are.
 *
 * The same secret under the same label gives the same bytes, so that who keeps them sees that a secret is the one that it
 * was before. Nothing else shows, but its length in steps of 64 bytes. That is the construction SIV (Rogaway and
 * Shrimpton, "Deterministic Authenticated-Encryption", 2006): HMAC with SHA-256 over label and secret is the first counter of
 * AES-256 in counter mode, and what shows a change.
 *
 * It is not AES-SIV of RFC 5297, which OpenSSL has: its FIPS provider has not, and secrets must open in FIPS mode as they do
 * without. HMAC and AES-CTR are in both.
 *
 *   u8 version (1) | 16 bytes of the HMAC | encrypted: u16 length, secret, zeros up to a multiple of 64 bytes
 *
 * Not here: who has the key (daemon/service_keys.h), what is sealed to somebody else's key (pki/cms.h).
 */
#ifndef PKI_SIV_H
#define PKI_SIV_H

#include "base/arena.h"
#include "base/str.h"

enum { SIV_KEY = 64, SIV_SECRET_MAX = 1024, SIV_SEALED_MAX = 17 + 1088 };

/* ERR_TOO_LARGE: past SIV_SECRET_MAX. */
err_t siv_seal(struct arena *a, const uint8_t key[SIV_KEY], const char *label, struct str secret,
    struct str *ret);
/* ERR_SECRET_LOST: sealed by another key, under another label, or changed since. The caller wipes *ret. */
err_t siv_open(struct arena *a, const uint8_t key[SIV_KEY], const char *label, struct str sealed,
    struct str *ret);

#endif

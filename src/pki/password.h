/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored passwords and client secrets, as argon2id (RFC 9106). What a person chose gets 64 MiB and three passes; what we
 * made from 128 random bits or more needs no stretching and gets 1 MiB and one pass, so that programs get their tokens
 * fast.
 *
 * In FIPS mode as PBKDF2 with HMAC-SHA-256 (SP 800-132), 600,000 or 1,000 rounds; those match without FIPS mode as well.
 * What was stored as argon2id matches nothing in FIPS mode: it is set anew.
 */
#ifndef PKI_PASSWORD_H
#define PKI_PASSWORD_H

#include "base/arena.h"
#include "base/str.h"

enum password_kind { PASSWORD_PERSON, PASSWORD_RANDOM };

err_t password_hash(struct arena *a, enum password_kind kind, const char *password,
    const char **ret); /* $argon2id$..., $pbkdf2-sha256$... */
bool password_matches(const char *hash, const char *password);

#endif

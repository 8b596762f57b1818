/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored passwords and client secrets, as argon2id (RFC 9106). What a person chose gets 64 MiB and three passes; what we
 * made from 128 random bits or more needs no stretching and gets 1 MiB and one pass, so that programs get their tokens
 * fast.
 */
#ifndef PKI_PASSWORD_H
#define PKI_PASSWORD_H

#include "base/arena.h"
#include "base/str.h"

enum password_kind { PASSWORD_PERSON, PASSWORD_RANDOM };

err_t password_hash(struct arena *a, enum password_kind kind, const char *password,
    const char **ret); /* $argon2id$... */
bool password_matches(const char *hash, const char *password);

#endif

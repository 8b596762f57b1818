/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of one line of a chain (store/chain.h), so that who holds an export can check it without the database:
 *
 *   SHA-256(hash of the line before (32 zero bytes at first), seq and when as 8 bytes, big-endian, each text with its
 *   length as 4 bytes before it)
 */
#ifndef PKI_LINE_HASH_H
#define PKI_LINE_HASH_H

#include "base/str.h"

/* ERR_TOO_LARGE past 4 MiB. */
err_t line_hash(const uint8_t before[32], int64_t seq, int64_t when, const char *const *texts,
    size_t n, uint8_t ret[32]);

#endif

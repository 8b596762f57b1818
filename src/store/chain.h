/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of lines: the hash of each covers the hash of the line before, so that a removed or changed line shows; the
 * newest is kept beside the lines, so that one missing at the end shows as well. It does not show a rewrite of the
 * whole chain by somebody who can write the database: for that, keep a hash elsewhere.
 *
 *   hash = SHA-256(hash of the line before (32 zero bytes at first), seq, when, each text with its length)
 */
#ifndef STORE_CHAIN_H
#define STORE_CHAIN_H

#include "store/store.h"

#define CHAIN_HASH 32

struct chain {
	int64_t seq; /* of the newest line; 0: none yet */
	uint8_t hash[CHAIN_HASH];
};

err_t chain_head(struct tx *tx, const char *name, struct chain *ret);
err_t chain_put(struct tx *tx, const char *name, const struct chain *c);
/* The line after c becomes c. */
err_t chain_next(struct chain *c, when_ms_t when, const char *const *texts, size_t n);

#endif

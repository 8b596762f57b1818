/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key pairs made ahead: a bounded pool per size that a low-priority thread fills while nobody asks. Taken once, never put
 * back. Takes come from the pool, or are made on the spot when it is empty.
 */
#ifndef PKI_KEYPOOL_H
#define PKI_KEYPOOL_H

#include "pki/key.h"

struct keypool;

err_t keypool_new(unsigned threads, unsigned depth, struct keypool **ret);
void keypool_free(struct keypool *p);
/* From now on keep keys of this kind ready. At most 8 kinds. */
err_t keypool_want(struct keypool *p, enum key_alg alg, unsigned bits);
err_t keypool_take(struct keypool *p, enum key_alg alg, unsigned bits, struct key **ret);
size_t keypool_ready(struct keypool *p, enum key_alg alg, unsigned bits);

#endif

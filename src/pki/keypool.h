/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA key pairs made ahead: a bounded pool for each size, which low-priority threads fill while nobody asks. While many
 * ask at once (eight within half a second) they rest, until an eighth of the room is left. Each is
 * taken once and never put back. Takes come from the pool. When it is empty they are made on the spot, by as many at a
 * time as there are threads, 16 at most, each with a generator that is kept for the next: it has primes left over. Who
 * comes beyond that waits for one of them, or for a key that became ready meanwhile.
 *
 * Ready keys lie as numbers in locked memory and nowhere else: not swapped, not in a core dump, wiped when taken and
 * when the pool goes. Where the system does not lock as much (RLIMIT_MEMLOCK), the pool keeps fewer, down to none;
 * keypool_room() says how many, so that whoever runs it can say so.
 *
 * Keys on curves are not kept: making one takes as long as getting it from here.
 *
 * Not here: how keys are made (pki/rsa_gen.h, or libcrypto).
 */
#ifndef PKI_KEYPOOL_H
#define PKI_KEYPOOL_H

#include "pki/key.h"

struct keypool;

/* threads: up to 64, 0: only on the spot; depth: ready keys of each size, 1 to 4096. ERR_RANGE. */
err_t keypool_new(unsigned threads, unsigned depth, enum key_maker maker, struct keypool **ret);
void keypool_free(struct keypool *p);
/* From now on keep keys of this kind ready. ERR_KEY_SIZE. */
err_t keypool_want(struct keypool *p, enum key_alg alg, unsigned bits);
err_t keypool_take(struct keypool *p, enum key_alg alg, unsigned bits, struct key **ret);
/* How many are ready, and how many can be; 0 for what was not wanted. */
size_t keypool_ready(struct keypool *p, enum key_alg alg, unsigned bits);
size_t keypool_room(struct keypool *p, enum key_alg alg, unsigned bits);

/* What became of one size since the start. */
struct keypool_state {
	unsigned bits;
	size_t ready, room, making; /* making: by threads and by those who wait, at this moment */
	uint64_t taken, waited,
	    wait_ms; /* takes; of them without a ready key, and how long these took together */
};
#define KEYPOOL_KINDS 3 /* sizes of RSA keys */
/* Of each size that was wanted so far; how many those are. */
size_t keypool_states(struct keypool *p, struct keypool_state ret[static KEYPOOL_KINDS]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random primes for RSA: FIPS 186-5 A.1.3, probable primes, e = 65537.
 *
 * The way of a candidate: drawn (pki/prime_draw.h), divided by small primes (pki/prime_divide.h), p - 1 prime to e,
 * then the Miller-Rabin rounds of Table B.1, each with a random base of its own. With IFMA a round with base 2 stands
 * before them, on top of what the standard wants, as it is the cheapest one there and leaves next to no composites.
 *
 * Each candidate is independent of all others: there is no interval that is searched from a random start, so no prime
 * is likelier for the gap before it, and what time and memory traffic tell of candidates that were thrown away says
 * nothing of the prime that was taken. doc/keygen.md has the argument whole.
 *
 * Everything that is secret lies in one piece of locked memory that is wiped at the end; what libcrypto's big numbers
 * take for the portable way is wiped by libcrypto.
 *
 * Not here: pairs of primes and what makes them a key (pki/rsa_gen.h).
 */
#ifndef PKI_PRIME_H
#define PKI_PRIME_H

#include "base/err.h"
#include "pki/prime_table.h"

enum prime_way {
	PRIME_BEST,     /* the fastest that this processor has */
	PRIME_PORTABLE, /* libcrypto's big numbers */
	PRIME_IFMA      /* AVX-512 IFMA; prime_work_new() fails without */
};

#define PRIME_BATCH_MAX 8

struct prime_work; /* one thread at a time */

/*
 * bits of a prime: 1024, 1536, 2048; 512 for tests alone. batch: so many primes are looked for at a time, the last
 * rounds are done for all of them together, and the rest waits for the next call: 2 for one key, PRIME_BATCH_MAX for
 * many. ERR_RANGE, ERR_CRYPTO.
 */
err_t prime_work_new(unsigned bits, enum prime_way way, unsigned batch, struct prime_work **ret);
void prime_work_free(struct prime_work *w);
/* A prime, bits / 64 words, lowest first. ERR_CRYPTO also when 5 * 2 * bits candidates had none (A.1.3 step 4.7). */
err_t prime_take(struct prime_work *w, uint64_t *ret);
/* FIPS 186-5 Table B.1, rounds for a prime of so many bits. */
unsigned prime_rounds(unsigned bits);

#endif

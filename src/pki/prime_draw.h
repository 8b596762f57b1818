/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Candidates for primes: FIPS 186-5 A.1.3, steps 4.2 to 4.5, without those that a small prime divides.
 *
 * Each candidate is drawn for itself, uniformly from the odd numbers between sqrt(2) 2^(bits-1) and 2^bits that none
 * of the first 66 odd primes divides. The standard draws from all odd numbers of that range and throws the multiples
 * of small primes away later; what is left is the same uniform choice, so the primes that come of it are distributed
 * exactly as the standard's. How: M is the product of those 66 primes. A number x prime to M is one multiple k M and
 * one remainder that is prime to M, and those are chosen independently. A remainder prime to M is one that is not zero
 * modulo any of the 66 (Chinese remainders), so they are drawn one by one, without bias, and put together. k is drawn
 * from all that reach into the range; what then is even or outside is thrown away whole.
 *
 * Times depend on what was thrown away, never on what is given out.
 *
 * Not here: division by larger primes (pki/prime_divide.h), tests (pki/prime.h).
 */
#ifndef PKI_PRIME_DRAW_H
#define PKI_PRIME_DRAW_H

#include "base/err.h"
#include "pki/prime_table.h"

#define PRIME_DRAW_WORDS 512

/* A part of locked memory; zeroed, then prime_draw_init(). */
struct prime_draw {
	unsigned bits, words;
	unsigned count_bits;             /* of count */
	uint64_t from[PRIME_WORDS_MAX];  /* the least k */
	uint64_t count[PRIME_WORDS_MAX]; /* how many k there are */
	uint64_t least
	    [PRIME_WORDS_MAX]; /* sqrt(2) 2^(bits-1), rounded down: too small by less than one */
	uint64_t
	    random[PRIME_DRAW_WORDS]; /* from libcrypto's generator for secrets; zero once used */
	size_t used;
};

/* bits: 512, 1024, 1536 or 2048. ERR_CRYPTO. */
err_t prime_draw_init(struct prime_draw *d, unsigned bits);
/* The next candidate, in words of 64 bits, lowest first. ERR_CRYPTO: no random numbers. */
err_t prime_draw(struct prime_draw *d, uint64_t *ret);
/* A base for a test of n: uniform from 2 to n - 2 (FIPS 186-5 B.3.1, steps 4.1 and 4.2). */
err_t prime_draw_base(struct prime_draw *d, const uint64_t *n, uint64_t *ret);

#endif

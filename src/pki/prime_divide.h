/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trial division, for candidates of pki/prime_draw.h: by the primes after its first 66, up to about 32,767 for
 * primes of 1024 bits and 65,535 for larger ones.
 *
 * Four or so primes at once: what is left of the candidate modulo their product, and whether each of them divides that.
 * Multiplications only; no division takes longer for some numbers. It stops at the first divisor, so the time tells
 * something of a number that is thrown away, and nothing of one that passes.
 */
#ifndef PKI_PRIME_DIVIDE_H
#define PKI_PRIME_DIVIDE_H

#include <stdbool.h>

#include "pki/prime_table.h"

/* Whether one of those primes divides the odd number n. words: 8 to PRIME_WORDS_MAX. */
bool prime_divides(const uint64_t *n, unsigned words);
/* FIPS 186-5 A.1.3 step 4.5: whether n - 1 is prime to e = 65537. */
bool prime_fits_f4(const uint64_t *n, unsigned words);

#endif

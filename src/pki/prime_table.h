/* SPDX-License-Identifier: Apache-2.0 */
/* What tools/primes computes when the program is built: small primes and what is known of them. For pki/prime_*.c. */
#ifndef PKI_PRIME_TABLE_H
#define PKI_PRIME_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define PRIME_UNIT_WORDS 7
#define PRIME_WORDS_MAX 32 /* of a prime: 2048 bits */

/* Candidates are made prime to these, 3 and its followers. Their product is prime_units_product. */
struct prime_unit {
	uint32_t prime;
	uint32_t skip;                     /* 2^32 mod (prime - 1) */
	uint64_t others[PRIME_UNIT_WORDS]; /* the product of all other units */
};

/* The primes after them: `count` of prime_divisors from `first` on. */
struct prime_group {
	uint64_t product; /* below 2^52 */
	uint64_t inverse; /* of product, mod 2^64 */
	uint32_t first, count;
};

/* x is a multiple of the prime when x * inverse mod 2^64 is at most `most`. */
struct prime_divisor {
	uint64_t inverse, most;
};

extern const size_t prime_units_count;
extern const size_t prime_groups_small, prime_groups_count; /* multiples of 4 */
extern const uint64_t prime_units_product[PRIME_UNIT_WORDS];
extern const struct prime_unit prime_units[];
extern const struct prime_group prime_groups[];
extern const struct prime_divisor prime_divisors[];
/* The 2048 highest bits of the square root of 2. */
extern const uint64_t prime_root[PRIME_WORDS_MAX];

/* How many groups pay for primes of so many bits: dividing costs less, and a round that it saves more, the larger. */
static inline size_t
prime_groups_of(unsigned bits)
{
	return bits < 1536 ? prime_groups_small : prime_groups_count;
}

#endif

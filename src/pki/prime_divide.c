/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/prime_divide.h"

#define SIDE 4 /* groups at once: each is one chain of multiplications that wait for each other */
#define F4 65537

typedef unsigned __int128 u128;

/*
 * From the lowest word up: with q such that the lowest word of n - q * product is zero, that word is left out, and
 * what remains is n divided by 2^64 modulo the product, up to its sign. 0 stays what it is, for each of the product's
 * primes.
 */
static void
remainders(const uint64_t *n, unsigned words, const struct prime_group *g, uint64_t ret[SIDE])
{
	uint64_t carry[SIDE] = { 0 };

	for (unsigned i = 0; i < words; i++)
		for (int k = 0; k < SIDE; k++) {
			uint64_t rest = n[i] - carry[k];
			uint64_t q = rest * g[k].inverse;

			carry[k] =
			    (uint64_t)((u128)q * g[k].product >> 64) + (n[i] < carry[k] ? 1 : 0);
		}
	for (int k = 0; k < SIDE; k++)
		ret[k] = carry[k];
}

static bool
divides_rest(const struct prime_group *g, uint64_t rest)
{
	bool found = false;

	for (uint32_t i = g->first; i < g->first + g->count; i++)
		found |= rest * prime_divisors[i].inverse <= prime_divisors[i].most;
	return found;
}

bool
prime_divides(const uint64_t *n, unsigned words)
{
	size_t groups = prime_groups_of(64 * words);
	uint64_t rest[SIDE];

	for (size_t at = 0; at < groups; at += SIDE) {
		remainders(n, words, &prime_groups[at], rest);
		for (int k = 0; k < SIDE; k++)
			if (divides_rest(&prime_groups[at + (size_t)k], rest[k]))
				return true;
	}
	return false;
}

bool
prime_fits_f4(const uint64_t *n, unsigned words)
{
	/* 2^16 is -1 modulo 65537: digits of 16 bits are added and subtracted in turns. The summand keeps it
	 * positive. */
	uint64_t sum = (uint64_t)F4 * words * 2 - 1;

	for (unsigned i = 0; i < words; i++)
		for (int k = 0; k < 64; k += 32) {
			sum += n[i] >> k & 0xffff;
			sum -= n[i] >> (k + 16) & 0xffff;
		}
	return sum % F4 != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Miller-Rabin for eight numbers at once, with the 52-bit multipliers of AVX-512 IFMA.
 *
 * Each of the eight lanes of a vector register works on a number of its own; a number is a row of registers, 52 bits in
 * each. All lanes go through the same instructions, whatever the numbers are: no branch and no address depends on a
 * number, a base or a verdict (for the one exception, see prime_ifma_round()). The table of powers is read whole for
 * each window.
 *
 * Guarantees: the verdicts are those of FIPS 186-5 B.3.1, for every odd number of a right size. All that is computed
 * stays in the workspace, which the caller provides, keeps locked, and wipes; registers that the compiler spills are on
 * the stack (pki/rsa_gen.h says what becomes of that).
 *
 * Not here: choosing candidates and counting rounds (pki/prime.h); the portable way, which is the reference in tests.
 */
#ifndef PKI_PRIME_IFMA_H
#define PKI_PRIME_IFMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRIME_LANES 8

struct prime_ifma; /* aligned to 64 bytes */

/* Whether this processor, and the system on it, can. */
bool prime_ifma_here(void);
size_t prime_ifma_size(void); /* bytes of a workspace */

/*
 * One round for each lane. bits: 512, 1024, 1536 or 2048; n[i]: odd, exactly that long, in words of 64 bits, lowest
 * first; base[i]: 2 to n[i] - 2, as many words. base NULL: 2 for all, which is faster. Bit i of what comes back: n[i]
 * passed.
 *
 * When 2^64 divides one of n[i] - 1, the time shows it: a random candidate is such with probability 2^-63.
 */
unsigned prime_ifma_round(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES],
    const uint64_t *const base[PRIME_LANES]);

/* prime_divides() for each lane: bit i of what comes back says that a small prime divides n[i]. */
unsigned prime_ifma_divides(
    struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES]);

/* a * b / 2^(bits / 512 * 520) mod n for each lane, below n: shown for tests. */
void prime_ifma_product(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES],
    const uint64_t *const a[PRIME_LANES], const uint64_t *const b[PRIME_LANES],
    uint64_t *const ret[PRIME_LANES]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* For processors that have nothing like AVX-512 IFMA: prime_ifma_here() says so, and nobody asks for more. */
#include "pki/prime_ifma.h"

#include <stdlib.h>

bool
prime_ifma_here(void)
{
	return false;
}

size_t
prime_ifma_size(void)
{
	return 0;
}

unsigned
prime_ifma_round(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES],
    const uint64_t *const base[PRIME_LANES])
{
	(void)x;
	(void)bits;
	(void)n;
	(void)base;
	abort();
}

unsigned
prime_ifma_divides(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES])
{
	(void)x;
	(void)bits;
	(void)n;
	abort();
}

void
prime_ifma_product(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES],
    const uint64_t *const a[PRIME_LANES], const uint64_t *const b[PRIME_LANES],
    uint64_t *const ret[PRIME_LANES])
{
	(void)x;
	(void)bits;
	(void)n;
	(void)a;
	(void)b;
	(void)ret;
	abort();
}

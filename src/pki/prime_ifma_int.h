/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workspace of pki/prime_ifma.h, and the arithmetic that is made for each of its sizes: Montgomery's in radix
 * 2^52, R = 2^(52 L), L limbs: 10, 20, 30, 40. For prime_ifma.c and prime_ifma_size.c alone.
 *
 * Bounds. R is at least 2^8 n. A product of x and y below 4n is (xy + qn)/R < n + 16 n^2 / R <= n + n/16, so results
 * are never brought below n on the way; a doubling goes with the carries of a product, and leaves it below 3n. Columns
 * are 64 bits wide and take at most 4 L + 2 summands below 2^52, the half of them doubled: below 2^60, and below 2^61
 * when doubled once more.
 */
#ifndef PKI_PRIME_IFMA_INT_H
#define PKI_PRIME_IFMA_INT_H

#include <immintrin.h>

#include "pki/prime_ifma.h"

#define IFMA __attribute__((target("avx512f,avx512ifma")))
#define INLINE IFMA static inline __attribute__((always_inline))
#define BLOCK 5
#define LIMBS_MAX 40
#define LIMB_BITS 52
#define WINDOW 4

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 10")
#endif

typedef __m512i v8;

struct prime_ifma {
	v8 n[LIMBS_MAX], one[LIMBS_MAX]; /* the numbers; R mod n */
	v8 ends[6][LIMBS_MAX]; /* 1 and -1 in turns: what is equal to them mod n, below 3n */
	v8 z[LIMBS_MAX], base[LIMBS_MAX];
	v8 t[2 * LIMBS_MAX]; /* columns */
	v8 table[1 << WINDOW][LIMBS_MAX];
	v8 neg_inv; /* -1/n mod 2^52 */
	v8 zeros;   /* how many zero bits n - 1 ends with */
};

/* The arithmetic of one size: made for it, so that the counts of all loops are constants. */
struct size {
	int limbs;
	void (*square)(struct prime_ifma *x, v8 *z, const v8 *a, v8 twice);
	void (*multiply)(struct prime_ifma *x, v8 *z, const v8 *a, const v8 *b);
	unsigned (*divides)(const v8 *n, size_t groups);
};

extern const struct size *const prime_ifma_sizes[]; /* for 512, 1024, 1536, 2048 bits */

INLINE v8
lo(v8 sum, v8 a, v8 b)
{
	return _mm512_madd52lo_epu64(sum, a, b);
}

INLINE v8
hi(v8 sum, v8 a, v8 b)
{
	return _mm512_madd52hi_epu64(sum, a, b);
}

INLINE v8
add(v8 a, v8 b)
{
	return _mm512_add_epi64(a, b);
}

INLINE v8
limb_mask(void)
{
	return _mm512_set1_epi64((1LL << LIMB_BITS) - 1);
}

/* The limbs t, each doubled where `twice` is 1, with their carries into z. */
INLINE void
settle(v8 *z, const v8 *t, v8 twice, int limbs)
{
	v8 carry = _mm512_setzero_si512();

	for (int i = 0; i < limbs; i++) {
		v8 sum = add(_mm512_sllv_epi64(t[i], twice), carry);

		z[i] = _mm512_and_si512(sum, limb_mask());
		carry = _mm512_srli_epi64(sum, LIMB_BITS);
	}
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What costs time, once for each size: products and small divisors. Work goes in blocks of five limbs (the counts of
 * limbs are multiples): five multipliers stay in registers while the columns pass.
 */
#include "pki/prime_ifma_int.h"
#include "pki/prime_table.h"

#define SIDE 4 /* groups of divisors at once, as in pki/prime_divide.c */

/* sum and the products of column k of five limbs x: with window[5 + k] and what is before it. The window has `from` to
 * `to`. */
INLINE v8
column(v8 sum, const v8 *x, const v8 *window, int k, int from, int to)
{
	v8 high = _mm512_setzero_si512();

	UNROLL
	for (int s = 0; s < BLOCK; s++) {
		int low = BLOCK + k - s;

		if (low >= from && low < to)
			sum = lo(sum, x[s], window[low]);
		if (low - 1 >= from && low - 1 < to)
			high = hi(high, x[s], window[low - 1]);
	}
	return add(sum, high);
}

enum { HEAD = 1, FRESH = 2, FRESH_TAIL = 4 };

/*
 * t += x * y, five limbs times len. HEAD: the first five columns, too; FRESH: there is nothing yet in t; FRESH_TAIL: in
 * the last five columns of it.
 */
INLINE void
rows(v8 *t, const v8 *x, const v8 *y, int len, int how)
{
	const v8 none = _mm512_setzero_si512();
	v8 r[BLOCK], window[2 * BLOCK];

	UNROLL
	for (int s = 0; s < BLOCK; s++) {
		r[s] = x[s];
		window[BLOCK + s] = y[s];
	}
	UNROLL
	for (int k = 0; k < BLOCK; k++)
		if ((how & HEAD) != 0)
			t[k] = column(
			    (how & FRESH) != 0 ? none : t[k], r, window, k, BLOCK, 2 * BLOCK);
	for (int c = BLOCK; c < len; c += BLOCK) {
		UNROLL
		for (int k = 0; k < BLOCK; k++) {
			window[k] = window[BLOCK + k];
			window[BLOCK + k] = y[c + k];
		}
		UNROLL
		for (int k = 0; k < BLOCK; k++)
			t[c + k] = column(
			    (how & FRESH) != 0 ? none : t[c + k], r, window, k, 0, 2 * BLOCK);
	}
	UNROLL
	for (int k = 0; k < BLOCK; k++)
		t[len + k] = column((how & (FRESH | FRESH_TAIL)) != 0 ? none : t[len + k], r,
		    window + BLOCK, k, 0, BLOCK);
}

/* z = t / R mod n, doubled where `twice` is 1. Destroys t. */
INLINE void
reduce(struct prime_ifma *x, v8 *z, v8 twice, int limbs)
{
	const v8 *n = x->n;
	v8 *t = x->t;
	v8 q[BLOCK];

	for (int b = 0; b < limbs; b += BLOCK, t += BLOCK) {
		v8 carry = _mm512_setzero_si512();

		UNROLL
		for (int s = 0; s < BLOCK; s++) {
			v8 sum = t[s], high = carry;

			/* What waits longest comes last. */
			UNROLL
			for (int r = 0; r < BLOCK; r++) {
				if (r < s) {
					sum = lo(sum, q[r], n[s - r]);
					high = hi(high, q[r], n[s - r - 1]);
				}
			}
			sum = add(sum, high);
			q[s] = lo(_mm512_setzero_si512(), sum, x->neg_inv);
			carry = _mm512_srli_epi64(lo(sum, q[s], n[0]), LIMB_BITS);
		}
		t[BLOCK] = add(t[BLOCK], carry);
		rows(t, q, n, limbs, 0);
	}
	settle(z, t, twice, limbs);
}

/* The products within one block of five limbs, and the doubling of all that is not a square: ten columns. */
INLINE void
diagonal(v8 *t, const v8 *a)
{
	v8 x[BLOCK], sum[2 * BLOCK];

	UNROLL
	for (int i = 0; i < BLOCK; i++)
		x[i] = a[i];
	UNROLL
	for (int i = 0; i < 2 * BLOCK; i++)
		sum[i] = t[i];
	UNROLL
	for (int i = 0; i < BLOCK; i++) {
		UNROLL
		for (int j = i + 1; j < BLOCK; j++) {
			sum[i + j] = lo(sum[i + j], x[i], x[j]);
			sum[i + j + 1] = hi(sum[i + j + 1], x[i], x[j]);
		}
	}
	UNROLL
	for (int i = 0; i < BLOCK; i++) {
		t[2 * i] = lo(add(sum[2 * i], sum[2 * i]), x[i], x[i]);
		t[2 * i + 1] = hi(add(sum[2 * i + 1], sum[2 * i + 1]), x[i], x[i]);
	}
}

/* z = a * a / R, doubled where `twice` is 1. */
INLINE void
square(struct prime_ifma *x, v8 *z, const v8 *a, v8 twice, int limbs)
{
	v8 *t = x->t;

	for (int i = 0; i < BLOCK; i++) {
		t[i] = _mm512_setzero_si512();
		t[2 * limbs - 1 - i] = _mm512_setzero_si512();
	}
	rows(t + BLOCK, a, a + BLOCK, limbs - BLOCK, HEAD | FRESH);
	for (int b = BLOCK; b < limbs - BLOCK; b += BLOCK)
		rows(t + 2 * b + BLOCK, a + b, a + b + BLOCK, limbs - b - BLOCK, HEAD | FRESH_TAIL);
	for (int b = 0; b < limbs; b += BLOCK)
		diagonal(t + 2 * b, a + b);
	reduce(x, z, twice, limbs);
}

/* z = a * b / R */
INLINE void
multiply(struct prime_ifma *x, v8 *z, const v8 *a, const v8 *b, int limbs)
{
	rows(x->t, a, b, limbs, HEAD | FRESH);
	for (int i = BLOCK; i < limbs; i += BLOCK)
		rows(x->t + i, a + i, b, limbs, HEAD | FRESH_TAIL);
	reduce(x, z, _mm512_setzero_si512(), limbs);
}

/* See pki/prime_divide.c; with 52 bits in the place of 64. */
INLINE void
remainders(const v8 *n, const struct prime_group *g, v8 ret[SIDE], int limbs)
{
	const v8 none = _mm512_setzero_si512();
	v8 product[SIDE], inverse[SIDE], carry[SIDE];

	UNROLL
	for (int k = 0; k < SIDE; k++) {
		product[k] = _mm512_set1_epi64((long long)g[k].product);
		inverse[k] = _mm512_set1_epi64((long long)g[k].inverse);
		carry[k] = none;
	}
	for (int i = 0; i < limbs; i++) {
		UNROLL
		for (int k = 0; k < SIDE; k++) {
			v8 rest = _mm512_sub_epi64(n[i], carry[k]);
			v8 q = lo(none, rest, inverse[k]);

			carry[k] = hi(_mm512_srli_epi64(rest, 63), q, product[k]);
		}
	}
	UNROLL
	for (int k = 0; k < SIDE; k++)
		ret[k] = carry[k];
}

INLINE __mmask8
divides_rest(const struct prime_group *g, v8 rest)
{
	__mmask8 found = 0;

	for (uint32_t i = g->first; i < g->first + g->count; i++) {
		const struct prime_divisor *d = &prime_divisors[i];
		v8 x = lo(_mm512_setzero_si512(), rest, _mm512_set1_epi64((long long)d->inverse));

		found |= _mm512_cmple_epu64_mask(
		    x, _mm512_set1_epi64((long long)(d->most >> (64 - LIMB_BITS))));
	}
	return found;
}

INLINE unsigned
divides_of(const v8 *n, size_t groups, int limbs)
{
	__mmask8 found = 0;
	v8 rest[SIDE];

	for (size_t at = 0; at < groups; at += SIDE) {
		remainders(n, &prime_groups[at], rest, limbs);
		for (int k = 0; k < SIDE; k++)
			found |= divides_rest(&prime_groups[at + (size_t)k], rest[k]);
	}
	return found;
}

#define SIZE(limbs_) \
	IFMA static void square_##limbs_(struct prime_ifma *x, v8 *z, const v8 *a, v8 twice) \
	{ \
		square(x, z, a, twice, limbs_); \
	} \
	IFMA static void multiply_##limbs_(struct prime_ifma *x, v8 *z, const v8 *a, const v8 *b) \
	{ \
		multiply(x, z, a, b, limbs_); \
	} \
	IFMA static unsigned divides_##limbs_(const v8 *n, size_t groups) \
	{ \
		return divides_of(n, groups, limbs_); \
	} \
	static const struct size size_##limbs_ = { limbs_, square_##limbs_, multiply_##limbs_, \
		divides_##limbs_ };

SIZE(10)
SIZE(20)
SIZE(30)
SIZE(40)

const struct size *const prime_ifma_sizes[] = { &size_10, &size_20, &size_30, &size_40 };

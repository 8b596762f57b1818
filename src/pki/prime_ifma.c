/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/prime_ifma_int.h"
#include "pki/prime_table.h"

#define TAIL 64 /* where the exponent's low zero bits are looked at one by one */

bool
prime_ifma_here(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}

size_t
prime_ifma_size(void)
{
	return sizeof(struct prime_ifma);
}

/* z = a - b, and where that is negative 1 in what comes back. */
IFMA static v8
subtract(v8 *z, const v8 *a, const v8 *b, int limbs)
{
	v8 borrow = _mm512_setzero_si512();

	for (int i = 0; i < limbs; i++) {
		v8 d = _mm512_sub_epi64(_mm512_sub_epi64(a[i], b[i]), borrow);

		z[i] = _mm512_and_si512(d, limb_mask());
		borrow = _mm512_srli_epi64(d, 63);
	}
	return borrow;
}

/* z = a where a < n, else a - n. For a below 2n. */
IFMA static void
below(struct prime_ifma *x, v8 *z, const v8 *a, int limbs)
{
	v8 *d = x->t;
	v8 less = subtract(d, a, x->n, limbs);
	__mmask8 keep = _mm512_test_epi64_mask(less, less);

	for (int i = 0; i < limbs; i++)
		z[i] = _mm512_mask_mov_epi64(d[i], keep, a[i]);
}

/* R mod n: 2^bits - n is below n, as n has its top bit; what is left are doublings. */
IFMA static void
make_one(struct prime_ifma *x, unsigned bits, int limbs)
{
	v8 *t = x->t + LIMBS_MAX;

	for (int i = 0; i < limbs; i++)
		x->z[i] = _mm512_setzero_si512();
	x->z[bits / LIMB_BITS] = _mm512_set1_epi64(1LL << bits % LIMB_BITS);
	(void)subtract(x->one, x->z, x->n, limbs);
	for (unsigned i = bits; i < LIMB_BITS * (unsigned)limbs; i++) {
		settle(t, x->one, _mm512_set1_epi64(1), limbs);
		below(x, x->one, t, limbs);
	}
}

/* 1 and -1 in all ways in which a number below 3n can stand for them. */
IFMA static void
make_ends(struct prime_ifma *x, int limbs)
{
	for (int i = 0; i < limbs; i++)
		x->ends[0][i] = x->one[i];
	(void)subtract(x->ends[1], x->n, x->one, limbs);
	for (int k = 2; k < 6; k++) {
		for (int i = 0; i < limbs; i++)
			x->t[i] = add(x->ends[k - 2][i], x->n[i]);
		settle(x->ends[k], x->t, _mm512_setzero_si512(), limbs);
	}
}

/* The lanes in which z is ends[which] mod n. */
IFMA static __mmask8
is_end(const struct prime_ifma *x, int which, int limbs)
{
	__mmask8 found = 0;

	for (int k = which; k < 6; k += 2) {
		v8 differ = _mm512_setzero_si512();

		for (int i = 0; i < limbs; i++)
			differ = _mm512_or_si512(differ, _mm512_xor_si512(x->z[i], x->ends[k][i]));
		found |= _mm512_testn_epi64_mask(differ, differ);
	}
	return found;
}

/* `width` bits of n - 1, the lowest being bit i; they do not cross a limb unless width is above 1. */
IFMA static v8
exponent_bits(const struct prime_ifma *x, int i, int width)
{
	const v8 one = _mm512_set1_epi64(1);
	v8 got = _mm512_setzero_si512();

	for (int k = width - 1; k >= 0; k--) {
		v8 limb = x->n[(i + k) / LIMB_BITS];
		v8 bit = _mm512_and_si512(
		    _mm512_srl_epi64(limb, _mm_cvtsi32_si128((i + k) % LIMB_BITS)), one);

		/* n is odd: n - 1 differs in bit 0 only */
		got = add(add(got, got), i + k == 0 ? _mm512_setzero_si512() : bit);
	}
	return got;
}

/*
 * FIPS 186-5 B.3.1, steps 4.3 to 4.6, after the bits of n - 1 from i upwards: with a zeros at its end, what stands at
 * bit a is b^m, and what stands below are its squares. Passed: 1 or -1 at a, -1 at 1 to a - 1.
 */
IFMA static __mmask8
look(const struct prime_ifma *x, int i, int limbs)
{
	v8 at = _mm512_set1_epi64(i);
	__mmask8 first = _mm512_cmpeq_epi64_mask(at, x->zeros);
	__mmask8 later = i > 0 ? _mm512_cmplt_epu64_mask(at, x->zeros) : 0;

	return (first & is_end(x, 0, limbs)) | ((first | later) & is_end(x, 1, limbs));
}

IFMA static unsigned
exponentiate_2(struct prime_ifma *x, const struct size *s, int bits, int tail)
{
	__mmask8 passed = 0;

	for (int i = bits - 1; i >= 0; i--) {
		s->square(x, x->z, x->z, exponent_bits(x, i, 1));
		if (i <= tail)
			passed |= look(x, i, s->limbs);
	}
	return passed;
}

IFMA static void
make_table(struct prime_ifma *x, const struct size *s)
{
	for (int i = 0; i < s->limbs; i++) {
		x->table[0][i] = x->one[i];
		x->table[1][i] = x->base[i];
	}
	for (int k = 2; k < 1 << WINDOW; k++)
		s->multiply(x, x->table[k], x->table[k - 1], x->base);
}

/* base = table[which]: every entry is read. */
IFMA static void
pick(struct prime_ifma *x, v8 which, int entries, int limbs)
{
	for (int i = 0; i < limbs; i++)
		x->base[i] = x->table[0][i];
	for (int k = 1; k < entries; k++) {
		__mmask8 here = _mm512_cmpeq_epi64_mask(which, _mm512_set1_epi64(k));

		for (int i = 0; i < limbs; i++)
			x->base[i] = _mm512_mask_mov_epi64(x->base[i], here, x->table[k][i]);
	}
}

IFMA static unsigned
exponentiate(struct prime_ifma *x, const struct size *s, int bits, int tail)
{
	const v8 once = _mm512_setzero_si512();
	__mmask8 passed = 0;
	int i = bits;

	make_table(x, s);
	while (i - WINDOW > tail) {
		i -= WINDOW;
		for (int k = 0; k < WINDOW; k++)
			s->square(x, x->z, x->z, once);
		pick(x, exponent_bits(x, i, WINDOW), 1 << WINDOW, s->limbs);
		s->multiply(x, x->z, x->z, x->base);
	}
	while (--i >= 0) {
		s->square(x, x->z, x->z, once);
		pick(x, exponent_bits(x, i, 1), 2, s->limbs);
		s->multiply(x, x->z, x->z, x->base);
		if (i <= tail)
			passed |= look(x, i, s->limbs);
	}
	return passed;
}

/* base in Montgomery form: its product with R^2. That is 2^(52 L) in that form, made as a power of 2. */
IFMA static void
base_in(struct prime_ifma *x, const struct size *s)
{
	for (int i = 0; i < s->limbs; i++)
		x->z[i] = x->one[i];
	for (int i = 11; i >= 0; i--)
		s->square(x, x->z, x->z, _mm512_set1_epi64(LIMB_BITS * s->limbs >> i & 1));
	s->multiply(x, x->base, x->base, x->z);
}

IFMA static unsigned
round_of(struct prime_ifma *x, const struct size *s, unsigned bits, bool two)
{
	const v8 most = _mm512_set1_epi64(TAIL);
	bool far = _mm512_cmpgt_epu64_mask(x->zeros, most) != 0;
	int tail = far ? (int)bits : TAIL;

	make_one(x, bits, s->limbs);
	make_ends(x, s->limbs);
	if (!two)
		base_in(x, s);
	for (int i = 0; i < s->limbs; i++)
		x->z[i] = x->one[i];
	return two ? exponentiate_2(x, s, (int)bits, tail) : exponentiate(x, s, (int)bits, tail);
}

static void
spread(v8 *to, const uint64_t *const from[PRIME_LANES], unsigned bits)
{
	unsigned words = bits / 64;
	int limbs = (int)bits / 512 * 2 * BLOCK;

	for (int lane = 0; lane < PRIME_LANES; lane++)
		for (int i = 0; i < limbs; i++) {
			unsigned at = LIMB_BITS * (unsigned)i, w = at / 64, s = at % 64;
			uint64_t limb = w < words ? from[lane][w] >> s : 0;

			if (s > 64 - LIMB_BITS && w + 1 < words)
				limb |= from[lane][w + 1] << (64 - s);
			((uint64_t *)&to[i])[lane] = limb & ((1ULL << LIMB_BITS) - 1);
		}
}

/* Newton: each step doubles the bits that are right; an odd number is its own inverse mod 8. */
static uint64_t
negative_inverse(uint64_t n)
{
	uint64_t inv = n;

	for (int i = 0; i < 5; i++)
		inv *= 2 - n * inv;
	return -inv & ((1ULL << LIMB_BITS) - 1);
}

static uint64_t
zeros_of(const uint64_t *n, unsigned words)
{
	uint64_t zeros = (uint64_t)__builtin_ctzll((n[0] - 1) | 1ULL << 63);

	if (n[0] != 1)
		return zeros;
	/* 2^-63: see the header */
	for (unsigned w = 1; w < words; w++)
		if (n[w] != 0)
			return 64 * w + (unsigned)__builtin_ctzll(n[w]);
	return 0;
}

static void
load(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES])
{
	spread(x->n, n, bits);
	for (int lane = 0; lane < PRIME_LANES; lane++) {
		((uint64_t *)&x->neg_inv)[lane] = negative_inverse(n[lane][0]);
		((uint64_t *)&x->zeros)[lane] = zeros_of(n[lane], bits / 64);
	}
}

static const struct size *
size_of(unsigned bits)
{
	return prime_ifma_sizes[bits / 512 - 1];
}

unsigned
prime_ifma_round(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES],
    const uint64_t *const base[PRIME_LANES])
{
	load(x, bits, n);
	if (base != NULL)
		spread(x->base, base, bits);
	return round_of(x, size_of(bits), bits, base == NULL);
}

unsigned
prime_ifma_divides(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES])
{
	spread(x->n, n, bits);
	return size_of(bits)->divides(x->n, prime_groups_of(bits));
}

static void
gather(uint64_t *const to[PRIME_LANES], const v8 *from, unsigned words)
{
	for (int lane = 0; lane < PRIME_LANES; lane++)
		for (unsigned w = 0; w < words; w++) {
			unsigned i = w * 64 / LIMB_BITS, s = w * 64 % LIMB_BITS;
			uint64_t a = ((const uint64_t *)&from[i])[lane];
			uint64_t b = ((const uint64_t *)&from[i + 1])[lane];
			uint64_t c = s + 64 > 2 * LIMB_BITS ?
			    ((const uint64_t *)&from[i + 2])[lane] << (2 * LIMB_BITS - s) :
			    0;

			to[lane][w] = a >> s | b << (LIMB_BITS - s) | c;
		}
}

IFMA static void
multiply_below(struct prime_ifma *x, const struct size *s)
{
	s->multiply(x, x->z, x->z, x->base);
	below(x, x->z, x->z, s->limbs);
}

void
prime_ifma_product(struct prime_ifma *x, unsigned bits, const uint64_t *const n[PRIME_LANES],
    const uint64_t *const a[PRIME_LANES], const uint64_t *const b[PRIME_LANES],
    uint64_t *const ret[PRIME_LANES])
{
	load(x, bits, n);
	spread(x->z, a, bits);
	spread(x->base, b, bits);
	multiply_below(x, size_of(bits));
	gather(ret, x->z, bits / 64);
}

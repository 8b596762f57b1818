/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/prime_draw.h"

#include <openssl/rand.h>

#include "base/secret.h"
#include "base/str.h"
#include "pki/ssl_err.h"

#define SUM_WORDS (PRIME_UNIT_WORDS + 1)
#define SUM_SHIFT 6 /* the sum of the units' parts is below 2^7 products */
#define UNIT_BITS 32

_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are handed on as bytes, lowest first");

typedef unsigned __int128 u128;

/* count = 1 + (2^bits - 1) / M - from */
static err_t
k_range(struct prime_draw *d, BN_CTX *c)
{
	auto_bn BIGNUM *least = BN_lebin2bn((const uint8_t *)d->least, 8 * (int)d->words, NULL);
	auto_bn BIGNUM *m =
	    BN_lebin2bn((const uint8_t *)prime_units_product, sizeof prime_units_product, NULL);
	auto_bn BIGNUM *from = BN_new(), *count = BN_new(), *top = BN_new();

	if (least == NULL || m == NULL || from == NULL || count == NULL || top == NULL ||
	    BN_set_bit(top, (int)d->bits) != 1 || BN_sub_word(top, 1) != 1 ||
	    BN_div(from, NULL, least, m, c) != 1 || BN_div(count, NULL, top, m, c) != 1 ||
	    BN_sub(count, count, from) != 1 || BN_add_word(count, 1) != 1 ||
	    BN_bn2lebinpad(from, (uint8_t *)d->from, sizeof d->from) < 0 ||
	    BN_bn2lebinpad(count, (uint8_t *)d->count, sizeof d->count) < 0)
		FAIL_SSL(ERR_CRYPTO, "range of primes");
	d->count_bits = (unsigned)BN_num_bits(count);
	return OK;
}

err_t
prime_draw_init(struct prime_draw *d, unsigned bits)
{
	auto_bn_ctx BN_CTX *c = BN_CTX_new();

	d->bits = bits;
	d->words = bits / 64;
	d->used = PRIME_DRAW_WORDS;
	memcpy(d->least, prime_root + PRIME_WORDS_MAX - d->words, 8 * d->words);
	if (c == NULL)
		FAIL_SSL(ERR_CRYPTO, "range of primes");
	return k_range(d, c);
}

/* n words that were never given out. */
static err_t
fresh(struct prime_draw *d, uint64_t *ret, size_t n)
{
	if (n > PRIME_DRAW_WORDS - d->used) {
		if (RAND_priv_bytes_ex(NULL, (uint8_t *)d->random, sizeof d->random, 0) != 1)
			FAIL_SSL(ERR_CRYPTO, "random numbers");
		d->used = 0;
	}
	memcpy(ret, d->random + d->used, 8 * n);
	secret_wipe(d->random + d->used, 8 * n);
	d->used += n;
	return OK;
}

/* ret = a - b; 1 when that is negative. */
static uint64_t
subtract(uint64_t *ret, const uint64_t *a, const uint64_t *b, size_t n)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < n; i++) {
		u128 x = (u128)a[i] - b[i] - borrow;

		ret[i] = (uint64_t)x;
		borrow = (uint64_t)(x >> 64) & 1;
	}
	return borrow;
}

/* a += b * f; what goes over. */
static uint64_t
add_times(uint64_t *a, const uint64_t *b, uint64_t f, size_t n)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < n; i++) {
		u128 x = (u128)b[i] * f + a[i] + carry;

		a[i] = (uint64_t)x;
		carry = (uint64_t)(x >> 64);
	}
	return carry;
}

/* Uniform from 1 to prime - 1: of the 2^32 products with prime - 1, those that make some results likelier are drawn
 * anew. */
static err_t
draw_unit(struct prime_draw *d, const struct prime_unit *u, uint64_t *ret)
{
	uint64_t word = 0, x;

	do {
		TRY(fresh(d, &word, 1));
		x = (word & 0xffffffff) * (u->prime - 1);
	} while ((x & 0xffffffff) < u->skip);
	*ret = 1 + (x >> UNIT_BITS);
	return OK;
}

/* sum mod M, by subtracting 2^6 M, 2^5 M, ... M where they are not larger. */
static void
reduce(uint64_t *sum)
{
	uint64_t m[SUM_WORDS], less[SUM_WORDS];

	for (int s = SUM_SHIFT; s >= 0; s--) {
		uint64_t keep;

		memset(m, 0, sizeof m);
		m[PRIME_UNIT_WORDS] =
		    add_times(m, prime_units_product, 1ULL << s, PRIME_UNIT_WORDS);
		keep = -subtract(less, sum, m, SUM_WORDS);
		for (size_t i = 0; i < SUM_WORDS; i++)
			sum[i] = (sum[i] & keep) | (less[i] & ~keep);
	}
	secret_wipe(less, sizeof less);
}

/* Uniform from the numbers below M that are prime to it. With a different from zero modulo each unit, and each drawn
 * for itself, so is the sum of all a * M / unit. */
static err_t
draw_remainder(struct prime_draw *d, uint64_t sum[SUM_WORDS])
{
	memset(sum, 0, SUM_WORDS * 8);
	for (size_t i = 0; i < prime_units_count; i++) {
		uint64_t unit;

		TRY(draw_unit(d, &prime_units[i], &unit));
		sum[PRIME_UNIT_WORDS] +=
		    add_times(sum, prime_units[i].others, unit, PRIME_UNIT_WORDS);
	}
	reduce(sum);
	return OK;
}

/* Uniform below `count`, which has `bits` bits. */
static err_t
draw_below(struct prime_draw *d, const uint64_t *count, unsigned bits, uint64_t *ret)
{
	uint64_t less[PRIME_WORDS_MAX];
	size_t words = (bits + 63) / 64;

	do {
		TRY(fresh(d, ret, words));
		if (bits % 64 != 0)
			ret[words - 1] &= (1ULL << bits % 64) - 1;
	} while (subtract(less, ret, count, words) == 0);
	secret_wipe(less, sizeof less);
	return OK;
}

/* ret = (from + k) M + remainder; false when that has more than `bits` bits. */
static bool
compose(const struct prime_draw *d, const uint64_t *k, const uint64_t *remainder, uint64_t *ret)
{
	uint64_t wide[PRIME_WORDS_MAX + SUM_WORDS] = { 0 }, sum[PRIME_WORDS_MAX] = { 0 };
	size_t kwords = (d->count_bits + 63) / 64 + 1;
	bool fits = true;

	memcpy(sum, k, 8 * (kwords - 1));
	(void)add_times(sum, d->from, 1, kwords);
	memcpy(wide, remainder, PRIME_UNIT_WORDS * 8);
	for (size_t i = 0; i < kwords; i++)
		wide[i + PRIME_UNIT_WORDS] +=
		    add_times(wide + i, prime_units_product, sum[i], PRIME_UNIT_WORDS);
	for (size_t i = d->words; i < COUNT(wide); i++)
		fits = fits && wide[i] == 0;
	memcpy(ret, wide, 8 * d->words);
	secret_wipe(wide, sizeof wide);
	secret_wipe(sum, sizeof sum);
	return fits;
}

/* Odd, above the root, inside of bits. */
static bool
is_inside(const struct prime_draw *d, const uint64_t *x)
{
	uint64_t less[PRIME_WORDS_MAX];
	bool above = subtract(less, d->least, x, d->words) == 1;

	secret_wipe(less, sizeof less);
	return above && (x[0] & 1) == 1;
}

static err_t
draw_once(struct prime_draw *d, uint64_t *ret, bool *ret_good)
{
	uint64_t k[PRIME_WORDS_MAX], remainder[SUM_WORDS];
	err_t e = draw_below(d, d->count, d->count_bits, k);

	if (err_ok(e))
		e = draw_remainder(d, remainder);
	if (err_ok(e))
		*ret_good = compose(d, k, remainder, ret) && is_inside(d, ret);
	secret_wipe(k, sizeof k);
	secret_wipe(remainder, sizeof remainder);
	return e;
}

err_t
prime_draw(struct prime_draw *d, uint64_t *ret)
{
	bool good;

	do {
		TRY(draw_once(d, ret, &good));
	} while (!good);
	return OK;
}

err_t
prime_draw_base(struct prime_draw *d, const uint64_t *n, uint64_t *ret)
{
	uint64_t last[PRIME_WORDS_MAX], rest;

	/* n is odd: n - 1 */
	memcpy(last, n, 8 * d->words);
	last[0] &= ~1ULL;
	do {
		TRY(draw_below(d, last, d->bits, ret));
		rest = 0;
		for (size_t i = 1; i < d->words; i++)
			rest |= ret[i];
	} while (rest == 0 && ret[0] < 2);
	secret_wipe(last, sizeof last);
	return OK;
}

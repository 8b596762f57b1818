/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <openssl/bn.h>
#include <openssl/rand.h>

#include "base/locked.h"
#include "base/str.h"
#include "pki/prime.h"
#include "pki/prime_divide.h"
#include "pki/prime_draw.h"
#include "pki/prime_ifma.h"
#include "pki/prime_round.h"
#include "pki/ssl_err.h"

static const unsigned sizes[] = { 512, 1024, 1536, 2048 };

/* What a test works on: eight numbers and bases in words, and a place for IFMA, NULL where the processor has none. */
struct bench {
	uint64_t n[PRIME_LANES][PRIME_WORDS_MAX], base[PRIME_LANES][PRIME_WORDS_MAX];
	const uint64_t *np[PRIME_LANES], *basep[PRIME_LANES];
	BN_CTX *c;
	struct locked memory;
	struct prime_ifma *ifma;
};

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	b->c = BN_CTX_new();
	for (size_t i = 0; i < PRIME_LANES; i++) {
		b->np[i] = b->n[i];
		b->basep[i] = b->base[i];
	}
	if (prime_ifma_here()) {
		locked_new(prime_ifma_size(), &b->memory);
		b->ifma = b->memory.p;
	}
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	BN_CTX_free(b->c);
	locked_free(&b->memory);
	free(b);
	return 0;
}

static void
put(uint64_t *to, const BIGNUM *x)
{
	assert_true(BN_bn2lebinpad(x, (uint8_t *)to, PRIME_WORDS_MAX * 8) >= 0);
}

static BIGNUM *
get(const uint64_t *from, unsigned bits)
{
	return BN_lebin2bn((const uint8_t *)from, (int)bits / 8, NULL);
}

/* The portable verdict of each lane, and that IFMA has the same. */
static unsigned
verdicts(struct bench *b, unsigned bits, bool two)
{
	unsigned passed = 0;

	for (size_t i = 0; i < PRIME_LANES; i++) {
		bool ok = false;

		expect_ok(prime_round(b->c, b->n[i], bits / 64, two ? NULL : b->base[i], &ok));
		passed |= (unsigned)ok << i;
	}
	if (b->ifma != NULL)
		assert_int_equal(
		    prime_ifma_round(b->ifma, bits, b->np, two ? NULL : b->basep), passed);
	return passed;
}

static void
random_base(struct bench *b, size_t lane, unsigned bits)
{
	auto_bn BIGNUM *n = get(b->n[lane], bits), *x = BN_new();

	assert_int_equal(BN_sub_word(n, 3), 1);
	assert_int_equal(BN_rand_range(x, n), 1);
	assert_int_equal(BN_add_word(x, 2), 1);
	put(b->base[lane], x);
}

static void
primes_pass_with_every_base(void **state)
{
	struct bench *b = *state;

	for (size_t s = 0; s < COUNT(sizes); s++) {
		for (size_t i = 0; i < PRIME_LANES; i++) {
			auto_bn BIGNUM *p = BN_new();

			if (i == 0 || sizes[s] < 2048)
				assert_int_equal(BN_generate_prime_ex2(
						     p, (int)sizes[s], 0, NULL, NULL, NULL, b->c),
				    1);
			else
				assert_non_null(BN_lebin2bn((uint8_t *)b->n[0], 256, p));
			put(b->n[i], p);
		}
		assert_int_equal(verdicts(b, sizes[s], true), 0xff);
		for (int k = 0; k < 3; k++) {
			for (size_t i = 0; i < PRIME_LANES; i++)
				random_base(b, i, sizes[s]);
			assert_int_equal(verdicts(b, sizes[s], false), 0xff);
		}
		/* n - 2 and the like: the bounds of a base */
		for (size_t i = 0; i < PRIME_LANES; i++) {
			memcpy(b->base[i], b->n[i], sizeof b->n[i]);
			b->base[i][0] -= 2 + i;
		}
		assert_int_equal(verdicts(b, sizes[s], false), 0xff);
	}
}

static void
random_odd_numbers_fail(void **state)
{
	struct bench *b = *state;
	unsigned passed = 0;

	for (size_t s = 0; s < COUNT(sizes); s++)
		for (int k = 0; k < 8; k++) {
			for (size_t i = 0; i < PRIME_LANES; i++) {
				auto_bn BIGNUM *p = BN_new();

				assert_int_equal(
				    BN_rand(p, (int)sizes[s], BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD),
				    1);
				put(b->n[i], p);
				random_base(b, i, sizes[s]);
			}
			passed += (unsigned)__builtin_popcount(verdicts(b, sizes[s], k % 2 == 0));
		}
	assert_true(passed < 16); /* a prime now and then */
}

/* (6k + 1)(12k + 1)(18k + 1) with three primes is a Carmichael number (Chernick): Fermat's test holds for every base
 * that is prime to it. At most a quarter of them pass ours. */
static void
carmichael_numbers_fail(void **state)
{
	static const char *const ks[PRIME_LANES] = {
		"8a23f16f344b235a473ebe2f27f99ec1d49455e82a",
		"907c48319ea1c332696d40efedc454ce65f0d444a6",
		"78d088e672068ceea9c427c72a87ae5a8b3d9019b5",
		"82931017f2e75a86fb67e22d89e35edfcfed4a031f",
		"92962ed081effb00cd37cfa8bae3be489f7a20e2ac",
		"9470d447c6ca48228a88895b319ee98ff8a915de65",
		"82ca1843ec0db1da18d140ebbc97462bb7a3c21ecd",
		"89fa1d3013783736050cdecf35eafaa7b96d00252b",
	};
	struct bench *b = *state;
	unsigned passed = 0;

	for (size_t i = 0; i < PRIME_LANES; i++) {
		auto_bn BIGNUM *k = NULL, *n = BN_new(), *z = BN_new(), *e = NULL, *two = BN_new();

		assert_true(BN_hex2bn(&k, ks[i]) > 0);
		assert_int_equal(BN_one(n), 1);
		for (BN_ULONG a = 6; a <= 18; a += 6) {
			auto_bn BIGNUM *f = BN_dup(k);

			assert_true(BN_mul_word(f, a) == 1 && BN_add_word(f, 1) == 1);
			assert_int_equal(BN_mul(n, n, f, b->c), 1);
		}
		put(b->n[i], n);
		e = BN_dup(n);
		assert_true(BN_sub_word(e, 1) == 1 && BN_set_word(two, 2) == 1);
		assert_int_equal(BN_mod_exp(z, two, e, n, b->c), 1);
		assert_true(BN_is_one(z));
	}
	(void)verdicts(b, 512, true);
	for (int round = 0; round < 32; round++) {
		for (size_t i = 0; i < PRIME_LANES; i++)
			random_base(b, i, 512);
		passed += (unsigned)__builtin_popcount(verdicts(b, 512, false));
	}
	assert_true(passed < 32 * PRIME_LANES / 3);
}

/* n = p (2p - 1) with both prime and p 3 mod 4: a quarter of all bases are strong liars. */
static void
a_strong_pseudoprime_passes_with_its_liars_alone(void **state)
{
	struct bench *b = *state;
	auto_bn BIGNUM *p = NULL, *q = BN_new(), *n = BN_new();
	unsigned passed = 0, tried = 0;

	assert_true(BN_hex2bn(&p,
			"9d3d05ced4f62f4eec88eca5275679d9"
			"a6c4e5bc57e2ccd558f137c85f1e8057") > 0);
	assert_true(BN_lshift1(q, p) == 1 && BN_sub_word(q, 1) == 1 && BN_mul(n, p, q, b->c) == 1);
	for (int k = 0; k < 32; k++) {
		for (size_t i = 0; i < PRIME_LANES; i++) {
			put(b->n[i], n);
			random_base(b, i, 512);
		}
		passed += (unsigned)__builtin_popcount(verdicts(b, 512, false));
		tried += PRIME_LANES;
	}
	assert_true(passed > tried / 16 && passed < tried / 2);
}

/* k 2^a + 1 with a above 64, where the zeros at the end of n - 1 fill a word. */
static void
numbers_with_many_zeros_before_the_last_one_are_judged(void **state)
{
	struct bench *b = *state;
	auto_bn BIGNUM *n = BN_new();
	size_t primes = 0;

	for (int a = 60; a < 76; a += 2) {
		size_t lane = (size_t)(a - 60) / 2;

		do {
			assert_int_equal(
			    BN_rand(n, 512 - a, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
			assert_int_equal(BN_lshift(n, n, a), 1);
			assert_int_equal(BN_add_word(n, 1), 1);
		} while (lane % 2 == 0 && BN_check_prime(n, b->c, NULL) != 1);
		primes += BN_check_prime(n, b->c, NULL) == 1;
		put(b->n[lane], n);
		random_base(b, lane, 512);
	}
	assert_int_equal(__builtin_popcount(verdicts(b, 512, true)), primes);
	assert_int_equal(__builtin_popcount(verdicts(b, 512, false)), primes);
}

static void
edge(BIGNUM *ret, const BIGNUM *n, unsigned kind)
{
	switch (kind % 5) {
	case 0:
		BN_zero(ret);
		break;
	case 1:
		assert_int_equal(BN_one(ret), 1);
		break;
	case 2:
		assert_true(BN_copy(ret, n) != NULL && BN_sub_word(ret, 1) == 1);
		break;
	case 3:
		assert_int_equal(BN_rshift1(ret, n), 1);
		break;
	default:
		assert_int_equal(BN_rand_range(ret, n), 1);
		break;
	}
}

/* 2^bits - 1 and - 1/n mod 2^52 of all ones; all limbs full; the least and random ones. */
static void
modulus(BIGNUM *ret, unsigned bits, unsigned kind)
{
	switch (kind % 4) {
	case 0: /* all ones */
		BN_zero(ret);
		assert_true(BN_set_bit(ret, (int)bits) == 1 && BN_sub_word(ret, 1) == 1);
		break;
	case 1: /* ...0001, the top bit alone */
		BN_zero(ret);
		assert_true(BN_set_bit(ret, (int)bits - 1) == 1 && BN_set_bit(ret, 0) == 1);
		break;
	default:
		assert_int_equal(BN_rand(ret, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
		break;
	}
}

static void
products_are_those_of_big_numbers(void **state)
{
	struct bench *b = *state;
	static uint64_t x[PRIME_LANES][PRIME_WORDS_MAX], out[PRIME_LANES][PRIME_WORDS_MAX];
	const uint64_t *xp[PRIME_LANES];
	uint64_t *outp[PRIME_LANES];

	if (b->ifma == NULL)
		skip();
	for (size_t s = 0; s < COUNT(sizes); s++)
		for (unsigned round = 0; round < 100; round += PRIME_LANES) {
			for (unsigned i = 0; i < PRIME_LANES; i++) {
				unsigned k = round + i;
				auto_bn BIGNUM *n = BN_new(), *y = BN_new(), *z = BN_new();

				xp[i] = x[i];
				outp[i] = out[i];
				modulus(n, sizes[s], k / 25);
				edge(y, n, k);
				edge(z, n, k / 5);
				put(b->n[i], n);
				put(x[i], y);
				put(b->base[i], z);
			}
			prime_ifma_product(b->ifma, sizes[s], b->np, xp, b->basep, outp);
			for (unsigned i = 0; i < PRIME_LANES; i++) {
				auto_bn BIGNUM *n = get(b->n[i], sizes[s]), *r = BN_new();
				auto_bn BIGNUM *got = get(out[i], sizes[s]), *want = BN_new();
				auto_bn BIGNUM *y = get(x[i], sizes[s]),
					       *z = get(b->base[i], sizes[s]);

				/* got R = y z mod n, and got below n */
				assert_int_equal(BN_cmp(got, n), -1);
				BN_zero(r);
				assert_int_equal(BN_set_bit(r, (int)(sizes[s] / 512 * 520)), 1);
				assert_int_equal(BN_mod_mul(want, y, z, n, b->c), 1);
				assert_int_equal(BN_mod_mul(r, got, r, n, b->c), 1);
				assert_int_equal(BN_cmp(r, want), 0);
			}
		}
}

/* Of random odd numbers; and of products with each of the smallest, some of the middle, and the largest prime. */
static void
division_finds_small_primes_and_nothing_else(void **state)
{
	struct bench *b = *state;

	for (size_t s = 0; s < COUNT(sizes); s++) {
		struct locked m;
		struct prime_draw *d;

		locked_new(sizeof *d, &m);
		d = m.p;
		expect_ok(prime_draw_init(d, sizes[s]));
		for (int round = 0; round < 4; round++) {
			unsigned want = 0;

			for (size_t i = 0; i < PRIME_LANES; i++) {
				auto_bn BIGNUM *n = NULL;
				BN_ULONG most = sizes[s] < 1536 ? 32000 : 65000;

				expect_ok(prime_draw(d, b->n[i]));
				n = get(b->n[i], sizes[s]);
				for (BN_ULONG p = 3; p < most; p += 2)
					if (BN_mod_word(n, p) == 0) {
						assert_true(p > 300);
						want |= 1u << i;
						break;
					}
				if ((want >> i & 1) != 0)
					assert_true(prime_divides(b->n[i], sizes[s] / 64));
			}
			if (b->ifma != NULL) {
				unsigned got = prime_ifma_divides(b->ifma, sizes[s], b->np),
					 same = 0;

				for (size_t i = 0; i < PRIME_LANES; i++)
					same |= (unsigned)prime_divides(b->n[i], sizes[s] / 64)
					    << i;
				assert_int_equal(got, same);
				assert_int_equal(got & want, want);
			}
		}
		locked_free(&m);
	}
}

static void
a_prime_is_divided_by_nothing(void **state)
{
	struct bench *b = *state;

	for (size_t s = 0; s < 3; s++) {
		auto_bn BIGNUM *p = BN_new();

		assert_int_equal(
		    BN_generate_prime_ex2(p, (int)sizes[s], 0, NULL, NULL, NULL, b->c), 1);
		put(b->n[0], p);
		assert_false(prime_divides(b->n[0], sizes[s] / 64));
	}
}

static void
a_number_one_above_a_multiple_of_e_is_refused(void **state)
{
	struct bench *b = *state;

	for (size_t s = 0; s < COUNT(sizes); s++)
		for (int i = 0; i < 50; i++) {
			auto_bn BIGNUM *x = BN_new();

			assert_int_equal(
			    BN_rand(x, (int)sizes[s] - 18, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), 1);
			assert_int_equal(BN_mul_word(x, 65537), 1);
			assert_int_equal(BN_add_word(x, 1), 1);
			put(b->n[0], x);
			assert_false(prime_fits_f4(b->n[0], sizes[s] / 64));
			assert_int_equal(BN_add_word(x, 2), 1);
			put(b->n[0], x);
			assert_true(prime_fits_f4(b->n[0], sizes[s] / 64));
		}
}

/* Chi-squared of counts that should be equal: at most five deviations, each sqrt(2 k), above its mean k. */
static void
expect_even(const unsigned *count, size_t k, unsigned total)
{
	double mean = (double)total / (double)k, sum = 0;

	for (size_t i = 0; i < k; i++)
		sum += ((double)count[i] - mean) * ((double)count[i] - mean) / mean;
	assert_true(
	    sum < (double)k || (sum - (double)k) * (sum - (double)k) < 25.0 * 2 * (double)k);
}

static void
candidates_are_spread_evenly_over_the_units_of_small_primes(void **state)
{
	static const unsigned primes[] = { 3, 5, 7, 11, 13, 17, 31, 101, 293 };
	static unsigned count[COUNT(primes)][293];
	const unsigned total = 20000;
	struct locked m;
	struct prime_draw *d;
	uint64_t x[PRIME_WORDS_MAX];

	(void)state;
	locked_new(sizeof *d, &m);
	d = m.p;
	expect_ok(prime_draw_init(d, 1024));
	for (unsigned i = 0; i < total; i++) {
		auto_bn BIGNUM *n = NULL;

		expect_ok(prime_draw(d, x));
		n = get(x, 1024);
		for (size_t k = 0; k < COUNT(primes); k++)
			count[k][BN_mod_word(n, primes[k])]++;
	}
	for (size_t k = 0; k < COUNT(primes); k++) {
		assert_int_equal(count[k][0], 0);
		expect_even(count[k] + 1, primes[k] - 1, total);
	}
	locked_free(&m);
}

/* Uniform between sqrt(2) 2^(n-1) and 2^n: 32 slices of the range; and the bits at the low end, but for the last. */
static void
candidates_are_spread_evenly_over_their_range(void **state)
{
	static unsigned slice[32], low[256];
	const unsigned total = 20000;
	const double root = 1.4142135623730951;
	struct locked m;
	struct prime_draw *d;
	uint64_t x[PRIME_WORDS_MAX];

	(void)state;
	for (size_t s = 0; s < COUNT(sizes); s++) {
		memset(slice, 0, sizeof slice);
		memset(low, 0, sizeof low);
		locked_new(sizeof *d, &m);
		d = m.p;
		expect_ok(prime_draw_init(d, sizes[s]));
		for (unsigned i = 0; i < total; i++) {
			double at;

			expect_ok(prime_draw(d, x));
			at = (double)x[sizes[s] / 64 - 1] / 9223372036854775808.0; /* 2^63 */
			assert_true(at >= root && at <= 2);
			slice[(unsigned)((at - root) / (2 - root) * 32) & 31]++;
			assert_int_equal(x[0] & 1, 1);
			low[x[0] >> 1 & 0xff]++;
		}
		expect_even(slice, COUNT(slice), total);
		expect_even(low, COUNT(low), total);
		locked_free(&m);
	}
}

static void
bases_reach_from_2_to_n_minus_2(void **state)
{
	struct bench *b = *state;
	struct locked m;
	struct prime_draw *d;

	locked_new(sizeof *d, &m);
	d = m.p;
	expect_ok(prime_draw_init(d, 512));
	for (int i = 0; i < 2000; i++) {
		auto_bn BIGNUM *n = NULL, *x = NULL;

		expect_ok(prime_draw(d, b->n[0]));
		expect_ok(prime_draw_base(d, b->n[0], b->base[0]));
		n = get(b->n[0], 512);
		x = get(b->base[0], 512);
		assert_true(BN_num_bits(x) > 1);
		assert_int_equal(BN_sub_word(n, 1), 1);
		assert_int_equal(BN_cmp(x, n), -1);
	}
	locked_free(&m);
}

/* FIPS 186-5 Table B.1, by the length of p */
static void
rounds_are_those_of_the_standard(void **state)
{
	(void)state;
	assert_int_equal(prime_rounds(1024), 5);
	assert_int_equal(prime_rounds(1536), 4);
	assert_int_equal(prime_rounds(2048), 4);
}

static void
both_ways_give_primes(void **state)
{
	struct bench *b = *state;

	for (size_t s = 0; s < 3; s++)
		for (enum prime_way way = PRIME_PORTABLE; way <= PRIME_IFMA; way++) {
			struct prime_work *w = NULL;

			if (way == PRIME_IFMA && b->ifma == NULL)
				continue;
			expect_ok(prime_work_new(sizes[s], way, way == PRIME_IFMA ? 8 : 1, &w));
			for (int i = 0; i < 4; i++) {
				auto_bn BIGNUM *p = NULL;

				expect_ok(prime_take(w, b->n[0]));
				p = get(b->n[0], sizes[s]);
				assert_int_equal(BN_num_bits(p), sizes[s]);
				assert_int_equal(BN_check_prime(p, b->c, NULL), 1);
			}
			prime_work_free(w);
		}
}

static void
other_sizes_and_batches_are_refused(void **state)
{
	struct prime_work *w = NULL;

	(void)state;
	expect_err(ERR_RANGE, prime_work_new(1023, PRIME_BEST, 1, &w));
	expect_err(ERR_RANGE, prime_work_new(4096, PRIME_BEST, 1, &w));
	expect_err(ERR_RANGE, prime_work_new(1024, PRIME_BEST, 0, &w));
	expect_err(ERR_RANGE, prime_work_new(1024, PRIME_BEST, PRIME_BATCH_MAX + 1, &w));
	if (!prime_ifma_here())
		expect_err(ERR_RANGE, prime_work_new(1024, PRIME_IFMA, 1, &w));
	assert_null(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(primes_pass_with_every_base, setup, teardown),
		cmocka_unit_test_setup_teardown(random_odd_numbers_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(carmichael_numbers_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_strong_pseudoprime_passes_with_its_liars_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    numbers_with_many_zeros_before_the_last_one_are_judged, setup, teardown),
		cmocka_unit_test_setup_teardown(products_are_those_of_big_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    division_finds_small_primes_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(a_prime_is_divided_by_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_number_one_above_a_multiple_of_e_is_refused, setup, teardown),
		cmocka_unit_test(candidates_are_spread_evenly_over_the_units_of_small_primes),
		cmocka_unit_test(candidates_are_spread_evenly_over_their_range),
		cmocka_unit_test_setup_teardown(bases_reach_from_2_to_n_minus_2, setup, teardown),
		cmocka_unit_test(rounds_are_those_of_the_standard),
		cmocka_unit_test_setup_teardown(both_ways_give_primes, setup, teardown),
		cmocka_unit_test(other_sizes_and_batches_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

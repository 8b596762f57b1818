/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every condition of FIPS 186-5 A.1.1, A.1.3 and SP 800-56B 6.4.1, on keys of a size small enough for hundreds of
 * them, and on some of each size that is used; and their distribution beside that of libcrypto's keys.
 * CHANCERY_TEST_KEYS says how many small keys instead of 200: thousands for a long run.
 */
#include "expect.h"

#include <openssl/bn.h>
#include <openssl/rsa.h>

#include "base/text.h"
#include "pki/fips.h"
#include "pki/key_int.h"
#include "pki/prime_ifma.h"
#include "pki/rsa_gen.h"
#include "pki/ssl_err.h"

#define KEYS 200
#define PRIMES 6

struct numbers {
	BIGNUM *n, *d, *p, *q, *dp, *dq, *qinv;
};

static size_t
keys_wanted(void)
{
	const char *text = getenv("CHANCERY_TEST_KEYS");
	int64_t n = KEYS;

	if (text != NULL)
		expect_ok(text_i64(str_c(text), 1, 1000000, &n));
	return (size_t)n;
}

static void
read_numbers(const uint64_t *w, unsigned bits, struct numbers *x)
{
	BIGNUM **all[] = { &x->n, &x->d, &x->p, &x->q, &x->dp, &x->dq, &x->qinv };

	for (size_t i = 0; i < COUNT(all); i++) {
		size_t words = i < 2 ? bits / 64 : bits / 128;

		*all[i] = BN_lebin2bn((const uint8_t *)w, 8 * (int)words, NULL);
		assert_non_null(*all[i]);
		w += words;
	}
}

static void
numbers_free(struct numbers *x)
{
	BIGNUM *all[] = { x->n, x->d, x->p, x->q, x->dp, x->dq, x->qinv };

	for (size_t i = 0; i < COUNT(all); i++)
		BN_clear_free(all[i]);
}

static bool
is_one(const BIGNUM *a, const BIGNUM *b, const BIGNUM *mod, BN_CTX *c)
{
	auto_bn BIGNUM *x = BN_new();

	assert_int_equal(BN_mod_mul(x, a, b, mod, c), 1);
	return BN_is_one(x);
}

static BIGNUM *
less_one(const BIGNUM *x)
{
	BIGNUM *y = BN_dup(x);

	assert_int_equal(BN_sub_word(y, 1), 1);
	return y;
}

/* A.1.3: p in its range, p - 1 prime to e, p prime. */
static void
check_prime(const BIGNUM *p, const BIGNUM *e, unsigned bits, BN_CTX *c)
{
	auto_bn BIGNUM *square = BN_new(), *least = BN_new(), *before = less_one(p), *g = BN_new();

	assert_int_equal(BN_num_bits(p), bits / 2);
	/* p >= sqrt(2) 2^(bits/2 - 1): p^2 >= 2^(bits - 1) */
	BN_zero(least);
	assert_int_equal(BN_set_bit(least, (int)bits - 1), 1);
	assert_int_equal(BN_sqr(square, p, c), 1);
	assert_true(BN_cmp(square, least) >= 0);
	assert_int_equal(BN_gcd(g, before, e, c), 1);
	assert_true(BN_is_one(g));
	assert_int_equal(BN_check_prime(p, c, NULL), 1);
}

static void
check_conditions(const struct numbers *x, unsigned bits, BN_CTX *c)
{
	auto_bn BIGNUM *e = BN_new(), *p1 = less_one(x->p), *q1 = less_one(x->q), *far = BN_new();
	auto_bn BIGNUM *g = BN_new(), *lcm = BN_new(), *n = BN_new(), *apart = BN_new();

	assert_int_equal(BN_set_word(e, 65537), 1);
	check_prime(x->p, e, bits, c);
	check_prime(x->q, e, bits, c);
	/* A.1.3 5.5: |p - q| > 2^(bits/2 - 100) */
	BN_zero(far);
	assert_int_equal(BN_set_bit(far, (int)bits / 2 - 100), 1);
	assert_int_equal(BN_sub(apart, x->p, x->q), 1);
	assert_int_equal(BN_cmp(apart, far), 1); /* which says too that p > q */
	/* A.1.1: n of the full length; 2^(bits/2) < d < lcm(p - 1, q - 1), e d = 1 mod that */
	assert_int_equal(BN_mul(n, x->p, x->q, c), 1);
	assert_int_equal(BN_cmp(n, x->n), 0);
	assert_int_equal(BN_num_bits(x->n), bits);
	assert_true(BN_gcd(g, p1, q1, c) == 1 && BN_mul(lcm, p1, q1, c) == 1 &&
	    BN_div(lcm, NULL, lcm, g, c) == 1);
	assert_true(BN_num_bits(x->d) > (int)bits / 2);
	assert_int_equal(BN_cmp(x->d, lcm), -1);
	assert_true(is_one(e, x->d, lcm, c));
	/* SP 800-56B 6.4.1.3.3 */
	assert_true(is_one(e, x->dp, p1, c) && BN_cmp(x->dp, p1) < 0);
	assert_true(is_one(e, x->dq, q1, c) && BN_cmp(x->dq, q1) < 0);
	assert_true(is_one(x->q, x->qinv, x->p, c) && BN_cmp(x->qinv, x->p) < 0);
}

/* libcrypto's opinion. */
static void
check_with_libcrypto(const uint64_t *w, unsigned bits)
{
	auto_pkey EVP_PKEY *k = NULL;
	auto_pkey_ctx EVP_PKEY_CTX *c = NULL;
	uint64_t back[RSA_NUMBERS_MAX];

	expect_ok(rsa_numbers_pkey(bits, w, &k));
	c = EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL);
	assert_non_null(c);
	assert_int_equal(EVP_PKEY_check(c), 1);
	expect_ok(rsa_numbers_of(bits, k, back));
	assert_memory_equal(back, w, 8 * rsa_numbers_words(bits));
}

static void
check_keys(unsigned bits, enum prime_way way, unsigned batch, size_t count)
{
	static uint64_t last[RSA_NUMBERS_MAX];
	struct rsa_gen *g = NULL;
	uint64_t w[RSA_NUMBERS_MAX];
	BN_CTX *c = BN_CTX_new();

	expect_ok(rsa_gen_new(bits, way, batch, &g));
	for (size_t i = 0; i < count; i++) {
		struct numbers x;

		expect_ok(rsa_gen_next(g, w));
		assert_memory_not_equal(w, last, bits / 8);
		memcpy(last, w, sizeof last);
		read_numbers(w, bits, &x);
		check_conditions(&x, bits, c);
		numbers_free(&x);
		if (i % 50 == 0)
			check_with_libcrypto(w, bits);
	}
	rsa_gen_free(g);
	BN_CTX_free(c);
}

static void
keys_meet_the_standard_portable(void **state)
{
	(void)state;
	check_keys(1024, PRIME_PORTABLE, 1, keys_wanted() / 2);
	check_keys(1024, PRIME_PORTABLE, 8, keys_wanted() / 2);
	check_keys(2048, PRIME_PORTABLE, 2, 4);
}

static void
keys_meet_the_standard_ifma(void **state)
{
	(void)state;
	if (!prime_ifma_here())
		skip();
	check_keys(1024, PRIME_IFMA, 2, keys_wanted() / 2);
	check_keys(1024, PRIME_IFMA, 8, keys_wanted() / 2);
	check_keys(2048, PRIME_IFMA, 8, 12);
	check_keys(3072, PRIME_IFMA, 2, 4);
	check_keys(4096, PRIME_IFMA, 2, 2);
}

static void
primes_near_each_other_are_refused(void **state)
{
	uint64_t p[16] = { 0 }, q[16] = { 0 };

	(void)state;
	/* 2048 bits: the difference must be above 2^924, bit 28 of word 14 */
	p[15] = q[15] = 1ULL << 63;
	assert_false(rsa_far_apart(2048, p, q));
	p[14] = 1ULL << 28;
	assert_false(rsa_far_apart(2048, p, q)); /* equal to 2^924 */
	assert_false(rsa_far_apart(2048, q, p));
	p[0] = 1;
	assert_true(rsa_far_apart(2048, p, q));
	assert_true(rsa_far_apart(2048, q, p));
	p[0] = 0;
	q[0] = 1; /* 2^924 - 1 */
	assert_false(rsa_far_apart(2048, p, q));
	p[14] = 1ULL << 29;
	assert_true(rsa_far_apart(2048, p, q));
	p[14] = 0;
	p[13] = ~0ULL;
	assert_false(rsa_far_apart(2048, p, q));
	p[13] = 0;
	p[15]++;
	assert_true(rsa_far_apart(2048, p, q));
}

struct counts {
	unsigned high[8], residues[PRIMES][17], total;
};

static const unsigned small[PRIMES] = { 3, 5, 7, 11, 13, 17 };

static void
count(struct counts *s, const BIGNUM *p, unsigned bits)
{
	/* The four bits below the top one: 0110 to 1111 above the root of 2. */
	unsigned high = 0;

	for (int i = 2; i <= 5; i++)
		high = high << 1 | (unsigned)BN_is_bit_set(p, (int)bits - i);
	s->high[high / 2]++;
	for (size_t k = 0; k < PRIMES; k++)
		s->residues[k][BN_mod_word(p, small[k])]++;
	s->total++;
}

/* Chi-squared of two samples of the same size; five deviations above its mean is too far. */
static void
expect_alike(const unsigned *a, const unsigned *b, size_t n)
{
	double sum = 0, k = 0;

	for (size_t i = 0; i < n; i++)
		if (a[i] + b[i] > 0) {
			double d = (double)a[i] - (double)b[i];

			sum += d * d / (double)(a[i] + b[i]);
			k++;
		}
	assert_true(sum < k || (sum - k) * (sum - k) < 25 * 2 * k);
}

/*
 * libcrypto's random numbers and its test of primes, in the plain loop of the standard. Its own generator goes up from a
 * random start, which makes some remainders likelier than others, and is no measure.
 */
static void
primes_are_spread_as_those_that_libcrypto_finds(void **state)
{
	static struct counts ours, theirs;
	size_t wanted = 4 * keys_wanted();
	struct prime_work *w = NULL;
	uint64_t x[PRIME_WORDS_MAX];
	BN_CTX *c = BN_CTX_new();

	(void)state;
	expect_ok(prime_work_new(512, PRIME_BEST, 8, &w));
	while (ours.total < wanted) {
		auto_bn BIGNUM *p = NULL;

		expect_ok(prime_take(w, x));
		p = BN_lebin2bn((const uint8_t *)x, 64, NULL);
		if (BN_is_bit_set(p, 510) == 1)
			count(&ours, p, 512);
	}
	while (theirs.total < wanted) {
		auto_bn BIGNUM *p = BN_new();

		assert_int_equal(BN_rand(p, 512, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD), 1);
		if (BN_mod_word(p, 65537) != 1 && BN_check_prime(p, c, NULL) == 1)
			count(&theirs, p, 512);
	}
	expect_alike(ours.high, theirs.high, COUNT(ours.high));
	for (size_t k = 0; k < PRIMES; k++)
		expect_alike(ours.residues[k], theirs.residues[k], small[k]);
	prime_work_free(w);
	BN_CTX_free(c);
}

static void
keys_sign_and_are_those_of_the_size_asked_for(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	struct key *none = NULL;
	struct str signature;

	(void)state;
	expect_ok(key_make_by(KEY_MAKER_CHANCERY, KEY_RSA, 2048, &k));
	assert_int_equal(key_bits(k), 2048);
	assert_true(key_is_private(k));
	expect_ok(key_sign(a, k, LIT("message"), &signature));
	expect_ok(key_verify(k, LIT("message"), signature));
	expect_err(ERR_KEY_SIZE, key_make_by(KEY_MAKER_CHANCERY, KEY_RSA, 1024, &none));
	expect_err(ERR_KEY_SIZE, key_make_by(KEY_MAKER_CHANCERY, KEY_RSA, 8192, &none));
	assert_null(none);
}

/* PKCS#1 v1.5 leaves nothing to chance: by libcrypto with all its care it is the same to the byte. */
static void
the_first_signature_of_a_key_is_the_one_that_libcrypto_makes(void **state)
{
	static const unsigned sizes[] = { 2048, 3072, 4096 };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		auto_key struct key *fresh = NULL, *plain = NULL;
		struct str first, second;

		expect_ok(key_make_by(KEY_MAKER_CHANCERY, KEY_RSA, sizes[i], &fresh));
		assert_int_equal(EVP_PKEY_up_ref(key_pkey(fresh)), 1);
		expect_ok(key_adopt(key_pkey(fresh), true, &plain));
		for (int n = 0; n < 5; n++) {
			struct str msg = str_c(arena_printf(a, "message %d", n));

			expect_ok(key_sign(a, fresh, msg, &first));
			expect_ok(key_sign(a, plain, msg, &second));
			assert_true(str_eq(first, second));
			expect_ok(key_verify(plain, msg, first));
		}
	}
}

/* One wrong exponent and the difference to the right signature has a prime factor of the key in common. */
static void
a_signature_by_wrong_numbers_does_not_get_out(void **state)
{
	enum { BITS = 2048, WORDS = BITS / 64, HALF = BITS / 128 };
	uint64_t numbers[RSA_NUMBERS_MAX];
	auto_arena struct arena *a = arena_new();
	struct rsa_gen *g = NULL;
	struct str signature;

	(void)state;
	expect_ok(rsa_gen_new(BITS, PRIME_BEST, PRIME_BATCH_MAX, &g));
	expect_ok(rsa_gen_next(g, numbers));
	for (size_t i = 0; i < 3; i++) { /* dP, dQ, qInv */
		size_t at = 2 * WORDS + (2 + i) * HALF;
		auto_key struct key *k = NULL;

		numbers[at] ^= 2;
		expect_ok(key_of_numbers(BITS, numbers, &k));
		expect_err(ERR_SIGNATURE, key_sign(a, k, LIT("message"), &signature));
		numbers[at] ^= 2;
	}
	rsa_gen_free(g);
}

static void
a_key_without_its_private_numbers_has_none(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	auto_key struct key *public = NULL;
	uint64_t w[RSA_NUMBERS_MAX];
	struct str spki;

	(void)state;
	expect_ok(key_make_by(KEY_MAKER_CHANCERY, KEY_RSA, 2048, &k));
	expect_ok(key_spki(a, k, &spki));
	expect_ok(key_from_spki(spki, &public));
	expect_err(ERR_KEY, rsa_numbers_of(2048, key_pkey(public), w));
}

/* Debian has no FIPS provider; where there is one, turning it on is for its own tests. */
static void
fips_mode_without_a_provider_is_refused_and_stays_off(void **state)
{
	err_t e;

	(void)state;
	assert_false(fips_is_on());
	e = fips_enable();
	if (err_ok(e))
		return;
	expect_err(ERR_FIPS, e);
	assert_false(fips_is_on());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_meet_the_standard_portable),
		cmocka_unit_test(keys_meet_the_standard_ifma),
		cmocka_unit_test(primes_near_each_other_are_refused),
		cmocka_unit_test(primes_are_spread_as_those_that_libcrypto_finds),
		cmocka_unit_test(keys_sign_and_are_those_of_the_size_asked_for),
		cmocka_unit_test(the_first_signature_of_a_key_is_the_one_that_libcrypto_makes),
		cmocka_unit_test(a_signature_by_wrong_numbers_does_not_get_out),
		cmocka_unit_test(a_key_without_its_private_numbers_has_none),
		cmocka_unit_test(fips_mode_without_a_provider_is_refused_and_stays_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/rsa_gen.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/locked.h"
#include "base/secret.h"
#include "base/str.h"
#include "pki/rsa_raw.h"
#include "pki/ssl_err.h"

#define E 65537

typedef unsigned __int128 u128;

/* Locked. */
struct pair {
	uint64_t p[PRIME_WORDS_MAX], q[PRIME_WORDS_MAX];
};

struct rsa_gen {
	unsigned bits, half; /* half: words of a prime */
	struct prime_work *primes;
	BN_CTX *bn; /* of the key that is being made: a context keeps what its numbers were */
	struct locked memory;
	struct pair *pair;
};

/* What a key is made of, and what that is made of. In a frame of the context. */
struct numbers {
	BIGNUM *p, *q, *n, *e, *d, *dp, *dq, *qinv;
	BIGNUM *p1, *q1, *gcd, *lcm, *x, *message, *secret, *back;
};

err_t
rsa_gen_new(unsigned bits, enum prime_way way, unsigned batch, struct rsa_gen **ret)
{
	struct rsa_gen *g = calloc(1, sizeof *g);
	err_t e;

	if (g == NULL)
		abort();
	g->bits = bits;
	g->half = bits / 128;
	e = prime_work_new(bits / 2, way, batch, &g->primes);
	if (!err_ok(e)) {
		free(g);
		return e;
	}
	locked_new(sizeof *g->pair, &g->memory);
	g->pair = g->memory.p;
	*ret = g;
	return OK;
}

void
rsa_gen_free(struct rsa_gen *g)
{
	if (g == NULL)
		return;
	prime_work_free(g->primes);
	locked_free(&g->memory);
	free(g);
}

/* a < b, in constant time. */
static bool
is_less(const uint64_t *a, const uint64_t *b, unsigned words)
{
	uint64_t borrow = 0;

	for (unsigned i = 0; i < words; i++)
		borrow = (uint64_t)(((u128)a[i] - b[i] - borrow) >> 64) & 1;
	return borrow == 1;
}

bool
rsa_far_apart(unsigned bits, const uint64_t *p, const uint64_t *q)
{
	unsigned words = bits / 128, from = bits / 2 - 100;
	bool swap = is_less(p, q, words);
	const uint64_t *large = swap ? q : p, *small = swap ? p : q;
	uint64_t borrow = 0, high = 0, low = 0;

	/* The difference is d > 2^from when something is set above bit `from`, or that bit and something below it. */
	for (unsigned i = 0; i < words; i++) {
		u128 d = (u128)large[i] - small[i] - borrow;
		uint64_t w = (uint64_t)d;

		borrow = (uint64_t)(d >> 64) & 1;
		if (i < from / 64)
			low |= w;
		else if (i == from / 64) {
			low |= w & ((1ULL << from % 64) - 1);
			high |= w >> from % 64;
		} else
			high |= w << 1 | w >> 63; /* more than 1, if anything */
	}
	return high > 1 || (high == 1 && low != 0);
}

/* SP 800-56B wants no order of p and q; some importers of PKCS#12 want p to be the larger one. */
static err_t
take_pair(struct rsa_gen *g)
{
	uint64_t *p = g->pair->p, *q = g->pair->q;
	uint64_t swap;

	TRY(prime_take(g->primes, p));
	do {
		TRY(prime_take(g->primes, q));
	} while (!rsa_far_apart(g->bits, p, q));
	swap = -(uint64_t)is_less(p, q, g->half);
	for (unsigned i = 0; i < g->half; i++) {
		uint64_t differ = (p[i] ^ q[i]) & swap;

		p[i] ^= differ;
		q[i] ^= differ;
	}
	return OK;
}

static bool
numbers_new(BN_CTX *c, struct numbers *x)
{
	BIGNUM **all[] = { &x->p, &x->q, &x->n, &x->e, &x->d, &x->dp, &x->dq, &x->qinv, &x->p1,
		&x->q1, &x->gcd, &x->lcm, &x->x, &x->message, &x->secret, &x->back };

	for (size_t i = 0; i < COUNT(all); i++) {
		*all[i] = BN_CTX_get(c);
		if (*all[i] == NULL)
			return false;
		BN_set_flags(*all[i], BN_FLG_CONSTTIME);
	}
	return true;
}

static bool
derive(const struct rsa_gen *g, struct numbers *x)
{
	const uint8_t *p = (const uint8_t *)g->pair->p, *q = (const uint8_t *)g->pair->q;
	int size = 8 * (int)g->half;
	BN_CTX *c = g->bn;

	return BN_lebin2bn(p, size, x->p) != NULL && BN_lebin2bn(q, size, x->q) != NULL &&
	    BN_set_word(x->e, E) == 1 && BN_mul(x->n, x->p, x->q, c) == 1 &&
	    BN_sub(x->p1, x->p, BN_value_one()) == 1 && BN_sub(x->q1, x->q, BN_value_one()) == 1 &&
	    BN_gcd(x->gcd, x->p1, x->q1, c) == 1 && BN_div(x->x, NULL, x->p1, x->gcd, c) == 1 &&
	    BN_mul(x->lcm, x->x, x->q1, c) == 1 && BN_mod_inverse(x->d, x->e, x->lcm, c) != NULL &&
	    BN_div(NULL, x->dp, x->d, x->p1, c) == 1 && BN_div(NULL, x->dq, x->d, x->q1, c) == 1 &&
	    BN_mod_inverse(x->qinv, x->q, x->p, c) != NULL;
}

static bool
is_one_mod(
    const struct rsa_gen *g, struct numbers *x, const BIGNUM *a, const BIGNUM *b, const BIGNUM *mod)
{
	return BN_mod_mul(x->x, a, b, mod, g->bn) == 1 && BN_is_one(x->x) == 1;
}

/* SP 800-56B 6.4.1.2.3 and 6.4.1.3.3, from the results alone. */
static bool
belongs(const struct rsa_gen *g, struct numbers *x)
{
	return BN_num_bits(x->n) == (int)g->bits && is_one_mod(g, x, x->e, x->dp, x->p1) &&
	    is_one_mod(g, x, x->e, x->dq, x->q1) && is_one_mod(g, x, x->e, x->d, x->lcm) &&
	    is_one_mod(g, x, x->q, x->qinv, x->p) && BN_cmp(x->dp, x->p) < 0 &&
	    BN_cmp(x->dq, x->q) < 0;
}

static bool
write_numbers(const struct rsa_gen *g, const struct numbers *x, uint64_t *ret)
{
	const BIGNUM *all[] = { x->n, x->d, x->p, x->q, x->dp, x->dq, x->qinv };

	for (size_t i = 0; i < COUNT(all); i++) {
		unsigned words = i < 2 ? 2 * g->half : g->half;

		if (BN_bn2lebinpad(all[i], (uint8_t *)ret, 8 * (int)words) < 0)
			return false;
		ret += words;
	}
	return true;
}

/* SP 800-56B 6.4.1.1: a message comes back. With the numbers as they will be used, so with the exponents modulo p and q. */
static bool
is_consistent(const struct rsa_gen *g, struct numbers *x)
{
	const struct rsa_crt halves = { x->p, x->q, x->dp, x->dq, x->qinv };

	return BN_rand_range(x->message, x->n) == 1 &&
	    BN_mod_exp_mont(x->secret, x->message, x->e, x->n, g->bn, NULL) == 1 &&
	    rsa_raw(g->bn, &halves, x->secret, x->back) && BN_cmp(x->secret, x->message) != 0 &&
	    BN_cmp(x->back, x->message) == 0;
}

/* Numbers of the pair; *ret_large: FIPS 186-5 A.1.1 (d above 2^(bits/2)). It is not, once in 2^(bits/2). */
static err_t
make_numbers(struct rsa_gen *g, uint64_t *ret, bool *ret_large)
{
	struct numbers x;
	bool ok;

	g->bn = BN_CTX_secure_new();
	if (g->bn == NULL)
		FAIL_SSL(ERR_CRYPTO, "big numbers");
	BN_CTX_start(g->bn);
	ok = numbers_new(g->bn, &x) && derive(g, &x) && belongs(g, &x) && is_consistent(g, &x) &&
	    write_numbers(g, &x, ret);
	*ret_large = ok && BN_num_bits(x.d) > (int)g->bits / 2;
	BN_CTX_end(g->bn);
	BN_CTX_free(g->bn);
	g->bn = NULL;
	if (!ok)
		FAIL_SSL(ERR_CRYPTO, "the numbers of an RSA key do not fit");
	return OK;
}

static err_t
make_key(struct rsa_gen *g, uint64_t *ret)
{
	bool large;

	do {
		TRY(take_pair(g));
		TRY(make_numbers(g, ret, &large));
	} while (!large);
	return OK;
}

err_t
rsa_gen_next(struct rsa_gen *g, uint64_t *ret)
{
	err_t e = make_key(g, ret);

	secret_wipe(g->pair, sizeof *g->pair);
	if (!err_ok(e))
		secret_wipe(ret, 8 * rsa_numbers_words(g->bits));
	return e;
}

/* In the order of the numbers: n and d, then those of half the length. */
static const char *const names[] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_D,
	OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1,
	OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };

static size_t
words_of(unsigned bits, size_t which)
{
	return which < 2 ? bits / 64 : bits / 128;
}

err_t
rsa_numbers_pkey(unsigned bits, const uint64_t *numbers, EVP_PKEY **ret)
{
	auto_pkey_ctx EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM params[COUNT(names) + 2];
	unsigned e = E;
	EVP_PKEY *k = NULL;
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		size_t words = words_of(bits, i);

		/* Read only, whatever its type says. */
		params[i] = OSSL_PARAM_construct_BN(
		    names[i], (unsigned char *)(uintptr_t)numbers, 8 * words);
		numbers += words;
	}
	params[i++] = OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &e);
	params[i] = OSSL_PARAM_construct_end();
	if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &k, EVP_PKEY_KEYPAIR, params) != 1)
		FAIL_SSL(ERR_CRYPTO, "key of these numbers");
	*ret = k;
	return OK;
}

err_t
rsa_numbers_of(unsigned bits, const EVP_PKEY *k, uint64_t *ret)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		size_t words = words_of(bits, i);
		auto_bn BIGNUM *x = NULL;

		if (EVP_PKEY_get_bn_param(k, names[i], &x) != 1 ||
		    BN_bn2lebinpad(x, (uint8_t *)ret, 8 * (int)words) < 0)
			FAIL_SSL(ERR_KEY, "numbers of an RSA key of %u bits", bits);
		ret += words;
	}
	return OK;
}

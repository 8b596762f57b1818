/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/prime_round.h"

#include "pki/ssl_err.h"

struct round {
	BIGNUM *n, *last, *m, *base, *z, *one,
	    *minus; /* one and minus in Montgomery form, as z is when squared */
};

static inline void
mont_cleanup(BN_MONT_CTX **m)
{
	BN_MONT_CTX_free(*m);
}

static bool
numbers(BN_CTX *c, struct round *r)
{
	BIGNUM **all[] = { &r->n, &r->last, &r->m, &r->base, &r->z, &r->one, &r->minus };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		*all[i] = BN_CTX_get(c);
		if (*all[i] == NULL)
			return false;
		BN_set_flags(*all[i], BN_FLG_CONSTTIME);
	}
	return true;
}

static bool
read(struct round *r, const uint64_t *n, unsigned words, const uint64_t *base)
{
	int size = 8 * (int)words;

	return BN_lebin2bn((const uint8_t *)n, size, r->n) != NULL &&
	    BN_copy(r->last, r->n) != NULL && BN_sub_word(r->last, 1) == 1 &&
	    (base == NULL ? BN_set_word(r->base, 2) == 1 :
			    BN_lebin2bn((const uint8_t *)base, size, r->base) != NULL);
}

static int
zeros(const BIGNUM *x)
{
	int n = 0;

	while (BN_is_bit_set(x, n) == 0)
		n++;
	return n;
}

/* z = base^m, in Montgomery form. */
static bool
power(BN_CTX *c, struct round *r, BN_MONT_CTX *mont)
{
	return BN_mod_exp_mont_consttime(r->z, r->base, r->m, r->n, c, mont) == 1 &&
	    BN_to_montgomery(r->z, r->z, mont, c) == 1 &&
	    BN_to_montgomery(r->one, BN_value_one(), mont, c) == 1 &&
	    BN_sub(r->minus, r->n, r->one) == 1;
}

static bool
run(BN_CTX *c, struct round *r, bool *ret_passed)
{
	__attribute__((cleanup(mont_cleanup))) BN_MONT_CTX *mont = BN_MONT_CTX_new();
	int a = zeros(r->last);
	bool passed;

	if (mont == NULL || BN_MONT_CTX_set(mont, r->n, c) != 1 ||
	    BN_rshift(r->m, r->last, a) != 1 || !power(c, r, mont))
		return false;
	passed = BN_cmp(r->z, r->one) == 0 || BN_cmp(r->z, r->minus) == 0;
	for (int i = 1; i < a; i++) {
		if (BN_mod_mul_montgomery(r->z, r->z, r->z, mont, c) != 1)
			return false;
		passed |= BN_cmp(r->z, r->minus) == 0;
	}
	*ret_passed = passed;
	return true;
}

err_t
prime_round(BN_CTX *c, const uint64_t *n, unsigned words, const uint64_t *base, bool *ret_passed)
{
	struct round r;
	bool passed = false, ok;

	BN_CTX_start(c);
	ok = numbers(c, &r) && read(&r, n, words, base) && run(c, &r, &passed);
	BN_CTX_end(c);
	if (!ok)
		FAIL_SSL(ERR_CRYPTO, "test of a prime");
	*ret_passed = passed;
	return OK;
}

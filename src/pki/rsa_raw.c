/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/rsa_raw.h"

#include <openssl/core_names.h>

#include "pki/key.h"
#include "pki/rsa_pad.h"
#include "pki/ssl_err.h"

/* What lies between the halves and the whole; in a frame of the context. */
struct halves {
	BIGNUM *inp, *inq, *outp, *outq, *h;
};

static bool
halves_new(BN_CTX *c, struct halves *x)
{
	BIGNUM **all[] = { &x->inp, &x->inq, &x->outp, &x->outq, &x->h };

	for (size_t i = 0; i < COUNT(all); i++) {
		*all[i] = BN_CTX_get(c);
		if (*all[i] == NULL)
			return false;
		BN_set_flags(*all[i], BN_FLG_CONSTTIME);
	}
	return true;
}

/* RFC 8017 5.1.2 2.b. p is the larger one, so outp + p - outq is never negative. */
static bool
join(BN_CTX *c, const struct rsa_crt *k, const struct halves *x, BIGNUM *ret)
{
	return BN_add(x->h, x->outp, k->p) == 1 && BN_sub(x->h, x->h, x->outq) == 1 &&
	    BN_mod_mul(x->h, x->h, k->qinv, k->p, c) == 1 && BN_mul(x->h, x->h, k->q, c) == 1 &&
	    BN_add(ret, x->h, x->outq) == 1;
}

bool
rsa_raw(BN_CTX *c, const struct rsa_crt *k, const BIGNUM *in, BIGNUM *ret)
{
	struct halves x;
	bool ok;

	BN_CTX_start(c);
	ok = halves_new(c, &x) && BN_mod(x.inp, in, k->p, c) == 1 &&
	    BN_mod(x.inq, in, k->q, c) == 1 &&
	    BN_mod_exp_mont_consttime_x2(
		x.outp, x.inp, k->dp, k->p, NULL, x.outq, x.inq, k->dq, k->q, NULL, c) == 1 &&
	    join(c, k, &x, ret);
	BN_CTX_end(c);
	return ok;
}

static bool
number(const EVP_PKEY *k, const char *name, BIGNUM **ret)
{
	if (EVP_PKEY_get_bn_param(k, name, ret) != 1)
		return false;
	BN_set_flags(*ret, BN_FLG_CONSTTIME);
	return true;
}

err_t
rsa_raw_sign(struct arena *a, const EVP_PKEY *k, struct str msg, struct str *ret)
{
	auto_bn BIGNUM *p = NULL, *q = NULL, *dp = NULL, *dq = NULL, *qinv = NULL;
	auto_bn BIGNUM *block = NULL, *power = BN_new();
	auto_bn_ctx BN_CTX *c = BN_CTX_secure_new();
	int n = EVP_PKEY_get_size(k);
	uint8_t hash[32], *out = arena_alloc(a, (size_t)n);
	struct str padded;

	hash_sha256(msg, hash);
	TRY(rsa_pad_pkcs1(a, "SHA256", STR(hash), (size_t)n, &padded));
	block = BN_bin2bn(padded.p, n, NULL);
	if (c == NULL || block == NULL || power == NULL ||
	    !number(k, OSSL_PKEY_PARAM_RSA_FACTOR1, &p) ||
	    !number(k, OSSL_PKEY_PARAM_RSA_FACTOR2, &q) ||
	    !number(k, OSSL_PKEY_PARAM_RSA_EXPONENT1, &dp) ||
	    !number(k, OSSL_PKEY_PARAM_RSA_EXPONENT2, &dq) ||
	    !number(k, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &qinv) ||
	    !rsa_raw(c, &(struct rsa_crt){ p, q, dp, dq, qinv }, block, power) ||
	    BN_bn2binpad(power, out, n) != n)
		FAIL_SSL(ERR_CRYPTO, "signing");
	*ret = str_of(out, (size_t)n);
	return OK;
}

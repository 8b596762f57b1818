/* SPDX-License-Identifier: Apache-2.0 */
/* See spki.h. */
#include "pki/spki.h"

#include <openssl/core_names.h>

#include "codec/der.h"
#include "pki/ssl_err.h"

/* The longest modulus that is read here; longer ones are refused anyway. */
enum { RSA_BYTES = 8192 / 8 };

/* A point on a named curve, uncompressed: the bytes before its coordinates. */
static const struct curve {
	const char *name;
	struct str head;
	size_t point; /* with its first byte, 4 */
} curves[] = {
	{ "prime256v1",
	    { (const uint8_t *)"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a"
			       "\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
		26 },
	    65 },
	{ "secp384r1",
	    { (const uint8_t *)"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b"
			       "\x81\x04\x00\x22\x03\x62\x00",
		23 },
	    97 },
};

static err_t
from_params(const char *type, OSSL_PARAM *params, EVP_PKEY **ret)
{
	auto_pkey_ctx EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *k = NULL;

	if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &k, EVP_PKEY_PUBLIC_KEY, params) != 1)
		FAIL_SSL(ERR_KEY, "public key");
	*ret = k;
	return OK;
}

static err_t
ec_key(const struct curve *c, struct str point, EVP_PKEY **ret)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)c->name, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.p, point.n),
		OSSL_PARAM_construct_end(),
	};

	return from_params("EC", params, ret);
}

/* A positive number in the least bytes, as OpenSSL's parameters have them: the lowest byte first. */
static bool
number(struct str der, uint8_t *out, size_t max, size_t *ret)
{
	if (der.n == 0 || (der.p[0] & 0x80) != 0)
		return false;
	if (der.p[0] == 0 && (der.n == 1 || (der.p[1] & 0x80) == 0))
		return false;
	if (der.p[0] == 0)
		der = str_of(der.p + 1, der.n - 1);
	if (der.n > max)
		return false;
	for (size_t i = 0; i < der.n; i++)
		out[i] = der.p[der.n - 1 - i];
	*ret = der.n;
	return true;
}

/* RFC 3279 2.3.1: rsaEncryption, NULL */
static const uint8_t algorithm[] = { DER_OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
	0x01, DER_NULL, 0 };

static err_t
read_rsa(struct str in, struct str *ret_modulus, struct str *ret_exponent)
{
	struct str body, alg, bits, pair;

	TRY(der_take(&in, DER_SEQUENCE, &body));
	TRY(der_take(&body, DER_SEQUENCE, &alg));
	TRY(der_take(&body, DER_BITSTRING, &bits));
	if (in.n > 0 || body.n > 0 || !str_eq(alg, STR(algorithm)) || bits.n == 0 || bits.p[0] != 0)
		FAIL(ERR_DER, "%s", "not an RSA key");
	bits = str_of(bits.p + 1, bits.n - 1);
	TRY(der_take(&bits, DER_SEQUENCE, &pair));
	TRY(der_take(&pair, DER_INTEGER, ret_modulus));
	TRY(der_take(&pair, DER_INTEGER, ret_exponent));
	if (bits.n > 0 || pair.n > 0)
		FAIL(ERR_DER, "%s", "not an RSA key");
	return OK;
}

static err_t
rsa_key(struct str spki, EVP_PKEY **ret)
{
	uint8_t n[RSA_BYTES], e[8];
	size_t nn, ne;
	struct str modulus, exponent;
	err_t failed = read_rsa(spki, &modulus, &exponent);

	if (!err_ok(failed) || !number(modulus, n, sizeof(n), &nn) ||
	    !number(exponent, e, sizeof(e), &ne)) {
		err_forget(failed);
		*ret = NULL;
		return OK;
	}
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, nn),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, ne),
		OSSL_PARAM_construct_end(),
	};
	return from_params("RSA", params, ret);
}

err_t
spki_key(struct str spki, EVP_PKEY **ret)
{
	for (size_t i = 0; i < COUNT(curves); i++) {
		const struct curve *c = &curves[i];

		if (spki.n == c->head.n + c->point && str_starts(spki, c->head) &&
		    spki.p[c->head.n] == 4)
			return ec_key(c, str_of(spki.p + c->head.n, c->point), ret);
	}
	return rsa_key(spki, ret);
}

static err_t
put_number(const EVP_PKEY *k, const char *name, struct buf *out)
{
	uint8_t bytes[1 + RSA_BYTES] = { 0 };
	auto_bn BIGNUM *x = NULL;
	struct str number;

	if (EVP_PKEY_get_bn_param(k, name, &x) != 1 || BN_is_zero(x) || BN_num_bytes(x) > RSA_BYTES)
		FAIL_SSL(ERR_KEY, "public key");
	number = str_of(bytes + 1, (size_t)BN_bn2bin(x, bytes + 1));
	if ((number.p[0] & 0x80) != 0)
		number = str_of(bytes, number.n + 1);
	return der_put(out, DER_INTEGER, number);
}

err_t
spki_put_rsa(const EVP_PKEY *k, struct buf *out)
{
	auto_buf struct buf pair = { 0 };
	auto_buf struct buf bits = { 0 };
	auto_buf struct buf body = { 0 };

	buf_init(&pair, RSA_BYTES + 64);
	buf_init(&bits, RSA_BYTES + 96);
	buf_init(&body, RSA_BYTES + 128);
	TRY(put_number(k, OSSL_PKEY_PARAM_RSA_N, &pair));
	TRY(put_number(k, OSSL_PKEY_PARAM_RSA_E, &pair));
	TRY(buf_put(&bits, LIT("\0")));
	TRY(der_put(&bits, DER_SEQUENCE, buf_str(&pair)));
	TRY(der_put(&body, DER_SEQUENCE, STR(algorithm)));
	TRY(der_put(&body, DER_BITSTRING, buf_str(&bits)));
	return der_put(out, DER_SEQUENCE, buf_str(&body));
}

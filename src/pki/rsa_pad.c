/* SPDX-License-Identifier: Apache-2.0 */
/* See rsa_pad.h. */
#include "pki/rsa_pad.h"

#include <string.h>

#include "base/secret.h"
#include "pki/build.h"

#define HASH_MAX 64
#define PS_MIN 8 /* 7.2.1: bytes of padding at least */

static err_t
hash(const char *md, const void *p, size_t n, uint8_t *ret, size_t *retn)
{
	*retn = HASH_MAX;
	if (EVP_Q_digest(NULL, md, NULL, p, n, ret, retn) != 1)
		FAIL_SSL(ERR_CRYPTO, "digest %s", md);
	return OK;
}

/* B.2.1 MGF1: xors the mask onto p. */
static err_t
mask(struct arena *a, const char *md, const uint8_t *seed, size_t nseed, uint8_t *p, size_t n)
{
	uint8_t *in = arena_alloc(a, nseed + 4), out[HASH_MAX];
	size_t len;

	memcpy(in, seed, nseed);
	for (uint32_t i = 0; n > 0; i++) {
		for (size_t b = 0; b < 4; b++)
			in[nseed + b] = (uint8_t)(i >> (24 - 8 * b));
		TRY(hash(md, in, nseed + 4, out, &len));
		if (len > n)
			len = n;
		for (size_t j = 0; j < len; j++)
			p[j] ^= out[j];
		p += len;
		n -= len;
	}
	secret_wipe(in, nseed + 4);
	return OK;
}

err_t
rsa_digest_info(struct arena *a, const char *md, struct str digest, struct str *ret)
{
	/* id-sha256, id-sha384, id-sha512 differ in the last byte, digests in length. */
	uint8_t head[] = { 0x30, 0, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
		0x04, 0x02, 0, 0x05, 0x00, 0x04, (uint8_t)digest.n };
	struct str parts[] = { STR(head), digest };

	if (strcmp(md, "SHA256") == 0 && digest.n == 32)
		head[14] = 1;
	else if (strcmp(md, "SHA384") == 0 && digest.n == 48)
		head[14] = 2;
	else if (strcmp(md, "SHA512") == 0 && digest.n == 64)
		head[14] = 3;
	else
		FAIL(ERR_RANGE, "digest of %zu bytes for %s", digest.n, md);
	head[1] = (uint8_t)(sizeof head - 2 + digest.n);
	*ret = build_join(a, parts, 2);
	return OK;
}

err_t
rsa_pad_pkcs1(struct arena *a, const char *md, struct str digest, size_t n, struct str *ret)
{
	struct str info;
	uint8_t *em;

	TRY(rsa_digest_info(a, md, digest, &info));
	if (n < info.n + 3 + PS_MIN)
		FAIL(ERR_KEY_SIZE, "RSA modulus of %zu bytes", n);
	em = arena_alloc(a, n);
	em[1] = 1;
	memset(em + 2, 0xff, n - info.n - 3);
	memcpy(em + n - info.n, info.p, info.n);
	*ret = str_of(em, n);
	return OK;
}

err_t
rsa_pad_pss(struct arena *a, const char *md, struct str digest, size_t bits, struct str *ret)
{
	size_t n = (bits - 1 + 7) / 8, h = digest.n, ndb, len;
	uint8_t m[8 + 2 * HASH_MAX] = { 0 };
	uint8_t *em;

	if (h > HASH_MAX || n < 2 * h + 2)
		FAIL(ERR_KEY_SIZE, "RSA modulus of %zu bits", bits);
	ndb = n - h - 1;
	em = arena_alloc(a, n);
	memcpy(m + 8, digest.p, h);
	rand_bytes(m + 8 + h, h);
	TRY(hash(md, m, 8 + 2 * h, em + ndb, &len));
	em[ndb - h - 1] = 1;
	memcpy(em + ndb - h, m + 8 + h, h);
	TRY(mask(a, md, em + ndb, h, em, ndb));
	em[0] &= (uint8_t)(0xff >> (8 * n - (bits - 1)));
	em[n - 1] = 0xbc;
	*ret = str_of(em, n);
	return OK;
}

/* All bits set when x is zero, none otherwise; x below 2^31. */
static uint32_t
ct_zero(uint32_t x)
{
	return 0u - ((x - 1) >> 31);
}

static uint32_t
ct_less(uint32_t x, uint32_t y)
{
	return 0u - ((x - y) >> 31);
}

err_t
rsa_unpad_pkcs1(struct arena *a, struct str block, struct str *ret)
{
	uint32_t good, found = 0, at = 0;

	if (block.n < 3 + PS_MIN || block.n > 2048)
		FAIL(ERR_CRYPTO, "%s", "");
	good = ct_zero(block.p[0]) & ct_zero(block.p[1] ^ 2u);
	for (uint32_t i = 2; i < block.n; i++) {
		uint32_t zero = ct_zero(block.p[i]);

		at |= i & zero & ~found;
		found |= zero;
	}
	good &= found & ~ct_less(at, 2 + PS_MIN);
	if (good == 0)
		FAIL(ERR_CRYPTO, "%s", "");
	*ret = arena_str(a, str_of(block.p + at + 1, block.n - at - 1));
	return OK;
}

err_t
rsa_unpad_oaep(struct arena *a, const char *md, struct str block, struct str *ret)
{
	uint8_t label[HASH_MAX], *em = arena_copy(a, block.p, block.n), *db;
	uint32_t bad, found = 0, at = 0;
	size_t h, n;

	TRY(hash(md, "", 0, label, &h));
	if (block.n < 2 * h + 2 || block.n > 2048)
		FAIL(ERR_CRYPTO, "%s", "");
	db = em + 1 + h;
	n = block.n - h - 1;
	TRY(mask(a, md, db, n, em + 1, h));
	TRY(mask(a, md, em + 1, h, db, n));
	bad = em[0];
	for (size_t i = 0; i < h; i++)
		bad |= (uint32_t)(db[i] ^ label[i]);
	for (uint32_t i = (uint32_t)h; i < n; i++) {
		uint32_t one = ct_zero(db[i] ^ 1u);

		bad |= ~found & ~one & db[i];
		at |= i & one & ~found;
		found |= one;
	}
	if ((ct_zero(bad & 0xff) & found) == 0) {
		secret_wipe(em, block.n);
		FAIL(ERR_CRYPTO, "%s", "");
	}
	*ret = arena_str(a, str_of(db + at + 1, n - at - 1));
	secret_wipe(em, block.n);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/siv.h"

#include "base/rd.h"
#include "base/secret.h"
#include "pki/mac.h"
#include "pki/ssl_err.h"

enum { VERSION = 1, IV = 16, HALF = SIV_KEY / 2, BLOCK = 64, HEAD = 1 + IV };
#define PURPOSE "chancery-secret-v1"

static inline void
cipher_ctx_cleanup(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}
#define auto_cipher_ctx __attribute__((cleanup(cipher_ctx_cleanup)))

/* The label's length stands before it, so that no other pair has the same bytes. */
static err_t
vector(const uint8_t key[SIV_KEY], const char *label, struct str padded, uint8_t ret[IV])
{
	auto_buf struct buf b = { 0 };
	uint8_t mac[32];
	err_t e;

	buf_init(&b, sizeof(PURPOSE) + strlen(label) + padded.n + 16);
	TRY(buf_put(&b, str_of(PURPOSE, sizeof(PURPOSE))));
	TRY(wr_text(&b, label));
	TRY(buf_put(&b, padded));
	e = mac_sha256(str_of(key, HALF), buf_str(&b), mac);
	secret_wipe(b.p, b.n);
	TRY(e);
	memcpy(ret, mac, IV);
	return OK;
}

/* Counter mode is its own reverse. */
static err_t
apply(const uint8_t key[SIV_KEY], const uint8_t iv[IV], struct str in, uint8_t *out)
{
	auto_cipher_ctx EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, end = 0;

	if (c == NULL || EVP_EncryptInit_ex2(c, EVP_aes_256_ctr(), key + HALF, iv, NULL) != 1 ||
	    EVP_EncryptUpdate(c, out, &n, in.p, (int)in.n) != 1 ||
	    EVP_EncryptFinal_ex(c, out + n, &end) != 1 || (size_t)(n + end) != in.n)
		FAIL_SSL(ERR_CRYPTO, "AES in counter mode");
	return OK;
}

err_t
siv_seal(struct arena *a, const uint8_t key[SIV_KEY], const char *label, struct str secret,
    struct str *ret)
{
	size_t n = (2 + secret.n + BLOCK - 1) / BLOCK * BLOCK;
	uint8_t padded[SIV_SEALED_MAX] = { 0 }, *out;
	err_t e;

	if (secret.n > SIV_SECRET_MAX)
		FAIL(ERR_TOO_LARGE, "a secret has at most %d bytes", SIV_SECRET_MAX);
	padded[0] = (uint8_t)(secret.n >> 8);
	padded[1] = (uint8_t)secret.n;
	if (secret.n > 0)
		memcpy(padded + 2, secret.p, secret.n);
	out = arena_alloc(a, HEAD + n);
	out[0] = VERSION;
	e = vector(key, label, str_of(padded, n), out + 1);
	if (err_ok(e))
		e = apply(key, out + 1, str_of(padded, n), out + HEAD);
	secret_wipe(padded, sizeof(padded));
	TRY(e);
	*ret = str_of(out, HEAD + n);
	return OK;
}

/* The length within what was decrypted, once it is known to be ours. */
static err_t
unpad(struct arena *a, const uint8_t *padded, size_t n, struct str *ret)
{
	size_t len = (size_t)padded[0] << 8 | padded[1];

	if (len > n - 2)
		FAIL(ERR_SECRET_LOST, "it says to have %zu bytes", len);
	*ret = arena_str(a, str_of(padded + 2, len));
	return OK;
}

err_t
siv_open(struct arena *a, const uint8_t key[SIV_KEY], const char *label, struct str sealed,
    struct str *ret)
{
	uint8_t padded[SIV_SEALED_MAX] = { 0 }, iv[IV];
	size_t n = sealed.n - HEAD;
	err_t e;

	if (sealed.n <= HEAD || sealed.n > SIV_SEALED_MAX || n % BLOCK != 0 ||
	    sealed.p[0] != VERSION)
		FAIL(ERR_SECRET_LOST, "%zu bytes that are no sealed secret", sealed.n);
	e = apply(key, sealed.p + 1, str_of(sealed.p + HEAD, n), padded);
	if (err_ok(e))
		e = vector(key, label, str_of(padded, n), iv);
	if (err_ok(e) && !secret_eq(STR(iv), str_of(sealed.p + 1, IV)))
		e = ERROR(ERR_SECRET_LOST, "sealed by another key, or as something else");
	if (err_ok(e))
		e = unpad(a, padded, n, ret);
	secret_wipe(padded, sizeof(padded));
	return e;
}

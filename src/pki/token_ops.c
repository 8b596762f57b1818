/* SPDX-License-Identifier: Apache-2.0 */
/* Signing and decrypting in a token. */
#include "pki/token_int.h"

#include "base/secret.h"
#include "codec/sign_ipc.h"
#include "pki/keyprov.h"
#include "pki/rsa_pad.h"

#define BLOCK_MAX 1024

struct way {
	enum sign_scheme scheme;
	const char *md;
	bool pss;
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
};

static const struct way ways[] = {
	{ SIGN_RSA_PKCS1_SHA256, "SHA256", false, 0, 0 },
	{ SIGN_RSA_PKCS1_SHA384, "SHA384", false, 0, 0 },
	{ SIGN_RSA_PKCS1_SHA512, "SHA512", false, 0, 0 },
	{ SIGN_RSA_PSS_SHA256, "SHA256", true, CKM_SHA256, CKG_MGF1_SHA256 },
	{ SIGN_RSA_PSS_SHA384, "SHA384", true, CKM_SHA384, CKG_MGF1_SHA384 },
	{ SIGN_RSA_PSS_SHA512, "SHA512", true, CKM_SHA512, CKG_MGF1_SHA512 },
};

static const struct way *
way_of(uint8_t scheme)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (ways[i].scheme == scheme)
			return &ways[i];
	return NULL;
}

typedef CK_RV (*call_fn)(struct token *t, CK_OBJECT_HANDLE key, CK_MECHANISM *m, struct str in,
    uint8_t *out, CK_ULONG *n);

static CK_RV
call_sign(struct token *t, CK_OBJECT_HANDLE key, CK_MECHANISM *m, struct str in, uint8_t *out,
    CK_ULONG *n)
{
	CK_RV rv = t->p11->C_SignInit(t->session, m, key);

	if (rv != CKR_OK)
		return rv;
	return t->p11->C_Sign(t->session, (CK_BYTE_PTR)(uintptr_t)in.p, in.n, out, n);
}

static CK_RV
call_decrypt(struct token *t, CK_OBJECT_HANDLE key, CK_MECHANISM *m, struct str in, uint8_t *out,
    CK_ULONG *n)
{
	CK_RV rv = t->p11->C_DecryptInit(t->session, m, key);

	if (rv != CKR_OK)
		return rv;
	return t->p11->C_Decrypt(t->session, (CK_BYTE_PTR)(uintptr_t)in.p, in.n, out, n);
}

static err_t
run_locked(
    struct token_key *k, call_fn call, CK_MECHANISM *m, struct str in, uint8_t *out, CK_ULONG *n)
{
	CK_ULONG room = *n;
	CK_RV rv = call(k->token, k->priv, m, in, out, n);

	if (token_session_lost(rv)) {
		TRY(token_session_renew(k->token));
		*n = room;
		rv = call(k->token, k->priv, m, in, out, n);
	}
	if (rv != CKR_OK)
		return token_failed("private operation", rv);
	return OK;
}

/* *ret has BLOCK_MAX bytes of room in the arena behind it. */
static err_t
run(struct token_key *k, struct arena *a, call_fn call, CK_MECHANISM *m, struct str in,
    struct str *ret)
{
	uint8_t *out = arena_alloc(a, BLOCK_MAX);
	CK_ULONG n = BLOCK_MAX;
	err_t e;

	pthread_mutex_lock(&k->token->lock);
	e = run_locked(k, call, m, in, out, &n);
	pthread_mutex_unlock(&k->token->lock);
	TRY(e);
	if (n > BLOCK_MAX)
		FAIL(ERR_TOKEN_DEVICE, "answer of %lu bytes", n);
	*ret = str_of(out, n);
	return OK;
}

/* Tokens may leave leading zeros out of a bare power; here it is as long as the modulus again. */
static err_t
run_raw(struct token_key *k, struct arena *a, call_fn call, struct str in, struct str *ret)
{
	CK_MECHANISM m = { CKM_RSA_X_509, NULL, 0 };
	size_t len = (k->bits + 7) / 8;
	struct str block;
	uint8_t *whole;

	TRY(run(k, a, call, &m, in, &block));
	if (block.n > len)
		FAIL(ERR_TOKEN_DEVICE, "answer of %zu bytes", block.n);
	whole = arena_alloc(a, len);
	memcpy(whole + len - block.n, block.p, block.n);
	secret_wipe((void *)(uintptr_t)block.p, block.n);
	*ret = str_of(whole, len);
	return OK;
}

static err_t
sign_raw(
    struct token_key *k, struct arena *a, const struct way *w, struct str digest, struct str *ret)
{
	struct str block;

	if (w->pss)
		TRY(rsa_pad_pss(a, w->md, digest, k->bits, &block));
	else
		TRY(rsa_pad_pkcs1(a, w->md, digest, (k->bits + 7) / 8, &block));
	return run_raw(k, a, call_sign, block, ret);
}

static err_t
sign_native(
    struct token_key *k, struct arena *a, const struct way *w, struct str digest, struct str *ret)
{
	CK_RSA_PKCS_PSS_PARAMS pss = { w->hash, w->mgf, digest.n };
	CK_MECHANISM m = { CKM_RSA_PKCS, NULL, 0 };
	struct str in = digest;

	if (w->pss)
		m = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &pss, sizeof pss };
	else
		TRY(rsa_digest_info(a, w->md, digest, &in));
	return run(k, a, call_sign, &m, in, ret);
}

static err_t
sign_ec(struct token_key *k, struct arena *a, uint8_t scheme, struct str digest, struct str *ret)
{
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	struct str raw;

	if ((scheme != SIGN_ECDSA_SHA256 && scheme != SIGN_ECDSA_SHA384) ||
	    digest.n != sign_scheme_digest(scheme))
		FAIL(ERR_KEY, "signature scheme %u does not fit the key", scheme);
	TRY(run(k, a, call_sign, &m, digest, &raw));
	return token_ec_signature(a, raw, ret);
}

err_t
token_sign(void *ctx, struct arena *a, uint8_t scheme, struct str digest, struct str *ret)
{
	struct token_key *k = ctx;
	const struct way *w = way_of(scheme);

	if (k->alg == KEY_EC)
		return sign_ec(k, a, scheme, digest, ret);
	if (w == NULL || digest.n != sign_scheme_digest(scheme))
		FAIL(ERR_KEY, "signature scheme %u does not fit the key", scheme);
	if (k->token->raw)
		return sign_raw(k, a, w, digest, ret);
	return sign_native(k, a, w, digest, ret);
}

static const struct {
	enum far_padding padding;
	const char *md;
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
} oaeps[] = {
	{ FAR_OAEP_SHA1, "SHA1", CKM_SHA_1, CKG_MGF1_SHA1 },
	{ FAR_OAEP_SHA256, "SHA256", CKM_SHA256, CKG_MGF1_SHA256 },
	{ FAR_OAEP_SHA384, "SHA384", CKM_SHA384, CKG_MGF1_SHA384 },
	{ FAR_OAEP_SHA512, "SHA512", CKM_SHA512, CKG_MGF1_SHA512 },
};

/* The row of a padding that is one of OAEP; the first for what is not known, which the token then refuses. */
static size_t
oaep_of(unsigned padding)
{
	for (size_t i = 0; i < COUNT(oaeps); i++)
		if (oaeps[i].padding == padding)
			return i;
	return 0;
}

static err_t
decrypt_raw(struct token_key *k, struct arena *a, unsigned padding, struct str in, struct str *ret)
{
	struct str block;
	err_t e;

	TRY(run_raw(k, a, call_decrypt, in, &block));
	if (padding == FAR_PKCS1)
		e = rsa_unpad_pkcs1(a, block, ret);
	else
		e = rsa_unpad_oaep(a, oaeps[oaep_of(padding)].md, block, ret);
	secret_wipe((void *)(uintptr_t)block.p, block.n);
	return e;
}

static err_t
decrypt_native(
    struct token_key *k, struct arena *a, unsigned padding, struct str in, struct str *ret)
{
	size_t i = oaep_of(padding);
	CK_RSA_PKCS_OAEP_PARAMS oaep = { oaeps[i].hash, oaeps[i].mgf, CKZ_DATA_SPECIFIED, NULL, 0 };
	CK_MECHANISM m = { CKM_RSA_PKCS, NULL, 0 };

	if (padding != FAR_PKCS1)
		m = (CK_MECHANISM){ CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep };
	return run(k, a, call_decrypt, &m, in, ret);
}

err_t
token_decrypt(void *ctx, struct arena *a, unsigned padding, struct str in, struct str *ret)
{
	struct token_key *k = ctx;

	if (k->alg != KEY_RSA)
		FAIL(ERR_UNSUPPORTED, "an EC key does not decrypt");
	if (in.n != (k->bits + 7) / 8)
		FAIL(ERR_CRYPTO, "%s", "");
	if (k->token->raw)
		return decrypt_raw(k, a, padding, in, ret);
	return decrypt_native(k, a, padding, in, ret);
}

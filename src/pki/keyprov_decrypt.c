/* SPDX-License-Identifier: Apache-2.0 */
/* RSA decryption with far keys, for key transport: PKCS#1 v1.5, and OAEP with one hash of SHA-1 or SHA-2. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "base/secret.h"
#include "pki/keyprov_int.h"
#include "pki/ssl_err.h"

static const struct {
	const char *name;
	int nid;
	enum far_padding oaep;
} hashes[] = {
	{ "SHA1", NID_sha1, FAR_OAEP_SHA1 },
	{ "SHA256", NID_sha256, FAR_OAEP_SHA256 },
	{ "SHA384", NID_sha384, FAR_OAEP_SHA384 },
	{ "SHA512", NID_sha512, FAR_OAEP_SHA512 },
};

struct decrypt_ctx {
	struct keyprov_data *key;
	bool oaep;
	int oaep_md, mgf1_md; /* NIDs of hashes[]; mgf1 0: the same */
};

static void *
newctx(void *provctx)
{
	struct decrypt_ctx *c = calloc(1, sizeof *c);

	(void)provctx;
	if (c != NULL)
		c->oaep_md = NID_sha1; /* RFC 8017 A.2.1: the default */
	return c;
}

static void
freectx(void *vctx)
{
	struct decrypt_ctx *c = vctx;

	if (c == NULL)
		return;
	keyprov_data_free(c->key);
	free(c);
}

static void *
dupctx(void *vctx)
{
	const struct decrypt_ctx *from = vctx;
	struct decrypt_ctx *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	*c = *from;
	if (c->key != NULL)
		keyprov_data_ref(c->key);
	return c;
}

static int
set_padding(struct decrypt_ctx *c, const OSSL_PARAM *p)
{
	const char *name = NULL;
	int n = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1)
			return 0;
		if (strcmp(name, OSSL_PKEY_RSA_PAD_MODE_OAEP) == 0)
			n = RSA_PKCS1_OAEP_PADDING;
		else if (strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
			n = RSA_PKCS1_PADDING;
	} else if (OSSL_PARAM_get_int(p, &n) != 1) {
		return 0;
	}
	if (n != RSA_PKCS1_PADDING && n != RSA_PKCS1_OAEP_PADDING)
		return 0;
	c->oaep = n == RSA_PKCS1_OAEP_PADDING;
	return 1;
}

static int
get_md(const OSSL_PARAM *p, int *ret)
{
	const char *name = NULL;
	auto_md EVP_MD *md = NULL;

	if (OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1)
		return 0;
	md = EVP_MD_fetch(NULL, name, NULL);
	for (size_t i = 0; md != NULL && i < COUNT(hashes); i++) {
		if (!EVP_MD_is_a(md, hashes[i].name))
			continue;
		*ret = hashes[i].nid;
		return 1;
	}
	return 0;
}

static int
set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
	struct decrypt_ctx *c = vctx;
	const OSSL_PARAM *p;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE);
	if (p != NULL && !set_padding(c, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST);
	if (p != NULL && !get_md(p, &c->oaep_md))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST);
	if (p != NULL && !get_md(p, &c->mgf1_md))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL);
	return p == NULL || p->data_size == 0;
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)vctx;
	(void)provctx;
	return list;
}

static int
decrypt_init(void *vctx, void *vkey, const OSSL_PARAM params[])
{
	struct decrypt_ctx *c = vctx;
	struct keyprov_data *key = vkey;

	if (key != NULL) {
		if (!key->has_far || key->far.decrypt == NULL)
			return 0;
		keyprov_data_free(c->key);
		c->key = keyprov_data_ref(key);
	}
	return c->key != NULL && set_ctx_params(c, params);
}

static int
decrypt(void *vctx, unsigned char *out, size_t *outlen, size_t outsize, const unsigned char *in,
    size_t inlen)
{
	struct decrypt_ctx *c = vctx;
	auto_arena struct arena *a = NULL;
	int size = EVP_PKEY_get_size(c->key->pub);
	unsigned padding = FAR_PKCS1;
	struct str plain = STR_EMPTY;
	bool fits;
	err_t e;

	if (size <= 0 || (c->mgf1_md != 0 && c->mgf1_md != c->oaep_md))
		return 0;
	if (out == NULL) {
		*outlen = (size_t)size;
		return 1;
	}
	for (size_t i = 0; c->oaep && i < COUNT(hashes); i++)
		if (hashes[i].nid == c->oaep_md)
			padding = hashes[i].oaep;
	a = arena_new();
	e = c->key->far.decrypt(c->key->far.ctx, a, padding, str_of(in, inlen), &plain);
	/* A padding that is not right says no more; that a token is away is said. */
	if (!err_ok(e)) {
		if (err_is(e, ERR_CRYPTO))
			err_forget(e);
		else
			keyprov_far_failed(e);
		return 0;
	}
	fits = plain.n <= outsize;
	if (fits && plain.n > 0)
		memcpy(out, plain.p, plain.n);
	if (fits)
		*outlen = plain.n;
	secret_wipe((void *)(uintptr_t)plain.p, plain.n);
	return fits;
}

const OSSL_DISPATCH keyprov_rsa_decrypt[] = {
	KEYPROV_FN(OSSL_FUNC_ASYM_CIPHER_NEWCTX, newctx),
	KEYPROV_FN(OSSL_FUNC_ASYM_CIPHER_FREECTX, freectx),
	KEYPROV_FN(OSSL_FUNC_ASYM_CIPHER_DUPCTX, dupctx),
	KEYPROV_FN(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, decrypt_init),
	KEYPROV_FN(OSSL_FUNC_ASYM_CIPHER_DECRYPT, decrypt),
	KEYPROV_FN(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, set_ctx_params),
	KEYPROV_FN(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, settable),
	{ 0, NULL },
};

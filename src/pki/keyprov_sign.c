/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures with far keys: hashes here, asks the far side for a signature of the digest. RSA PKCS#1 v1.5, RSA-PSS with
 * a salt as long as the digest (all that TLS uses), ECDSA. No verifying: public keys do that in OpenSSL's provider.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "codec/sign_ipc.h"
#include "pki/keyprov_int.h"
#include "pki/ssl_err.h"

struct sign_ctx {
	struct keyprov_data *key;
	EVP_MD *md;
	EVP_MD_CTX *hash;
	int padding; /* RSA_*_PADDING; 0 with EC */
	bool salt_ok;
};

struct row {
	bool ec;
	int padding;
	const char *md;
	enum sign_scheme scheme;
	uint8_t alg_id[15]; /* AlgorithmIdentifier; PSS has none here */
	size_t nalg_id;
};

/* clang-format off */
#define RSA_ID(n) { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, (n), 0x05, 0x00 }, 15
#define EC_ID(n) { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, (n) }, 12
static const struct row rows[] = {
	{ true,  0, "SHA2-256", SIGN_ECDSA_SHA256, EC_ID(2) },
	{ true,  0, "SHA2-384", SIGN_ECDSA_SHA384, EC_ID(3) },
	{ false, RSA_PKCS1_PADDING, "SHA2-256", SIGN_RSA_PKCS1_SHA256, RSA_ID(11) },
	{ false, RSA_PKCS1_PADDING, "SHA2-384", SIGN_RSA_PKCS1_SHA384, RSA_ID(12) },
	{ false, RSA_PKCS1_PADDING, "SHA2-512", SIGN_RSA_PKCS1_SHA512, RSA_ID(13) },
	{ false, RSA_PKCS1_PSS_PADDING, "SHA2-256", SIGN_RSA_PSS_SHA256, { 0 }, 0 },
	{ false, RSA_PKCS1_PSS_PADDING, "SHA2-384", SIGN_RSA_PSS_SHA384, { 0 }, 0 },
	{ false, RSA_PKCS1_PSS_PADDING, "SHA2-512", SIGN_RSA_PSS_SHA512, { 0 }, 0 },
};
/* clang-format on */

static const struct row *
row_of(const struct sign_ctx *c)
{
	for (size_t i = 0; c->md != NULL && i < COUNT(rows); i++)
		if (rows[i].ec == (c->padding == 0) && rows[i].padding == c->padding &&
		    EVP_MD_is_a(c->md, rows[i].md))
			return rows[i].padding != RSA_PKCS1_PSS_PADDING || c->salt_ok ? &rows[i] :
											NULL;
	return NULL;
}

static void *
new_ctx(int padding)
{
	struct sign_ctx *c = calloc(1, sizeof *c);

	if (c != NULL) {
		c->padding = padding;
		c->salt_ok = true;
	}
	return c;
}

static void *
rsa_newctx(void *provctx, const char *propq)
{
	(void)provctx;
	(void)propq;
	return new_ctx(RSA_PKCS1_PADDING);
}

static void *
ec_newctx(void *provctx, const char *propq)
{
	(void)provctx;
	(void)propq;
	return new_ctx(0);
}

static void
freectx(void *vctx)
{
	struct sign_ctx *c = vctx;

	if (c == NULL)
		return;
	keyprov_data_free(c->key);
	EVP_MD_free(c->md);
	EVP_MD_CTX_free(c->hash);
	free(c);
}

static void *
dupctx(void *vctx)
{
	const struct sign_ctx *from = vctx;
	struct sign_ctx *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->padding = from->padding;
	c->salt_ok = from->salt_ok;
	if (from->key != NULL)
		c->key = keyprov_data_ref(from->key);
	if (from->md != NULL && EVP_MD_up_ref(from->md) == 1)
		c->md = from->md;
	if (from->hash != NULL) {
		c->hash = EVP_MD_CTX_new();
		if (c->hash == NULL || EVP_MD_CTX_copy_ex(c->hash, from->hash) != 1) {
			freectx(c);
			return NULL;
		}
	}
	return c;
}

static int
set_md(struct sign_ctx *c, const char *name)
{
	EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);

	if (md == NULL)
		return 0;
	EVP_MD_free(c->md);
	c->md = md;
	return 1;
}

/* Comes as a number or as a name. */
static int
set_padding(struct sign_ctx *c, const OSSL_PARAM *p)
{
	const char *name = NULL;
	int n = 0;

	if (c->padding == 0)
		return 0;
	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1)
			return 0;
		if (strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
			n = RSA_PKCS1_PADDING;
		else if (strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
			n = RSA_PKCS1_PSS_PADDING;
	} else if (OSSL_PARAM_get_int(p, &n) != 1) {
		return 0;
	}
	if (n != RSA_PKCS1_PADDING && n != RSA_PKCS1_PSS_PADDING)
		return 0;
	c->padding = n;
	return 1;
}

static int
set_salt(struct sign_ctx *c, const OSSL_PARAM *p)
{
	const char *name = NULL;
	int n = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1)
			return 0;
		c->salt_ok = strcmp(name, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
		return 1;
	}
	if (OSSL_PARAM_get_int(p, &n) != 1)
		return 0;
	c->salt_ok = n == RSA_PSS_SALTLEN_DIGEST || (c->md != NULL && n == EVP_MD_get_size(c->md));
	return 1;
}

static int
set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
	struct sign_ctx *c = vctx;
	const OSSL_PARAM *p;
	const char *name;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
	if (p != NULL && (OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1 || !set_md(c, name)))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL && !set_padding(c, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	if (p != NULL && !set_salt(c, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
	return p == NULL ||
	    (OSSL_PARAM_get_utf8_string_ptr(p, &name) == 1 && c->md != NULL &&
		EVP_MD_is_a(c->md, name));
}

static const OSSL_PARAM *
settable(void *vctx, void *provctx)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)vctx;
	(void)provctx;
	return list;
}

static int
get_ctx_params(void *vctx, OSSL_PARAM params[])
{
	struct sign_ctx *c = vctx;
	const struct row *row = row_of(c);
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);

	if (p != NULL &&
	    (row == NULL || row->nalg_id == 0 ||
		OSSL_PARAM_set_octet_string(p, row->alg_id, row->nalg_id) != 1))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
	return p == NULL ||
	    (c->md != NULL && OSSL_PARAM_set_utf8_string(p, EVP_MD_get0_name(c->md)) == 1);
}

static const OSSL_PARAM *
gettable(void *vctx, void *provctx)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)vctx;
	(void)provctx;
	return list;
}

static int
sign_init(void *vctx, void *vkey, const OSSL_PARAM params[])
{
	struct sign_ctx *c = vctx;
	struct keyprov_data *key = vkey;

	if (key != NULL) {
		if (!key->has_far || key->far.sign == NULL)
			return 0;
		keyprov_data_free(c->key);
		c->key = keyprov_data_ref(key);
	}
	return c->key != NULL && set_ctx_params(c, params);
}

static int
far_sign(struct sign_ctx *c, const struct row *row, struct str digest, unsigned char *sig,
    size_t *siglen, size_t sigsize)
{
	auto_arena struct arena *a = arena_new();
	struct str out = STR_EMPTY;
	err_t e = c->key->far.sign(c->key->far.ctx, a, (uint8_t)row->scheme, digest, &out);

	if (!err_ok(e)) {
		keyprov_far_failed(e);
		return 0;
	}
	if (out.n == 0 || out.n > sigsize)
		return 0;
	memcpy(sig, out.p, out.n);
	*siglen = out.n;
	return 1;
}

static int
sign(void *vctx, unsigned char *sig, size_t *siglen, size_t sigsize, const unsigned char *tbs,
    size_t tbslen)
{
	struct sign_ctx *c = vctx;
	const struct row *row = row_of(c);
	int size = EVP_PKEY_get_size(c->key->pub);

	if (row == NULL || size <= 0)
		return 0;
	if (sig == NULL) {
		*siglen = (size_t)size;
		return 1;
	}
	if (tbslen != (size_t)EVP_MD_get_size(c->md))
		return 0;
	return far_sign(c, row, str_of(tbs, tbslen), sig, siglen, sigsize);
}

static int
digest_sign_init(void *vctx, const char *mdname, void *vkey, const OSSL_PARAM params[])
{
	struct sign_ctx *c = vctx;
	const char *name = mdname == NULL || mdname[0] == '\0' ? "SHA256" : mdname;

	if (!sign_init(c, vkey, NULL) || !set_md(c, name))
		return 0;
	EVP_MD_CTX_free(c->hash);
	c->hash = EVP_MD_CTX_new();
	return c->hash != NULL && EVP_DigestInit_ex2(c->hash, c->md, NULL) == 1 &&
	    set_ctx_params(c, params);
}

static int
digest_sign_update(void *vctx, const unsigned char *data, size_t n)
{
	struct sign_ctx *c = vctx;

	return c->hash != NULL && EVP_DigestUpdate(c->hash, data, n) == 1;
}

static int
digest_sign_final(void *vctx, unsigned char *sig, size_t *siglen, size_t sigsize)
{
	struct sign_ctx *c = vctx;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (sig == NULL)
		return sign(c, NULL, siglen, 0, NULL, 0);
	if (c->hash == NULL || EVP_DigestFinal_ex(c->hash, digest, &n) != 1)
		return 0;
	return sign(c, sig, siglen, sigsize, digest, n);
}

#define SIGN_COMMON \
	KEYPROV_FN(OSSL_FUNC_SIGNATURE_FREECTX, freectx), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_DUPCTX, dupctx), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_init), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_SIGN, sign), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_sign_init), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, digest_sign_update), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, digest_sign_final), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_ctx_params), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, get_ctx_params), \
	    KEYPROV_FN(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, gettable)

const OSSL_DISPATCH keyprov_rsa_sign[] = {
	KEYPROV_FN(OSSL_FUNC_SIGNATURE_NEWCTX, rsa_newctx),
	SIGN_COMMON,
	{ 0, NULL },
};

const OSSL_DISPATCH keyprov_ec_sign[] = {
	KEYPROV_FN(OSSL_FUNC_SIGNATURE_NEWCTX, ec_newctx),
	SIGN_COMMON,
	{ 0, NULL },
};

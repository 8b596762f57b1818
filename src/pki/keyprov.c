/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider itself and its key management. Signatures are keyprov_sign.c, decryption is keyprov_decrypt.c.
 *
 * How OpenSSL comes here: an operation on a key looks for an implementation in the provider that the key came from after
 * exporting it to another provider failed. Export fails here whenever the private half is asked for; the public half may
 * go everywhere, so comparing and encoding work with OpenSSL's own code.
 */
#include "pki/keyprov.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "pki/fips.h"
#include "pki/key_int.h"
#include "pki/keyprov_int.h"
#include "pki/ssl_err.h"

#define PARAM_FAR "chancery-far"
#define PARAM_SPKI "chancery-spki"

struct keyprov_data *
keyprov_data_ref(struct keyprov_data *d)
{
	atomic_fetch_add(&d->refs, 1);
	return d;
}

void
keyprov_data_free(struct keyprov_data *d)
{
	if (d == NULL || atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	EVP_PKEY_free(d->pub);
	free(d);
}

void
keyprov_far_failed(err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	ERR_raise_data(ERR_LIB_USER, SSL_FAR_REASON + (int)rep.code, "%s %s",
	    err_info(rep.code)->text, rep.detail);
}

static void *
data_new(const char *name)
{
	struct keyprov_data *d = calloc(1, sizeof *d);

	if (d != NULL) {
		atomic_init(&d->refs, 1);
		d->name = name;
	}
	return d;
}

static void *
rsa_new(void *provctx)
{
	(void)provctx;
	return data_new("RSA");
}

static void *
ec_new(void *provctx)
{
	(void)provctx;
	return data_new("EC");
}

static void
data_free(void *data)
{
	keyprov_data_free(data);
}

static int
data_has(const void *data, int selection)
{
	const struct keyprov_data *d = data;

	if (d == NULL || d->pub == NULL)
		return 0;
	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || d->has_far;
}

static int
data_match(const void *data1, const void *data2, int selection)
{
	const struct keyprov_data *a = data1, *b = data2;

	if (a->pub == NULL || b->pub == NULL)
		return 0;
	if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0)
		return EVP_PKEY_eq(a->pub, b->pub) == 1;
	return EVP_PKEY_parameters_eq(a->pub, b->pub) == 1;
}

/* From keyprov_key(). */
static int
import_far(struct keyprov_data *d, const OSSL_PARAM *far, const OSSL_PARAM *spki)
{
	const unsigned char *p;

	if (spki == NULL || far->data_size != sizeof d->far)
		return 0;
	p = spki->data;
	d->pub = d2i_PUBKEY(NULL, &p, (long)spki->data_size);
	if (d->pub == NULL)
		return 0;
	memcpy(&d->far, far->data, sizeof d->far);
	d->has_far = true;
	return 1;
}

/* From another provider, which wants its public key compared with ours. */
static int
import_public(struct keyprov_data *d, const OSSL_PARAM *params)
{
	auto_pkey_ctx EVP_PKEY_CTX *c =
	    EVP_PKEY_CTX_new_from_name(NULL, d->name, "provider!=" KEYPROV_NAME);

	return c != NULL && EVP_PKEY_fromdata_init(c) == 1 &&
	    EVP_PKEY_fromdata(c, &d->pub, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) ==
	    1;
}

static int
data_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct keyprov_data *d = data;
	const OSSL_PARAM *far = OSSL_PARAM_locate_const(params, PARAM_FAR);

	(void)selection;
	if (d->pub != NULL)
		return 0;
	if (far == NULL)
		return import_public(d, params);
	return import_far(d, far, OSSL_PARAM_locate_const(params, PARAM_SPKI));
}

static int
data_export(void *data, int selection, OSSL_CALLBACK *cb, void *cbarg)
{
	struct keyprov_data *d = data;

	if (d->pub == NULL || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return 0;
	return EVP_PKEY_export(d->pub, EVP_PKEY_PUBLIC_KEY, cb, cbarg);
}

static const OSSL_PARAM *
rsa_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};

	return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

static const OSSL_PARAM *
ec_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

static int
data_get_params(void *data, OSSL_PARAM params[])
{
	struct keyprov_data *d = data;

	return d->pub != NULL && EVP_PKEY_get_params(d->pub, params) == 1;
}

static const OSSL_PARAM *
data_gettable(void *provctx)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provctx;
	return gettable;
}

static const char *
rsa_operation(int id)
{
	(void)id;
	return "RSA";
}

static const char *
ec_operation(int id)
{
	return id == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define KEYMGMT_COMMON \
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_FREE, data_free), \
	    KEYPROV_FN(OSSL_FUNC_KEYMGMT_HAS, data_has), \
	    KEYPROV_FN(OSSL_FUNC_KEYMGMT_MATCH, data_match), \
	    KEYPROV_FN(OSSL_FUNC_KEYMGMT_IMPORT, data_import), \
	    KEYPROV_FN(OSSL_FUNC_KEYMGMT_EXPORT, data_export), \
	    KEYPROV_FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, data_get_params), \
	    KEYPROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, data_gettable)

static const OSSL_DISPATCH rsa_keymgmt[] = {
	KEYMGMT_COMMON,
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_NEW, rsa_new),
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, rsa_types),
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, rsa_types),
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, rsa_operation),
	{ 0, NULL },
};

static const OSSL_DISPATCH ec_keymgmt[] = {
	KEYMGMT_COMMON,
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_NEW, ec_new),
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, ec_types),
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, ec_types),
	KEYPROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation),
	{ 0, NULL },
};

#define RSA_NAMES "RSA:rsaEncryption:1.2.840.113549.1.1.1"
#define EC_NAMES "EC:id-ecPublicKey:1.2.840.10045.2.1"

static const OSSL_ALGORITHM *
query(void *provctx, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM keymgmt[] = {
		{ RSA_NAMES, KEYPROV_PROPERTIES, rsa_keymgmt, "RSA keys elsewhere" },
		{ EC_NAMES, KEYPROV_PROPERTIES, ec_keymgmt, "EC keys elsewhere" },
		{ NULL, NULL, NULL, NULL },
	};
	static const OSSL_ALGORITHM signature[] = {
		{ RSA_NAMES, KEYPROV_PROPERTIES, keyprov_rsa_sign, "RSA signatures elsewhere" },
		{ "ECDSA", KEYPROV_PROPERTIES, keyprov_ec_sign, "ECDSA elsewhere" },
		{ NULL, NULL, NULL, NULL },
	};
	static const OSSL_ALGORITHM cipher[] = {
		{ RSA_NAMES, KEYPROV_PROPERTIES, keyprov_rsa_decrypt, "RSA decryption elsewhere" },
		{ NULL, NULL, NULL, NULL },
	};

	(void)provctx;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return keymgmt;
	case OSSL_OP_SIGNATURE:
		return signature;
	case OSSL_OP_ASYM_CIPHER:
		return cipher;
	default:
		return NULL;
	}
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **provctx)
{
	static const OSSL_DISPATCH functions[] = {
		KEYPROV_FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
		{ 0, NULL },
	};

	(void)in;
	*provctx = (void *)(uintptr_t)handle;
	*out = functions;
	return 1;
}

/* Gives up what keyprov_init() took, and what the look-up here takes, so that leak checkers see nothing. */
static void
unload(void)
{
	static const char *const names[] = { KEYPROV_NAME, "default" };

	for (size_t i = 0; i < (fips_is_on() ? 1 : COUNT(names)); i++) {
		OSSL_PROVIDER *p = OSSL_PROVIDER_load(NULL, names[i]);

		OSSL_PROVIDER_unload(p);
		OSSL_PROVIDER_unload(p);
	}
}

err_t
keyprov_init(void)
{
	bool fips = fips_is_on();

	if (OSSL_PROVIDER_available(NULL, KEYPROV_NAME) == 1)
		return OK;
	/* Loading one provider by hand turns the automatic loading of the default one off; in FIPS mode it stays away. What is
	 * set takes the place of what was set before, so fips=yes is said again. */
	if ((!fips && OSSL_PROVIDER_load(NULL, "default") == NULL) ||
	    OSSL_PROVIDER_add_builtin(NULL, KEYPROV_NAME, provider_init) != 1 ||
	    OSSL_PROVIDER_load(NULL, KEYPROV_NAME) == NULL ||
	    EVP_set_default_properties(NULL,
		fips ? "fips=yes,?provider!=" KEYPROV_NAME : "?provider!=" KEYPROV_NAME) != 1 ||
	    OPENSSL_atexit(unload) != 1)
		FAIL_SSL(ERR_CRYPTO, "the provider of keys elsewhere");
	return OK;
}

err_t
keyprov_key(const struct far_key *far, struct str spki, struct key **ret)
{
	struct far_key copy = *far;
	auto_key struct key *pub = NULL;
	auto_pkey_ctx EVP_PKEY_CTX *c = NULL;
	auto_pkey EVP_PKEY *p = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(PARAM_FAR, &copy, sizeof copy),
		OSSL_PARAM_construct_octet_string(PARAM_SPKI, (void *)(uintptr_t)spki.p, spki.n),
		OSSL_PARAM_construct_end(),
	};

	TRY(key_from_spki(spki, &pub));
	c = EVP_PKEY_CTX_new_from_name(
	    NULL, key_algorithm(pub) == KEY_RSA ? "RSA" : "EC", KEYPROV_PROPERTIES);
	if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &p, EVP_PKEY_KEYPAIR, params) != 1)
		FAIL_SSL(ERR_CRYPTO, "a key elsewhere");
	return key_adopt(steal(p), true, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for OpenSSL's FIPS provider where none is installed: the default provider's algorithms, of them those alone
 * that are approved, with the property fips=yes. What a program fetches beside those does not resolve, as with the real
 * one. It is validated by nobody and tests no module: it shows what of a program is reachable.
 *
 * As "fips.so" in the folder $OPENSSL_MODULES. It is stricter than the provider of OpenSSL 3.0, which still has triple DES
 * and the curves of RFC 7748.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#define OPERATIONS 32
#define ALGORITHMS 128

/* By the first of their names; "AES" also stands for what begins with "AES-". */
static const char *const approved[] = { "SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512",
	"SHA2-512/224", "SHA2-512/256", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512", "AES",
	"HMAC", "CMAC", "GMAC", "HKDF", "TLS13-KDF", "SSKDF", "PBKDF2", "X963KDF", "TLS1-PRF",
	"KBKDF", "CTR-DRBG", "HASH-DRBG", "HMAC-DRBG", "TEST-RAND", "RSA", "RSA-PSS", "EC", "ECDH",
	"ECDSA", "DH", "DHX", NULL };

static struct {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *behind;
	OSSL_ALGORITHM tables[OPERATIONS][ALGORITHMS];
} our;

static int
is_approved(const char *names)
{
	size_t n = strcspn(names, ":");

	for (size_t i = 0; approved[i] != NULL; i++) {
		size_t have = strlen(approved[i]);

		if (n == have && strncmp(names, approved[i], n) == 0)
			return 1;
	}
	return strncmp(names, "AES-", 4) == 0 && strstr(names, "SIV") == NULL &&
	    strstr(names, "OCB") == NULL;
}

static const OSSL_ALGORITHM *
query(void *ctx, int operation, int *no_cache)
{
	const OSSL_ALGORITHM *all;
	size_t n = 0;

	(void)ctx;
	*no_cache = 0;
	/* Reading and writing of keys is the base provider's. */
	if (operation <= 0 || operation >= OPERATIONS || operation >= OSSL_OP_ENCODER)
		return NULL;
	all = OSSL_PROVIDER_query_operation(our.behind, operation, no_cache);
	for (; all != NULL && all->algorithm_names != NULL && n + 1 < ALGORITHMS; all++) {
		if (!is_approved(all->algorithm_names))
			continue;
		our.tables[operation][n] = *all;
		our.tables[operation][n++].property_definition = "provider=fips,fips=yes";
	}
	our.tables[operation][n] = (OSSL_ALGORITHM){ 0 };
	return n == 0 ? NULL : our.tables[operation];
}

static int
capabilities(void *ctx, const char *capability, OSSL_CALLBACK *cb, void *arg)
{
	(void)ctx;
	return OSSL_PROVIDER_get_capabilities(our.behind, capability, cb, arg);
}

static int
get_params(void *ctx, OSSL_PARAM *params)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);

	(void)ctx;
	return p == NULL || OSSL_PARAM_set_int(p, 1);
}

static void
teardown(void *ctx)
{
	(void)ctx;
	OSSL_PROVIDER_unload(our.behind);
	OSSL_LIB_CTX_free(our.lib);
}

int OSSL_provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **ret, void **ret_ctx);

int
OSSL_provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **ret,
    void **ret_ctx)
{
	static const OSSL_DISPATCH table[] = {
		{ OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown },
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities },
		{ OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_params },
		{ 0, NULL },
	};

	(void)core;
	(void)in;
	our.lib = OSSL_LIB_CTX_new();
	our.behind = our.lib == NULL ? NULL : OSSL_PROVIDER_load(our.lib, "default");
	if (our.behind == NULL)
		return 0;
	*ret = table;
	*ret_ctx = OSSL_PROVIDER_get0_provider_ctx(our.behind);
	return 1;
}

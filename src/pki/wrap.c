/* SPDX-License-Identifier: Apache-2.0 */
/* See wrap.h. */
#include "pki/wrap.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/secret.h"
#include "pki/fips.h"
#include "pki/key_int.h"
#include "pki/ssl_err.h"

#define BLOCK_MAX 1024

static const struct {
	unsigned padding;
	const char *name, *md;
} ways[] = {
	{ WRAP_OAEP_SHA1, "oaepSha1", "SHA1" },
	{ WRAP_OAEP_SHA256, "oaepSha256", "SHA256" },
	{ WRAP_OAEP_SHA384, "oaepSha384", "SHA384" },
	{ WRAP_OAEP_SHA512, "oaepSha512", "SHA512" },
};

unsigned
wrap_padding_of(struct str name)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (str_ieq_c(name, ways[i].name))
			return ways[i].padding;
	return 0;
}

const char *
wrap_padding_name(unsigned padding)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (ways[i].padding == padding)
			return ways[i].name;
	return padding == 1 ? "pkcs1" : "none";
}

static err_t
hash_of(unsigned padding, const char **ret)
{
	for (size_t i = 0; i < COUNT(ways); i++) {
		if (ways[i].padding != padding)
			continue;
		*ret = ways[i].md;
		return OK;
	}
	FAIL(ERR_PFX_PADDING, "padding scheme %u", padding);
}

/* The operation was begun. */
static bool
set_padding(EVP_PKEY_CTX *c, const char *md)
{
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md_name(c, md, NULL) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md_name(c, md, NULL) == 1;
}

err_t
wrap_seal(
    struct arena *a, const struct key *to, unsigned padding, struct str secret, struct str *ret)
{
	auto_pkey EVP_PKEY *p = NULL;
	auto_pkey_ctx EVP_PKEY_CTX *c = NULL;
	uint8_t *out = arena_alloc(a, BLOCK_MAX);
	size_t n = BLOCK_MAX;
	const char *md;

	TRY(hash_of(padding, &md));
	if (padding == WRAP_OAEP_SHA1)
		FAIL(ERR_PFX_PADDING, "SHA-1");
	if (key_algorithm(to) != KEY_RSA || key_bits(to) < KEY_RSA_2048)
		FAIL(ERR_KEY, "an import key is an RSA key of 2048 bits or more");
	TRY(key_public(to, &p));
	if (secret.n +
		2 *
		    (padding == WRAP_OAEP_SHA256        ? 32u :
			    padding == WRAP_OAEP_SHA384 ? 48u :
							  64u) +
		2 >
	    key_bits(to) / 8)
		FAIL(ERR_TOO_LARGE, "a secret of %zu bytes for a key of %u bits", secret.n,
		    key_bits(to));
	c = EVP_PKEY_CTX_new_from_pkey(NULL, p, NULL);
	if (c == NULL || EVP_PKEY_encrypt_init(c) != 1 || !set_padding(c, md) ||
	    EVP_PKEY_encrypt(c, out, &n, secret.p, secret.n) != 1)
		FAIL_SSL(ERR_CRYPTO, "encrypting to an import key");
	*ret = str_of(out, n);
	return OK;
}

err_t
wrap_open(struct arena *a, const struct key *k, unsigned padding, struct str in, struct str *ret)
{
	auto_pkey_ctx EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key_pkey(k), NULL);
	uint8_t *out = arena_alloc(a, BLOCK_MAX);
	size_t n = BLOCK_MAX;
	const char *md;
	bool good;

	TRY(hash_of(padding, &md));
	if (padding == WRAP_OAEP_SHA1)
		TRY(fips_refuse("RSA-OAEP with SHA-1, by which the password was encrypted"));
	if (in.n == 0 || in.n > BLOCK_MAX || key_algorithm(k) != KEY_RSA)
		FAIL(ERR_PFX_UNWRAP, "%s", "");
	good = c != NULL && EVP_PKEY_decrypt_init(c) == 1 && set_padding(c, md) &&
	    EVP_PKEY_decrypt(c, out, &n, in.p, in.n) == 1;
	if (!good) {
		secret_wipe(out, BLOCK_MAX);
		if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_USER)
			FAIL_SSL(ERR_TOKEN_DEVICE, "import key");
		ssl_forget();
		FAIL(ERR_PFX_UNWRAP, "%s", "");
	}
	*ret = str_of(out, n);
	return OK;
}

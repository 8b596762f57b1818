/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_key.h"

#include "ca/state.h"

static const char *
path_of(struct issuer *is, struct arena *a, const char *file)
{
	return arena_printf(a, "%s/%s", is->keys_dir, file);
}

static err_t
open_far(struct issuer *is, const char *uri, const struct cert *cert, struct key **ret)
{
	auto_key struct key *public = NULL;

	TRY(cert_key(cert, &public));
	return token_uri_key(is->tokens, uri, public, ret);
}

err_t
ca_key_open(struct issuer *is, struct arena *a, const char *where, const struct cert *cert,
    struct key **ret)
{
	auto_key struct key *k = NULL;
	uint8_t spki[32];

	if (token_uri_is(where))
		return open_far(is, where, cert, ret);
	TRY(vault_key_read(is->vault, a, path_of(is, a, where), &k));
	TRY(key_spki_sha256(k, spki));
	if (memcmp(spki, cert_spki_sha256(cert), sizeof(spki)) != 0)
		FAIL(ERR_KEY_MISMATCH, "%s is not the key of %s", where, cert_subject(cert));
	*ret = steal(k);
	return OK;
}

err_t
ca_key_make(struct issuer *is, struct arena *a, const char *where, enum key_alg alg, unsigned bits,
    struct key **ret)
{
	if (token_uri_is(where))
		return token_uri_make(is->tokens, a, where, alg, bits, ret);
	return vault_key_file(is->vault, a, path_of(is, a, where), alg, bits, ret);
}

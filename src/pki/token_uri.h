/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in PKCS#11 tokens, named by URIs (RFC 7512), that stay usable while their token comes and goes:
 *
 *   pkcs11:token=LABEL;object=LABEL?module-path=/usr/lib/...so&pin-source=file:/etc/chancery/pin
 *
 * The token is opened when a key is first used, and again after it was away. While it is away each use fails and
 * nothing else does. One token is opened once, for all its keys; one operation at a time. A PIN that was refused is
 * not tried again for as long as its file has the same one, and never when the token says that one try is left:
 * tokens lock themselves after a few.
 */
#ifndef PKI_TOKEN_URI_H
#define PKI_TOKEN_URI_H

#include "pki/key.h"

struct token_pool;

struct token_pool *token_pool_new(void);
void token_pool_free(struct token_pool *p); /* NULL is fine; after all its keys */

bool token_uri_is(const char *where);
/* A token's URI that names no object, with one: object is of letters, digits, blanks, '.', '_' and '-'.
 * ERR_TOKEN_URI. */
err_t token_uri_object(struct arena *a, const char *token, const char *object, const char **ret);
/* A key whose public half is known; the token is not touched. keyprov_init() comes first. ERR_TOKEN_URI. */
err_t token_uri_key(
    struct token_pool *p, const char *uri, const struct key *public, struct key **ret);
/* Opens the token now; makes the pair there (not extractable) when the label is new. */
err_t token_uri_make(struct token_pool *p, struct arena *a, const char *uri, enum key_alg alg,
    unsigned bits, struct key **ret);

#endif

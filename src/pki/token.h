/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in a PKCS#11 token, by p11-kit: found or made there, used through pki/keyprov.h. PKCS#11 v2.40.
 *
 * RSA private operations are done raw (CKM_RSA_X_509) where the token can, with padding checked here in constant time,
 * because tokens differ in the paddings they take; else by the token's own mechanism.
 */
#ifndef PKI_TOKEN_H
#define PKI_TOKEN_H

#include "pki/key.h"

struct token;

/* token_close() gives the session up. module: path of the PKCS#11 library. token_label: which token. ERR_TOKEN_DEVICE names the CKR_ code. */
err_t token_open(const char *module, const char *token_label, const char *pin, struct token **ret);
void token_close(struct token *t);
/* keyprov_init() comes first; the key must not outlive the token. The key pair with this label, made there (RSA, not extractable) when missing. */
err_t token_key(struct token *t, const char *label, unsigned bits, struct key **ret);
/* keyprov_init() comes first; the key must not outlive the token. The key pair with this label, never made. ERR_NOT_FOUND. */
err_t token_find(struct token *t, const char *label, struct key **ret);
/* As token_key(), for RSA and for P-256 and P-384, and the newest of t->keys is the key. bits 0: never made; ERR_NOT_FOUND. */
err_t token_pair(
    struct token *t, const char *label, enum key_alg alg, unsigned bits, struct key **ret);
/* Puts a key pair (RSA, P-256, P-384) into the token (sensitive, not extractable) in place of one with that label. Keys that
 * token_key() gave for the old pair must not be used any more. ERR_TOKEN_DEVICE: the token does not let keys be put in. */
err_t token_import(struct token *t, const char *label, const struct key *k);
err_t token_remove(struct token *t, const char *label); /* absent is success */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Token sessions and calls, between token.c and token_ops.c. */
#ifndef PKI_TOKEN_INT_H
#define PKI_TOKEN_INT_H

#include <pthread.h>

#include <p11-kit/pkcs11.h>

#include "pki/token.h"

struct token_key {
	struct token *token;
	char *label;
	CK_OBJECT_HANDLE priv;
	size_t bits;
	enum key_alg alg;
	struct token_key *next;
};

struct token {
	CK_FUNCTION_LIST *p11;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	char *pin;
	bool initialized, open, raw; /* raw: CKM_RSA_X_509 signs and decrypts */
	pthread_mutex_t lock;        /* a session does one thing at a time */
	struct token_key *keys;      /* what token_key() gave out */
};

err_t token_failed(const char *call, CK_RV rv);
const char *token_pin(const struct token *t); /* secret */
/* With the lock held: is this the end of the session, so that a new one may help? */
bool token_session_lost(CK_RV rv);
/* With the lock held: opens one, and finds all keys again. */
err_t token_session_renew(struct token *t);

/* token_ec.c; with the lock held. ret: SubjectPublicKeyInfo. */
err_t token_ec_public(struct token *t, struct arena *a, CK_OBJECT_HANDLE pub, struct str *ret);
err_t token_ec_generate(struct token *t, const char *label, unsigned bits);
err_t token_ec_import(
    struct token *t, const char *label, const struct key *k, const uint8_t id[20]);
err_t token_ec_signature(struct arena *a, struct str raw, struct str *ret);

/* The private operations, for keyprov; ctx is a struct token_key. */
err_t token_sign(void *ctx, struct arena *a, uint8_t scheme, struct str digest, struct str *ret);
err_t token_decrypt(void *ctx, struct arena *a, unsigned padding, struct str in, struct str *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of SCEP: challenges that the administrator of the CA gave out, and which request a client's transaction
 * became. Every function expects a transaction of a store opened with STORE_CA.
 */
#ifndef STORE_SCEP_H
#define STORE_SCEP_H

#include "store/ca.h"

/* A challenge is good for one certificate; which one it became is kept under its id like that of an order. */
struct challenge {
	struct id id;
	struct str sha256; /* of its text, which is kept nowhere */
	const char *ca, *template, *principal;
	struct str subject,
	    san; /* DER, what the certificate will name; empty subject: what the request says */
	const char *subject_text;
	when_t created, expires;
};
err_t store_challenge_insert(struct tx *tx, const struct challenge *c);
err_t store_challenge_get(struct tx *tx, struct arena *a, struct str sha256, struct challenge *ret);
/* Newest first, at most LIMIT_PAGE. */
err_t store_challenge_list(struct tx *tx, struct arena *a, struct challenge **ret, size_t *retn);
err_t store_challenge_delete(struct tx *tx, struct id id); /* ERR_NOT_FOUND */
/* Those that ended before. */
err_t store_challenge_prune(struct tx *tx, when_t before);

/* A sealed order that a caller left here: devices show the challenge whose hash it lies under. */
struct deposit {
	struct str sha256; /* of the challenge, which is kept nowhere */
	const char *ca;
	const char *principal; /* who left it: it speaks for the request */
	struct str sealed;
	struct id order; /* its id */
	when_t expires;
};
/* The same hash may come again for the same order; ERR_CONFLICT: it lies there for another one. */
err_t store_deposit_put(struct tx *tx, const struct deposit *d);
err_t store_deposit_get(struct tx *tx, struct arena *a, struct str sha256, struct deposit *ret);
err_t store_deposit_prune(struct tx *tx, when_t before);

/* The newest request of a transaction (RFC 8894 3.2.1.1), by its id and the key that signs. */
struct scep_transaction {
	const char *ca, *transaction;
	struct str signer;  /* SHA-256 of the signer's public key */
	struct str content; /* SHA-256 of the request */
	struct str
	    message; /* SHA-256 of the signed attributes: one message, however it is sent again */
	int64_t request; /* id of the record in issued */
	when_t seen;
};
err_t store_scep_put(struct tx *tx, const struct scep_transaction *t);
err_t store_scep_get(struct tx *tx, struct arena *a, const char *ca, const char *transaction,
    struct str signer, struct scep_transaction *ret);
err_t store_scep_prune(struct tx *tx, when_t before);

/* The service whose orders this key seals (SHA-256 of its SPKI). ERR_NOT_FOUND. */
err_t store_order_service(struct tx *tx, struct arena *a, struct str key_id, const char **ret);

#endif

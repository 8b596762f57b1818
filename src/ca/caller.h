/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: a client certificate, or a name and a password, becomes a principal of the CA. Deny by default: the
 * certificate must be one of our own, valid now, not revoked, for client authentication, and bound to a principal
 * that is enabled; the password must be the one that is stored (signon.h).
 *
 * caller_prove() does what takes time and no transaction; caller_records() is asked with its result in each
 * transaction that acts. Who renews a certificate that was issued to it and is no principal acts for the principal
 * who requested that certificate, and gets nothing but the renewal.
 */
#ifndef CA_CALLER_H
#define CA_CALLER_H

#include "ca/hierarchy.h"
#include "store/ca.h"

/* Rights on the CA, as the store keeps them. */
enum { CA_RIGHT_REQUEST = 1, CA_RIGHT_OFFICER = 2, CA_RIGHT_MANAGE = 4, CA_RIGHT_READ = 8 };

struct order;

struct caller {
	struct principal
	    who; /* its rights on the CA are those of its groups as well: not to be saved */
	uint8_t sha256[32]; /* of its certificate */
};

struct proof {
	uint8_t sha256[32];   /* of the certificate; zero when there was none */
	const char *user;     /* by password: the name; NULL: by certificate */
	const char *password; /* the stored hash that matched */
	bool renews;          /* the certificate may be one that it renews */
	const char *
	    vouched; /* the principal that speaks for who asks, by its order or a challenge; NULL: none */
	const struct order
	    *stated; /* of a challenge: its id, and names unless its subject is empty; NULL: none */
	/* SHA-256 of the challenge by which it reached an order that was left here; empty: none */
	struct str challenge;
	bool sha1;    /* an old device, whose request may be signed with SHA-1 */
	when_t asked; /* 0: now; else when it asked for what a manager has approved by now */
};
struct caller_claim {
	struct str certificate;
	const char *user, *password; /* NULL or "": by certificate */
	bool renews;
};
/* ERR_CALLER_EXPIRED, ERR_CREDENTIALS, ERR_LOGIN_LIMIT, ERR_FORBIDDEN when nothing was shown. Borrows from `a` and
 * c. */
err_t caller_prove(
    struct issuer *is, struct arena *a, const struct caller_claim *c, struct proof *ret);
/* As caller_principal(), for any proof; ERR_CREDENTIALS when the password was changed meanwhile. */
err_t caller_records(struct tx *tx, struct arena *a, const struct proof *p, struct caller *ret);

/* Everything but the records: parses, chains to one of our CAs, valid now, client authentication.
 * ERR_CALLER_EXPIRED. */
err_t caller_certificate(const struct hierarchy *h, struct str der, uint8_t ret_sha256[32]);
/* The records: ERR_CALLER_UNKNOWN, ERR_CALLER_REVOKED, ERR_CALLER_DISABLED. Expects a transaction. */
err_t caller_principal(
    struct tx *tx, struct arena *a, const uint8_t sha256[32], struct caller *ret);

#endif

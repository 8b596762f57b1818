/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenges for SCEP: what the challengePassword of a request stands for.
 *
 * Either a sealed order of an admitted service in base64 (codec/order.h); or 32 hexadecimal digits under whose hash such
 * an order was left here (deposit.h); or 32 that the administrator of the CA had made here, for a device that he enters
 * them into. Of those only the hash is kept. They
 * are good until they end and for one certificate: like an order they have an id, and mint.h gives one certificate
 * under an id, to one key, which may ask again for it.
 *
 * A challenge speaks for a principal, whose rights on CA and template are asked as for any request. It says what the
 * certificate names; only where the template lets its enrollers name themselves it may leave that to the request.
 */
#ifndef CA_CHALLENGE_H
#define CA_CHALLENGE_H

#include "ca/caller.h"
#include "codec/order.h"

#define CHALLENGE_PRINCIPAL "scep" /* when the administrator names no other */

struct challenge_spec {
	const char *ca, *template, *principal;
	struct str subject, san; /* DER; empty subject: the request's */
	int64_t valid;           /* seconds */
};
struct challenge_made {
	struct id id;
	const char *text;
	when_t expires;
};
/* Checks that the principal may enrol for the template. */
err_t challenge_make(
    struct issuer *is, struct arena *a, const struct challenge_spec *s, struct challenge_made *ret);

/* What a challengePassword amounts to. */
struct challenge_use {
	const char *vouched;  /* the principal that speaks for the request */
	const char *template; /* that it is for */
	const char *order;    /* base64 of a sealed order, or "" */
	struct str
	    sha256; /* of what was shown, where that order was left behind it; empty: it was shown itself */
	struct order *stated; /* of one of ours; NULL: it is an order */
	struct id id;         /* of the order, or of one of ours */
	uint64_t fence;
	when_t expires;
};
/* ERR_CHALLENGE_MISSING, ERR_CHALLENGE; for an order only what it claims: policy.h opens it. */
err_t challenge_find(struct issuer *is, struct arena *a, const char *text, const struct ca *ca,
    struct challenge_use *ret);

#endif

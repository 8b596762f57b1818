/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a certificate from an approval, so that a crash at any point leaves something to finish or to revoke and never
 * an unknown certificate.
 *
 *   bytes built and linted -> intent on disk, with serial and bytes -> signature -> certificate on disk -> answer
 *        (no record)              ISSUED_INTENT                            ISSUED_VALID
 *                                       |  left over: the signature may exist and be lost
 *                                       '--> ISSUED_REVOKED, on the CRL                     mint_close_left_over()
 *
 * Under one order there is at most one valid certificate. Its fence decides, in the transaction of the intent:
 *   higher than any before    what was issued or under way under the order is revoked (superseded), a new one is made
 *   the highest, same key     the same certificate again, if it is still valid; a new one, if the first was never answered
 *   anything else             ERR_ORDER_STALE, or ERR_ORDER_CLOSED after a revocation of the order
 * What waits for a manager goes on waiting under its number when a higher fence asks for the same with another key. What
 * was approved is approved for the order, and what was denied stays denied.
 */
#ifndef CA_MINT_H
#define CA_MINT_H

#include "ca/policy.h"

/* More to write in the transaction that makes the certificate valid. */
typedef err_t (*mint_also)(struct tx *tx, struct arena *a, void *arg, const struct cert *c);

struct minted {
	int64_t id;
	struct str der; /* in the arena */
};

/* ERR_BUSY: the same order is being served at this moment. */
err_t mint(struct issuer *is, struct arena *a, const struct approval *ap, mint_also also, void *arg,
    struct minted *ret);

/* The same for a request that waited for a manager: its record goes on. ERR_STATE_MOVED when it does not wait any more. */
err_t mint_approved(
    struct issuer *is, struct arena *a, const struct approval *ap, int64_t id, struct minted *ret);
/* Writes a request down that is to wait; its der stays empty, unless the same order was served already. `after` for a
 * client that will ask by sending the same once more: the number that it had until now (store/wait.h), 0 for none;
 * ERR_BUSY when it has another one by now. NULL: it asks by number or by its order. */
struct pending;
err_t mint_pend(struct issuer *is, struct arena *a, const struct approval *ap,
    const struct pending *waits, const int64_t *after, struct minted *ret);

/* Revokes intents that are older than `age` seconds. */
err_t mint_close_left_over(struct issuer *is, int64_t age);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation: by serial for the administrator, by order for the service, and of what a newer fence supersedes. Each
 * marks the CA's CRL as out of date in the same transaction; crl.h makes the new one.
 */
#ifndef CA_REVOKE_H
#define CA_REVOKE_H

#include "codec/ca_ipc.h"
#include "codec/order.h"
#include "store/ca.h"

struct issuer;

/* RFC 5280 5.3.1 */
enum {
	REASON_UNSPECIFIED = 0,
	REASON_KEY_COMPROMISE = 1,
	REASON_CA_COMPROMISE = 2,
	REASON_AFFILIATION = 3,
	REASON_SUPERSEDED = 4,
	REASON_CESSATION = 5,
	REASON_HOLD = 6,
	REASON_PRIVILEGE_WITHDRAWN = 9,
	REASON_AA_COMPROMISE = 10
};

/* One record that is valid, on hold or an intent; one that waits for a manager is denied; others are left as they are.
 * Expects a transaction. */
err_t revoke_record(
    struct tx *tx, const struct issued *x, int reason, const char *actor, bool *ret_done);
/* All that is valid or under way under an order at a CA (NULL: any), but for serial `keep` (""). Expects a transaction. */
err_t revoke_under(struct tx *tx, struct arena *a, struct id order, const char *ca,
    const char *keep, int reason, const char *actor, uint32_t *ret_count);

/* A sealed order of kind revoke, presented by a caller with the officer's right. Closes the order's request. */
err_t revoke_by_order(
    struct issuer *is, struct arena *a, struct str caller, struct str sealed, uint32_t *ret_count);
/* ca NULL: whichever has the serial. ERR_NOT_FOUND, ERR_CONFLICT when it is revoked already; what is on hold can still be
 * revoked for good. */
err_t revoke_by_serial(
    struct issuer *is, struct arena *a, const char *ca, const char *serial, int reason);

/* Back from hold: valid again, and off the CRL with the next one. ERR_NOT_ON_HOLD. */
err_t revoke_release(struct issuer *is, struct arena *a, const char *ca, const char *serial);
/* What was issued to the caller by order and revoked for good since, whoever revoked it: so that the service, which asks
 * through its connector, does not take for valid what is not. */
err_t revoked_since(
    struct issuer *is, struct arena *a, const struct ca_revoked_req *q, struct ca_revoked_rep *ret);

/* The serial as the store has it: lower case, no blanks, colons or leading zeros. ERR_BAD_REQUEST. */
err_t serial_text(struct arena *a, const char *in, const char **ret);

#endif

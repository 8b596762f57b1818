/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCEP messages on their way: from a device that waits for the answer, through a connector, to a CA and back. Rows live for
 * seconds. And identities that are being enrolled by SCEP: which certificate of the identity CA is going to be whose.
 * Every function expects a transaction.
 */
#ifndef STORE_RELAY_H
#define STORE_RELAY_H

#include "store/device.h"

#define LIMIT_RELAYS_KEPT 64u /* of one request, with those whose answer is kept for a while */

enum relay_state { RELAY_WAITING = 1, RELAY_TAKEN, RELAY_ANSWERED };

struct relay {
	struct id id;
	struct id request; /* what the device requests */
	const char *ca;
	const char *operation; /* "GetCACert", "PKIOperation", ... */
	struct str message;    /* PKIOperation: DER */
	enum relay_state state;
	const char *owner; /* connector that took it, as text id */
	int status;        /* the answer: HTTP status, type, body */
	const char *type;
	struct str body;
	when_ms_t created;
	when_t expires;
};

/* ERR_BUSY: there are LIMIT_RELAYS already, or LIMIT_RELAYS_EACH of that request, or
 * LIMIT_RELAYS_KEPT of it with those that were answered and are not over. */
err_t store_relay_insert(struct tx *tx, const struct relay *r);
err_t store_relay_get(struct tx *tx, struct arena *a, struct id id, when_t now, struct relay *ret);
/* The oldest that waits for one of these CAs (comma list) becomes TAKEN by owner; ERR_NOT_FOUND: none. */
err_t store_relay_take(struct tx *tx, struct arena *a, const char *cas, const char *owner,
    when_ms_t now, struct relay *ret);
/* Status, type and body of r, if `owner` took it; ERR_NOT_FOUND: it did not, or it is over. */
err_t store_relay_answer(struct tx *tx, const struct relay *r);
/* Who took it keeps it: it is not given to another, and lives until then. ERR_NOT_FOUND: `owner` has it not. */
err_t store_relay_keep(struct tx *tx, struct id id, const char *owner, when_t expires);
err_t store_relay_expire(struct tx *tx, struct id id, when_t expires);
/* The newest answer with status 200 to this operation of a request; ERR_NOT_FOUND. */
err_t store_relay_done(struct tx *tx, struct arena *a, struct id request, const char *operation,
    when_t now, struct relay *ret);
/* How many were taken by then and lie with the first who took them. */
err_t store_relay_lying(struct tx *tx, when_ms_t taken, int64_t *ret);
/* They wait again, for whoever comes. Who had one may still answer. */
err_t store_relay_give_back(struct tx *tx, when_ms_t taken);
/* How many wait to be taken. */
err_t store_relay_waiting(struct tx *tx, int64_t *ret);
/* How many rows of this file are over, and are there still. */
err_t store_relay_over(struct tx *tx, when_t now, int64_t *ret);
err_t store_relay_prune(struct tx *tx, when_t now);

/* An identity that was offered by SCEP. */
struct enrolling {
	struct id device;
	struct id user; /* zero: none */
	const char *platform;
	uint64_t fence; /* of its order */
	when_t created, expires;
};
err_t store_enrolling_put(struct tx *tx, const struct enrolling *e); /* replaces an earlier one */
err_t store_enrolling_get(
    struct tx *tx, struct arena *a, struct id device, when_t now, struct enrolling *ret);
err_t store_enrolling_delete(struct tx *tx, struct id device);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CA backends: how a connector has certificates issued and revoked. One file in connector/backend/ a kind of CA.
 *
 * The outcome says what the service must do next: issued; pending (ask again later); rejected (a person must act);
 * unreachable (try again by itself); misconfigured (this connector must be corrected).
 */
#ifndef CONNECTOR_BACKEND_H
#define CONNECTOR_BACKEND_H

#include "codec/order.h"
#include "connector/link.h"

enum outcome {
	OUTCOME_ISSUED = 1,
	OUTCOME_REVOKED,
	OUTCOME_PENDING,
	OUTCOME_REJECTED,
	OUTCOME_UNREACHABLE,
	OUTCOME_MISCONFIGURED,
	OUTCOME_DEPOSITED,
	OUTCOME_RELAYED
};

const char *outcome_name(enum outcome o); /* "issued", ... as on the wire */
/* The outcome that an error of ours means. What a person must mend is rejected: 4xx of the catalogue, a CA that says no;
 * all else is tried again by itself (unreachable) or is for who looks after this host (misconfigured). */
enum outcome outcome_of(err_t e);
/* The error for an HTTP status that carries no answer of the CA: ERR_CA_DENIED for 4xx, ERR_UNREACHABLE for what passes by
 * itself, ERR_HTTP_STATUS else. */
err_t outcome_http(const char *what, int status, const char *detail);

/* A connection to the CA as the connector is joined, kept by one loop. */
struct backend_session {
	const struct join *join; /* borrowed */
	struct fetch *fetch;
	enum { ORDERS_UNASKED, ORDERS_UNKNOWN, ORDERS_KNOWN } orders; /* backend_knows_orders() */
};

err_t backend_open(const struct join *j, struct backend_session **ret);
void backend_close(struct backend_session *s); /* NULL is fine */
/* Whether the CA is one of Chancery's that knows us by our certificate: there an order gives one certificate, however often it
 * comes, and what was signed for it is found by it. Asked once a session. ERR_UNREACHABLE and its like: nobody can say. */
err_t backend_knows_orders(struct backend_session *s, struct arena *a, bool *ret);
/* What a sealed order says; its seal is the CA's to check, or nobody's where the CA knows no orders. */
err_t backend_order(struct arena *a, struct str sealed, struct order *ret);
/* ERR_CA_NO_REVOKE, naming the request whose certificates somebody must revoke at the CA. */
err_t backend_no_revoke(const struct backend_session *s, struct arena *a, struct str order);

struct submission {
	const char *ca, *template;
	struct str csr;
	struct str order; /* sealed */
	/* The key is kept by who asks: where a manager has to decide, it may be asked for again afterwards. */
	bool key_kept;
};

struct submitted {
	enum outcome outcome;
	struct str leaf; /* OUTCOME_ISSUED */
	struct str *chain;
	size_t nchain;
	const char *
	    request_id; /* OUTCOME_PENDING, and where it was left waiting at the CA; NULL or "": none */
	const char *fault, *detail; /* otherwise */
};

struct backend {
	const char *name;
	bool by_key; /* knows us by CA_LOGIN_KEY and nothing else */
	err_t (*submit)(struct backend_session *s, struct arena *a, const struct submission *in,
	    struct submitted *ret);
	/* Whether sending the same order again does no harm, because it gives the same certificate or what was issued before is
	 * found and revoked. Where it does harm, it is sent once: job/pkcs.c. */
	err_t (*repeatable)(struct backend_session *s, struct arena *a, bool *ret);
	/* What became of a request that the CA calls so: issued, pending, or rejected with the fault request-denied when there
	 * is no certificate and will be none. NULL: this kind of CA has no such names. */
	err_t (*trace)(struct backend_session *s, struct arena *a, const char *ca,
	    const char *request_id, struct submitted *ret);
	/* Can it be reached, and does it take us? *ret: names of the templates that we may enrol for, with commas; "": none;
	 * NULL: this kind of CA does not say. */
	err_t (*check)(struct backend_session *s, struct arena *a, const char **ret);
	/* order: sealed order of kind revoke. *ret: how many certificates were revoked by this call. */
	err_t (*revoke)(struct backend_session *s, struct arena *a, struct str order, int64_t *ret);
	/* Leaves an order to issue at the CA, for the device that shows the challenge with this SHA-256 (hex). NULL: this kind
	 * of CA cannot. */
	err_t (*deposit)(
	    struct backend_session *s, struct arena *a, struct str order, const char *sha256);
	/* Carries a SCEP message. NULL: this kind of CA cannot. */
	err_t (*relay)(struct backend_session *s, struct arena *a, const char *ca,
	    const char *operation, struct str message, struct fetch_reply *ret);
	/* What was issued to us and was revoked after that place ("": from the beginning). NULL: this kind of CA cannot say;
	 * ERR_CA_NO_REVOKE: this one cannot.
	 * ret_list: an array of {"order", "serial", "reason"}, to be freed by the caller; the place is in the arena. */
	err_t (*revoked)(struct backend_session *s, struct arena *a, const char *after,
	    const char **ret_after, json **ret_list);
};

extern const struct backend *const backend_table[];
extern const size_t backend_count;
const struct backend *backend_by_name(const char *name); /* NULL: none */

#endif

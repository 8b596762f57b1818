/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of connectors: leased, answered, expired. The order of a job is made here from directory and profile as they are
 * at that moment; sealing it is the caller's (service/keys does it).
 */
#ifndef MODEL_JOB_H
#define MODEL_JOB_H

#include "codec/order.h"
#include "model/kind.h"
#include "model/packing.h"
#include "pki/csr.h"
#include "store/user_pfx.h"

struct job {
	struct id request;
	uint64_t fence;
	enum request_kind kind;
	when_t lease_until;
	const char *ca_host;
	struct order order;
	enum key_alg key_alg;
	unsigned key_bits;
	struct str
	    device_cert; /* but for REQUEST_REVOKE: DER of the identity certificate to seal to */
	/* REQUEST_IMPORT: what is to be opened, and the copy of its password that this connector can open */
	struct user_pfx pfx;
	struct pfx_copy copy;
	/* What is delivered: in which form, to whom, and what a platform writes a frame from. */
	struct packing packing;
	struct device device;
	struct profile profile;
	struct primitive what;
	const char *alias; /* its name on the device */
	/* REQUEST_REVOKE: what is known of the certificate; "": not that */
	const char *serial, *ca_request;
};

/* How a connector asks for work. */
struct job_asking {
	const char *worker; /* who of the connector asks; NULL: it does not say */
	bool alone;         /* no other worker of it asks or may have been answered meanwhile */
	bool
	    again; /* an older asking, taken up again after a wait: the worker may have asked anew since */
	const struct id *holds; /* requests that the connector has in hand */
	size_t nholds, max;     /* max 0: it only says what it holds */
};

/* What is leased to the worker that asks, or with `alone` to any of the connector, and is not in hand got lost on the way:
 * it is queued again, at once.
 * ERR_CONNECTOR_HOLDER: the connector never said which certificate it shows to its CA; an order for nobody in particular
 * would be good in anybody's hands.
 * Up to `max` jobs that this connector can do. A request whose profile no longer reduces fails here with its fault and is
 * passed over. Nothing to do: *retn is 0. lease_s: length of the lease in seconds.
 * The rows are leased in one write; jobs are made of them after it, by reading, so that the writer is not held up. */
err_t job_lease(struct store *s, struct arena *a, const struct connector *c,
    const struct job_asking *ask, int lease_s, struct job **ret, size_t *retn);

/*
 * A key that a device made and requests a certificate for by EST (job_device.c). The message is a struct relay.
 *
 *   job_device_order    the order for that key, in the hands of this connector; the request is that key's from then on
 *   job_device_sending  before a connector sends it to a CA that knows no orders: once, whatever is repeated
 *   job_device_told     what became of it: the slot fails with what the CA says, or the serial number is on record
 *   job_device_lost     it was sent and no answer came: ca-outcome-unknown
 */
/* *ret borrows from csr. *ret_ca_request: how the CA calls what waits for a decision there; "": nothing does. ERR_SCEP_ADDRESS: it is
 * no such request, or something else is wanted by now; ERR_ORDER_...: it asks for something else; ERR_ORDER_KEY: the request is
 * another key's; ERR_FENCE: it was sent and is not answered yet. */
err_t job_device_order(struct store *s, struct arena *a, const struct connector *c,
    struct id request, const struct csr *csr, struct order *ret, const char **ret_ca_request);
/* ERR_FENCE: it must not be sent. */
err_t job_device_sending(
    struct store *s, struct arena *a, const struct connector *c, struct id message);
struct job_told {
	const char *fault, *detail; /* the CA refuses; fault "": it does not */
	const char *serial;         /* issued; else "" */
	const char *ca_request;     /* it waits there, under that name; "" if it has none */
};
/* Of a message that is over, is none of these, or is not this connector's: nothing. */
err_t job_device_told(struct store *s, struct arena *a, const struct connector *c,
    struct id message, const struct job_told *told);
struct relay;
err_t job_device_lost(struct store *s, struct arena *a, const struct relay *row);

/* The connector leaves: what is leased to it is queued again at once. Expects a writing transaction. */
err_t job_release(struct tx *tx, struct arena *a, struct id connector);

enum job_outcome {
	JOB_ISSUED = 1,
	JOB_REVOKED,
	JOB_REJECTED,
	JOB_PENDING,
	JOB_UNREACHABLE,
	JOB_MISCONFIGURED,
	JOB_DEPOSITED /* REQUEST_ENROL: the order lies at the CA, behind its challenge */
};
struct job_result {
	struct id request;
	uint64_t fence;
	enum job_outcome outcome;
	struct str leaf, sealed, password; /* JOB_ISSUED; password empty where the form has none */
	const char *serial, *subject;      /* JOB_ISSUED: as the caller read them from the leaf */
	const char *issuer;
	struct str leaf_sha256;
	when_t not_before, not_after;
	const char *fault, *detail; /* otherwise: id of the catalogue, text */
	/* JOB_REJECTED: what lies at the CA all the same, beside `serial`: how it calls the request. NULL or "": nothing */
	const char *ca_request;
};
/* ERR_FENCE: late or of another lease; nothing was changed. A repeat of what was accepted is accepted. */
err_t job_finish(
    struct store *s, struct arena *a, const struct connector *c, const struct job_result *r);
/* The same for several, which go to disk together: ret[i] says what became of each. */
void job_finish_each(struct store *s, struct arena *a, const struct connector *c,
    const struct job_result *const *v, size_t n, struct err_report *ret);

/* Before a connector sends a request to a CA that would issue anew if it were sent again; model/sent.h. ERR_FENCE: it must
 * not be sent. */
err_t job_sending(
    struct store *s, struct arena *a, const struct connector *c, struct id request, uint64_t fence);
/* What came for a request is refused, and its certificate may be valid: its revocation names it. */
err_t job_late(struct store *s, struct arena *a, const struct connector *c, struct id request,
    const char *serial);

/* Expired leases back to the queue, due retries woken. Called every second or so. */
err_t job_sweep(struct store *s);

#endif

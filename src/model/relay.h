/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCEP without a hole in the firewall: a message of a device becomes a job for a connector that reaches the CA, and its
 * answer comes back within the same exchange.
 *
 *   relay_ask(request, operation, message) ── a row that waits; the device's connection is parked on TOPIC_RELAY
 *   relay_lease(connector) ── with the jobs of its poll
 *   relay_answer(connector, id, answer) ── with its results; the device's connection is woken
 *   relay_sweep() ── a connector that took it says nothing: once more for whoever comes
 *
 * The same message of the same request is the same row while it is on its way, and for as long as its answer is kept (30 s
 * from the first asking): what a device repeats costs nothing, and SCEP is made for it. Only what the service offered is
 * carried: an address names a request that a device is to make, or that it made.
 *
 * Not here: what is in the messages. They are sealed and signed by themselves.
 */
#ifndef MODEL_RELAY_H
#define MODEL_RELAY_H

#include "store/relay.h"

/* Seconds: RELAY_PATIENCE is how long a connector may have a message before another one, or itself, may take it once more.
 * SCEP's messages and ours may be sent again; the first answer counts, whoever brings it. */
enum { RELAY_LIFE = 30, RELAY_PATIENCE = 8 };
/* RELAY_CERTIFY: an answer that somebody still decides is over after RELAY_UNDECIDED; what was sent to a CA that knows no orders
 * is kept for RELAY_KEPT, and counts as lost when no answer came in RELAY_LOST. */
enum { RELAY_UNDECIDED = 3, RELAY_KEPT = 86400, RELAY_LOST = 150 };
/* The one operation that is none of SCEP's: the message is a PKCS#10 request by the key that a device made, and goes to the CA
 * with an order for that key (job_device_order()). */
#define RELAY_CERTIFY "certify"

/* ret->state says whether the answer is there. ERR_SCEP_ADDRESS: the request is none that a device may make; ERR_BUSY; ERR_CA_OUTCOME:
 * it was sent, and nobody knows what became of it. */
err_t relay_ask(struct store *s, struct arena *a, struct id request, const char *operation,
    struct str message, struct relay *ret);
/* The request is one of this device. ERR_SCEP_ADDRESS. */
err_t relay_owned(struct store *s, struct arena *a, struct id request, struct id device);
/* The certificates that an answer to RELAY_CERTIFY brought, while it is kept. ERR_NOT_FOUND. */
err_t relay_certified(struct store *s, struct arena *a, struct id request, struct relay *ret);
/* Up to `max`, for a connector with the feature "relay". */
err_t relay_lease(struct store *s, struct arena *a, const struct connector *c, size_t max,
    struct relay **ret, size_t *retn);
/* ERR_NOT_FOUND: it is no message that this connector took, or it is over. */
err_t relay_answer(struct store *s, struct arena *a, const struct connector *c, struct id id,
    int status, const char *type, struct str body);
/* Those that are over go, those that lie too long with a connector wait again. Called from time to time. */
err_t relay_sweep(struct store *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a CA that knows no orders: asked twice it issues twice, and nobody can ask it what became of the first time.
 *
 *   sent_begin ── before the connector sends: which connector it was is on disk before a certificate can exist
 *   sent_lost  ── the lease is over without a word: FAILED with ca-outcome-unknown, and a revocation that names the request
 *                 waits for who looks at the CA; never back to the queue
 *   sent_awaits, sent_call_off ── the connector's word that came after all: issued, it is delivered as if it had come in time;
 *                 refused, there is nothing to look for. Either way the revocation is called off, if nobody has begun it
 *
 * A slot is not left without a certificate for good: another is asked for after a pause that grows from an hour to a day, with
 * the first still in the list of what is to be revoked, or at once when somebody said that it was (sent_settled).
 *
 * All expect a writing transaction. Not here: CAs that know orders, where sending again is harmless.
 */
#ifndef MODEL_SENT_H
#define MODEL_SENT_H

#include "model/request.h"

/* c: who sends. ERR_FENCE: the lease is not its own any more, or of another fence; nothing may be sent. Repeating it is
 * harmless. */
err_t sent_begin(
    struct tx *tx, struct arena *a, const struct connector *c, struct id request, uint64_t fence);
err_t sent_lost(struct tx *tx, struct arena *a, struct slot *s, struct request *r);
/* Whether r waits for the late word of that connector about that fence. */
bool sent_awaits(
    struct arena *a, const struct request *r, const struct connector *c, uint64_t fence);
/* The CA refused r: where it was sent to one that knows no orders, and the fault does not leave it open what was issued, there
 * is nothing to revoke for it. */
void sent_refused(struct request *r, const char *fault);
/* Calls the revocation of what r may have brought off. ERR_FENCE: it is under way or done. */
err_t sent_call_off(struct tx *tx, struct arena *a, struct slot *s, const struct request *r);
/* Seconds until a rejected request is tried again: `usual`, longer each time where a certificate may lie at the CA. */
int sent_pause(const struct request *r, const char *fault, int usual);
/* Somebody revoked at the CA what may have been issued: what failed because of it is tried again at the next check-in. */
err_t sent_settled(struct tx *tx, struct arena *a, struct slot *s);
/* The serial number of what was issued for a request that is over: its revocation names it from now on. Of no request or of
 * one that is not over, or of another connector's CA: nothing. */
err_t sent_named(struct tx *tx, struct arena *a, const struct connector *c, struct id request,
    const char *serial);

#endif

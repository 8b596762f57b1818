/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of a request: one run of getting a slot its certificate, of revoking, or of
 * delivering a trusted root or a network.
 *
 *         request_insert         request_lease         request_complete
 *  (none) ───────────────► QUEUED ──────────────► LEASED ────────────────► READY
 *                           ▲ ▲ request_expire  /  │ │ rejected             │
 *                           │ └ request_postpone ──┘ │ request_reject       │ delivery_offer
 *                           │                        ▼                      ▼
 *                              (a new request) ─── FAILED ◄───────────── OFFERED ──┐
 *                                                        delivery_refuse  │ ▲ ◄──┘
 *                                                            delivery_ack │ │   delivery_postpone
 *                                                                         ▼ │
 *                                                                        DONE   delivery_again
 *
 *  a trusted root or
 *  a network          begins at READY (request_insert), and request_retry takes it from FAILED
 *                     to READY: there is nothing to issue
 *  one that is sent   at a CA that would issue anew if it were sent again: the connector says so before it sends
 *                     (sent_begin), and then the end of its lease is FAILED, not QUEUED (sent_lost). The word of the same
 *                     connector that comes after all takes it from there to READY, or leaves it FAILED as what it is (model/sent.h)
 *  an imported one    as one that is issued; a connector opens it instead of asking a CA, and nothing
 *                     is revoked
 *  one by SCEP        LEASED by a connector that leaves the order at the CA; READY with a challenge that ends, and
 *                     request_renew_challenge takes it from READY or OFFERED to QUEUED when it did; by EST READY from the
 *                     beginning, without an end
 *  a revocation       QUEUED, LEASED, then request_complete to DONE; never FAILED: rejected, it
 *                     goes back to QUEUED; request_revoked_there takes it from there to DONE
 *  request_withdraw   any of these to WITHDRAWN
 *
 * Each arrow is one guarded statement (store_request_move) and one row of the slot's timeline, and
 * writes fault and `since` of the slot. Arrows of one request that are walked over and over with the
 * same fault (leased, postponed, leased ...) count up the rows that they wrote before, with the time
 * of the last, so that a CA that is away for a weekend does not fill the store.
 *
 * Every function changes *s and *r to what it wrote. They
 * expect a writing transaction: in a reading one they fail with ERR_READ_ONLY before anything was
 * written. ERR_STATE_MOVED: somebody else walked first.
 *
 * Invariants:
 *   1 a slot has one open issue or trust request at most, and one open revocation for each request
 *     that needs one (unique key of the store);
 *   2 whoever holds the current fence may complete; a lease that ended is taken by the next with a
 *     higher one;
 *   3 every issue request that ever was leased and is not the slot's current one gets a revocation:
 *     what was signed for it, known or not, does not stay valid (request_revoke_rest);
 *   4 what is withdrawn has neither sealed blob nor password any more, so it cannot be delivered.
 *
 * Not here: when to walk (model/diff.h, model/checkin.h, model/job.h).
 */
#ifndef MODEL_REQUEST_H
#define MODEL_REQUEST_H

#include "model/kind.h"

/* Seconds that a SCEP challenge is good for: devices may be away between the offer and the request. */
enum { REQUEST_CHALLENGE_LIFE = 86400, REQUEST_CHALLENGE_MARGIN = 900 };

/* Fault and detail of why something waits or failed; NULL or "": none. */
struct why {
	const char *fault;
	const char *detail;
};

/* PRIM_TRUST makes a REQUEST_TRUST and PRIM_NETWORK a REQUEST_NETWORK that are READY at once, PRIM_DELIVER a REQUEST_ISSUE, PRIM_ENROL a REQUEST_ENROL and
 * PRIM_IMPORT a REQUEST_IMPORT that are QUEUED. PRIM_ENROL at a CA that is not ours, or by EST: READY at once. */
err_t request_insert(
    struct tx *tx, struct arena *a, struct slot *s, const struct primitive *p, struct request *ret);
/* ERR_NOT_FOUND: nothing that this connector can do now. */
err_t request_lease(struct tx *tx, struct arena *a, const struct connector *c, const char *owner,
    when_t now, when_t until, struct slot *ret_slot, struct request *ret);
/* In the transaction of request_lease: LEASED -> QUEUED before anybody heard of the lease, so that its fencing number
 * is free again and nothing can have been signed under it. */
err_t request_unlease(struct tx *tx, struct request *r);
/* The lease is over; what was sent goes to FAILED. From the third try on the next waits 1 s, 2 s, 4 s ... 5 min: what makes a connector die is not
 * handed to it without end. */
err_t request_expire(struct tx *tx, struct arena *a, struct slot *s, struct request *r);
/* LEASED -> QUEUED, not before a back-off: 1 s, 2 s, 4 s ... 5 min. */
err_t request_postpone(struct tx *tx, struct arena *a, struct slot *s, struct request *r,
    const char *actor, struct why why);
/* LEASED -> FAILED; tried again after an hour, or when profile or directory change. */
err_t request_reject(struct tx *tx, struct arena *a, struct slot *s, struct request *r,
    const char *actor, struct why why);
/* What failed is tried again: a trusted root as it is; a certificate by a new request, because whatever may have been
 * signed for the old one is revoked and its id closed at the CA. *r becomes the one that goes on. */
err_t request_retry(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, const struct primitive *p);

/* What a connector brought. */
struct issued {
	struct str leaf, sealed, password;
	const char *serial;
	const char *text; /* for the timeline: issuer and serial */
};
/* Issue: LEASED -> READY. Revocation (`got` NULL): LEASED -> DONE. */
err_t request_complete(struct tx *tx, struct arena *a, struct slot *s, struct request *r,
    const char *actor, const struct issued *got);

err_t delivery_offer(struct tx *tx, struct arena *a, struct slot *s, struct request *r);
/* The device has it: slot's certificate columns and reached_hash are those of r from now on. */
err_t delivery_ack(struct tx *tx, struct arena *a, struct slot *s, struct request *r);
/* REQUEST_ENROL whose challenge is over or about to be: back to QUEUED, or, where nothing is left at a CA, on with a later
 * fence. */
err_t request_renew_challenge(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, bool *ret_ready);
/* The device could not: OFFERED -> FAILED; tried again after 1 min, 2 min, 4 min ... 1 h. */
err_t delivery_refuse(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, struct why why);
/* Stays OFFERED, and is not offered again for so many seconds. why.fault NULL: it says all by its detail. */
err_t delivery_postpone(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, int seconds, struct why why);
/* DONE -> OFFERED: the device lost it and what was sealed for it is still here. */
err_t delivery_again(struct tx *tx, struct arena *a, struct slot *s, struct request *r);
/* DONE, confirmed by an inventory: sealed blob and password are wiped. No arrow, no timeline
 * row. */
err_t delivery_forget(struct tx *tx, struct request *r);

err_t request_withdraw(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, const char *detail);
/* Invariant 3: queues every revocation that the slot needs and has not got. What needs one: what failed or was withdrawn
 * after it had been leased, and every certificate but the newest; with the slot not wanted, that one as well. */
err_t request_revoke_rest(struct tx *tx, struct arena *a, const struct slot *s);
/* Somebody revoked at the authority by hand what its protocol cannot: the slot's revocations that wait with the fault
 * ca-no-revoke are done, and what failed because of one of them is tried again at once. *ret: how many. What may still succeed by itself is left alone. */
err_t request_revoked_there(
    struct tx *tx, struct arena *a, struct slot *s, const char *actor, size_t *ret);

/* A row of the timeline that belongs to no arrow: "assigned", "unassigned", "removed", "lost". */
err_t request_note(struct tx *tx, const struct slot *s, struct id request, const char *actor,
    const char *event, const char *detail);
/* The same of what repeats ("remove-failed"): counts up the row that is there already. */
err_t request_note_again(struct tx *tx, const struct slot *s, struct id request, const char *actor,
    const char *event, struct why why);
/* The slot's newest issue or trust request, in whatever state. *found false: it never had one. */
err_t request_of(
    struct tx *tx, struct arena *a, const struct slot *s, bool *found, struct request *ret);
/* ERR_READ_ONLY in a reading transaction. */
err_t request_may_write(const struct tx *tx);

/* There is nothing to issue, or to open: what it brings is known as it begins. */
bool request_is_plain(enum request_kind k);
bool request_is_open(const struct request *r); /* QUEUED, LEASED, READY, OFFERED */
/* Whether a comma list (features or CAs of a connector) names it; case is ignored. */
bool request_list_has(const char *list, const char *name);
const char *request_state_name(enum request_state s);

#endif

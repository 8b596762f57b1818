/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is desired against what was reached: makes slots, inserts and withdraws requests, marks what
 * is to be removed. Repeats are harmless: run again it changes nothing.
 *
 *   desired, no slot          -> slot
 *   desired, other content    -> request_insert; an open request for older content is withdrawn
 *   desired, renewal due      -> request_insert
 *   desired, device lost it   -> what is still sealed is offered again, else request_insert; lost for the sixth time in a
 *                                day, as when two machines with one identity take turns: a fault, until a day is over
 *   desired, cannot be made   -> the slot's fault says why; what the device has stays
 *   slot, not desired         -> request_withdraw, revocation; removed until the inventory agrees
 *
 * Not here: commands for the device (model/checkin.h).
 */
#ifndef MODEL_DIFF_H
#define MODEL_DIFF_H

#include "model/desired.h"
#include "model/inventory.h"

/* A slot of the device after the diff, with what it is about. */
struct diff_slot {
	struct slot slot;
	const struct desired *desired; /* NULL: not wanted */
	const char *alias;
	bool has_request; /* its newest issue or trust request, in whatever state */
	struct request request;
	bool root_missing; /* its root is not on the device yet */
	bool need_missing; /* another thing that it needs is not (struct primitive, needs) */
	bool remove;       /* the device still has it and shall not */
	size_t losses;     /* of late, when there were too many to issue it again now; else 0 */
};

err_t diff_run(struct tx *tx, struct arena *a, const struct device *d,
    const struct desired *desired, size_t n, const struct holdings *has, struct diff_slot **ret,
    size_t *retn);
/* The last row of the table alone: what the device should not have any more is withdrawn and revoked. Makes no slot and
 * asks for nothing new. In a reading transaction: ERR_READ_ONLY if there is something to do. */
err_t diff_leaving(struct tx *tx, struct arena *a, const struct device *d);
/* desired_for, the inventory on record, and diff_run: for changes that cannot wait until the
 * device asks. */
err_t diff_device(struct tx *tx, struct arena *a, const struct device *d);
/* The same for every device of a user: after the user was enabled, disabled or changed. Expects a
 * writing transaction. */
err_t diff_user(struct tx *tx, struct arena *a, struct id user);
/* Before a user is deleted, in the same transaction: disables the user, and with that withdraws and
 * revokes. */
err_t diff_user_leaves(struct tx *tx, struct arena *a, struct id user);

/* When the certificate of the slot is due for renewal: when so much of its life is left, and up
 * to 5 % of the time before that earlier, by the slot's id, so that devices enrolled together do
 * not renew together. */
when_t diff_renewal_due(const struct slot *s, int renewal_percent);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many slots stand where, and where the slots of one user stand together: kept by the store itself in the
 * transaction of each change, so that no answer counts slots. Every function expects a transaction.
 *
 * Guarantees: at each commit the sums are those that counting would give (the schema's triggers; no statement can
 * forget).
 *
 * Not here: which state a slot is in (model/status.h).
 */
#ifndef STORE_SLOT_COUNT_H
#define STORE_SLOT_COUNT_H

#include "store/slot.h"

struct slot_count {
	struct id profile;
	enum status_state state;
	const char *fault; /* "" if none */
	int64_t n;         /* more than 0 */
	when_ms_t changed; /* since when the newest of them stands there */
};
/* Of one profile; zero: of all. As many rows as profiles have states and faults. */
err_t store_slot_counts(
    struct tx *tx, struct arena *a, struct id profile, struct slot_count **ret, size_t *retn);

/* Requests that are queued or leased, by profile. */
struct queue_count {
	struct id profile;
	int64_t queued, leased;
};
/* As many rows as profiles have such. */
err_t store_queue_counts(struct tx *tx, struct arena *a, struct queue_count **ret, size_t *retn);

/* The CAs that requests wait for or are worked at for, each once, by name. */
err_t store_queue_cas(struct tx *tx, struct arena *a, const char ***ret, size_t *retn);

/* The slots that a profile has for a user; user zero: those of devices without one. */
struct slot_user {
	struct id user;
	int64_t pending, success, error;
	when_ms_t changed;
};
/* Those with anything wanted or to be removed, by user; the first page begins with user zero. */
err_t store_slot_users(struct tx *tx, struct arena *a, struct id profile, struct page p,
    struct slot_user **ret, size_t *retn, bool *more);

/* How many users of a profile wait for something, have all, have a failure. */
struct slot_user_counts {
	int64_t pending, success, error;
};
err_t store_slot_user_counts(struct tx *tx, struct id profile, struct slot_user_counts *ret);

/* What there was of events that are not kept any more. */
struct event_count {
	int64_t month; /* of 30 days, counted from 1970 */
	const char *actor, *event, *fault;
	int64_t n;
};
err_t store_event_counts(struct tx *tx, struct arena *a, struct event_count **ret, size_t *retn);
/* The oldest events that ended before then, at most `max`, become counts. *ret: how many did. */
err_t store_event_forget(struct tx *tx, when_ms_t before, size_t max, size_t *ret);

/* The device has it, and its end is reached: at most `max`, oldest first. */
err_t store_slots_ended(
    struct tx *tx, struct arena *a, when_t now, size_t max, struct id **ret, size_t *retn);
/* Slots that were removed before then and wait for nothing any more, at most `max`, go with their requests and events.
 * *ret: how many did. */
err_t store_slot_forget(struct tx *tx, when_ms_t before, size_t max, size_t *ret);

#endif

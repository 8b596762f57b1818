/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk: what this connector holds at the moment, from the lease of a job until the service has its result.
 *
 *            desk_add          desk_take          desk_done            desk_results          desk_brought
 *   (room) ──────────► WAITING ─────────► RUNNING ─────────► DONE ──────────────► UNDERWAY ──────────────► (gone)
 *                                                             ▲                       │ could not be brought
 *                                                             └───────────────────────┘
 *
 * Who asks the service for jobs reserves room first, so that the desk never holds more than its room, however many ask
 * at the same time. A job whose lease ends before anybody took it up is dropped: it is somebody else's by then. What the
 * desk holds is told to the service with each asking; all else that is leased to us got lost and goes back to its queue.
 *
 * Any thread may call any of these. Not here: running jobs (work.c), talking to the service (poll.c).
 */
#ifndef CONNECTOR_DESK_H
#define CONNECTOR_DESK_H

#include "codec/json.h"

#include <pthread.h>

struct desk;
struct held;

/* room: how many jobs it holds at most. */
struct desk *desk_new(size_t room);
void desk_free(struct desk *d);

/* Waits until there is room, then sets aside up to `max` of it. 0: the desk is stopped, or it is closed to new jobs; then
 * at once. */
size_t desk_reserve(struct desk *d, size_t max);
/* The same of the room there is now, without waiting, and of that of the results under way: what takes them there comes
 * back with others instead. May be 0. */
size_t desk_reserve_instead(struct desk *d, size_t max);
/* Gives `reserved` back and takes in the jobs of an answer, at most that many; their leases end in lease_ms. jobs may be
 * NULL. */
void desk_add(struct desk *d, size_t reserved, const json *jobs, int64_t lease_ms);

/* The next job to run; waits for one. NULL: the desk is stopped. */
struct held *desk_take(struct desk *d);
const json *held_job(const struct held *h);
/* The result is the desk's from now on. */
void desk_done(struct desk *d, struct held *h, json *result);

/* Waits for results, until until_ms (when_mono_ms()); puts those that are there, `most` at most, into the array `ret` and
 * counts them as under way. While other jobs run it waits gather_ms more for theirs, or until there are as many as a quarter
 * of the room. One caller at a time. */
size_t desk_results(struct desk *d, int64_t until_ms, int64_t gather_ms, size_t most, json *ret);
/* What became of those under way: gone, or to be brought again. */
void desk_brought(struct desk *d, bool gone);
/* Adds {"request", "fence"} of everything held to the array. */
void desk_holds(struct desk *d, json *ret);

struct desk_count {
	size_t waiting, running, done; /* done: those under way, too */
};
struct desk_count desk_count(struct desk *d);

/* Closed: no room for new jobs; what is held is finished. */
void desk_close(struct desk *d, bool closed);
bool desk_closed(struct desk *d);
/* For good: what nobody took up is dropped, nobody waits any more. */
void desk_stop(struct desk *d);
/* Whoever waits for results looks around once. */
void desk_nudge(struct desk *d);

#endif

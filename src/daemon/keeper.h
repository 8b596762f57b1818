/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps what is known of slots true and small, in the service's sweep: certificates that end are told, texts are
 * indexed, history that is too old goes step by step, and the counts of slots and of
 * imported certificates are shown as metrics.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "base/metric.h"
#include "store/slot.h"

struct keeper {
	struct store *store;
	int64_t history_s; /* how long history is kept */
	when_t rest;       /* of history, until then */
	when_t counted;
	struct metric slots[STATUS_REMOVED + 1]; /* by state */
	struct metric imported[3];               /* good, ending, ended */
};

/* At start: `metrics` must not be printed after *k is gone. */
void keeper_init(struct keeper *k, struct store *s, int64_t history_days, struct metrics *metrics);
/* One round, some tens of milliseconds at most. The error is that of the first part that failed; the others ran. */
err_t keeper_run(struct keeper *k);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is committed lies in a log beside the database first; now and then it is folded into the database file, which takes
 * as long as many commits. A thread of its own does that while the writer goes on, so that nobody's write stands behind it.
 *
 * What was committed meanwhile is little, and is folded next. Once nothing is left the log begins anew with the next write. Where commits
 * never leave it the time, the writer folds the last of it after its answers, when nothing can come in between; it waits
 * for the thread only where the log would grow without end.
 *
 * Commits are on disk without it. A fold that fails is tried again after the next commit; readers that began before hold
 * it up, as they need the file as it was.
 *
 * Not here: what a log is (store/sqlite.c), when commits are made (store/store.c).
 */
#ifndef STORE_FOLD_H
#define STORE_FOLD_H

#include "base/metric.h"
#include "store/db.h"

struct fold;

struct fold_metrics {
	struct metric time;   /* of each fold */
	struct metric failed; /* folds; that another connection does the same is no failure */
	struct metric pages;  /* of the log */
};

/* Metrics are borrowed. ERR_SYSTEM. */
err_t fold_new(
    const char *path, enum store_schema schema, struct fold_metrics *m, struct fold **ret);
void fold_free(struct fold *f); /* NULL is fine; ends the thread */
/* To be called by the writer between two transactions. */
void fold_look(struct fold *f, struct db *writer);

#endif

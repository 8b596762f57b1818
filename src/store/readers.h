/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's connections that only read: a fixed number, opened when first needed and kept. Who finds all of them taken
 * waits. A transaction sees the database as it was when it began.
 *
 * Not here: the one writer (store/store.c).
 */
#ifndef STORE_READERS_H
#define STORE_READERS_H

#include "store/store.h"

struct readers;
struct stamps;

/* What all their transactions have; borrowed. */
struct readers_share {
	struct memo *memo, *lists;
	const struct stamps *stamps;
};

/* n 0: as many as is usual. cache: MiB that the writer keeps; a reader never keeps more. 0: as db_open() sets it. */
struct readers *readers_new(const char *path, enum store_schema schema, size_t n, unsigned cache,
    const struct readers_share *share);
void readers_free(struct readers *rs); /* NULL is fine; nobody may be in one */

/* Is the calling thread inside of one? */
bool readers_inside(struct readers *rs);
/* Bytes of pages that they have in memory, as each was left. */
int64_t readers_memory(struct readers *rs);
err_t readers_run(struct readers *rs, store_fn fn, void *arg);
/* As store_backup(). */
err_t readers_backup(struct readers *rs, const char *path);

#endif

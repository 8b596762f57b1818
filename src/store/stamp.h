/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether something that was read of a device may be otherwise by now, without reading it again.
 *
 * Two counters stand behind each stamp: one of changes that can concern any device (directory, profiles, targets, filters,
 * roll-outs ...), one of changes of what belongs to this device (its row, its slots, their requests). They grow when a
 * commit is on disk, before anybody hears of it, so that whoever knows of a change finds no stamp from before it.
 *
 * What a change concerns is found out, not declared: by the tables that the statements write to (store/sqlite.c). A write
 * to the tables of devices whose device nobody named (tx_about) counts as one that concerns all.
 *
 * It knows the changes of this process alone, which is the only one that has the database open.
 *
 * Not here: what is kept under a stamp (model/calm.h).
 */
#ifndef STORE_STAMP_H
#define STORE_STAMP_H

#include "store/store.h"

struct stamp {
	uint64_t all, one;
};

/* To be taken before what it is to stand for is read. */
struct stamp store_stamp(const struct store *s, struct id device);
/* False also when another device has changed of which the counter is the same. */
bool store_stamp_holds(const struct store *s, struct id device, const struct stamp *stamp);
/* The same in a transaction that writes, where what was read before it is to be used again: those that ran before it and
 * go to disk together with it count as well, though nobody else sees them yet. What it wrote itself is the caller's to know. In
 * one that reads: false. */
bool tx_stamp_holds(const struct tx *tx, struct id device, const struct stamp *stamp);

/* For the engine (store/store.c): the counters, and that a commit changed what it did. */
struct stamps;
struct about;
struct stamps *stamps_new(void);
void stamps_free(struct stamps *s); /* NULL is fine */
void stamps_count(struct stamps *s, bool all, const struct about *about);
uint64_t stamps_all(const struct stamps *s);
const struct stamps *store_stamps(const struct store *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: open, transactions, wake-ups. Records have their own headers beside this one (store/user.h ...); each of
 * their functions expects a transaction.
 *
 * Reads run at once, each on a connection of its own, and see one snapshot. Writes are handed to the one writer thread,
 * which runs what has gathered inside one database transaction, each under a savepoint, commits once
 * (synchronous=FULL), and only then answers them all: many requests share one fsync. A write that fails is rolled back
 * to its savepoint alone. store_write() returns when the change is on disk, or with the error that kept it off.
 *
 * tx_notify() wakes parked requests after the commit, never before, never for what was rolled back.
 *
 * The same engine serves the service's database and the CA's; they differ in their schema.
 *
 * Not here: what states mean (model/), what a CA may do (ca/).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/metric.h"
#include "base/text.h"
#include "base/when.h"

struct memo;
struct store;
struct tx; /* a transaction: valid inside the function it was given to */

enum store_schema { STORE_SERVICE, STORE_CA };

enum topic {
	TOPIC_DEVICE = 1, /* key: 16 bytes of the device's id; empty: all devices */
	TOPIC_QUEUE,      /* a job may be waiting for a connector */
	TOPIC_RELAY,      /* key: 16 bytes of the id of a message whose answer is there */
};

struct store_conf {
	const char *path;
	enum store_schema schema;
	unsigned readers; /* 0: 8 */
	/* MiB for pages that the writer keeps in memory, up to 4096; 0: 32. A reader keeps 4 at most. */
	unsigned cache;
	void (*notify)(void *ctx, unsigned topic,
	    struct str key); /* after commit, on the writer thread; may be NULL */
	void *notify_ctx;
	struct metrics *metrics; /* may be NULL; not to be printed after store_close() */
};

/* Opens or creates (mode 0600) and migrates. ERR_STORE, ERR_STORE_NEWER (written by a newer version: refused). */
err_t store_open(const struct store_conf *conf, struct store **ret);
void store_close(struct store *s);
void store_set_notify(
    struct store *s, void (*notify)(void *ctx, unsigned topic, struct str key), void *ctx);

typedef err_t (*store_fn)(struct tx *tx, void *arg);
err_t store_read(struct store *s, store_fn fn, void *arg);
err_t store_write(struct store *s, store_fn fn, void *arg);
/* Several at once, which go to disk together; each succeeds or fails by itself, in their order. ret[i].code is ERR_NONE
 * for those that are on disk. */
void store_write_each(
    struct store *s, store_fn fn, void *const *args, size_t n, struct err_report *ret);

void tx_notify(struct tx *tx, unsigned topic, struct str key);
bool tx_writes(const struct tx *tx);
/* For what is made of texts that were read: one for the store. NULL: there is none. */
struct memo *tx_memo(const struct tx *tx);

/* A consistent copy while in use. */
err_t store_backup(struct store *s, const char *path);

#endif

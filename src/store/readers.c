/* SPDX-License-Identifier: Apache-2.0 */
/* See readers.h. */
#include "store/readers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/row.h"
#include "store/stamp.h"

#define READERS_DEFAULT 8
#define READERS_MAX 64
#define READER_CACHE 4 /* MiB, as db_open() sets it */

struct reader {
	struct db *db; /* NULL: not opened yet */
	bool busy;
	pthread_t owner;
	int64_t memory; /* when it was given back */
};

struct readers {
	char *path;
	enum store_schema schema;
	unsigned cache;
	struct readers_share share;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	size_t n;
	struct reader v[READERS_MAX];
};

struct readers *
readers_new(const char *path, enum store_schema schema, size_t n, unsigned cache,
    const struct readers_share *share)
{
	struct readers *rs = calloc(1, sizeof(*rs));

	if (rs == NULL)
		abort();
	rs->path = strdup(path);
	if (rs->path == NULL)
		abort();
	rs->schema = schema;
	rs->share = *share;
	rs->cache = cache;
	rs->n = n == 0 ? READERS_DEFAULT : n > READERS_MAX ? READERS_MAX : n;
	pthread_mutex_init(&rs->lock, NULL);
	pthread_cond_init(&rs->freed, NULL);
	return rs;
}

void
readers_free(struct readers *rs)
{
	if (rs == NULL)
		return;
	for (size_t i = 0; i < rs->n; i++)
		db_close(rs->v[i].db);
	pthread_mutex_destroy(&rs->lock);
	pthread_cond_destroy(&rs->freed);
	free(rs->path);
	free(rs);
}

static bool
inside(const struct readers *rs)
{
	for (size_t i = 0; i < rs->n; i++)
		if (rs->v[i].busy && pthread_equal(rs->v[i].owner, pthread_self()))
			return true;
	return false;
}

bool
readers_inside(struct readers *rs)
{
	bool yes;

	pthread_mutex_lock(&rs->lock);
	yes = inside(rs);
	pthread_mutex_unlock(&rs->lock);
	return yes;
}

int64_t
readers_memory(struct readers *rs)
{
	int64_t sum = 0;

	pthread_mutex_lock(&rs->lock);
	for (size_t i = 0; i < rs->n; i++)
		sum += rs->v[i].memory;
	pthread_mutex_unlock(&rs->lock);
	return sum;
}

/* A free one that has a connection, else any free one. */
static struct reader *
find_free(struct readers *rs)
{
	struct reader *found = NULL;

	for (size_t i = 0; i < rs->n; i++) {
		struct reader *r = &rs->v[i];

		if (!r->busy && (found == NULL || (found->db == NULL && r->db != NULL)))
			found = r;
	}
	return found;
}

/* Transactions do not nest: a thread inside of one must not start another. */
static struct reader *
take(struct readers *rs)
{
	struct reader *r;

	pthread_mutex_lock(&rs->lock);
	assert(!inside(rs));
	while ((r = find_free(rs)) == NULL)
		pthread_cond_wait(&rs->freed, &rs->lock);
	r->busy = true;
	r->owner = pthread_self();
	pthread_mutex_unlock(&rs->lock);
	return r;
}

static void
give(struct readers *rs, struct reader *r)
{
	int64_t memory = r->db == NULL ? 0 : db_memory(r->db);

	pthread_mutex_lock(&rs->lock);
	r->memory = memory;
	r->busy = false;
	pthread_cond_signal(&rs->freed);
	pthread_mutex_unlock(&rs->lock);
}

static err_t
open_reader(struct readers *rs, struct reader *r)
{
	if (r->db != NULL)
		return OK;
	TRY(db_open(rs->path, rs->schema, false, &r->db));
	return rs->cache > 0 && rs->cache < READER_CACHE ? db_cache(r->db, rs->cache) : OK;
}

static err_t
run(struct readers *rs, struct reader *r, store_fn fn, void *arg)
{
	/* Counted before the database is looked at: what is newer than the count may be seen, nothing that is older. */
	struct tx tx = {
		.writes = false,
		.memo = rs->share.memo,
		.lists = rs->share.lists,
		.all = stamps_all(rs->share.stamps),
	};
	err_t e;

	TRY(open_reader(rs, r));
	TRY(db_begin(r->db));
	tx.db = r->db;
	e = fn(&tx, arg);
	db_rollback(r->db);
	return e;
}

err_t
readers_run(struct readers *rs, store_fn fn, void *arg)
{
	struct reader *r = take(rs);
	err_t e = run(rs, r, fn, arg);

	give(rs, r);
	return e;
}

err_t
readers_backup(struct readers *rs, const char *path)
{
	struct reader *r = take(rs);
	err_t e = open_reader(rs, r);

	if (err_ok(e))
		e = db_backup(r->db, path);
	give(rs, r);
	return e;
}

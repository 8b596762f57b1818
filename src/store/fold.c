/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fold.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"

/* Pages: from FROM on the log is folded; less than REST the writer may fold itself; with MOST it waits. */
enum { FROM = 4000, REST = 2000, MOST = 40000 };
/* So often the thread folds what there is before the writer helps it to come to an end. */
enum { TURNS = 4 };

struct fold {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	char *path;
	enum store_schema schema;
	struct fold_metrics *m;
	struct db *db; /* the thread's; NULL: not opened yet */
	pthread_t thread;
	bool up, due, busy, stop;
	size_t done;    /* pages of the log as it is that the thread has folded */
	unsigned turns; /* of it since the log was full */
};

/* What cannot be folded now is so later. */
static size_t
fail(struct fold *f, err_t e)
{
	if (!err_is(e, ERR_BUSY))
		metric_inc(&f->m->failed, 1);
	err_forget(e);
	return 0;
}

static size_t
run(struct fold *f, struct db *db)
{
	int64_t from = when_mono_ms();
	size_t done;
	err_t e = db_fold(db, &done);

	if (!err_ok(e))
		return fail(f, e);
	metric_time(&f->m->time, (when_mono_ms() - from) * 1000);
	return done;
}

/* By the thread, which alone has this connection. */
static size_t
run_beside(struct fold *f)
{
	err_t e = OK;

	if (f->db == NULL)
		e = db_open(f->path, f->schema, false, &f->db);
	return err_ok(e) ? run(f, f->db) : fail(f, e);
}

static void *
fold_main(void *arg)
{
	struct fold *f = arg;
	size_t done;

	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		if (!f->due) {
			pthread_cond_wait(&f->moved, &f->lock);
			continue;
		}
		f->due = false;
		f->busy = true;
		pthread_mutex_unlock(&f->lock);
		done = run_beside(f);
		pthread_mutex_lock(&f->lock);
		f->busy = false;
		f->done = done;
		f->turns++;
		pthread_cond_broadcast(&f->moved);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* Signals are for the threads of the program. */
static err_t
start(struct fold *f)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&f->thread, NULL, fold_main, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		FAIL(ERR_SYSTEM, "no thread for the log of the store: %s", strerror(rc));
	f->up = true;
	return OK;
}

err_t
fold_new(const char *path, enum store_schema schema, struct fold_metrics *m, struct fold **ret)
{
	struct fold *f = calloc(1, sizeof(*f));
	err_t e;

	if (f == NULL)
		abort();
	f->path = strdup(path);
	if (f->path == NULL)
		abort();
	f->schema = schema;
	f->m = m;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->moved, NULL);
	e = start(f);
	if (!err_ok(e)) {
		fold_free(f);
		return e;
	}
	*ret = f;
	return OK;
}

void
fold_free(struct fold *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
	if (f->up)
		pthread_join(f->thread, NULL);
	db_close(f->db);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->moved);
	free(f->path);
	free(f);
}

/* Is it the writer's turn? The lock is held. */
static bool
decide(struct fold *f, size_t pages)
{
	if (pages < FROM) {
		f->done = 0; /* the log began anew */
		f->turns = 0;
		return false;
	}
	while (pages >= MOST && (f->busy || f->due))
		pthread_cond_wait(&f->moved, &f->lock);
	if (f->busy || f->due || pages == f->done)
		return false;
	if (pages >= MOST || (f->turns >= TURNS && pages < f->done + REST))
		return true;
	f->due = true;
	pthread_cond_signal(&f->moved);
	return false;
}

void
fold_look(struct fold *f, struct db *writer)
{
	size_t pages = db_log(writer);
	bool mine;

	metric_set(&f->m->pages, (int64_t)pages);
	pthread_mutex_lock(&f->lock);
	mine = decide(f, pages);
	pthread_mutex_unlock(&f->lock);
	if (mine)
		(void)run(f, writer);
}

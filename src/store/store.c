/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: readers in a pool (store/readers.h), one writer that commits in groups.
 *
 * The way of a write: its caller queues a job and sleeps. The writer thread begins a transaction, takes jobs from the
 * queue until it is empty or the group is full, runs each under a savepoint, commits, sends the wake-ups of those that
 * succeeded, and wakes the callers. What arrives during a commit is the next group. The log that commits fill is emptied between
 * two groups at most (store/fold.h).
 *
 * Invariants:
 *  1. No caller hears of success before the commit that holds its write.
 *  2. When the commit fails, or the database ended the transaction by itself, every job of the group fails that had not
 *     failed by itself. The next group begins anew.
 *  3. Jobs run in the order in which they were queued.
 *  4. The counters of stamps grow after the commit and before its wake-ups and answers.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "base/memo.h"
#include "store/fold.h"
#include "store/readers.h"
#include "store/row.h"
#include "store/stamp.h"

#define GROUP_MAX 256
#define MEMO_PLACES 256
#define LIST_PLACES 32

struct job {
	struct job *next;
	store_fn fn;
	void *arg;
	struct note *notes;
	struct about *about;
	bool about_all;
	struct err_report report; /* code ERR_NONE: success so far */
	sem_t done;
};

struct store {
	pthread_mutex_t lock; /* the queue and notify */
	pthread_cond_t arrived;
	struct job *first, **last;
	bool stop;
	void (*notify)(void *ctx, unsigned topic, struct str key);
	void *notify_ctx;

	struct db *db; /* the writer's */
	pthread_t writer;
	struct fold *fold;

	struct readers *readers;
	struct stamps *stamps;
	struct memo *memo, *lists;

	struct metric reads, writes, failed, commits, commit_time, memory;
	struct fold_metrics folds;
};

static void
job_queue(struct store *s, struct job *j)
{
	*s->last = j;
	s->last = &j->next;
}

static struct job *
job_take(struct store *s)
{
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = s->first;
	if (j != NULL) {
		s->first = j->next;
		j->next = NULL;
		if (s->first == NULL)
			s->last = &s->first;
	}
	pthread_mutex_unlock(&s->lock);
	return j;
}

static err_t
job_run(struct tx *tx, struct job *j)
{
	struct err_report report;
	err_t e;

	TRY(db_mark(tx->db));
	e = j->fn(tx, j->arg);
	if (err_ok(e))
		return db_keep(tx->db);
	err_take(e, &report);
	e = db_undo(tx->db);
	if (!err_ok(e)) {
		err_forget(e);
		db_rollback(
		    tx->db); /* cannot tell its changes from the others': none of them is kept */
	}
	return err_raise(&report);
}

/* Runs what is queued, as long as the transaction lives; *ret lists the jobs. */
static err_t
group_run(struct store *s, struct arena *a, struct job **ret)
{
	struct job **at = ret, *j;

	for (size_t n = 0; n < GROUP_MAX && (j = job_take(s)) != NULL; n++) {
		struct tx tx = { .db = s->db, .writes = true, .a = a, .store = s, .memo = s->memo };
		struct db_touched t;

		*at = j;
		at = &j->next;
		tx.group = *ret;
		(void)db_touched(s->db);
		err_take(job_run(&tx, j), &j->report);
		t = db_touched(s->db);
		j->about = tx.about;
		j->about_all = t.all > 0 || t.device != tx.nabout;
		if (j->report.code == ERR_NONE)
			j->notes = tx.notes;
		if (!db_in_tx(s->db))
			FAIL(ERR_STORE, "the database ended the transaction");
	}
	return OK;
}

/* Nothing was begun: the group is what waits at this moment. */
static void
group_refuse(struct store *s, struct job **ret)
{
	struct job **at = ret, *j;

	for (size_t n = 0; n < GROUP_MAX && (j = job_take(s)) != NULL; n++) {
		*at = j;
		at = &j->next;
	}
}

static bool
job_concerns(const struct job *j, struct id device)
{
	if (j->report.code != ERR_NONE)
		return false;
	for (const struct about *x = j->about; x != NULL; x = x->next)
		if (id_eq(x->device, device))
			return true;
	return j->about_all;
}

/* The job of this transaction itself is the last, of which nothing is noted yet. */
bool
tx_stamp_holds(const struct tx *tx, struct id device, const struct stamp *stamp)
{
	if (!tx->writes || !store_stamp_holds(tx->store, device, stamp))
		return false;
	for (const struct job *j = tx->group; j != NULL; j = j->next)
		if (job_concerns(j, device))
			return false;
	return true;
}

static bool
group_any(const struct job *j)
{
	for (; j != NULL; j = j->next)
		if (j->report.code == ERR_NONE)
			return true;
	return false;
}

static err_t
group_commit(struct store *s, const struct job *first)
{
	int64_t from = when_mono_ms();

	if (!group_any(first)) {
		db_rollback(s->db);
		return OK;
	}
	TRY(db_commit(s->db));
	metric_inc(&s->commits, 1);
	metric_time(&s->commit_time, (when_mono_ms() - from) * 1000);
	return OK;
}

static err_t
group_do(struct store *s, struct arena *a, struct job **ret)
{
	err_t e = db_begin(s->db);

	if (!err_ok(e)) {
		group_refuse(s, ret);
		return err_pass(e, __FILE__, __LINE__);
	}
	TRY(group_run(s, a, ret));
	return group_commit(s, *ret);
}

static void
group_fail(struct job *first, const struct err_report *report)
{
	for (struct job *j = first; j != NULL; j = j->next) {
		j->notes = NULL;
		if (j->report.code == ERR_NONE)
			j->report = *report;
	}
}

static void
group_stamp(struct store *s, const struct job *first)
{
	for (const struct job *j = first; j != NULL; j = j->next)
		if (j->report.code == ERR_NONE)
			stamps_count(s->stamps, j->about_all, j->about);
}

static bool
note_sent(const struct job *first, const struct note *x)
{
	for (const struct job *j = first; j != NULL; j = j->next)
		for (const struct note *o = j->notes; o != NULL; o = o->next) {
			if (o == x)
				return false;
			if (o->topic == x->topic && str_eq(o->key, x->key))
				return true;
		}
	return false;
}

static void
group_notify(struct store *s, const struct job *first)
{
	void (*notify)(void *ctx, unsigned topic, struct str key);
	void *ctx;

	pthread_mutex_lock(&s->lock);
	notify = s->notify;
	ctx = s->notify_ctx;
	pthread_mutex_unlock(&s->lock);
	if (notify == NULL)
		return;
	for (const struct job *j = first; j != NULL; j = j->next)
		for (const struct note *x = j->notes; x != NULL; x = x->next)
			if (!note_sent(first, x))
				notify(ctx, x->topic, x->key);
}

/* A job is its caller's again, and may be gone, as soon as it is done. */
static void
group_answer(struct store *s, struct job *first)
{
	struct job *j, *next;

	for (j = first; j != NULL; j = next) {
		next = j->next;
		metric_inc(j->report.code == ERR_NONE ? &s->writes : &s->failed, 1);
		sem_post(&j->done);
	}
}

static bool
work_wait(struct store *s)
{
	bool work;

	pthread_mutex_lock(&s->lock);
	while (s->first == NULL && !s->stop)
		pthread_cond_wait(&s->arrived, &s->lock);
	work = s->first != NULL;
	pthread_mutex_unlock(&s->lock);
	return work;
}

static void *
writer_main(void *arg)
{
	auto_arena struct arena *a = arena_new();
	struct store *s = arg;

	while (work_wait(s)) {
		struct err_report report;
		struct job *first = NULL;

		err_take(group_do(s, a, &first), &report);
		if (report.code != ERR_NONE) {
			db_rollback(s->db);
			group_fail(first, &report);
		}
		metric_set(&s->memory, db_memory(s->db) + readers_memory(s->readers));
		group_stamp(s, first);
		group_notify(s, first);
		group_answer(s, first);
		fold_look(s->fold, s->db);
		arena_reset(a);
	}
	return NULL;
}

/* Signals are for the threads of the program. */
static err_t
writer_start(struct store *s)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->writer, NULL, writer_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		FAIL(ERR_SYSTEM, "no thread for the store: %s", strerror(rc));
	return OK;
}

static void
metric_name(struct metric *x, enum metric_kind kind, const char *name, const char *help)
{
	x->kind = kind;
	x->name = name;
	x->help = help;
}

static void
metrics_setup(struct store *s)
{
	metric_name(&s->reads, METRIC_COUNTER, "chancery_store_reads_total", "Read transactions.");
	metric_name(
	    &s->writes, METRIC_COUNTER, "chancery_store_writes_total", "Writes that are on disk.");
	metric_name(&s->failed, METRIC_COUNTER, "chancery_store_writes_failed_total",
	    "Writes that were rolled back.");
	metric_name(&s->commits, METRIC_COUNTER, "chancery_store_commits_total",
	    "Commits; each holds one or more writes.");
	metric_name(&s->commit_time, METRIC_HISTOGRAM, "chancery_store_commit_seconds",
	    "Time that commits take.");
	metric_name(&s->memory, METRIC_GAUGE, "chancery_store_memory_bytes",
	    "Memory of the database within this process, most of it pages kept.");
	metric_name(&s->folds.pages, METRIC_GAUGE, "chancery_store_log_pages",
	    "Pages of the log that is folded into the database now and then.");
	metric_name(&s->folds.time, METRIC_HISTOGRAM, "chancery_store_fold_seconds",
	    "Time that folding takes; writes go on meanwhile.");
	metric_name(&s->folds.failed, METRIC_COUNTER, "chancery_store_folds_failed_total",
	    "Times that the log could not be folded.");
}

/* They live as long as the store: stop printing the registry before closing it. */
static void
metrics_register(struct store *s, struct metrics *m)
{
	if (m == NULL)
		return;
	metrics_add(m, &s->reads);
	metrics_add(m, &s->writes);
	metrics_add(m, &s->failed);
	metrics_add(m, &s->commits);
	metrics_add(m, &s->commit_time);
	metrics_add(m, &s->memory);
	metrics_add(m, &s->folds.pages);
	metrics_add(m, &s->folds.time);
	metrics_add(m, &s->folds.failed);
}

static void
store_free(struct store *s)
{
	readers_free(s->readers);
	fold_free(s->fold);
	db_close(s->db); /* last: it folds the log into the database */
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->arrived);
	stamps_free(s->stamps);
	memo_free(s->memo);
	memo_free(s->lists);
	free(s);
}

static struct store *
store_new(const struct store_conf *conf)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->memo = memo_new(MEMO_PLACES);
	s->lists = memo_new(LIST_PLACES);
	s->stamps = stamps_new();
	s->readers = readers_new(conf->path, conf->schema, conf->readers, conf->cache,
	    &(struct readers_share){ s->memo, s->lists, s->stamps });
	s->last = &s->first;
	s->notify = conf->notify;
	s->notify_ctx = conf->notify_ctx;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->arrived, NULL);
	return s;
}

err_t
store_open(const struct store_conf *conf, struct store **ret)
{
	struct store *s = store_new(conf);
	err_t e = db_open(conf->path, conf->schema, true, &s->db);

	metrics_setup(s);
	if (err_ok(e) && conf->cache > 0)
		e = db_cache(s->db, conf->cache);
	if (err_ok(e))
		e = fold_new(conf->path, conf->schema, &s->folds, &s->fold);
	if (err_ok(e))
		e = writer_start(s);
	if (!err_ok(e)) {
		store_free(s);
		return err_pass(e, __FILE__, __LINE__);
	}
	metrics_register(s, conf->metrics);
	*ret = s;
	return OK;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->arrived);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->writer, NULL);
	store_free(s);
}

void
store_set_notify(
    struct store *s, void (*notify)(void *ctx, unsigned topic, struct str key), void *ctx)
{
	pthread_mutex_lock(&s->lock);
	s->notify = notify;
	s->notify_ctx = ctx;
	pthread_mutex_unlock(&s->lock);
}

err_t
store_read(struct store *s, store_fn fn, void *arg)
{
	err_t e;

	assert(!pthread_equal(pthread_self(), s->writer)); /* transactions do not nest */
	e = readers_run(s->readers, fn, arg);
	metric_inc(&s->reads, 1);
	return e;
}

void
store_write_each(struct store *s, store_fn fn, void *const *args, size_t n, struct err_report *ret)
{
	struct job *jobs = calloc(n + 1, sizeof(*jobs));

	if (jobs == NULL)
		abort();
	/* Transactions do not nest: a thread inside of one must not start another. */
	assert(!pthread_equal(pthread_self(), s->writer) && !readers_inside(s->readers));

	for (size_t i = 0; i < n; i++) {
		jobs[i] = (struct job){ .fn = fn, .arg = args[i] };
		sem_init(&jobs[i].done, 0, 0);
	}
	pthread_mutex_lock(&s->lock);
	assert(!s->stop);
	for (size_t i = 0; i < n; i++)
		job_queue(s, &jobs[i]);
	pthread_cond_signal(&s->arrived);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < n; i++) {
		while (sem_wait(&jobs[i].done) != 0 && errno == EINTR)
			;
		sem_destroy(&jobs[i].done);
		ret[i] = jobs[i].report;
	}
	free(jobs);
}

err_t
store_write(struct store *s, store_fn fn, void *arg)
{
	struct err_report report;

	store_write_each(s, fn, &arg, 1, &report);
	return report.code == ERR_NONE ? OK : err_raise(&report);
}

void
tx_notify(struct tx *tx, unsigned topic, struct str key)
{
	struct note *x;

	assert(tx->writes);
	x = ARENA_NEW(tx->a, struct note);
	x->topic = topic;
	x->key = arena_str(tx->a, key);
	x->next = tx->notes;
	tx->notes = x;
}

const struct stamps *
store_stamps(const struct store *s)
{
	return s->stamps;
}

struct memo *
tx_memo(const struct tx *tx)
{
	return tx->memo;
}

bool
tx_writes(const struct tx *tx)
{
	return tx->writes;
}

err_t
store_backup(struct store *s, const char *path)
{
	return readers_backup(s->readers, path);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/push.h"

#include <pthread.h>

#include "base/log.h"
#include "store/device_state.h"

enum { THREADS = 4, SCAN_PAGE = 32, QUEUE = 65536, MARKS = 65536 };
/* What happens to a device within this time is one nudge; the pause after a failure that the next would meet as well, which
 * doubles so many times; when one device is tried again, and how often. */
enum { GATHER_MS = 200, PAUSE_MS = 5000, DOUBLINGS = 6, AGAIN_MS = 30000, TRIES = 5 };
enum { AFTER_MAX_MS = 3600000 };

struct waiting {
	struct id device;
	int64_t at;
	unsigned tries;
};

/* By hash: what was done last with a device. One that another took the place of is sent once too often. */
struct mark {
	struct id device;
	bool waits;
	int64_t sent;
	int64_t failed; /* and all were held back for it; 0: it got through since */
};

struct push {
	struct push_conf conf;
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool stop;
	struct waiting *heap; /* room for QUEUE; the earliest first */
	size_t n;
	struct mark *marks;
	int64_t pause;             /* none is sent before */
	int64_t got_through;       /* when the latest was sent */
	unsigned failures;         /* pauses with none sent in between */
	struct err_report trouble; /* code ERR_NONE: none */
	pthread_t threads[THREADS];
	struct fetch *fetches[THREADS];
	size_t nthreads;
	volatile int ended; /* what the fetches look at */
	pthread_t scanner;
	bool scans;   /* the scanner was started */
	bool changed; /* something that may be about any device */
	/* The scanner's: whether its time is what it looks for, not a change; when that is so again. */
	bool timely;
	int64_t next_look;
	struct metric sent, unregistered, rejected, failed, dropped;
};

static struct metric
counter(const struct push *p, const char *labels)
{
	return (struct metric){
		.kind = METRIC_COUNTER,
		.name = p->conf.way.metric,
		.labels = labels,
		.help =
		    "Wake-ups of devices: sent, address unregistered, rejected, failed (tried again), dropped."
	};
}

/* ---- the queue, under the lock ---- */

static void
swap(struct waiting *a, struct waiting *b)
{
	struct waiting c = *a;

	*a = *b;
	*b = c;
}

static void
heap_put(struct push *p, const struct waiting *w)
{
	size_t i = p->n++;

	p->heap[i] = *w;
	for (; i > 0 && p->heap[i].at < p->heap[(i - 1) / 2].at; i = (i - 1) / 2)
		swap(&p->heap[i], &p->heap[(i - 1) / 2]);
}

static struct waiting
heap_take(struct push *p)
{
	struct waiting w = p->heap[0];
	size_t i = 0, least;

	p->heap[0] = p->heap[--p->n];
	for (;; i = least) {
		least = i;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < p->n; k++)
			if (p->heap[k].at < p->heap[least].at)
				least = k;
		if (least == i)
			return w;
		swap(&p->heap[i], &p->heap[least]);
	}
}

static struct mark *
mark_of(struct push *p, const struct id *device)
{
	return &p->marks[str_hash(id_str(device)) % MARKS];
}

static void
queue(struct push *p, const struct id *device, int64_t in_ms, unsigned tries)
{
	struct mark *m = mark_of(p, device);
	int64_t at = when_mono_ms() + in_ms;

	if (!id_eq(m->device, *device))
		*m = (struct mark){ .device = *device };
	if (m->waits)
		return;
	if (p->n == QUEUE) {
		metric_inc(&p->dropped, 1);
		return;
	}
	if (m->sent != 0 && at < m->sent + p->conf.way.gap_ms)
		at = m->sent + p->conf.way.gap_ms;
	m->waits = true;
	heap_put(p, &(struct waiting){ *device, at, tries });
	pthread_cond_broadcast(&p->more); /* the scanner waits for it as well */
}

void
push_nudge(struct push *p, struct str device)
{
	struct id id;

	pthread_mutex_lock(&p->lock);
	if (device.n == sizeof(id.b)) {
		memcpy(id.b, device.p, sizeof(id.b));
		queue(p, &id, GATHER_MS, 0);
	} else {
		p->changed = true;
		pthread_cond_broadcast(&p->more);
	}
	pthread_mutex_unlock(&p->lock);
}

/* Under the lock. Where another took the place of the mark, nothing is known of this one: it is woken by the looks that come with
 * time, as two who share a place would be by every change otherwise. */
static bool
woken_lately(struct push *p, const struct id *device)
{
	const struct mark *m = mark_of(p, device);

	if (m->sent == 0 || when_mono_ms() - m->sent >= p->conf.way.waiting_ms)
		return false;
	return id_eq(m->device, *device) || !p->timely;
}

/* Somebody found by a look. */
static void
push_found(struct push *p, const struct id *device, enum due_kind due)
{
	pthread_mutex_lock(&p->lock);
	if (due == DUE_NEWS || !woken_lately(p, device))
		queue(p, device, GATHER_MS, 0);
	pthread_mutex_unlock(&p->lock);
}

bool
push_trouble(struct push *p, struct err_report *ret)
{
	bool is;

	pthread_mutex_lock(&p->lock);
	is = p->trouble.code != ERR_NONE;
	if (is)
		*ret = p->trouble;
	pthread_mutex_unlock(&p->lock);
	return is;
}

/* Under the lock: waits until `at`, or for a signal where that is 0. */
static void
sleep_until(struct push *p, int64_t at)
{
	struct timespec t = { .tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000 };

	if (at == 0)
		pthread_cond_wait(&p->more, &p->lock);
	else
		pthread_cond_timedwait(&p->more, &p->lock, &t);
}

/* false: it is over. */
static bool
next(struct push *p, struct waiting *ret)
{
	bool got = false;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && !got) {
		int64_t now = when_mono_ms(), due = p->n == 0 ? 0 : p->heap[0].at;
		struct mark *m;

		if (due != 0 && due < p->pause)
			due = p->pause;
		if (due == 0 || due > now) {
			sleep_until(p, due);
			continue;
		}
		*ret = heap_take(p);
		m = mark_of(p, &ret->device);
		if (id_eq(m->device, ret->device))
			m->waits = false;
		got = true;
	}
	pthread_mutex_unlock(&p->lock);
	return got;
}

/* ---- sending ---- */

static int64_t
wait_for(const struct push_result *r, int64_t usual)
{
	return r->after_ms <= 0 ? usual : r->after_ms > AFTER_MAX_MS ? AFTER_MAX_MS : r->after_ms;
}

/* Under the lock. Threads that failed together are one pause. */
static void
hold_back(struct push *p, const struct push_result *r)
{
	int64_t now = when_mono_ms();

	if (now < p->pause)
		return;
	p->pause = now + wait_for(r, (int64_t)PAUSE_MS << p->failures);
	if (p->failures < DOUBLINGS)
		p->failures++;
}

static void
note_sent(struct push *p, const struct id *device)
{
	struct mark *m = mark_of(p, device);

	metric_inc(&p->sent, 1);
	p->failures = 0;
	p->trouble.code = ERR_NONE;
	p->got_through = when_mono_ms();
	if (id_eq(m->device, *device)) {
		m->sent = p->got_through;
		m->failed = 0;
	}
}

static void
try_again(struct push *p, const struct waiting *w, const struct push_result *r)
{
	if (w->tries < TRIES)
		queue(p, &w->device, wait_for(r, (int64_t)AGAIN_MS << w->tries), w->tries + 1);
}

/* One for whom all were held back, and who fails again after others got through, is a trouble of its own: what its address
 * answers is not what the push service says to others. */
static void
put_off(struct push *p, const struct waiting *w, const struct push_result *r)
{
	struct mark *m = mark_of(p, &w->device);
	bool own = id_eq(m->device, w->device) && m->failed != 0 && p->got_through >= m->failed;

	if (own) {
		try_again(p, w, r);
		return;
	}
	hold_back(p, r);
	queue(p, &w->device, GATHER_MS, w->tries);
	m->failed = when_mono_ms();
}

/* What fails is tried again; where all would fail, the device stays in the queue meanwhile. */
static void
settle(struct push *p, const struct waiting *w, const struct push_result *r)
{
	pthread_mutex_lock(&p->lock);
	if (r->why.code != ERR_NONE)
		p->trouble = r->why;
	switch (r->end) {
	case PUSH_NOBODY:
		break;
	case PUSH_SENT:
		note_sent(p, &w->device);
		break;
	case PUSH_UNREGISTERED:
		metric_inc(&p->unregistered, 1);
		break;
	case PUSH_REFUSED:
		metric_inc(&p->rejected, 1);
		break;
	case PUSH_AGAIN:
		metric_inc(&p->failed, 1);
		try_again(p, w, r);
		break;
	case PUSH_PAUSE:
		metric_inc(&p->failed, 1);
		put_off(p, w, r);
		break;
	}
	pthread_mutex_unlock(&p->lock);
}

static void
turn(struct push *p, struct fetch *f, const struct waiting *w)
{
	auto_arena struct arena *a = arena_new();
	const struct push_way *way = &p->conf.way;
	struct push_result r = { .end = PUSH_PAUSE };
	err_t e = way->wake(way->ctx, f, a, w->device, &r);

	if (!err_ok(e)) {
		r = (struct push_result){ .end = PUSH_PAUSE };
		err_take(e, &r.why);
	}
	if (r.why.code != ERR_NONE)
		log_report(arena_printf(a, "wake-up of %s", way->who), &r.why);
	settle(p, w, &r);
}

struct worker {
	struct push *p;
	struct fetch *fetch;
};

static void *
run(void *arg)
{
	struct worker w = *(struct worker *)arg;
	struct waiting device;

	free(arg);
	while (next(w.p, &device))
		turn(w.p, w.fetch, &device);
	return NULL;
}

/* ---- looking for those that are due something ---- */

/* One page of devices: those that are due something are nudged. */
struct page_of {
	struct push *p;
	struct arena *a;
	struct id after;
	bool more;
};

static err_t
scan_page(struct tx *tx, void *arg)
{
	struct page_of *x = arg;
	const struct push_way *way = &x->p->conf.way;
	struct channel_state *v;
	enum due_kind due;
	size_t n;

	TRY(store_device_state_after(tx, x->a, x->after, SCAN_PAGE, &v, &n));
	for (size_t i = 0; i < n; i++) {
		err_t e = way->due(way->ctx, tx, x->a, v[i].device, &due);

		x->after = v[i].device;
		if (!err_ok(e))
			log_error(arena_printf(x->a, "what %s is due", way->who), e);
		else if (due != DUE_NOT)
			push_found(x->p, &v[i].device, due);
	}
	x->more = n == SCAN_PAGE;
	return OK;
}

static bool
over(struct push *p)
{
	bool stop;

	pthread_mutex_lock(&p->lock);
	stop = p->stop;
	pthread_mutex_unlock(&p->lock);
	return stop;
}

static err_t
scan_all(struct push *p)
{
	struct page_of x = { .p = p, .more = true };

	while (x.more && !over(p)) {
		auto_arena struct arena *a = arena_new();

		x.a = a;
		TRY(store_read(p->conf.store, scan_page, &x));
	}
	return OK;
}

/* Until something changed, or the time for another look is there. false: it is over. */
static bool
await_change(struct push *p)
{
	int64_t every = p->conf.way.scan_ms, at = every == 0 ? 0 : p->next_look;
	bool stop;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && !p->changed && (at == 0 || when_mono_ms() < at))
		sleep_until(p, at);
	if (!p->stop && p->changed)
		sleep_until(p, when_mono_ms() + GATHER_MS); /* what changes together is one */
	p->changed = false;
	p->timely = when_mono_ms() >= p->next_look;
	if (p->timely)
		p->next_look = every == 0 ? INT64_MAX : when_mono_ms() + every;
	stop = p->stop;
	pthread_mutex_unlock(&p->lock);
	return !stop;
}

static void *
scan(void *arg)
{
	struct push *p = arg;

	while (await_change(p)) {
		err_t e = scan_all(p);

		if (!err_ok(e))
			log_error("which devices are due something", e);
	}
	return NULL;
}

/* ---- life ---- */

static err_t
start_threads(struct push *p)
{
	for (; p->nthreads < THREADS; p->nthreads++) {
		auto_free struct worker *w = calloc(1, sizeof(*w));

		if (w == NULL)
			abort();
		TRY(p->conf.way.open(p->conf.way.ctx, &p->fetches[p->nthreads]));
		fetch_watch(p->fetches[p->nthreads], &p->ended);
		*w = (struct worker){ p, p->fetches[p->nthreads] };
		if (pthread_create(&p->threads[p->nthreads], NULL, run, w) != 0)
			FAIL(ERR_SYSTEM, "cannot start a thread");
		w = NULL; /* the thread's now */
	}
	if (pthread_create(&p->scanner, NULL, scan, p) != 0)
		FAIL(ERR_SYSTEM, "cannot start a thread");
	p->scans = true;
	return OK;
}

err_t
push_start(const struct push_conf *conf, struct push **ret)
{
	struct push *p = calloc(1, sizeof(*p));
	struct metric *const all[] = { &p->sent, &p->unregistered, &p->rejected, &p->failed,
		&p->dropped };
	static const char *const labels[] = { "result=\"sent\"", "result=\"unregistered\"",
		"result=\"rejected\"", "result=\"failed\"", "result=\"dropped\"" };
	pthread_condattr_t attr;
	err_t e;

	if (p == NULL)
		abort();
	p->conf = *conf;
	p->changed = true; /* while nobody was here */
	p->heap = calloc(QUEUE, sizeof(*p->heap));
	p->marks = calloc(MARKS, sizeof(*p->marks));
	if (p->heap == NULL || p->marks == NULL)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->more, &attr);
	pthread_condattr_destroy(&attr);
	for (size_t i = 0; i < COUNT(all); i++) {
		*all[i] = counter(p, labels[i]);
		if (conf->metrics != NULL)
			metrics_add(conf->metrics, all[i]);
	}
	e = start_threads(p);
	if (!err_ok(e)) {
		push_stop(p);
		return e;
	}
	*ret = p;
	return OK;
}

void
push_stop(struct push *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	p->ended = 1;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	if (p->scans)
		pthread_join(p->scanner, NULL);
	for (size_t i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	for (size_t i = 0; i < THREADS; i++)
		fetch_free(p->fetches[i]);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->more);
	free(p->heap);
	free(p->marks);
	free(p);
}

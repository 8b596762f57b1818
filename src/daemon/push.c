/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/push.h"

#include <pthread.h>

#include "base/log.h"
#include "device/apple_wake.h"
#include "net/apns.h"
#include "store/device_state.h"

enum { THREADS = 4, SCAN_PAGE = 32, QUEUE = 65536, MARKS = 65536 };
/* What happens to a device within this time is one nudge; how long one push may take; how long Apple keeps it; the pause
 * after a failure that the next would meet as well. */
enum { GATHER_MS = 200, PUSH_MS = 10000, KEEP_S = 7 * 86400, PAUSE_MS = 5000 };

struct waiting {
	struct id device;
	int64_t at;
};

struct push {
	struct push_conf conf;
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool stop;
	struct waiting *ring; /* QUEUE of them */
	size_t first, n;
	struct id *marks; /* by hash: a device that waits already */
	int64_t pause;    /* none is sent before */
	pthread_t threads[THREADS];
	struct fetch *fetches[THREADS];
	size_t nthreads;
	pthread_t scanner;
	bool scans;   /* the scanner was started */
	bool changed; /* something that may be about any device */
	struct metric sent, unregistered, failed, dropped;
};

static struct metric
counter(const char *labels)
{
	return (struct metric){ .kind = METRIC_COUNTER,
		.name = "chancery_apple_pushes_total",
		.labels = labels,
		.help = "Wake-ups of Apple devices: sent, token unregistered, failed, dropped." };
}

static struct id *
mark_of(struct push *p, const struct id *device)
{
	return &p->marks[str_hash(id_str(device)) % MARKS];
}

void
push_nudge(struct push *p, struct str device)
{
	struct id id;

	if (device.n != sizeof(id.b)) {
		pthread_mutex_lock(&p->lock);
		p->changed = true;
		pthread_cond_broadcast(&p->more);
		pthread_mutex_unlock(&p->lock);
		return;
	}
	memcpy(id.b, device.p, sizeof(id.b));
	pthread_mutex_lock(&p->lock);
	if (p->n == QUEUE) {
		metric_inc(&p->dropped, 1);
	} else if (!id_eq(*mark_of(p, &id), id)) {
		*mark_of(p, &id) = id;
		p->ring[(p->first + p->n++) % QUEUE] =
		    (struct waiting){ id, when_mono_ms() + GATHER_MS };
		pthread_cond_broadcast(&p->more); /* the scanner waits for it as well */
	}
	pthread_mutex_unlock(&p->lock);
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
next(struct push *p, struct id *ret)
{
	bool got = false;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && !got) {
		struct waiting *w = &p->ring[p->first];
		int64_t now = when_mono_ms(), due = p->n == 0 ? 0 : w->at;

		if (due != 0 && due < p->pause)
			due = p->pause;
		if (due == 0 || due > now) {
			sleep_until(p, due);
			continue;
		}
		*ret = w->device;
		p->first = (p->first + 1) % QUEUE;
		p->n--;
		if (id_eq(*mark_of(p, ret), *ret))
			*mark_of(p, ret) = (struct id){ 0 };
		got = true;
	}
	pthread_mutex_unlock(&p->lock);
	return got;
}

struct waking {
	struct push *p;
	struct arena *a;
	struct id device;
	struct apple_wake *v;
	size_t n, i;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct waking *w = arg;

	return apple_wake_list(tx, w->a, w->device, w->p->conf.topic, &w->v, &w->n);
}

static err_t
unregister(struct tx *tx, void *arg)
{
	struct waking *w = arg;

	return apple_wake_failed(tx, w->a, w->device, &w->v[w->i]);
}

static err_t
wake(struct push *p, struct fetch *f, struct waking *w)
{
	struct apns_note note = { .token = w->v[w->i].token,
		.magic = w->v[w->i].magic,
		.topic = p->conf.topic,
		.expires = when_now() + KEEP_S };
	enum apns_outcome outcome;

	TRY(apns_push(f, w->a, p->conf.url, &note, PUSH_MS, &outcome));
	switch (outcome) {
	case APNS_SENT:
		metric_inc(&p->sent, 1);
		return OK;
	case APNS_UNREGISTERED:
		metric_inc(&p->unregistered, 1);
		return store_write(p->conf.store, unregister, w);
	case APNS_LATER:
		break;
	}
	FAIL(ERR_BUSY, "Apple's push service has too much to do");
}

/* What fails is tried again after a pause; the device stays in the queue meanwhile. */
static void
turn(struct push *p, struct fetch *f, struct id device)
{
	auto_arena struct arena *a = arena_new();
	struct waking w = { .p = p, .a = a, .device = device };
	err_t e = store_read(p->conf.store, look, &w);

	for (w.i = 0; err_ok(e) && w.i < w.n; w.i++)
		e = wake(p, f, &w);
	if (err_ok(e))
		return;
	metric_inc(&p->failed, 1);
	pthread_mutex_lock(&p->lock);
	p->pause = when_mono_ms() + PAUSE_MS;
	pthread_mutex_unlock(&p->lock);
	log_error("wake-up of an Apple device", e);
	push_nudge(p, id_str(&device));
}

struct worker {
	struct push *p;
	struct fetch *fetch;
};

static void *
run(void *arg)
{
	struct worker w = *(struct worker *)arg;
	struct id device;

	free(arg);
	while (next(w.p, &device))
		turn(w.p, w.fetch, device);
	return NULL;
}

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
	struct channel_state *v;
	bool due;
	size_t n;

	TRY(store_device_state_after(tx, x->a, x->after, SCAN_PAGE, &v, &n));
	for (size_t i = 0; i < n; i++) {
		err_t e = apple_wake_due(tx, x->a, v[i].device, x->p->conf.topic, &due);

		x->after = v[i].device;
		if (!err_ok(e))
			log_error("what an Apple device is due", e);
		else if (due)
			push_nudge(x->p, id_str(&v[i].device));
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

/* false: it is over. */
static bool
await_change(struct push *p)
{
	bool stop;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && !p->changed)
		sleep_until(p, 0);
	if (!p->stop)
		sleep_until(p, when_mono_ms() + GATHER_MS); /* what changes together is one */
	p->changed = false;
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
			log_error("which Apple devices are due something", e);
	}
	return NULL;
}

static err_t
start_threads(struct push *p)
{
	for (; p->nthreads < THREADS; p->nthreads++) {
		auto_free struct worker *w = calloc(1, sizeof(*w));

		if (w == NULL)
			abort();
		TRY(apns_open(&p->conf.tls, &p->fetches[p->nthreads]));
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
	struct metric *const all[] = { &p->sent, &p->unregistered, &p->failed, &p->dropped };
	static const char *const labels[] = { "result=\"sent\"", "result=\"unregistered\"",
		"result=\"failed\"", "result=\"dropped\"" };
	pthread_condattr_t attr;
	err_t e;

	p->conf = *conf;
	p->changed = true; /* while nobody was here */
	p->ring = calloc(QUEUE, sizeof(*p->ring));
	p->marks = calloc(MARKS, sizeof(*p->marks));
	if (p->ring == NULL || p->marks == NULL)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->more, &attr);
	pthread_condattr_destroy(&attr);
	for (size_t i = 0; i < COUNT(all); i++) {
		*all[i] = counter(labels[i]);
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
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	if (p->scans)
		pthread_join(p->scanner, NULL);
	for (size_t i = 0; i < p->nthreads; i++) {
		fetch_interrupt(p->fetches[i]);
		pthread_join(p->threads[i], NULL);
	}
	for (size_t i = 0; i < THREADS; i++)
		fetch_free(p->fetches[i]);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->more);
	free(p->ring);
	free(p->marks);
	free(p);
}

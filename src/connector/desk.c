/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/desk.h"

#include "base/when.h"

enum held_state { HELD_WAITING, HELD_RUNNING, HELD_DONE, HELD_UNDERWAY };

struct held {
	struct held *next;
	enum held_state state;
	json *job, *result;
	int64_t until_ms;
};

struct desk {
	pthread_mutex_t lock;              /* of all below */
	pthread_cond_t freed, added, done; /* who waits for room, for a job, for results */
	size_t room, reserved, n, underway, running;
	struct held *first, **last; /* in the order in which they came */
	bool closed, stopped, nudged;
};

struct desk *
desk_new(size_t room)
{
	struct desk *d = calloc(1, sizeof(*d));
	pthread_condattr_t attr;

	d->room = room;
	d->last = &d->first;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* the clock of when_mono_ms() */
	pthread_cond_init(&d->freed, &attr);
	pthread_cond_init(&d->added, &attr);
	pthread_cond_init(&d->done, &attr);
	pthread_condattr_destroy(&attr);
	return d;
}

static void
held_free(struct held *h)
{
	json_free(h->job);
	json_free(h->result);
	free(h);
}

void
desk_free(struct desk *d)
{
	if (d == NULL)
		return;
	while (d->first != NULL) {
		struct held *h = d->first;

		d->first = h->next;
		held_free(h);
	}
	pthread_cond_destroy(&d->freed);
	pthread_cond_destroy(&d->added);
	pthread_cond_destroy(&d->done);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* Called with the lock held, as all that end in _locked. */
static void
remove_locked(struct desk *d, struct held **at)
{
	struct held *h = *at;

	*at = h->next;
	if (d->last == &h->next)
		d->last = at;
	held_free(h);
	d->n--;
}

static size_t
free_locked(const struct desk *d, size_t used)
{
	return d->closed || d->stopped || used >= d->room ? 0 : d->room - used;
}

static size_t
room_locked(const struct desk *d)
{
	return free_locked(d, d->n + d->reserved);
}

static size_t
reserve_locked(struct desk *d, size_t room, size_t max)
{
	size_t n = room < max ? room : max;

	d->reserved += n;
	return n;
}

size_t
desk_reserve(struct desk *d, size_t max)
{
	size_t n;

	pthread_mutex_lock(&d->lock);
	while (!d->stopped && !d->closed && room_locked(d) == 0)
		pthread_cond_wait(&d->freed, &d->lock);
	n = reserve_locked(d, room_locked(d), max);
	pthread_mutex_unlock(&d->lock);
	return n;
}

size_t
desk_reserve_instead(struct desk *d, size_t max)
{
	size_t n;

	pthread_mutex_lock(&d->lock);
	n = reserve_locked(d, free_locked(d, d->n + d->reserved - d->underway), max);
	pthread_mutex_unlock(&d->lock);
	return n;
}

static void
add_locked(struct desk *d, json *job, int64_t until_ms)
{
	struct held *h = calloc(1, sizeof(*h));

	h->job = json_ref(job);
	h->until_ms = until_ms;
	*d->last = h;
	d->last = &h->next;
	d->n++;
}

void
desk_add(struct desk *d, size_t reserved, const json *jobs, int64_t lease_ms)
{
	int64_t until_ms = when_mono_ms() + lease_ms;

	pthread_mutex_lock(&d->lock);
	d->reserved -= reserved;
	/* Once stopped nobody takes them up; they are not among what is held, so they are free again. */
	for (size_t i = 0; i < json_count(jobs) && i < reserved && !d->stopped; i++)
		add_locked(d, json_at(jobs, i), until_ms);
	if (json_count(jobs) > 0)
		pthread_cond_broadcast(&d->added);
	pthread_cond_signal(&d->freed);
	pthread_mutex_unlock(&d->lock);
}

/* The first that waits; those whose lease is over are dropped on the way. */
static struct held *
next_locked(struct desk *d)
{
	int64_t now = when_mono_ms();
	struct held **at = &d->first;
	bool dropped = false;

	while (*at != NULL && ((*at)->state != HELD_WAITING || (*at)->until_ms <= now)) {
		if ((*at)->state != HELD_WAITING) {
			at = &(*at)->next;
			continue;
		}
		remove_locked(d, at);
		dropped = true;
	}
	if (dropped)
		pthread_cond_signal(&d->freed);
	return *at;
}

struct held *
desk_take(struct desk *d)
{
	struct held *h = NULL;

	pthread_mutex_lock(&d->lock);
	while (!d->stopped && (h = next_locked(d)) == NULL)
		pthread_cond_wait(&d->added, &d->lock);
	if (h != NULL) {
		h->state = HELD_RUNNING;
		d->running++;
	}
	pthread_mutex_unlock(&d->lock);
	return h;
}

const json *
held_job(const struct held *h)
{
	return h->job;
}

void
desk_done(struct desk *d, struct held *h, json *result)
{
	pthread_mutex_lock(&d->lock);
	h->result = result;
	h->state = HELD_DONE;
	d->running--;
	pthread_cond_signal(&d->done);
	pthread_mutex_unlock(&d->lock);
}

static size_t
done_locked(const struct desk *d)
{
	size_t n = 0;

	for (const struct held *h = d->first; h != NULL; h = h->next)
		n += h->state == HELD_DONE;
	return n;
}

static size_t
results_locked(struct desk *d, size_t most, json *ret)
{
	size_t n = 0;

	for (struct held *h = d->first; h != NULL && n < most; h = h->next) {
		if (h->state != HELD_DONE)
			continue;
		h->state = HELD_UNDERWAY;
		d->underway++;
		json_add(ret, json_ref(h->result));
		n++;
	}
	return n;
}

/* Waits until there are so many, or nothing else runs, or the time is over; how many there are. */
static size_t
await_locked(struct desk *d, size_t want, int64_t until_ms)
{
	const struct timespec until = { until_ms / 1000, until_ms % 1000 * 1000000 };
	size_t n;

	while ((n = done_locked(d)) < want && !d->nudged && when_mono_ms() < until_ms) {
		if (n > 0 && d->running == 0)
			break;
		pthread_cond_timedwait(&d->done, &d->lock, &until);
	}
	return n;
}

size_t
desk_results(struct desk *d, int64_t until_ms, int64_t gather_ms, size_t most, json *ret)
{
	size_t n;

	pthread_mutex_lock(&d->lock);
	if (await_locked(d, 1, until_ms) > 0 && gather_ms > 0)
		(void)await_locked(
		    d, d->room / 4 < most ? d->room / 4 : most, when_mono_ms() + gather_ms);
	n = results_locked(d, most, ret);
	d->nudged = false;
	pthread_mutex_unlock(&d->lock);
	return n;
}

void
desk_brought(struct desk *d, bool gone)
{
	struct held **at = &d->first;

	pthread_mutex_lock(&d->lock);
	while (*at != NULL) {
		if ((*at)->state == HELD_UNDERWAY && gone) {
			remove_locked(d, at);
			continue;
		}
		if ((*at)->state == HELD_UNDERWAY)
			(*at)->state = HELD_DONE;
		at = &(*at)->next;
	}
	d->underway = 0;
	pthread_cond_signal(&d->freed);
	pthread_mutex_unlock(&d->lock);
}

void
desk_holds(struct desk *d, json *ret)
{
	pthread_mutex_lock(&d->lock);
	for (struct held *h = d->first; h != NULL; h = h->next) {
		json *one = json_object_new();

		json_set_text(one, "request", json_text(json_get(h->job, "request")));
		json_set_int(one, "fence", json_int(json_get(h->job, "fence")));
		json_add(ret, one);
	}
	pthread_mutex_unlock(&d->lock);
}

struct desk_count
desk_count(struct desk *d)
{
	struct desk_count c = { 0 };

	pthread_mutex_lock(&d->lock);
	for (struct held *h = d->first; h != NULL; h = h->next) {
		c.waiting += h->state == HELD_WAITING;
		c.running += h->state == HELD_RUNNING;
		c.done += h->state == HELD_DONE || h->state == HELD_UNDERWAY;
	}
	pthread_mutex_unlock(&d->lock);
	return c;
}

void
desk_close(struct desk *d, bool closed)
{
	pthread_mutex_lock(&d->lock);
	d->closed = closed;
	pthread_cond_signal(&d->freed);
	pthread_mutex_unlock(&d->lock);
}

bool
desk_closed(struct desk *d)
{
	bool closed;

	pthread_mutex_lock(&d->lock);
	closed = d->closed;
	pthread_mutex_unlock(&d->lock);
	return closed;
}

void
desk_stop(struct desk *d)
{
	struct held **at = &d->first;

	pthread_mutex_lock(&d->lock);
	d->stopped = true;
	while (*at != NULL) {
		if ((*at)->state == HELD_WAITING)
			remove_locked(d, at);
		else
			at = &(*at)->next;
	}
	d->nudged = true;
	pthread_cond_broadcast(&d->freed);
	pthread_cond_broadcast(&d->added);
	pthread_cond_broadcast(&d->done);
	pthread_mutex_unlock(&d->lock);
}

void
desk_nudge(struct desk *d)
{
	pthread_mutex_lock(&d->lock);
	d->nudged = true;
	pthread_cond_broadcast(&d->done);
	pthread_mutex_unlock(&d->lock);
}

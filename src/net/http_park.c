/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where requests wait: a table by topic and key, and a heap by deadline, under one lock.
 *
 * No wake-up is lost: every notify takes the next number and leaves it in the bucket of its key. A
 * request notes the newest number when its handler starts; when it comes to park and its bucket
 * holds a later one, it runs again. Two keys that share a bucket cost a run too many, never one
 * too few.
 */
#include "net/http_int.h"

static size_t
bucket_of(unsigned topic, struct str key)
{
	uint64_t h = str_hash(key) ^ ((uint64_t)topic * 0x9E3779B97F4A7C15u);

	return (size_t)((h ^ (h >> 29)) % PARK_BUCKETS);
}

static struct str
key_of(const struct http_req *r)
{
	return str_of(r->key, r->nkey);
}

void
req_list_push(struct req_list *l, struct http_req *r)
{
	r->next = NULL;
	if (l->last == NULL)
		l->first = r;
	else
		l->last->next = r;
	l->last = r;
}

struct http_req *
req_list_pop(struct req_list *l)
{
	struct http_req *r = l->first;

	if (r == NULL)
		return NULL;
	l->first = r->next;
	if (l->first == NULL)
		l->last = NULL;
	r->next = NULL;
	return r;
}

err_t
park_setup(struct http_park *p)
{
	int rc = pthread_mutex_init(&p->lock, NULL);

	if (rc != 0)
		FAIL(ERR_SYSTEM, "mutex: %s", strerror(rc));
	return OK;
}

void
park_cleanup(struct http_park *p)
{
	free(p->heap);
	pthread_mutex_destroy(&p->lock);
}

static void
heap_put(struct http_park *p, size_t at, struct http_req *r)
{
	p->heap[at] = r;
	r->heap_at = at;
}

static void
heap_up(struct http_park *p, size_t at, struct http_req *r)
{
	while (at > 0 && p->heap[(at - 1) / 2]->deadline > r->deadline) {
		heap_put(p, at, p->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(p, at, r);
}

static void
heap_down(struct http_park *p, size_t at, struct http_req *r)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < p->n && p->heap[child + 1]->deadline < p->heap[child]->deadline)
			child++;
		if (child >= p->n || p->heap[child]->deadline >= r->deadline)
			break;
		heap_put(p, at, p->heap[child]);
		at = child;
	}
	heap_put(p, at, r);
}

static void
heap_remove(struct http_park *p, struct http_req *r)
{
	struct http_req *moved = p->heap[--p->n];
	size_t at = r->heap_at;

	if (moved == r)
		return;
	if (at > 0 && p->heap[(at - 1) / 2]->deadline > moved->deadline)
		heap_up(p, at, moved);
	else
		heap_down(p, at, moved);
}

static void
heap_insert(struct http_park *p, struct http_req *r)
{
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 64 : 2 * p->cap;
		p->heap = reallocarray(p->heap, p->cap, sizeof(struct http_req *));
		if (p->heap == NULL)
			abort();
	}
	p->n++;
	heap_up(p, p->n - 1, r);
}

/* Off table and heap; the lock is held. */
static void
take_off(struct http_park *p, struct http_req *r)
{
	heap_remove(p, r);
	if (r->park_prev != NULL)
		r->park_prev->park_next = r->park_next;
	else
		p->bucket[bucket_of(r->topic, key_of(r))] = r->park_next;
	if (r->park_next != NULL)
		r->park_next->park_prev = r->park_prev;
	r->park_prev = r->park_next = NULL;
	r->parked = false;
}

enum park_result
park_add(struct http_park *p, struct http_req *r, bool *ret_first)
{
	size_t b = bucket_of(r->topic, key_of(r));
	size_t whole = bucket_of(r->topic, STR_EMPTY);
	enum park_result res = PARK_WAITS;

	pthread_mutex_lock(&p->lock);
	if (r->gone) {
		res = PARK_GONE;
	} else if (p->told[b] > r->seen || p->told[whole] > r->seen) {
		res = PARK_AGAIN;
	} else {
		r->parked = true;
		r->park_prev = NULL;
		r->park_next = p->bucket[b];
		if (r->park_next != NULL)
			r->park_next->park_prev = r;
		p->bucket[b] = r;
		heap_insert(p, r);
		*ret_first = p->heap[0] == r;
	}
	pthread_mutex_unlock(&p->lock);
	return res;
}

static void
notify_bucket(struct http_park *p, size_t b, unsigned topic, struct str key, struct req_list *out)
{
	struct http_req *next;

	for (struct http_req *r = p->bucket[b]; r != NULL; r = next) {
		next = r->park_next;
		if (r->topic != topic || (key.n > 0 && !str_eq(key, key_of(r))))
			continue;
		take_off(p, r);
		r->crowd = key.n == 0;
		req_list_push(out, r);
	}
}

void
park_notify(struct http_park *p, unsigned topic, struct str key, struct req_list *out)
{
	size_t b = bucket_of(topic, key);

	pthread_mutex_lock(&p->lock);
	p->told[b] = atomic_fetch_add(&p->news, 1) + 1;
	if (key.n > 0)
		notify_bucket(p, b, topic, key, out);
	for (size_t i = 0; key.n == 0 && i < PARK_BUCKETS; i++)
		notify_bucket(p, i, topic, key, out);
	pthread_mutex_unlock(&p->lock);
}

void
park_expire(struct http_park *p, int64_t now, struct req_list *out, int64_t *ret_next)
{
	pthread_mutex_lock(&p->lock);
	while (p->n > 0 && p->heap[0]->deadline <= now) {
		struct http_req *r = p->heap[0];

		take_off(p, r);
		r->late = true;
		req_list_push(out, r);
	}
	*ret_next = p->n > 0 ? p->heap[0]->deadline : -1;
	pthread_mutex_unlock(&p->lock);
}

void
park_take_all(struct http_park *p, struct req_list *out)
{
	int64_t next;

	park_expire(p, INT64_MAX, out, &next);
}

bool
park_gone(struct http_park *p, struct http_req *r)
{
	bool was_parked;

	pthread_mutex_lock(&p->lock);
	was_parked = r->parked;
	r->gone = true;
	if (was_parked)
		take_off(p, r);
	pthread_mutex_unlock(&p->lock);
	return was_parked;
}

bool
park_is_gone(struct http_park *p, const struct http_req *r)
{
	bool gone;

	pthread_mutex_lock(&p->lock);
	gone = r->gone;
	pthread_mutex_unlock(&p->lock);
	return gone;
}

size_t
park_count(struct http_park *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->n;
	pthread_mutex_unlock(&p->lock);
	return n;
}

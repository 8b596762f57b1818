/* SPDX-License-Identifier: Apache-2.0 */
/* Workers: take requests from the queue, run gate and handler, pass the result on. See
 * http_int.h. */
#include "net/http_int.h"

#include <assert.h>

/* Of a port that does not say how many. */
#define WORKERS 4u
/* So many go before one of the crowd. */
#define BEFORE 3u

static struct work_line *
line_of(struct http *h, const struct http_req *r)
{
	size_t mount = (size_t)(r->mount - h->mounts);

	return h->mounts[mount].workers > 0 ? &h->lines[mount + 1] : &h->lines[0];
}

static void
queue(struct http *h, struct http_req *r)
{
	struct work_line *l = line_of(h, r);

	req_list_push(r->crowd ? &l->crowd : &l->queue, r);
	metric_inc(&h->m.waiting, 1);
	pthread_cond_signal(&l->more);
}

void
work_push(struct http *h, struct http_req *r)
{
	pthread_mutex_lock(&h->lock);
	queue(h, r);
	pthread_mutex_unlock(&h->lock);
}

void
work_push_list(struct http *h, struct req_list *l)
{
	struct http_req *r;

	if (l->first == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	while ((r = req_list_pop(l)) != NULL)
		queue(h, r);
	pthread_mutex_unlock(&h->lock);
}

/* The next one; NULL: none. */
static struct http_req *
next(struct work_line *l)
{
	bool crowd = l->crowd.first != NULL && (l->queue.first == NULL || l->passed >= BEFORE);
	struct http_req *r = req_list_pop(crowd ? &l->crowd : &l->queue);

	l->passed = crowd || l->crowd.first == NULL ? 0 : l->passed + 1;
	if (r != NULL)
		r->crowd = false;
	return r;
}

static struct http_req *
work_pop(struct work_line *l)
{
	struct http *h = l->http;
	struct http_req *r;

	pthread_mutex_lock(&h->lock);
	while (l->queue.first == NULL && l->crowd.first == NULL && !h->closed)
		pthread_cond_wait(&l->more, &h->lock);
	r = next(l);
	if (r != NULL)
		metric_inc(&h->m.waiting, -1);
	pthread_mutex_unlock(&h->lock);
	return r;
}

static err_t
handle(struct http_req *r)
{
	if (r->fault.code != ERR_NONE)
		return err_raise(&r->fault);
	TRY(r->mount->gate(r, r->match.route->perm));
	TRY(r->match.route->handler(r));
	if (!r->replied && !r->want_park)
		FAIL(ERR_INTERNAL, "no answer to %s %s", http_method_name(r->method),
		    r->target.path);
	if (r->want_park && atomic_load(&r->http->stopping))
		FAIL(ERR_BUSY, "the server is being stopped");
	return OK;
}

/* A failure: whatever the handler began is dropped, on_error answers. */
static void
fail(struct http_req *r, err_t e)
{
	if (r->replied) { /* too late to say it */
		err_forget(e);
		return;
	}
	r->want_park = false;
	buf_reset(&r->out_head);
	buf_reset(&r->out_body);
	r->mount->on_error(r, e);
	assert(r->replied);
}

void
work_run(struct http_req *r)
{
	err_t e;

	r->runs++;
	r->want_park = false;
	buf_reset(&r->out_head);
	r->seen = atomic_load(&r->http->park.news);
	r->run_arena = arena_new();
	e = handle(r);
	if (!err_ok(e))
		fail(r, e);
	arena_free(steal(r->run_arena));
	r->caller = NULL; /* was in the arena of this run, as a rule */
}

bool
work_quick(struct http_req *r)
{
	err_t e;

	if (r->fault.code != ERR_NONE || r->match.route->quick == NULL)
		return false;
	r->run_arena = arena_new();
	e = r->mount->gate(r, r->match.route->perm);
	if (err_ok(e))
		e = r->match.route->quick(r);
	err_forget(e); /* the handler comes to the same, and says so */
	arena_free(steal(r->run_arena));
	r->caller = NULL;
	if (!r->replied)
		buf_reset(&r->out_head);
	return r->replied;
}

/* Runs r until it is answered, parked or without a client. */
static void
work(struct http *h, struct http_req *r)
{
	bool first = false;

	for (;;) {
		if (park_is_gone(&h->park, r)) {
			r->dropped = true;
			break;
		}
		if (r->pull != NULL) {
			stream_pull(r);
			break;
		}
		work_run(r);
		if (r->replied)
			break;
		switch (park_add(&h->park, r, &first)) {
		case PARK_WAITS:
			/* r may be answered by another worker from here on. */
			if (first)
				loop_wake(&h->loops[0]);
			if (atomic_load(&h->stopping)) {
				struct req_list all = { NULL, NULL };

				park_take_all(&h->park, &all);
				work_push_list(h, &all);
			}
			return;
		case PARK_AGAIN:
			continue;
		case PARK_GONE:
			break;
		}
		r->dropped = true;
		break;
	}
	loop_done(r);
}

static void *
work_main(void *arg)
{
	struct work_line *l = arg;
	struct http_req *r;

	while ((r = work_pop(l)) != NULL)
		work(l->http, r);
	return NULL;
}

void
work_setup(struct http *h)
{
	size_t n = h->conf.nmounts + 1;

	h->lines = calloc(n, sizeof(*h->lines));
	if (h->lines == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		struct work_line *l = &h->lines[i];

		l->http = h;
		l->want = i > 0          ? h->mounts[i - 1].workers :
		    h->conf.workers == 0 ? WORKERS :
					   h->conf.workers;
		l->workers = calloc(l->want + 1, sizeof(*l->workers));
		if (l->workers == NULL)
			abort();
		pthread_cond_init(&l->more, NULL);
	}
}

int
work_start(struct http *h)
{
	int rc = 0;

	for (size_t i = 0; i <= h->conf.nmounts; i++) {
		struct work_line *l = &h->lines[i];

		for (; rc == 0 && l->up < l->want; l->up += rc == 0)
			rc = pthread_create(&l->workers[l->up], NULL, work_main, l);
	}
	return rc;
}

void
work_stop(struct http *h)
{
	struct http_req *r;

	pthread_mutex_lock(&h->lock);
	h->closed = true;
	for (size_t i = 0; i <= h->conf.nmounts; i++)
		pthread_cond_broadcast(&h->lines[i].more);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i <= h->conf.nmounts; i++)
		for (struct work_line *l = &h->lines[i]; l->up > 0; l->up--)
			pthread_join(l->workers[l->up - 1], NULL);
	/* What one line's last worker took out of its parking place for another, whose workers were gone. */
	for (size_t i = 0; i <= h->conf.nmounts; i++)
		while ((r = work_pop(&h->lines[i])) != NULL)
			work(h, r);
}

void
work_cleanup(struct http *h)
{
	struct http_req *r;

	for (size_t i = 0; i <= h->conf.nmounts; i++) {
		struct work_line *l = &h->lines[i];

		while ((r = next(l)) != NULL)
			req_free(r);
		pthread_cond_destroy(&l->more);
		free(l->workers);
	}
	free(h->lines);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Workers: take requests from the queue, run gate and handler, pass the result on. See
 * http_int.h. */
#include "net/http_int.h"

#include <assert.h>

void
work_push(struct http *h, struct http_req *r)
{
	pthread_mutex_lock(&h->lock);
	req_list_push(&h->queue, r);
	pthread_cond_signal(&h->more);
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
		req_list_push(&h->queue, r);
	pthread_cond_broadcast(&h->more);
	pthread_mutex_unlock(&h->lock);
}

static struct http_req *
work_pop(struct http *h)
{
	struct http_req *r;

	pthread_mutex_lock(&h->lock);
	while (h->queue.first == NULL && !h->closed)
		pthread_cond_wait(&h->more, &h->lock);
	r = req_list_pop(&h->queue);
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

void *
work_main(void *arg)
{
	struct http *h = arg;
	struct http_req *r;

	while ((r = work_pop(h)) != NULL)
		work(h, r);
	return NULL;
}

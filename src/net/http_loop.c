/* SPDX-License-Identifier: Apache-2.0 */
/* An event loop: accepts, sweeps, wakes up for answers. Its thread alone touches its libevent
 * objects. See http_int.h. */
#include "net/http_int.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SWEEP_MS 1000
#define QUIT_SWEEP_MS 20
#define QUIT_GRACE_MS 1000

static struct timeval
timeval_ms(int64_t ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
}

void
loop_wake(struct http_loop *l)
{
	uint64_t one = 1;

	/* A full counter means that a wake-up is under way already. */
	while (write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void
loop_done(struct http_req *r)
{
	struct http_loop *l = r->loop;
	bool wake;

	pthread_mutex_lock(&l->lock);
	wake = l->done.first == NULL;
	req_list_push(&l->done, r);
	pthread_mutex_unlock(&l->lock);
	if (wake)
		loop_wake(l);
}

static void
take_done(struct http_loop *l)
{
	struct req_list list;
	struct http_req *r;

	pthread_mutex_lock(&l->lock);
	list = l->done;
	l->done = (struct req_list){ NULL, NULL };
	pthread_mutex_unlock(&l->lock);
	while ((r = req_list_pop(&list)) != NULL)
		conn_answer(r);
}

/* Loop 0: runs what is due and sets the timer to the next deadline. */
static void
park_tick(struct http_loop *l)
{
	struct req_list due = { NULL, NULL };
	int64_t now = when_mono_ms();
	int64_t next;

	park_expire(&l->http->park, now, &due, &next);
	work_push_list(l->http, &due);
	if (next >= 0) {
		/* Rounded up: a timer that ends early would find nothing due. */
		struct timeval tv = timeval_ms(next - now + 1);

		evtimer_add(l->park, &tv);
	}
}

static void
check_quit(struct http_loop *l)
{
	int64_t now = when_mono_ms();
	struct timeval tv = timeval_ms(QUIT_SWEEP_MS);

	if (!atomic_load(&l->http->quit))
		return;
	if (l->quit_since == 0) {
		l->quit_since = now;
		event_del(l->sweep);
		event_add(l->sweep, &tv);
	}
	if (!conn_busy(l) || now - l->quit_since >= QUIT_GRACE_MS)
		event_base_loopbreak(l->base);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct http_loop *l = arg;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) < 0 && errno == EAGAIN)
		return;
	take_done(l);
	if (l->number == 0)
		park_tick(l);
	if (atomic_load(&l->http->stopping)) {
		evconnlistener_disable(l->listener);
		conn_close_idle(l);
	}
	check_quit(l);
}

static void
on_park(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	park_tick(arg);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct http_loop *l = arg;

	(void)fd;
	(void)what;
	conn_sweep(l);
	if (!atomic_load(&l->http->stopping))
		evconnlistener_enable(l->listener); /* out of descriptors a second ago: try again */
	check_quit(l);
}

static void
on_accept(
    struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	(void)listener;
	(void)len;
	conn_accept(arg, fd, addr);
}

/* Out of descriptors, as a rule. The listener would spin: it rests until the next sweep. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	evconnlistener_disable(listener);
}

err_t
loop_setup(struct http *h, unsigned number, struct http_loop *l)
{
	struct event_config *cfg;

	l->http = h;
	l->number = number;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0)
		FAIL(ERR_SYSTEM, "eventfd: %s", strerror(errno));
	pthread_mutex_init(&l->lock, NULL);
	cfg = event_config_new();
	if (cfg != NULL) {
		event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
		l->base = event_base_new_with_config(cfg);
		event_config_free(cfg);
	}
	if (l->base == NULL)
		FAIL(ERR_SYSTEM, "no event base");
	l->listener =
	    evconnlistener_new(l->base, on_accept, l, LEV_OPT_CLOSE_ON_EXEC, 0, h->conf.listen_fd);
	l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
	l->sweep = event_new(l->base, -1, EV_PERSIST, on_sweep, l);
	l->park = evtimer_new(l->base, on_park, l);
	if (l->listener == NULL || l->wake == NULL || l->sweep == NULL || l->park == NULL)
		FAIL(ERR_SYSTEM, "no events");
	evconnlistener_set_error_cb(l->listener, on_accept_error);
	return OK;
}

void
loop_cleanup(struct http_loop *l)
{
	struct http_req *r;

	if (l->http == NULL)
		return;
	conn_close_all(l);
	while ((r = req_list_pop(&l->done)) != NULL)
		req_free(r);
	if (l->listener != NULL)
		evconnlistener_free(l->listener);
	if (l->wake != NULL)
		event_free(l->wake);
	if (l->sweep != NULL)
		event_free(l->sweep);
	if (l->park != NULL)
		event_free(l->park);
	if (l->base != NULL)
		event_base_free(l->base);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
}

void *
loop_main(void *arg)
{
	struct http_loop *l = arg;
	struct timeval tv = timeval_ms(SWEEP_MS);

	event_add(l->wake, NULL);
	event_add(l->sweep, &tv);
	event_base_dispatch(l->base);
	return NULL;
}

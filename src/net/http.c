/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server as a whole: set-up, start, stop. See http.h, and http_int.h for the inside. */
#include "net/http.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "net/http_int.h"

/* Accepted sockets inherit these on Linux. Without TCP_NODELAY a TLS answer takes 40 ms; the
 * keep-alive finds clients that vanished without a word while they were parked. */
static err_t
tune_socket(int fd)
{
	static const struct {
		int level, name, value;
	} rows[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 30 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 10 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value,
			sizeof(rows[i].value)) != 0)
			FAIL(ERR_SYSTEM, "socket option: %s", strerror(errno));
	return OK;
}

static void
metrics_setup(struct http *h)
{
	const struct {
		struct metric *m;
		enum metric_kind kind;
		const char *name, *help;
	} rows[] = {
		{ &h->m.requests, METRIC_COUNTER, "chancery_http_requests_total",
		    "Requests taken in." },
		{ &h->m.refused, METRIC_COUNTER, "chancery_http_refused_total",
		    "Requests refused before routing." },
		{ &h->m.errors, METRIC_COUNTER, "chancery_http_errors_total",
		    "Answers with status 500 and above." },
		{ &h->m.connections, METRIC_GAUGE, "chancery_http_connections",
		    "Open connections." },
		{ &h->m.displaced, METRIC_COUNTER, "chancery_http_displaced_total",
		    "Connections without a certificate that made room for newer ones." },
		{ &h->m.turned_away, METRIC_COUNTER, "chancery_http_turned_away_total",
		    "Connections for which there was no room." },
		{ &h->m.parked, METRIC_GAUGE, "chancery_http_parked",
		    "Requests that wait for something." },
		{ &h->m.waiting, METRIC_GAUGE, "chancery_http_waiting",
		    "Requests that no worker has taken up yet." },
		{ &h->m.streams, METRIC_GAUGE, "chancery_http_streams",
		    "Answers under way that are made while they are sent." },
		{ &h->m.broken, METRIC_COUNTER, "chancery_http_streams_broken_total",
		    "Such answers that ended before all of it was sent." },
		{ &h->m.time, METRIC_HISTOGRAM, "chancery_http_request_time",
		    "From the head of a request to its answer." },
	};

	snprintf(h->m.labels, sizeof(h->m.labels), "server=\"%s\"", h->conf.name);
	for (size_t i = 0; i < COUNT(rows); i++) {
		rows[i].m->kind = rows[i].kind;
		rows[i].m->name = rows[i].name;
		rows[i].m->help = rows[i].help;
		rows[i].m->labels = h->m.labels;
		if (h->conf.metrics != NULL)
			metrics_add(h->conf.metrics, rows[i].m);
	}
}

static void
stop_loops(struct http *h)
{
	atomic_store(&h->quit, true);
	for (unsigned i = 0; i < h->loops_up; i++)
		loop_wake(&h->loops[i]);
	for (unsigned i = 0; i < h->loops_up; i++)
		pthread_join(h->loops[i].thread, NULL);
	h->loops_up = 0;
}

err_t
http_new(const struct http_conf *conf, struct http **ret)
{
	struct http *h;
	err_t e = OK;

	assert(conf->nmounts > 0);
	for (size_t i = 0; i < conf->nmounts; i++)
		assert(conf->mounts[i].gate != NULL && conf->mounts[i].on_error != NULL &&
		    conf->mounts[i].routes != NULL);
	TRY(tune_socket(conf->listen_fd));
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		abort();
	h->conf = *conf;
	h->mounts = calloc(conf->nmounts, sizeof(*h->mounts));
	if (h->mounts == NULL)
		abort();
	memcpy(h->mounts, conf->mounts, conf->nmounts * sizeof(*h->mounts));
	h->conf.mounts = h->mounts;
	if (h->conf.max_body == 0)
		h->conf.max_body = LIMIT_HTTP_BODY;
	if (h->conf.room == 0)
		h->conf.room = LIMIT_HTTP_CONNECTIONS;
	if (h->conf.room_strangers == 0)
		h->conf.room_strangers = h->conf.room;
	if (h->conf.room_first == 0)
		h->conf.room_first = LIMIT_HTTP_FIRST;
	if (h->conf.room_held == 0)
		h->conf.room_held = LIMIT_HTTP_HELD;
	room_files(&h->conf);
	h->nloops = conf->loops == 0 ? 1 : conf->loops;
	h->loops = calloc(h->nloops, sizeof(*h->loops));
	if (h->loops == NULL)
		abort();
	pthread_mutex_init(&h->lock, NULL);
	work_setup(h);
	e = park_setup(&h->park);
	for (unsigned i = 0; err_ok(e) && i < h->nloops; i++)
		e = loop_setup(h, i, &h->loops[i]);
	if (!err_ok(e)) {
		h->conf.listen_fd = -1; /* still the caller's */
		http_free(h);
		TRY(e);
	}
	metrics_setup(h);
	*ret = h;
	return OK;
}

err_t
http_start(struct http *h)
{
	int rc;

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets without MSG_NOSIGNAL */
	rc = work_start(h);
	for (; rc == 0 && h->loops_up < h->nloops; h->loops_up += rc == 0)
		rc = pthread_create(
		    &h->loops[h->loops_up].thread, NULL, loop_main, &h->loops[h->loops_up]);
	if (rc != 0)
		FAIL(ERR_SYSTEM, "thread: %s", strerror(rc));
	return OK;
}

void
http_stop(struct http *h)
{
	struct req_list parked = { NULL, NULL };

	atomic_store(&h->stopping, true);
	for (unsigned i = 0; i < h->loops_up; i++)
		loop_wake(&h->loops[i]);
	park_take_all(&h->park, &parked);
	work_push_list(h, &parked);
	work_stop(h);
	stop_loops(h);
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	if (h->lines[0].up > 0 || h->loops_up > 0)
		http_stop(h);
	for (unsigned i = 0; i < h->nloops; i++)
		loop_cleanup(&h->loops[i]);
	work_cleanup(h);
	park_cleanup(&h->park);
	pthread_mutex_destroy(&h->lock);
	if (h->conf.listen_fd >= 0)
		close(h->conf.listen_fd);
	free(h->mounts);
	free(h->loops);
	free(h);
}

void
http_notify(struct http *h, unsigned topic, struct str key)
{
	struct req_list woken = { NULL, NULL };

	park_notify(&h->park, topic, key, &woken);
	work_push_list(h, &woken);
}

size_t
http_parked(const struct http *h)
{
	/* The lock is not part of what the caller sees as constant. */
	return park_count((struct http_park *)(uintptr_t)&h->park);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection on its loop: bytes to requests, answers to bytes. See http_int.h for who owns
 * what.
 *
 *   HEAD ──head──► BODY ──whole──► BUSY ──answer──► FLUSH ──written──► HEAD, or LINGER when it ends
 *                                  │ ▲
 *                            piece ▼ │ written: the next one
 *                                 STREAM
 *
 * LINGER: our side is closed, the rest of what the client sends is read and dropped for a moment;
 * otherwise a reset could overtake the answer.
 *
 * No timeouts of libevent: the sweep looks at `since`. A client has REQUEST_MS from the end of the
 * last answer to the end of its next request, so idle and slow clients meet the same limit.
 */
#include "net/http_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>

#include "base/limits.h"
#include "base/secret.h"

#define REQUEST_MS 75000
#define FIRST_REQUEST_MS 30000 /* with the TLS handshake */
#define FLUSH_MS 60000
#define LINGER_MS 2000
#define READ_AHEAD (2 * LIMIT_HTTP_HEADERS)

static void conn_read(struct http_conn *c);

static void
state_set(struct http_conn *c, enum conn_state s)
{
	c->state = s;
	c->since = when_mono_ms();
}

/* r is over; status as the log shall have it. */
static void
req_end(struct http_req *r, int status)
{
	struct http *h = r->http;
	int64_t us = (when_mono_ms() - r->arrived_ms) * 1000;

	metric_time(&h->m.time, us);
	if (status >= 500)
		metric_inc(&h->m.errors, 1);
	if (r->announced && r->at < r->end)
		metric_inc(&h->m.broken, 1);
	if (h->conf.on_done != NULL)
		h->conf.on_done(h->conf.done_ctx, http_method_name(r->method), r->target.raw_path,
		    status, r->sent, us);
	req_free(r);
}

void
conn_free(struct http_conn *c)
{
	struct http *h = c->loop->http;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		c->loop->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->state == CONN_BUSY) {
		/* Somewhere else at the moment; or parked, then it is ours again. */
		if (park_gone(&h->park, c->req))
			req_free(c->req);
		else
			c->req->conn = NULL;
	} else if (c->state == CONN_STREAM) {
		req_end(c->req, 499);
	} else {
		req_free(c->req);
	}
	bufferevent_free(c->bev);
	room_leave(c);
	metric_inc(&h->m.connections, -1);
	free(c);
}

static void
conn_linger(struct http_conn *c)
{
	SSL *ssl = c->loop->http->conf.tls == NULL ? NULL : bufferevent_openssl_get_ssl(c->bev);

	if (c->eof) {
		conn_free(c);
		return;
	}
	if (ssl != NULL)
		SSL_shutdown(ssl);
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	state_set(c, CONN_LINGER);
	conn_read(c);
}

/* The certificate that it is known by, in DER, or nothing. */
static struct str
peer_cert(struct http_conn *c, struct arena *a, bool *ret_over)
{
	SSL *ssl = c->loop->http->conf.tls == NULL ? NULL : bufferevent_openssl_get_ssl(c->bev);
	X509 *x = ssl == NULL ? NULL : SSL_get0_peer_certificate(ssl);
	uint8_t *der, *p;
	int n;

	*ret_over = x != NULL && SSL_get_verify_result(ssl) == X509_V_ERR_CERT_HAS_EXPIRED;
	if (x == NULL || SSL_get_verify_result(ssl) != X509_V_OK)
		return STR_EMPTY;
	n = i2d_X509(x, NULL);
	if (n <= 0)
		return STR_EMPTY;
	der = p = arena_alloc(a, (size_t)n);
	i2d_X509(x, &p);
	return str_of(der, (size_t)n);
}

static void
dispatch(struct http_conn *c)
{
	struct http *h = c->loop->http;

	if (atomic_load(&h->stopping)) {
		conn_free(c);
		return;
	}
	state_set(c, CONN_BUSY);
	room_busy(c);
	metric_inc(&h->m.requests, 1);
	if (work_quick(c->req))
		conn_answer(c->req);
	else
		work_push(h, c->req);
}

/* The request is refused: nothing more of it is read, a worker renders the error, the connection
 * ends; but for a whole request without a body that has no route. */
static void
refuse(struct http_conn *c, err_t e)
{
	const struct http_head *head = &c->req->head;
	bool whole = (err_is(e, ERR_NO_SEGMENT) || err_is(e, ERR_METHOD)) && !head->chunked &&
	    head->length == 0;

	err_take(e, &c->req->fault);
	c->close = whole ? head->close : true;
	metric_inc(&c->loop->http->m.refused, 1);
	dispatch(c);
}

static bool
method_by_name(const char *name, enum http_method *ret)
{
	for (int m = HTTP_GET; m <= HTTP_OPTIONS; m++) {
		if (strcmp(name, http_method_name((enum http_method)m)) != 0)
			continue;
		*ret = (enum http_method)m;
		return true;
	}
	return false;
}

static err_t
read_head(struct http_req *r, struct str in)
{
	TRY(http_head_parse(r->arena, in, &r->head));
	if (!method_by_name(r->head.method, &r->method))
		FAIL(ERR_METHOD, "%s", r->head.method);
	TRY(req_route(r));
	if (r->head.length > r->body.max)
		FAIL(ERR_TOO_LARGE, "a request body may have %zu bytes", r->body.max);
	return OK;
}

static void
begin_body(struct http_conn *c)
{
	const struct http_head *head = &c->req->head;

	c->close = head->close;
	c->want = head->length;
	c->chunks = (struct http_chunks){ 0 };
	if (!head->chunked && head->length == 0) {
		dispatch(c);
		return;
	}
	c->state = CONN_BODY; /* `since` goes on: head and body share one limit */
	if (head->expect && evbuffer_get_length(bufferevent_get_input(c->bev)) == 0)
		evbuffer_add_printf(
		    bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
}

/* Done with: libevent keeps the place for what comes next, and would keep tokens and secrets with it. */
static void
drain(struct evbuffer *in, size_t n)
{
	secret_wipe(evbuffer_pullup(in, (ev_ssize_t)n), n);
	evbuffer_drain(in, n);
}

/* Takes a head when it is there whole; false: wait for more. */
static bool
take_head(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t have = evbuffer_get_length(in);
	const uint8_t *p;
	size_t n;
	err_t e;

	/* RFC 9112 2.2: an empty line before a request is skipped. */
	while (have >= 2 && memcmp(evbuffer_pullup(in, 2), "\r\n", 2) == 0) {
		evbuffer_drain(in, 2);
		have -= 2;
	}
	if (have == 0)
		return false;
	if (have > LIMIT_HTTP_HEADERS)
		have = LIMIT_HTTP_HEADERS;
	p = evbuffer_pullup(in, (ev_ssize_t)have);
	n = http_head_end(str_of(p, have));
	if (n == 0 && have < LIMIT_HTTP_HEADERS)
		return false;
	c->req = req_new(c->loop);
	c->req->conn = c;
	c->req->arrived_ms = when_mono_ms();
	c->req->peer_addr = arena_strdup(c->req->arena, c->addr);
	c->req->peer_cert = peer_cert(c, c->req->arena, &c->req->peer_over);
	if (n == 0)
		e = ERROR(
		    ERR_BAD_REQUEST, "the head of a request may have %u bytes", LIMIT_HTTP_HEADERS);
	else
		e = read_head(c->req, str_of(p, n));
	drain(in, n == 0 ? have : n);
	if (!err_ok(e))
		refuse(c, e);
	else
		begin_body(c);
	return true;
}

static err_t
feed_body(struct http_conn *c, struct str in, size_t *used, bool *done)
{
	struct http_req *r = c->req;

	if (r->head.chunked) {
		TRY(http_chunks_feed(&c->chunks, in, &r->body, used, done));
		return req_count(r);
	}
	*used = in.n < c->want ? in.n : (size_t)c->want;
	TRY(buf_put(&r->body, str_of(in.p, *used)));
	TRY(req_count(r));
	c->want -= *used;
	*done = c->want == 0;
	return OK;
}

static bool
take_body(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t n = evbuffer_get_contiguous_space(in);
	size_t used = 0;
	bool done = false;
	err_t e;

	if (n == 0)
		return false;
	e = feed_body(c, str_of(evbuffer_pullup(in, (ev_ssize_t)n), n), &used, &done);
	if (!err_ok(e)) {
		drain(in, n);
		refuse(c, e);
		return true;
	}
	drain(in, used);
	if (done)
		dispatch(c);
	return true;
}

/* Reads as far as it goes. c may be gone afterwards. */
static void
conn_read(struct http_conn *c)
{
	const struct http *h = c->loop->http; /* once it stops, c may be gone with a request */
	struct evbuffer *in = bufferevent_get_input(c->bev);

	switch (c->state) {
	case CONN_HEAD:
		while (c->state == CONN_HEAD || c->state == CONN_BODY) {
			bool more = c->state == CONN_HEAD ? take_head(c) : take_body(c);

			if (!more || atomic_load(&h->stopping))
				break;
		}
		break;
	case CONN_BODY:
		while (c->state == CONN_BODY && take_body(c))
			if (atomic_load(&h->stopping))
				break;
		break;
	case CONN_BUSY:
	case CONN_STREAM:
	case CONN_FLUSH:
		/* The last request, maybe refused before all of it came: its answer shall arrive. */
		if (c->close)
			evbuffer_drain(in, evbuffer_get_length(in));
		/* Sends without waiting for answers, more than anybody needs. */
		else if (evbuffer_get_length(in) >= READ_AHEAD)
			conn_free(c);
		break;
	case CONN_LINGER:
		evbuffer_drain(in, evbuffer_get_length(in));
		break;
	}
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	conn_read(arg);
}

/* A client that is cut off here goes on at the next start. */
static void
next_piece(struct http_conn *c)
{
	state_set(c, CONN_BUSY);
	work_push(c->loop->http, c->req);
}

/* The answer is out, or its piece. */
static void
on_written(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->state == CONN_STREAM)
		next_piece(c);
	if (c->state != CONN_FLUSH)
		return;
	if (c->close || atomic_load(&c->loop->http->stopping)) {
		conn_linger(c);
		return;
	}
	c->served = true;
	state_set(c, CONN_HEAD);
	room_idle(c);
	conn_read(c);
}

/* The alert is on its way. With TLS 1.3 the client may have sent its request by now; closing with
 * that unread would reset the connection, and the client would not see why it was refused. */
static void
refuse_handshake(struct http_conn *c)
{
	metric_inc(&c->loop->http->m.refused, 1);
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	state_set(c, CONN_LINGER);
}

static void
opened(struct http_conn *c)
{
	auto_arena struct arena *a = arena_new();
	bool over;

	c->open = true;
	if (!room_opened(c, peer_cert(c, a, &over)))
		conn_free(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		opened(c);
		return;
	}
	if ((what & BEV_EVENT_ERROR) && !c->open && c->loop->http->conf.tls != NULL) {
		refuse_handshake(c);
		return;
	}
	c->eof = true;
	/* Closed, or closed for sending only; nobody can tell. A handler that runs may still
	 * answer, none is started for it and nothing waits for it: what a handler hands out must
	 * not go to somebody who left. */
	if (!(what & BEV_EVENT_ERROR) && (what & BEV_EVENT_EOF)) {
		if (c->state == CONN_FLUSH) {
			c->close = true;
			return;
		}
		if (c->state == CONN_BUSY && !park_gone(&c->loop->http->park, c->req)) {
			c->close = true;
			return;
		}
		if (c->state == CONN_BUSY) {
			/* It was parked: ours again. */
			req_free(steal(c->req));
			c->state = CONN_LINGER;
		}
	}
	conn_free(c);
}

void
conn_accept(struct http_loop *l, evutil_socket_t fd, struct sockaddr *addr)
{
	struct http *h = l->http;
	struct http_conn *c = calloc(1, sizeof(*c));
	struct bufferevent *bev;

	if (c == NULL)
		abort();
	c->loop = l;
	if (atomic_load(&h->stopping) || !room_enter(c)) {
		free(c);
		close(fd);
		return;
	}
	if (h->conf.tls == NULL)
		bev = bufferevent_socket_new(l->base, fd, BEV_OPT_CLOSE_ON_FREE);
	else
		bev = bufferevent_openssl_socket_new(l->base, fd,
		    SSL_new(tls_server_ctx(h->conf.tls)), BUFFEREVENT_SSL_ACCEPTING,
		    BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL)
		abort();
	if (h->conf.tls != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	c->bev = bev;
	if (addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)addr)->sin_addr, c->addr,
		    sizeof(c->addr));
	else if (addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)addr)->sin6_addr, c->addr,
		    sizeof(c->addr));
	c->next = l->conns;
	if (c->next != NULL)
		c->next->prev = c;
	l->conns = c;
	state_set(c, CONN_HEAD);
	metric_inc(&h->m.connections, 1);
	bufferevent_setcb(bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(bev, EV_READ, 0, READ_AHEAD);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void
write_answer(struct http_conn *c, struct http_req *r)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (!r->announced)
		answer_head(out, r, c->close);
	r->announced = true;
	if (r->method == HTTP_HEAD)
		r->at = r->end;
	else if (r->status != 204 && r->status != 304 && r->out_body.n > 0)
		evbuffer_add(out, r->out_body.p, r->out_body.n);
	r->sent += r->out_body.n;
	buf_free(&r->out_body);
}

void
conn_answer(struct http_req *r)
{
	struct http_conn *c = r->conn;

	if (c == NULL) {
		req_end(r, 499);
		return;
	}
	c->close |= atomic_load(&r->http->stopping);
	if (r->dropped || r->broken) {
		c->req = NULL;
		state_set(c, CONN_FLUSH);
		conn_free(c);
		req_end(r, r->broken ? 500 : 499);
		return;
	}
	write_answer(c, r);
	if (r->at < r->end) {
		state_set(c, CONN_STREAM);
		return;
	}
	c->req = NULL;
	state_set(c, CONN_FLUSH);
	req_end(r, r->status);
}

void
conn_sweep(struct http_loop *l)
{
	int64_t now = when_mono_ms();
	struct http_conn *next;

	metric_set(&l->http->m.parked, (int64_t)park_count(&l->http->park));
	for (struct http_conn *c = l->conns; c != NULL; c = next) {
		int64_t limit = INT64_MAX;

		next = c->next;
		switch (c->state) {
		case CONN_HEAD:
		case CONN_BODY:
			limit = c->served ? REQUEST_MS : FIRST_REQUEST_MS;
			break;
		case CONN_BUSY:
			break;
		case CONN_STREAM: /* of each piece */
		case CONN_FLUSH:
			limit = FLUSH_MS;
			break;
		case CONN_LINGER:
			limit = LINGER_MS;
			break;
		}
		if (now - c->since >= limit)
			conn_free(c);
	}
}

bool
conn_busy(const struct http_loop *l)
{
	for (const struct http_conn *c = l->conns; c != NULL; c = c->next)
		if (c->state == CONN_BUSY || c->state == CONN_FLUSH)
			return true;
	return false;
}

void
conn_close_idle(struct http_loop *l)
{
	struct http_conn *next;

	for (struct http_conn *c = l->conns; c != NULL; c = next) {
		next = c->next;
		if (c->state == CONN_HEAD || c->state == CONN_BODY || c->state == CONN_STREAM)
			conn_free(c);
	}
}

void
conn_close_all(struct http_loop *l)
{
	while (l->conns != NULL) {
		/* No worker is left: a request in hand is nobody else's. */
		if (l->conns->state == CONN_BUSY)
			l->conns->req = NULL;
		if (l->conns->state == CONN_BUSY)
			l->conns->state = CONN_LINGER;
		conn_free(l->conns);
	}
}

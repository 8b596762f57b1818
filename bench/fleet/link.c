/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"

enum { HEAD_MAX = 64 << 10, BODY_MAX = 8 << 20, READ_AT_ONCE = 16 << 10, TIMEOUT_MS = 60000 };

struct talk {
	struct link *l;
	struct fiber *f;
	struct arena *a;
	int64_t until;
	bool answered; /* something of the answer came */
};

SSL_CTX *
link_context(const char *trust)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (c == NULL || SSL_CTX_load_verify_file(c, trust) != 1)
		return NULL;
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(c,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	return c;
}

void
link_init(struct link *l, SSL_CTX *tls)
{
	*l = (struct link){ .tls = tls, .fd = -1 };
}

void
link_close(struct link *l)
{
	if (l->ssl != NULL) {
		SSL_SESSION *s = SSL_get1_session(l->ssl);

		if (s != NULL && SSL_SESSION_is_resumable(s)) {
			SSL_SESSION_free(l->session);
			l->session = s;
		} else {
			SSL_SESSION_free(s);
		}
		/* Nobody waits for the other end's farewell. */
		SSL_set_shutdown(l->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(l->ssl);
	}
	if (l->fd >= 0)
		close(l->fd);
	l->ssl = NULL;
	l->fd = -1;
}

void
link_identity(struct link *l, const struct cert *cert, const struct key *key)
{
	link_close(l);
	SSL_SESSION_free(steal(l->session));
	l->cert = cert;
	l->key = key;
}

void
link_free(struct link *l)
{
	link_close(l);
	SSL_SESSION_free(l->session);
	free(l->host);
	free(l->port);
	*l = (struct link){ .fd = -1 };
}

/* ---- a connection ---- */

static err_t
broken(const struct link *l, const char *what)
{
	unsigned long e = ERR_get_error();
	const char *why = e != 0 ? ERR_reason_error_string(e) :
	    errno != 0           ? strerror(errno) :
				   "closed";

	ERR_clear_error();
	FAIL(ERR_UNREACHABLE, "%s:%s: %s: %s", l->host, l->port, what, why == NULL ? "?" : why);
}

static err_t
open_socket(struct talk *t)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *to = NULL;
	struct link *l = t->l;
	int one = 1, e = 0;
	socklen_t n = sizeof(e);

	if (getaddrinfo(l->host, l->port, &hints, &to) != 0)
		FAIL(ERR_UNREACHABLE, "%s: no such host", l->host);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd >= 0 && connect(l->fd, to->ai_addr, to->ai_addrlen) != 0)
		e = errno;
	freeaddrinfo(to);
	if (l->fd < 0 || (e != 0 && e != EINPROGRESS))
		return broken(l, "connect");
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (e != 0 && !fiber_wait_write(t->f, l->fd, t->until))
		FAIL(ERR_TIMEOUT, "%s:%s: connect", l->host, l->port);
	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0 || e != 0) {
		errno = e;
		return broken(l, "connect");
	}
	return OK;
}

/* After a call of OpenSSL that could not go on: until it can, or the failure. */
static err_t
wait_tls(struct talk *t, int result, const char *what)
{
	struct link *l = t->l;
	bool came;

	switch (SSL_get_error(l->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		came = fiber_wait_read(t->f, l->fd, t->until);
		break;
	case SSL_ERROR_WANT_WRITE:
		came = fiber_wait_write(t->f, l->fd, t->until);
		break;
	default:
		return broken(l, what);
	}
	if (!came)
		FAIL(ERR_TIMEOUT, "%s:%s: %s", l->host, l->port, what);
	return OK;
}

static err_t
start_tls(struct talk *t)
{
	struct link *l = t->l;

	l->ssl = SSL_new(l->tls);
	if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1 ||
	    SSL_set1_host(l->ssl, l->host) != 1 || SSL_set_tlsext_host_name(l->ssl, l->host) != 1)
		return broken(l, "TLS");
	if (l->cert != NULL &&
	    (SSL_use_certificate(l->ssl, cert_x509(l->cert)) != 1 ||
		SSL_use_PrivateKey(l->ssl, key_pkey(l->key)) != 1))
		return broken(l, "client certificate");
	if (l->session != NULL)
		SSL_set_session(l->ssl, l->session);
	for (;;) {
		int n;

		ERR_clear_error();
		errno = 0;
		n = SSL_connect(l->ssl);
		if (n == 1)
			return OK;
		TRY(wait_tls(t, n, "TLS"));
	}
}

static err_t
send_all(struct talk *t, struct str out)
{
	while (out.n > 0) {
		int n;

		ERR_clear_error();
		errno = 0;
		n = SSL_write(t->l->ssl, out.p, (int)out.n);
		if (n > 0) {
			out.p += n;
			out.n -= (size_t)n;
			continue;
		}
		TRY(wait_tls(t, n, "send"));
	}
	return OK;
}

static err_t
read_some(struct talk *t, struct buf *b)
{
	for (;;) {
		uint8_t *to;
		int n;

		TRY(buf_reserve(b, READ_AT_ONCE, &to));
		ERR_clear_error();
		errno = 0;
		n = SSL_read(t->l->ssl, to, READ_AT_ONCE);
		if (n > 0) {
			buf_commit(b, (size_t)n);
			t->answered = true;
			return OK;
		}
		/* What waits long keeps no memory for what may come. */
		if (b->n == 0)
			buf_free(b);
		TRY(wait_tls(t, n, "receive"));
	}
}

/* ---- HTTP ---- */

static err_t
read_head(struct talk *t, struct str head, struct link_got *ret, int64_t *ret_body, bool *ret_close)
{
	struct str line = str_trim(str_cut(&head, '\n')), version = str_cut(&line, ' ');
	int64_t status;

	if (!str_eq_c(version, "HTTP/1.1"))
		FAIL(ERR_MALFORMED, "no HTTP/1.1");
	TRY(text_i64(str_cut(&line, ' '), 100, 999, &status));
	ret->status = (int)status;
	ret->content_type = "";
	*ret_body = 0;
	while (head.n > 0) {
		struct str value = str_trim(str_cut(&head, '\n')), name = str_cut(&value, ':');

		value = str_trim(value);
		if (str_ieq_c(name, "Content-Length"))
			TRY(text_i64(value, 0, BODY_MAX, ret_body));
		else if (str_ieq_c(name, "Content-Type"))
			ret->content_type = arena_cstr(t->a, value);
		else if (str_ieq_c(name, "Connection"))
			*ret_close = str_ieq_c(value, "close");
		else if (str_ieq_c(name, "Transfer-Encoding"))
			FAIL(ERR_MALFORMED, "the answer is chunked");
	}
	return OK;
}

static err_t
read_answer(struct talk *t, struct link_got *ret)
{
	auto_buf struct buf b = { 0 };
	const uint8_t *end = NULL;
	bool closes = false;
	int64_t body = 0;
	size_t head;

	buf_init(&b, HEAD_MAX + BODY_MAX + READ_AT_ONCE);
	while (end == NULL) {
		TRY(read_some(t, &b));
		end = memmem(b.p, b.n, "\r\n\r\n", 4);
		if (end == NULL && b.n > HEAD_MAX)
			FAIL(ERR_MALFORMED, "the answer has no end of its head");
	}
	head = (size_t)(end - b.p) + 4;
	TRY(read_head(t, str_of(b.p, head - 2), ret, &body, &closes));
	while (b.n < head + (size_t)body)
		TRY(read_some(t, &b));
	ret->body = arena_str(t->a, str_of(b.p + head, (size_t)body));
	if (closes || b.n > head + (size_t)body)
		link_close(t->l);
	return OK;
}

static err_t
put_request(struct buf *out, const struct link_ask *q, const struct link *l, struct str path)
{
	TRY(buf_printf(out, "%s /%.*s HTTP/1.1\r\nHost: %s:%s\r\n%s", q->method, (int)path.n,
	    (const char *)path.p, l->host, l->port, q->headers == NULL ? "" : q->headers));
	if (strcmp(q->method, "GET") != 0)
		TRY(buf_printf(out, "Content-Length: %zu\r\n", q->body.n));
	TRY(buf_puts(out, "\r\n"));
	return buf_put(out, q->body);
}

/* The connection that there is, if it leads to where the address does. */
static err_t
aim(struct link *l, struct arena *a, const char *url, struct str *ret_path)
{
	struct str rest = str_c(url), where, name;
	const char *host, *port;

	if (!str_starts(rest, LIT("https://")))
		FAIL(ERR_MALFORMED, "%s is not https", text_safe(a, rest));
	rest = str_of(rest.p + 8, rest.n - 8);
	where = str_cut(&rest, '/');
	name = str_cut(&where, ':');
	host = arena_cstr(a, name);
	port = where.n == 0 ? "443" : arena_cstr(a, where);
	if (l->host == NULL || strcmp(l->host, host) != 0 || strcmp(l->port, port) != 0) {
		link_close(l);
		SSL_SESSION_free(steal(l->session));
		free(l->host);
		free(l->port);
		l->host = strdup(host);
		l->port = strdup(port);
	}
	*ret_path = rest;
	return OK;
}

static err_t
once(struct talk *t, struct str request, struct link_got *ret)
{
	if (t->l->ssl == NULL) {
		TRY(open_socket(t));
		TRY(start_tls(t));
	}
	TRY(send_all(t, request));
	return read_answer(t, ret);
}

err_t
link_exchange(struct link *l, struct fiber *f, struct arena *a, const struct link_ask *q,
    struct link_got *ret)
{
	struct talk t = { .l = l,
		.f = f,
		.a = a,
		.until = when_mono_ms() + (q->timeout_ms == 0 ? TIMEOUT_MS : q->timeout_ms) };
	auto_buf struct buf out = { 0 };
	struct link_got got;
	struct str path;
	bool kept;
	err_t e;

	TRY(aim(l, a, q->url, &path));
	buf_init(&out, BODY_MAX + HEAD_MAX);
	TRY(put_request(&out, q, l, path));
	kept = l->ssl != NULL;
	e = once(&t, buf_str(&out), &got);
	if (!err_ok(e))
		link_close(l);
	if (err_is(e, ERR_UNREACHABLE) && kept && !t.answered) {
		err_forget(e);
		e = once(&t, buf_str(&out), &got);
		if (!err_ok(e))
			link_close(l);
	}
	TRY(e);
	*ret = got;
	return OK;
}

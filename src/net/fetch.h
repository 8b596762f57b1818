/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTPS client: one blocking exchange at a time over a kept connection. A fetch belongs to one thread.
 *
 * No redirects, no proxies from the environment, bodies up to LIMIT_HTTP_REPLY. A status of 400 and more is not an error
 * here; the caller looks at it. ERR_UNREACHABLE, ERR_TIMEOUT and ERR_TLS name host and cause in their detail.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "net/tls.h"

struct fetch;

enum { FETCH_ALSO = 4 };

struct fetch_reply {
	int status;
	const char *content_type;     /* "" if none */
	const char *retry_after;      /* "" if none */
	const char *etag;             /* "" if none */
	const char *also[FETCH_ALSO]; /* what fetch_also() asked for, in its order; "" if none */
	struct str body;              /* in the arena of the call */
};

err_t fetch_new(const struct tls_client_conf *tls, struct fetch **ret);
void fetch_free(struct fetch *f);
/* headers: "Name: value" strings, ended by NULL; may be NULL. body empty with GET and DELETE. timeout in ms for all of it. */
err_t fetch_run(struct fetch *f, struct arena *a, const char *method, const char *url,
    const char *const *headers, struct str body, int64_t timeout_ms, struct fetch_reply *ret);
/* Seconds for which the last reply asked to be left alone (Retry-After as a number, RFC 9110 10.2.3), at most an hour; 0: it did
 * not say, or there was none. */
int64_t fetch_retry_s(const struct fetch *f);
/* An address that somebody configured and that secrets may be sent to: https:// with a plain host, or http:// to this very
 * machine with a port. No user name (what stands before an "@" can look like the host), blanks or control characters. */
bool fetch_address_good(const char *url);
/* Goes through this HTTP proxy: "http://[user:password@]host:port"; "" for none. ERR_BAD_REQUEST. ERR_PROXY from fetch_run
 * when the proxy wants another log-in or does not let us through. */
err_t fetch_proxy(struct fetch *f, const char *url);
/* Speaks HTTP/2 from now on, where the other side does. */
err_t fetch_http2(struct fetch *f);
/* Further header fields whose values the replies of f bring from now on: at most FETCH_ALSO names, ended by NULL; borrowed as
 * long as f lives. A value of more than 255 bytes is none. */
void fetch_also(struct fetch *f, const char *const *names);
/* Logs in at the server by Kerberos (SPNEGO, RFC 4559) with the ticket cache or the client keytab of the process; without
 * a ticket the server's refusal (401) is what comes back. */
err_t fetch_negotiate(struct fetch *f);
/* The next exchange goes over a connection of its own, and so is sent once at most: libcurl sends anew what a kept
 * connection lost without an answer, also what the server has done already. */
void fetch_once(struct fetch *f);
/* After fetch_run, whatever came of it: whether the other side may have done what it was asked. It has not where nothing left
 * this host over a connection that stood, where TLS ended with an alert, and where the status says that it did not take the
 * request up: 4xx, 503. Exact after fetch_once; over a kept connection it says yes more often than it must. */
bool fetch_taken(const struct fetch *f);
/* The body of the next exchange goes there, piece by piece and as long as it likes, if the status is 200 or 206; fetch_run's timeout is
 * then for each silence. put's failure ends the exchange and is what fetch_run returns. The sink is borrowed until then. */
struct fetch_sink {
	err_t (*put)(void *ctx, int status, struct str bytes);
	void *ctx;
};
void fetch_into(struct fetch *f, const struct fetch_sink *sink);
/* From another thread: the exchange under way ends soon with ERR_TIMEOUT. */
void fetch_interrupt(struct fetch *f);
/* Exchanges end in the same way within a second once *stop is set, which a signal handler may do (it is a
 * sig_atomic_t). NULL: no longer. */
void fetch_watch(struct fetch *f, const volatile int *stop);

static inline void
fetch_cleanup(struct fetch **f)
{
	fetch_free(*f);
}
#define auto_fetch __attribute__((cleanup(fetch_cleanup)))

#endif

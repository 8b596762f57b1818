/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTPS server: event loops that hold connections, workers that run handlers as straight-line code.
 *
 * A handler reads top to bottom and may block (store, IPC, outbound HTTP). To wait for something it parks: the
 * connection stays with its loop, the worker goes on, and the handler runs again from its start when the topic is
 * notified or the deadline is over. A notify that comes between the handler's start and its parking is not lost.
 *
 * Refused before routing, with 400 and without reading a body: two Content-Length, Content-Length with
 * Transfer-Encoding, none or two Host, versions other than 1.0 and 1.1, control characters in the target, headers
 * past LIMIT_HTTP_HEADERS.
 *
 * The route is found when the head is there. A path or method that no route has, and a body past the limit (413) of server,
 * route or of who shows no client certificate are refused without reading the body; so are bodies (503) while
 * LIMIT_HTTP_BODIES bytes of others are under way, or their sender (client certificate, or else address) has as much under
 * way as is left for all others.
 *
 * A connection of a sender that shows no client certificate, or none yet, and that nothing is done for, makes room for the
 * next one, the oldest first, once there are as many of them as the server keeps, or no more connections at all: who floods a port
 * displaces himself. Past that only those get in whom the server's `first` names, into places of their own.
 *
 * Routes are rows; a row without a permission does not compile. The permission is a number that only the server's
 * gate understands. Several owners may mount their routes on one port, each with its own context and gate.
 *
 * Not here: what a permission means (api/), rendering of errors (the mount's on_error), certificates (pki/).
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/arena.h"
#include "base/metric.h"
#include "base/when.h"
#include "net/tls.h"

struct http;     /* a server */
struct http_req; /* one request, on a worker */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS
};

typedef err_t (*http_handler)(struct http_req *r);

struct http_route {
	enum http_method method;
	const char *
	    path; /* "/a/{id}/b": segments compare ASCII case-insensitively; {name} takes one segment. Graph keys in
			   * parentheses, b('x') and b(x), are read as b/x. A last segment {rest*} takes all that follows. */
	unsigned perm; /* never 0 */
	http_handler handler;
	size_t max_body; /* 0: that of the server */
	bool
	    any_sender; /* also of who shows no client certificate: the message itself says who sends it */
	/* Runs first, on the event loop, with the gate before it: both may not block. What it does not answer, the handler
	 * does. NULL: there is none. */
	http_handler quick;
};

/* A compile error when perm is 0. */
#define ROUTE(method_, path_, perm_, handler_) \
	{ \
		.method = HTTP_##method_, .path = path_, \
		.perm = (perm_) + 0 * sizeof(char[(perm_) ? 1 : -1]), .handler = handler_ \
	}

/* The same, with an answer that may be at hand. */
#define ROUTE_QUICK(method_, path_, perm_, handler_, quick_) \
	{ \
		.method = HTTP_##method_, .path = path_, \
		.perm = (perm_) + 0 * sizeof(char[(perm_) ? 1 : -1]), .handler = handler_, \
		.quick = quick_ \
	}

/* The same, for bodies of at most so many bytes. */
#define ROUTE_BODY(method_, path_, perm_, handler_, max_) \
	{ \
		.method = HTTP_##method_, .path = path_, \
		.perm = (perm_) + 0 * sizeof(char[(perm_) ? 1 : -1]), .handler = handler_, \
		.max_body = max_ \
	}

/* The same, for messages that are signed: the sender need not show a client certificate. */
#define ROUTE_SIGNED(method_, path_, perm_, handler_, max_) \
	{ \
		.method = HTTP_##method_, .path = path_, \
		.perm = (perm_) + 0 * sizeof(char[(perm_) ? 1 : -1]), .handler = handler_, \
		.max_body = max_, .any_sender = true \
	}

/* The routes of one owner, with its context, its gate and its way to say no: several edges may share a port. */
struct http_mount {
	const struct http_route *routes; /* ended by a row with path NULL */
	void *ctx;                       /* http_ctx() of its handlers */
	/* Before every handler: lets pass or fails. Must not be NULL. */
	err_t (*gate)(struct http_req *r, unsigned perm);
	/* Renders a failure of gate, handler or routing; must reply. Must not be NULL. Called on a worker. */
	void (*on_error)(struct http_req *r, err_t e);
	/* So many that run nothing but its requests, whatever the others of the port have to do; 0: it shares those of the port. */
	unsigned workers;
};

struct http_conf {
	const char *name;        /* for metrics and logs: "api" */
	int listen_fd;           /* listening, non-blocking; the server owns it from here */
	struct tls_server *tls;  /* NULL: plain HTTP. Borrowed */
	unsigned loops, workers; /* 0: one loop, four workers */
	size_t max_body;         /* 0: LIMIT_HTTP_BODY */
	size_t max_stranger;     /* of who shows no client certificate; 0: the same */
	/* Connections: of all, of those without a client certificate, beside them of those that are `first` (and of one
	 * certificate of these), of one certificate of others. 0: LIMIT_HTTP_CONNECTIONS, as many, LIMIT_HTTP_FIRST, LIMIT_HTTP_HELD. */
	size_t room, room_strangers, room_first, room_held;
	/* Whether who shows this client certificate (DER) is let in when everybody else has no room. NULL: nobody is. */
	bool (*first)(struct str cert);
	const struct http_mount
	    *mounts;    /* whose routes are served here; the first match in order wins */
	size_t nmounts; /* at least 1; a path that no mount has is rendered by the first one */
	/* After each finished request, for the access log; may be NULL. Called on the loop. */
	void (*on_done)(void *done_ctx, const char *method, const char *target, int status,
	    size_t bytes, int64_t us);
	void *done_ctx;
	struct metrics *metrics; /* may be NULL */
};

err_t http_new(const struct http_conf *conf, struct http **ret);
err_t http_start(struct http *h); /* starts its threads and returns */
void http_stop(
    struct http *h); /* refuses new work, answers what runs (parked ones run a last time), joins */
void http_free(struct http *h);

/* What was asked. All text is decoded once, UTF-8, borrowed until the handler returns. */
struct arena *http_arena(struct http_req *r);
void *http_ctx(struct http_req *r);
enum http_method http_method(const struct http_req *r);
const char *http_method_name(enum http_method m);
const char *http_path(const struct http_req *r);
const char *http_raw_path(const struct http_req *r); /* as sent, not decoded, without the query */
const char *http_param(
    const struct http_req *r, const char *name); /* of the route; NULL if not in it */
const char *http_query(
    const struct http_req *r, const char *name); /* first of that name, case ignored; NULL: none */
/* Every query pair in order; false when i is past the last. */
bool http_query_at(const struct http_req *r, size_t i, const char **name, const char **value);
const char *http_header(const struct http_req *r, const char *name); /* NULL: none */
struct str http_body(const struct http_req *r);
struct str http_peer_cert(
    const struct http_req *r); /* DER of the verified client certificate; empty: none */
/* It showed one that is good but for its time, which is over; http_peer_cert() has none then. TLS_CLIENT_ENDED only. */
bool http_peer_over(const struct http_req *r);
const char *http_peer_addr(const struct http_req *r);
/* A value the gate leaves for the handler (who the caller is); NULL at first. */
void http_set_caller(struct http_req *r, void *caller);
void *http_caller(const struct http_req *r);

/* The answer. Header and body are copied. A handler replies once, or parks. */
void http_reply_header(struct http_req *r, const char *name, const char *value);
err_t http_reply(struct http_req *r, int status, const char *content_type, struct str body);

/*
 * An answer too large to be held: made a piece at a time, as fast as the client takes it. Range and If-Range (RFC 9110 13,
 * 14) are seen to, so that who lost the connection goes on where it broke.
 *
 * pull runs on a worker, again and again, without the gate: it appends at least one byte of the whole from `at` on, and
 * out->max at most. When it fails on_error is told, what that answers goes nowhere, and the connection ends before the length that
 * was announced: the client sees that bytes are missing. A part past the end is answered 416. ERR_BUSY:
 * LIMIT_HTTP_STREAMS are under way. ERR_UNSUPPORTED: within a batch.
 */
struct http_stream {
	const char *type;
	const char *etag; /* in its quotes; another one whenever the bytes are others */
	uint64_t size;    /* of the whole */
	err_t (*pull)(struct http_req *r, uint64_t at, struct buf *out);
};
err_t http_reply_stream(struct http_req *r, const struct http_stream *s);

/* Waits: to be returned by the handler. After the deadline (when_mono_ms) the handler runs again and http_late(r) holds. */
err_t http_park(struct http_req *r, unsigned topic, struct str key, int64_t deadline_ms);
bool http_late(const struct http_req *r);
/* when_mono_ms() of the request's arrival: deadlines of parked requests count from here. */
int64_t http_arrived_ms(const struct http_req *r);
/* Whether it is the loop that runs gate and quick handler: neither may block. */
bool http_on_loop(const struct http_req *r);
/* First time this handler runs for this request? (parked handlers run again) */
bool http_first_run(const struct http_req *r);

/* A request within a request, as batches have them: routed, let in by its own mount's gate and handled on this worker as
 * if it had come by itself, with Authorization, Host and client certificate of the outer one. Failures are rendered as ever.
 * The answer is in the arena of r. ERR_BAD_REQUEST: r is one itself. ERR_UNSUPPORTED: its handler wants to wait. */
struct http_sub {
	enum http_method method;
	const char *target; /* path and query */
	const struct http_sub_field {
		const char *name, *value;
	} * fields;
	size_t nfields;
	struct str body;
};
struct http_sub_reply {
	int status;
	const char *type; /* NULL: none */
	struct str head;  /* further header fields, each line ended by CR LF */
	struct str body;
};
err_t http_sub(struct http_req *r, const struct http_sub *q, struct http_sub_reply *ret);

/* From any thread. Empty key: everybody parked on the topic; these let others go before them. */
void http_notify(struct http *h, unsigned topic, struct str key);
size_t http_parked(const struct http *h);

/* application/x-www-form-urlencoded body, decoded; NULL: none of that name. */
const char *http_form(struct http_req *r, const char *name);

#endif

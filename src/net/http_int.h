/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the HTTP server; for the http_*.c files only.
 *
 *            http_conn.c (loop)              http_work.c (worker)            http_park.c
 *   bytes ──► head, body ──► request ─queue─► gate, handler ──┬─► parked ──notify, deadline──► queue
 *            answer ◄──────────────── done list ◄─────────────┘      └─ client gone ─► dropped by its loop
 *            piece is out ──queue──► http_stream.c: next piece ──► done list, until the last one
 *
 * Invariants
 * 1. A connection and its bufferevent are touched by its loop's thread only. Other threads reach a
 *    loop through its done list and its eventfd; no libevent call crosses threads, so bases need
 *    no locks.
 * 2. A request has one owner at a time: loop (being read), queue, worker, parking place, done
 *    list, loop again. Only a loop frees requests.
 * 3. `gone`, `parked` and the place in table and heap change under the parking lock only.
 * 4. A connection that is handled keeps reading into its buffer (bounded), so the end of the
 *    client is seen at once.
 */
#ifndef NET_HTTP_INT_H
#define NET_HTTP_INT_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "net/http.h"
#include "net/http_head.h"
#include "net/http_target.h"

#define PARK_BUCKETS 4096u
#define PARK_KEY_MAX 64u
#define BODY_SHARES 4096u
#define HOLDERS 4096u

struct http_loop;
struct http_conn;

struct http_req {
	struct http *http;
	struct http_loop *loop;
	struct http_conn *conn;  /* loop only; NULL: the client went away */
	struct arena *arena;     /* what was asked; lives as long as the request */
	struct arena *run_arena; /* of one run of the handler */
	struct http_head head;
	enum http_method method;
	struct http_target target;
	const struct http_mount *mount; /* the first, until one is found */
	struct http_match match;
	struct err_report fault; /* found by the loop; the worker renders it. code ERR_NONE: none */
	struct buf body;
	size_t counted; /* of it, in the server's sums */
	size_t share;   /* which of them is its sender's; good while counted > 0 */
	struct str peer_cert;
	bool peer_over;
	const char *peer_addr;
	struct http_pairs form;
	bool form_read;
	int64_t arrived_ms;
	void *caller;
	unsigned runs;
	bool inner; /* http_sub(): no connection waits for it */

	/* answer */
	bool replied;
	bool dropped; /* no answer: the client went away */
	bool close;
	int status;
	struct buf out_head;
	struct buf out_body;
	const char *out_type;

	/* an answer in pieces (http_stream.c); out_body is the one in hand */
	err_t (*pull)(struct http_req *r, uint64_t at, struct buf *out); /* NULL: it is whole */
	uint64_t at, end;                                                /* what is to come yet */
	bool broken;    /* by us: the client gets no more */
	bool announced; /* the head is out */
	uint64_t sent;  /* bytes of the body */

	/* parking */
	bool want_park;
	bool late;
	unsigned topic;
	uint8_t key[PARK_KEY_MAX];
	size_t nkey;
	int64_t deadline;
	uint64_t seen; /* number of the newest notify when the run began */
	bool gone;
	bool parked;
	size_t heap_at;
	struct http_req *park_prev, *park_next;
	bool crowd; /* woken with all others of its topic */

	struct http_req *next; /* in queue or done list */
};

struct req_list {
	struct http_req *first, *last;
};

struct http_park {
	pthread_mutex_t lock;
	_Atomic uint64_t news;       /* notifies so far */
	uint64_t told[PARK_BUCKETS]; /* number of the newest notify of a bucket */
	struct http_req *bucket[PARK_BUCKETS];
	struct http_req **heap; /* by deadline, earliest first */
	size_t n, cap;
};

enum park_result { PARK_WAITS, PARK_AGAIN, PARK_GONE };

err_t park_setup(struct http_park *p);
void park_cleanup(struct http_park *p);
/* Parks r, or says why not: it was notified meanwhile (PARK_AGAIN), or its client is gone.
 * *ret_first: r's deadline is now the earliest of all. */
enum park_result park_add(struct http_park *p, struct http_req *r, bool *ret_first);
/* Those that wait for topic and key (empty key: all of the topic) come off, onto the list. */
void park_notify(struct http_park *p, unsigned topic, struct str key, struct req_list *out);
/* Those whose deadline is over; *ret_next: the earliest deadline left, -1: none. */
void park_expire(struct http_park *p, int64_t now, struct req_list *out, int64_t *ret_next);
void park_take_all(struct http_park *p, struct req_list *out);
/* Marks r's client as gone; true when r was parked: it is the caller's now. */
bool park_gone(struct http_park *p, struct http_req *r);
bool park_is_gone(struct http_park *p, const struct http_req *r);
size_t park_count(struct http_park *p);

void req_list_push(struct req_list *l, struct http_req *r);
struct http_req *req_list_pop(struct req_list *l);

enum conn_state { CONN_HEAD, CONN_BODY, CONN_BUSY, CONN_STREAM, CONN_FLUSH, CONN_LINGER };

/* What it is let in for while there is no room (http_room.c). */
enum conn_owes { OWES_NOTHING, OWES_CERTIFICATE, OWES_FIRST };

struct http_conn {
	struct http_loop *loop;
	struct bufferevent *bev;
	struct http_conn *prev, *next;
	enum conn_state state;
	int64_t since;
	bool open;   /* the TLS handshake is over */
	bool served; /* had a request already */
	bool eof;    /* the client sends no more */
	bool close;  /* after the answer */
	struct http_req *req;
	uint64_t want; /* BODY, not chunked: bytes that are missing */
	struct http_chunks chunks;
	char addr[INET6_ADDRSTRLEN];

	/* http_room.c */
	bool stranger; /* showed no certificate that is good, or none yet */
	bool idle;     /* in the list of those that can be displaced */
	enum conn_owes owes;
	bool counted; /* in h->held[holder] */
	size_t holder;
	struct http_conn *older, *newer;
};

struct http_loop {
	struct http *http;
	unsigned number;
	pthread_t thread;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *wake;  /* on wake_fd */
	struct event *sweep; /* each second */
	struct event *park;  /* loop 0: the earliest deadline */
	int wake_fd;
	pthread_mutex_t lock; /* of done */
	struct req_list done;
	struct http_conn *conns;
	struct http_conn *oldest, *newest; /* strangers that nothing is done for, by since when */
	int64_t quit_since;                /* 0: not yet */
};

/* A queue and who works on it: one of the port, one more of each mount that has workers of its own. Those that were woken with
 * all others of their topic stand aside: who comes meanwhile, or is woken alone, as what it waits for is there, goes before them. What was
 * begun is finished before the next is begun. Of four turns one is theirs at least. */
struct work_line {
	struct http *http;
	pthread_cond_t more;
	struct req_list queue, crowd;
	unsigned passed; /* how many went before the first of the crowd */
	pthread_t *workers;
	unsigned want, up;
};

struct http_metrics {
	struct metric requests, refused, errors, connections, parked, waiting, streams, broken,
	    displaced, turned_away, time;
	char labels[64];
};

struct http {
	struct http_conf conf;
	struct http_mount *mounts; /* of conf */
	unsigned nloops;
	struct http_loop *loops;
	unsigned loops_up;
	struct http_park park;

	pthread_mutex_t lock;    /* of all queues */
	struct work_line *lines; /* that of the port, then one a mount */
	bool closed;             /* workers end when their queue is empty */

	_Atomic bool stopping;
	_Atomic bool quit; /* loops end when their answers are out */
	_Atomic size_t nconns;
	_Atomic size_t nstrangers; /* of them */
	/* The others, by their certificate. Two certificates may share one. */
	_Atomic size_t held[HOLDERS];
	_Atomic size_t bodies; /* bytes of all that are under way */
	/* The same by who sends them: client certificate, or else address. Two may share one. */
	_Atomic size_t shares[BODY_SHARES];
	_Atomic size_t streams; /* answers in pieces that are under way */
	struct http_metrics m;
};

/* http_req.c */
struct http_req *req_new(struct http_loop *loop);
void req_free(struct http_req *r);
/* Finds the route of a head that was read, and how large a body it may have. */
err_t req_route(struct http_req *r);
/* Adds what was read of the body to the server's sums. ERR_BUSY: too much is under way, or its sender has no less of it than
 * is left for all others. */
err_t req_count(struct http_req *r);

/* http_answer.c */
/* The head of the answer, with the length of all that follows. */
void answer_head(struct evbuffer *out, const struct http_req *r, bool close);

/* http_stream.c */
/* The next piece, or `broken`. */
void stream_pull(struct http_req *r);
/* r is over: it counts no longer. */
void stream_end(const struct http_req *r);

/* http_work.c */
void work_push(struct http *h, struct http_req *r);
void work_push_list(struct http *h, struct req_list *l);
/* Lines without a thread yet; and what is left in them once their threads are gone. */
void work_setup(struct http *h);
void work_cleanup(struct http *h);
/* Starts the workers; a number of errno. */
int work_start(struct http *h);
/* Their queues are worked off, then they end. */
void work_stop(struct http *h);
/* One run of gate and handler; a failure is rendered. */
void work_run(struct http_req *r);
/* On the loop: is it answered already, by the quick handler of its route? */
bool work_quick(struct http_req *r);

/* http_loop.c */
err_t loop_setup(struct http *h, unsigned number, struct http_loop *l);
void loop_cleanup(struct http_loop *l);
void *loop_main(void *loop);
void loop_wake(struct http_loop *l);
/* From any thread: r was answered or dropped. */
void loop_done(struct http_req *r);

/* http_room.c; all on the connection's loop */
/* As many files may be open as there are places, where the system lets the process have them; with fewer, the listener rests
 * while they are used up. */
void room_files(const struct http_conf *conf);
/* c, which is new, gets a place, maybe that of another one. False: there is none. */
bool room_enter(struct http_conn *c);
/* Nothing is done for c any more, or something is. */
void room_idle(struct http_conn *c);
void room_busy(struct http_conn *c);
/* Its handshake is over; cert: that it is known by, or empty. False: it may not stay. */
bool room_opened(struct http_conn *c, struct str cert);
void room_leave(struct http_conn *c);

/* http_conn.c */
/* Drops it at once. */
void conn_free(struct http_conn *c);
void conn_accept(struct http_loop *l, evutil_socket_t fd, struct sockaddr *addr);
/* r is answered (or dropped): writes, frees r, goes on. */
void conn_answer(struct http_req *r);
void conn_sweep(struct http_loop *l);
bool conn_busy(const struct http_loop *l); /* any that is being answered */
void conn_close_all(struct http_loop *l);
void conn_close_idle(struct http_loop *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waking devices that hold no connection, through the push service of their maker: Apple's (push_apple.h), Microsoft's
 * (push_windows.h). Nudges are gathered, one device once, and sent by a few threads. Where none gets through, devices come
 * by of themselves, later.
 *
 * One struct push is one way: its own queue, threads and pauses, so that a service that is away keeps nobody from another.
 */
#ifndef DAEMON_PUSH_H
#define DAEMON_PUSH_H

#include "base/metric.h"
#include "model/due.h"
#include "net/fetch.h"
#include "store/store.h"

struct push;

/* What became of the wake-up of one device. */
enum push_end {
	PUSH_NOBODY = 1, /* it is not woken in this way */
	PUSH_SENT,
	PUSH_UNREGISTERED, /* its address is good no more; it has another when it comes by */
	PUSH_REFUSED,      /* this one; trying again would be refused again */
	PUSH_AGAIN,        /* this one later */
	PUSH_PAUSE /* later, and none before; this one alone, if others got through since it failed so before */
};
struct push_result {
	enum push_end end;
	int64_t after_ms;      /* of AGAIN and PAUSE; 0: it was not said how long */
	struct err_report why; /* of REFUSED, AGAIN and PAUSE; code ERR_NONE: that is no trouble */
};

struct push_way {
	const char *who;    /* "an Apple device" */
	const char *metric; /* "chancery_apple_pushes_total" */
	int64_t gap_ms;     /* between two wake-ups of one device */
	int64_t scan_ms;    /* so often all are looked at though nothing changed; 0: never */
	int64_t
	    waiting_ms; /* one for whom something waits only is woken at most so often by a look */
	void *ctx;
	/* For one thread; goes with it. */
	err_t (*open)(void *ctx, struct fetch **ret);
	/* What the device is due. In a reading transaction. */
	err_t (*due)(
	    void *ctx, struct tx *tx, struct arena *a, struct id device, enum due_kind *ret);
	/* A failure counts as PUSH_PAUSE for that reason. */
	err_t (*wake)(
	    void *ctx, struct fetch *f, struct arena *a, struct id device, struct push_result *ret);
};

struct push_conf {
	struct store *store;
	struct metrics *metrics; /* NULL: not counted */
	struct push_way way;
};

/* Starts its threads. Everything given stays the caller's. */
err_t push_start(const struct push_conf *conf, struct push **ret);
void push_stop(struct push *p); /* NULL is fine */
/* From any thread, at no cost: this device (16 bytes of its id) shall come by. Empty: something changed that may be about
 * any of them; those that it is about are looked for. */
void push_nudge(struct push *p, struct str device);
/* Why it does not get through at the moment: the newest failure with none sent since. false: it does. */
bool push_trouble(struct push *p, struct err_report *ret);

#endif

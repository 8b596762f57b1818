/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/push_apple.h"

#include "device/apple_wake.h"
#include "net/apns.h"

/* How long one push may take; how long Apple keeps it. */
enum { PUSH_MS = 10000, KEEP_S = 7 * 86400 };
/* These devices come by when they are woken, and hardly else: whoever was off for longer than Apple keeps a push, and whose
 * certificate is due for renewal, is found by looking. */
enum { SCAN_MS = 2 * 3600 * 1000, WAITING_MS = 3600 * 1000 };

struct waking {
	const struct push_apple *c;
	struct arena *a;
	struct id device;
	struct apple_wake *v;
	size_t n, i;
	when_ms_t gone_ms;
	bool deaf;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct waking *w = arg;

	return apple_wake_list(tx, w->a, w->device, w->c->topic, &w->v, &w->n);
}

/* Who sent this very token after Apple gave it up is woken by it all the same. */
static err_t
unregister(struct tx *tx, void *arg)
{
	struct waking *w = arg;

	return apple_wake_failed(tx, w->a, w->device, &w->v[w->i], w->gone_ms, &w->deaf);
}

static err_t
wake_one(struct waking *w, struct fetch *f, struct push_result *ret)
{
	struct apns_note note = { .token = w->v[w->i].token,
		.magic = w->v[w->i].magic,
		.topic = w->c->topic,
		.expires = when_now() + KEEP_S };
	struct apns_result r;

	TRY(apns_push(f, w->a, w->c->url, &note, PUSH_MS, &r));
	switch (r.outcome) {
	case APNS_SENT:
		ret->end = PUSH_SENT;
		return OK;
	case APNS_UNREGISTERED:
		w->gone_ms = r.gone_ms;
		TRY(store_write(w->c->store, unregister, w));
		ret->end = w->deaf ? PUSH_UNREGISTERED : PUSH_AGAIN;
		return OK;
	case APNS_NOT_A_TOKEN:
		ret->end = PUSH_REFUSED;
		err_take(ERROR(ERR_APPLE_PUSH, "%s", r.reason), &ret->why);
		return OK;
	case APNS_DEVICE_LATER:
		ret->end = PUSH_AGAIN;
		return OK;
	case APNS_LATER:
		break;
	}
	FAIL(ERR_BUSY, "Apple's push service has too much to do");
}

/* Of two channels of one device, what is to be done again counts, then what got through. */
static int
rank(enum push_end end)
{
	static const enum push_end order[] = { PUSH_NOBODY, PUSH_UNREGISTERED, PUSH_REFUSED,
		PUSH_SENT, PUSH_AGAIN };
	int at = 0;

	while ((size_t)at < COUNT(order) && order[at] != end)
		at++;
	return at;
}

static err_t
wake(void *ctx, struct fetch *f, struct arena *a, struct id device, struct push_result *ret)
{
	const struct push_apple *c = ctx;
	struct waking w = { .c = c, .a = a, .device = device };
	struct push_result all = { .end = PUSH_NOBODY };

	TRY(store_read(c->store, look, &w));
	for (w.i = 0; w.i < w.n; w.i++) {
		struct push_result one = { 0 };

		TRY(wake_one(&w, f, &one));
		if (rank(one.end) > rank(all.end))
			all = one;
	}
	*ret = all;
	return OK;
}

static err_t
due(void *ctx, struct tx *tx, struct arena *a, struct id device, enum due_kind *ret)
{
	const struct push_apple *c = ctx;

	return apple_wake_due(tx, a, device, c->topic, c->renew_before, ret);
}

static err_t
open_fetch(void *ctx, struct fetch **ret)
{
	const struct push_apple *c = ctx;

	return apns_open(&c->tls, ret);
}

struct push_way
push_apple_way(struct push_apple *c)
{
	return (struct push_way){ .who = "an Apple device",
		.metric = "chancery_apple_pushes_total",
		.scan_ms = SCAN_MS,
		.waiting_ms = WAITING_MS,
		.ctx = c,
		.open = open_fetch,
		.due = due,
		.wake = wake };
}

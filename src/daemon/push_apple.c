/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/push_apple.h"

#include "device/apple_wake.h"
#include "net/apns.h"

/* How long one push may take; how long Apple keeps it. */
enum { PUSH_MS = 10000, KEEP_S = 7 * 86400 };

struct waking {
	const struct push_apple *c;
	struct arena *a;
	struct id device;
	struct apple_wake *v;
	size_t n, i;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct waking *w = arg;

	return apple_wake_list(tx, w->a, w->device, w->c->topic, &w->v, &w->n);
}

static err_t
unregister(struct tx *tx, void *arg)
{
	struct waking *w = arg;

	return apple_wake_failed(tx, w->a, w->device, &w->v[w->i]);
}

static err_t
wake_one(struct waking *w, struct fetch *f, enum push_end *ret)
{
	struct apns_note note = { .token = w->v[w->i].token,
		.magic = w->v[w->i].magic,
		.topic = w->c->topic,
		.expires = when_now() + KEEP_S };
	enum apns_outcome outcome;

	TRY(apns_push(f, w->a, w->c->url, &note, PUSH_MS, &outcome));
	switch (outcome) {
	case APNS_SENT:
		*ret = PUSH_SENT;
		return OK;
	case APNS_UNREGISTERED:
		if (*ret != PUSH_SENT)
			*ret = PUSH_UNREGISTERED;
		return store_write(w->c->store, unregister, w);
	case APNS_LATER:
		break;
	}
	FAIL(ERR_BUSY, "Apple's push service has too much to do");
}

static err_t
wake(void *ctx, struct fetch *f, struct arena *a, struct id device, struct push_result *ret)
{
	const struct push_apple *c = ctx;
	struct waking w = { .c = c, .a = a, .device = device };
	enum push_end end = PUSH_NOBODY;

	TRY(store_read(c->store, look, &w));
	for (w.i = 0; w.i < w.n; w.i++)
		TRY(wake_one(&w, f, &end));
	*ret = (struct push_result){ .end = end };
	return OK;
}

static err_t
due(void *ctx, struct tx *tx, struct arena *a, struct id device, bool *ret)
{
	const struct push_apple *c = ctx;

	return apple_wake_due(tx, a, device, c->topic, ret);
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
		.ctx = c,
		.open = open_fetch,
		.due = due,
		.wake = wake };
}

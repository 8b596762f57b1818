/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/push_windows.h"

#include <pthread.h>

#include "base/secret.h"
#include "device/windows_push.h"

/* How long one exchange may take; how long before its end a token is not used any more, at most; a device is woken so often at most. */
enum { EXCHANGE_MS = 10000, MARGIN_S = 300, GAP_MS = 2000 };
/* They come by on a schedule as well. */
enum { WAITING_MS = 3600 * 1000 };

struct push_windows {
	struct push_windows_conf conf;
	struct windows_pusher by;
	pthread_mutex_t lock; /* held while a token is fetched: one of them is enough */
	char *token;          /* NULL: none */
	_Atomic when_t ends;  /* read by others without the lock */
};

struct push_windows *
push_windows_new(const struct push_windows_conf *conf)
{
	struct push_windows *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->conf = *conf;
	c->by = (struct windows_pusher){ conf->family, when_now() };
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void
drop_token(struct push_windows *c)
{
	if (c->token != NULL)
		secret_wipe(c->token, strlen(c->token));
	free(c->token);
	c->token = NULL;
	c->ends = 0;
}

void
push_windows_free(struct push_windows *c)
{
	if (c == NULL)
		return;
	drop_token(c);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

when_t
push_windows_token_ends(struct push_windows *c)
{
	return c->ends;
}

/* ---- the token ---- */

static err_t
fetch_token(struct push_windows *c, struct fetch *f, struct arena *a)
{
	const char *token;
	int64_t seconds;

	TRY(wns_token(f, a, &c->conf.wns, EXCHANGE_MS, &token, &seconds));
	drop_token(c);
	c->token = strdup(token);
	if (c->token == NULL)
		abort();
	c->ends = when_now() + seconds - (seconds / 10 < MARGIN_S ? seconds / 10 : MARGIN_S);
	return OK;
}

/* refused: the one that was not taken; NULL: none was shown yet. */
static err_t
token(
    struct push_windows *c, struct fetch *f, struct arena *a, const char *refused, const char **ret)
{
	err_t e = OK;

	pthread_mutex_lock(&c->lock);
	if (c->token != NULL && refused != NULL && strcmp(c->token, refused) == 0)
		drop_token(c);
	if (c->token == NULL || c->ends <= when_now())
		e = fetch_token(c, f, a);
	if (err_ok(e))
		*ret = arena_strdup(a, c->token);
	pthread_mutex_unlock(&c->lock);
	return e;
}

/* ---- one device ---- */

struct waking {
	struct push_windows *c;
	struct arena *a;
	struct id device;
	struct windows_push at;
	const char *waking; /* as it is shown; NULL: it is not woken in this way */
	when_t refused;
	const char *answer;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct waking *w = arg;
	struct device d;

	TRY(windows_push_get(tx, w->a, w->device, &w->at));
	if (!windows_push_good(&w->at, &w->c->by))
		return OK;
	/* Its channel goes with it: there is one. */
	TRY(store_device_get(tx, w->a, w->device, &d));
	w->waking = d.waking;
	return OK;
}

static err_t
put_note(struct tx *tx, void *arg)
{
	struct waking *w = arg;

	return windows_push_note(tx, w->a, w->device, w->at.uri, w->refused, w->answer);
}

/* What is the same as the last time is not written: many are woken at once. */
static err_t
note(struct waking *w, when_t refused, const char *answer)
{
	size_t n = strlen(w->waking), m = strlen(answer);

	if (w->at.refused == refused && n > m && strcmp(w->waking + n - m, answer) == 0)
		return OK;
	w->refused = refused;
	w->answer = answer;
	return store_write(w->c->conf.store, put_note, w);
}

static struct push_result
refused(const struct wns_reply *rep, enum push_end end, enum err_code code)
{
	struct push_result r = { .end = end, .after_ms = rep->after_s * 1000 };

	err_take(ERROR(code, "%s", rep->reason), &r.why);
	return r;
}

static err_t
conclude(struct waking *w, const struct wns_reply *rep, struct push_result *ret)
{
	switch (rep->outcome) {
	case WNS_SENT:
		*ret = (struct push_result){ .end = PUSH_SENT };
		return note(w, 0, "sent");
	case WNS_GONE:
		*ret = (struct push_result){ .end = PUSH_UNREGISTERED };
		return note(w, WINDOWS_PUSH_DEAD, "good no more");
	case WNS_REFUSED:
		*ret = refused(rep, PUSH_REFUSED, ERR_WINDOWS_PUSH);
		return note(w, when_now(), rep->reason);
	case WNS_THROTTLED:
		*ret = (struct push_result){ .end = PUSH_AGAIN, .after_ms = rep->after_s * 1000 };
		return note(w, w->at.refused, rep->reason);
	case WNS_TOKEN:
		*ret = refused(rep, PUSH_PAUSE, ERR_WINDOWS_PUSH);
		return note(w, w->at.refused, rep->reason);
	case WNS_LATER:
		*ret = refused(rep, PUSH_PAUSE, ERR_BUSY);
		return note(w, w->at.refused, rep->reason);
	}
	return OK;
}

static err_t
wake(void *ctx, struct fetch *f, struct arena *a, struct id device, struct push_result *ret)
{
	struct waking w = { .c = ctx, .a = a, .device = device };
	const char *bearer = NULL;
	struct wns_reply rep;
	err_t e;

	TRY(store_read(w.c->conf.store, look, &w));
	/* The token goes to no host but those that are set now. */
	if (w.waking == NULL || !wns_channel_good(w.c->conf.host, w.at.uri)) {
		*ret = (struct push_result){ .end = PUSH_NOBODY };
		return OK;
	}
	/* Once more with another token, if it is the token. */
	for (int i = 0; i < 2; i++) {
		TRY(token(w.c, f, a, bearer, &bearer));
		e = wns_push(f, a, w.at.uri, bearer, EXCHANGE_MS, &rep);
		if (!err_ok(e)) {
			/* The host of its channel is no trouble of others: the address is the device's word. */
			*ret = (struct push_result){ .end = PUSH_AGAIN };
			err_take(e, &ret->why);
			return note(&w, w.at.refused, "not reached");
		}
		if (rep.outcome != WNS_TOKEN)
			break;
	}
	return conclude(&w, &rep, ret);
}

static err_t
due(void *ctx, struct tx *tx, struct arena *a, struct id device, enum due_kind *ret)
{
	const struct push_windows *c = ctx;

	return windows_push_due(tx, a, device, &c->by, ret);
}

static err_t
open_fetch(void *ctx, struct fetch **ret)
{
	const struct push_windows *c = ctx;

	return wns_open(&c->conf.tls, ret);
}

struct push_way
push_windows_way(struct push_windows *c)
{
	return (struct push_way){ .who = "a Windows device",
		.metric = "chancery_windows_pushes_total",
		.gap_ms = GAP_MS,
		.waiting_ms = WAITING_MS,
		.ctx = c,
		.open = open_fetch,
		.due = due,
		.wake = wake };
}

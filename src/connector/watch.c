/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CA revoked without the service: asked for at a set pace and handed to the service, which neither delivers such
 * a certificate any more nor leaves a device with it.
 *
 * The place up to which the service has heard is kept in memory only. After a start everything that is revoked and has
 * not ended is told once more, which changes nothing at the service.
 */
#include "base/limits.h"
#include "base/log.h"
#include "base/when.h"
#include "connector/backend.h"

#include <poll.h>

enum { WATCH_MS = 5000, MUTE_MS = 3600 * 1000, STEP_MS = 50, TELL_TIMEOUT_MS = 30000 };

struct watch {
	struct link *link;
	const struct join *join;
	const struct backend *backend;
	struct backend_session *ca;
	struct fetch *service;
	char after[64];
};

static err_t
tell(struct watch *w, struct arena *a, json *list)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const char *url = arena_printf(a, "%s/connector/v1/revoked", w->join->service_url);
	auto_json json *msg = json_object_new();
	struct fetch_reply rep;
	struct str text;

	json_set(msg, "revoked", json_ref(list));
	TRY(json_print(a, msg, &text));
	TRY(fetch_run(w->service, a, "POST", url, headers, text, TELL_TIMEOUT_MS, &rep));
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d", url, rep.status);
	return OK;
}

/* One page. *ret_more: there may be another. */
static err_t
page(struct watch *w, bool *ret_more)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *list = NULL;
	const char *next;

	TRY(w->backend->revoked(w->ca, a, w->after, &next, &list));
	*ret_more = json_count(list) > 0;
	if (!*ret_more)
		return OK;
	if (strlen(next) >= sizeof(w->after))
		FAIL(ERR_TOO_LARGE, "place in the list of revocations");
	TRY(tell(w, a, list));
	memcpy(w->after, next, strlen(next) + 1);
	return OK;
}

static void
watch_close(struct watch *w)
{
	backend_close(w->ca);
	fetch_free(w->service);
	w->ca = NULL;
	w->service = NULL;
}

/* All there is to tell now. */
static err_t
tell_all(struct watch *w)
{
	bool more = true;

	if (w->service == NULL)
		TRY(join_fetch(w->join, &w->service));
	if (w->ca == NULL)
		TRY(backend_open(w->join, &w->ca));
	while (more && !atomic_load(&w->link->stop))
		TRY(page(w, &more));
	return OK;
}

/* Goes over to a certificate that was renewed. */
static void
follow(struct watch *w)
{
	const struct join *now;

	pthread_mutex_lock(&w->link->lock);
	now = w->link->join;
	w->link->watching = now;
	pthread_mutex_unlock(&w->link->lock);
	if (w->join != now)
		watch_close(w);
	w->join = now;
}

/* Nothing here holds a certificate up that is to be renewed. */
static void
let_go(struct link *l)
{
	pthread_mutex_lock(&l->lock);
	l->watching = NULL;
	pthread_mutex_unlock(&l->lock);
}

static void
rest(struct link *l, int64_t ms)
{
	int64_t until = when_mono_ms() + ms;

	while (!atomic_load(&l->stop) && when_mono_ms() < until)
		poll(NULL, 0, STEP_MS);
}

void *
watch_loop(void *arg)
{
	struct watch w = { .link = arg };
	bool failed = false; /* the last time, and said so */

	follow(&w);
	w.backend = backend_by_name(w.join->backend);
	if (w.backend->revoked == NULL) {
		let_go(w.link);
		return NULL;
	}
	while (!atomic_load(&w.link->stop)) {
		bool mute = false; /* this CA has no such list, or a proxy says so for it */
		err_t e;

		follow(&w);
		e = tell_all(&w);
		if (!err_ok(e)) {
			watch_close(&w);
			mute = err_is(e, ERR_CA_NO_REVOKE);
			if (!failed && !mute)
				log_error("revocations at the CA", e);
			else
				err_forget(e);
		}
		failed = !err_ok(e);
		rest(w.link, mute ? MUTE_MS : WATCH_MS);
	}
	watch_close(&w);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/link.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/when.h"
#include "connector/report.h"

#include <poll.h>
#include <sys/utsname.h>

enum { STEP_MS = 20 };

/* The first is made when it is missing, the second by a renewal. */
static err_t
open_service_keys(struct link *l)
{
	for (unsigned i = 0; i < COUNT(l->service_keys); i++) {
		const char *path =
		    arena_printf(l->arena, "%s/%s.pem", l->conf.dir, link_key_name(i));

		if (i == 0 || file_exists(path))
			TRY(key_file(l->arena, path, KEY_EC, KEY_P256, &l->service_keys[i]));
	}
	return OK;
}

err_t
link_open(const struct link_conf *conf, struct link **ret)
{
	struct link *l = calloc(1, sizeof(*l));
	struct utsname host;
	err_t e;

	l->conf = *conf;
	l->arena = arena_new();
	pthread_mutex_init(&l->changing, NULL);
	pthread_mutex_init(&l->lock, NULL);
	l->desk = desk_new((size_t)2 * conf->loops); /* as many run as wait for their turn */
	l->machine = arena_strdup(l->arena, uname(&host) == 0 ? host.nodename : "unknown");
	e = dir_make(conf->dir, 0700);
	if (err_ok(e))
		e = dir_sweep(conf->dir);
	if (err_ok(e))
		e = open_service_keys(l);
	if (err_ok(e))
		e = key_file(l->arena, arena_printf(l->arena, "%s/ca.pem", conf->dir), KEY_EC,
		    KEY_P256, &l->ca_key);
	if (err_ok(e)) {
		e = join_load(l, &l->join);
		if (err_is(e, ERR_NOT_JOINED)) {
			err_forget(e);
			e = OK;
		}
	}
	if (!err_ok(e)) {
		link_close(l);
		return e;
	}
	*ret = l;
	return OK;
}

static err_t
start_thread(pthread_t *t, void *(*run)(void *), struct link *l)
{
	if (pthread_create(t, NULL, run, l) != 0)
		FAIL(ERR_SYSTEM, "cannot start a thread");
	return OK;
}

/* Called with the lock held. The first worker stands for all: without it none was started. */
static err_t
start_locked(struct link *l)
{
	if (l->nworkers > 0)
		return OK;
	l->started = when_now();
	TRY(start_thread(&l->watch, watch_loop, l));
	TRY(start_thread(&l->reporter, report_loop, l));
	TRY(start_thread(&l->poller[0], ask_loop, l));
	TRY(start_thread(&l->poller[1], bring_loop, l));
	for (; l->nworkers < l->conf.loops && l->nworkers < LINK_LOOPS_MAX; l->nworkers++)
		TRY(start_thread(&l->worker[l->nworkers], work_loop, l));
	return OK;
}

err_t
link_start(struct link *l)
{
	err_t e = OK;

	pthread_mutex_lock(&l->lock);
	if (l->join != NULL)
		e = start_locked(l);
	pthread_mutex_unlock(&l->lock);
	return e;
}

static void
interrupt(struct link *l)
{
	pthread_mutex_lock(&l->lock);
	if (l->polling[0] != NULL)
		fetch_interrupt(l->polling[0]);
	pthread_mutex_unlock(&l->lock);
}

void
link_ask_again(struct link *l)
{
	atomic_store(&l->again, true);
	interrupt(l);
}

/* Who asks first, so that nothing new is leased; then what is done is brought; what runs longer than that is cut off by
 * the end of the process. */
static void
end_threads(struct link *l)
{
	atomic_store(&l->stop, true);
	desk_stop(l->desk);
	pthread_mutex_lock(&l->lock);
	if (l->fetching != NULL)
		fetch_interrupt(l->fetching);
	pthread_mutex_unlock(&l->lock);
	while (!atomic_load(&l->asked)) {
		interrupt(l);
		poll(NULL, 0, STEP_MS);
	}
	pthread_join(l->poller[0], NULL);
	atomic_store(&l->last, true);
	desk_nudge(l->desk);
	pthread_join(l->poller[1], NULL);
	for (unsigned i = 0; i < l->nworkers; i++)
		pthread_join(l->worker[i], NULL);
	pthread_join(l->watch, NULL);
	pthread_join(l->reporter, NULL);
}

void
link_close(struct link *l)
{
	if (l == NULL)
		return;
	if (l->nworkers > 0)
		end_threads(l);
	for (unsigned i = 0; i < COUNT(l->service_keys); i++)
		key_free(l->service_keys[i]);
	key_free(l->ca_key);
	desk_free(l->desk);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->changing);
	arena_free(l->arena);
	free(l);
}

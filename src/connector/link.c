/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/link.h"

#include "base/file.h"
#include "base/limits.h"

#include <sys/utsname.h>

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
	pthread_mutex_init(&l->lock, NULL);
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

/* Called with the lock held. */
static err_t
start_locked(struct link *l)
{
	if (l->nloops == 0 && pthread_create(&l->watch, NULL, watch_loop, l) != 0)
		FAIL(ERR_SYSTEM, "cannot start a thread");
	while (l->nloops < l->conf.loops && l->nloops < LINK_LOOPS_MAX) {
		struct loop_arg *arg = ARENA_NEW(l->arena, struct loop_arg);

		*arg = (struct loop_arg){ l, l->nloops };
		if (pthread_create(&l->loop[l->nloops], NULL, poll_loop, arg) != 0)
			FAIL(ERR_SYSTEM, "cannot start a thread");
		l->nloops++;
	}
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

void
link_close(struct link *l)
{
	if (l == NULL)
		return;
	atomic_store(&l->stop, true);
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->nloops; i++)
		if (l->polling[i] != NULL)
			fetch_interrupt(l->polling[i]);
	pthread_mutex_unlock(&l->lock);
	for (unsigned i = 0; i < l->nloops; i++)
		pthread_join(l->loop[i], NULL);
	if (l->nloops > 0)
		pthread_join(l->watch, NULL);
	for (unsigned i = 0; i < COUNT(l->service_keys); i++)
		key_free(l->service_keys[i]);
	key_free(l->ca_key);
	pthread_mutex_destroy(&l->lock);
	arena_free(l->arena);
	free(l);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a connection when more come than a server keeps. See http.h and http_int.h.
 *
 *   room_enter ──► stranger, idle ──room_opened──► known: not displaced
 *                     ▲    │ room_busy
 *           room_idle │    ▼
 *                  stranger, something is done for it: not displaced
 *
 * Each loop displaces its own. Places past `room` are for those that `first` names; a newcomer has one until its
 * handshake said who it is.
 */
#include "net/http_int.h"

#include <sys/resource.h>

#include "base/limits.h"

enum { OTHER_FILES = 1024 };

void
room_files(const struct http_conf *conf)
{
	/* A process has two servers at most. */
	rlim_t want = 2 * (rlim_t)(conf->room + conf->room_first) + OTHER_FILES;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= want)
		return;
	files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

void
room_idle(struct http_conn *c)
{
	struct http_loop *l = c->loop;

	if (!c->stranger || c->idle)
		return;
	c->idle = true;
	c->newer = NULL;
	c->older = l->newest;
	if (c->older != NULL)
		c->older->newer = c;
	else
		l->oldest = c;
	l->newest = c;
}

void
room_busy(struct http_conn *c)
{
	struct http_loop *l = c->loop;

	if (!c->idle)
		return;
	c->idle = false;
	if (c->newer != NULL)
		c->newer->older = c->older;
	else
		l->newest = c->older;
	if (c->older != NULL)
		c->older->newer = c->newer;
	else
		l->oldest = c->newer;
}

static void
set_known(struct http_conn *c)
{
	room_busy(c);
	c->stranger = false;
	atomic_fetch_sub(&c->loop->http->nstrangers, 1);
}

void
room_leave(struct http_conn *c)
{
	if (c->stranger)
		set_known(c);
	if (c->counted)
		atomic_fetch_sub(&c->loop->http->held[c->holder], 1);
	atomic_fetch_sub(&c->loop->http->nconns, 1);
}

static bool
displace(struct http_loop *l)
{
	if (l->oldest == NULL)
		return false;
	metric_inc(&l->http->m.displaced, 1);
	conn_free(l->oldest);
	return true;
}

/* With `all` connections, this many of them of strangers, c counted. */
static bool
place(struct http_conn *c, size_t all, size_t strangers)
{
	const struct http_conf *conf = &c->loop->http->conf;

	if (all <= conf->room && strangers <= conf->room_strangers)
		return true;
	if (displace(c->loop))
		return true;
	if (conf->tls == NULL)
		return false;
	if (all <= conf->room)
		c->owes = OWES_CERTIFICATE;
	else if (conf->first != NULL && all <= conf->room + conf->room_first)
		c->owes = OWES_FIRST;
	return c->owes != OWES_NOTHING;
}

bool
room_enter(struct http_conn *c)
{
	struct http *h = c->loop->http;
	size_t all = atomic_fetch_add(&h->nconns, 1) + 1;
	size_t strangers = atomic_fetch_add(&h->nstrangers, 1) + 1;

	c->stranger = true;
	if (!place(c, all, strangers)) {
		metric_inc(&h->m.turned_away, 1);
		room_leave(c);
		return false;
	}
	room_idle(c);
	return true;
}

/* One certificate does not fill the room, whosever it is: one that goes first may have been taken its rights long ago. */
static bool
hold(struct http_conn *c, struct str cert, size_t max)
{
	struct http *h = c->loop->http;

	c->holder = (size_t)(str_hash(cert) % HOLDERS);
	c->counted = true;
	return atomic_fetch_add(&h->held[c->holder], 1) < max;
}

static bool
may_stay(struct http_conn *c, struct str cert)
{
	const struct http_conf *conf = &c->loop->http->conf;

	if (cert.n == 0)
		return c->owes == OWES_NOTHING;
	set_known(c);
	if (conf->first != NULL && conf->first(cert))
		return hold(c, cert, conf->room_first);
	return c->owes != OWES_FIRST && hold(c, cert, conf->room_held);
}

bool
room_opened(struct http_conn *c, struct str cert)
{
	bool stays = may_stay(c, cert);

	if (!stays)
		metric_inc(&c->loop->http->m.turned_away, 1);
	return stays;
}

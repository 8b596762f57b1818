/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calling side of IPC. See ipc.h.
 *
 * A connection that the other side closed while it lay idle (its process was restarted) is noticed
 * before anything is sent on it, so a restart costs no call.
 */
#include "net/ipc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/when.h"
#include "net/ipc_frame.h"

#define RETRY_MS 20

struct line {
	int fd; /* -1: not connected */
	bool taken;
};

struct ipc_client {
	struct sockaddr_un addr;
	int64_t patience;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	bool ended;
	uint32_t newest_id;
	unsigned n;
	struct line *lines;
};

static err_t
unix_addr(const char *path, struct sockaddr_un *ret)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(addr.sun_path))
		FAIL(ERR_CONF, "the path of a socket must be shorter than %zu bytes: %s",
		    sizeof(addr.sun_path), path);
	memcpy(addr.sun_path, path, n);
	*ret = addr;
	return OK;
}

err_t
ipc_client_new(const char *path, unsigned connections, int64_t patience_ms, struct ipc_client **ret)
{
	struct sockaddr_un addr;
	pthread_condattr_t attr;
	struct ipc_client *c;

	TRY(unix_addr(path, &addr));
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		abort();
	c->addr = addr;
	c->patience = patience_ms;
	c->n = connections == 0 ? 1 : connections;
	c->lines = calloc(c->n, sizeof(*c->lines));
	if (c->lines == NULL)
		abort();
	for (unsigned i = 0; i < c->n; i++)
		c->lines[i].fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->freed, &attr);
	pthread_condattr_destroy(&attr);
	*ret = c;
	return OK;
}

void
ipc_client_free(struct ipc_client *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < c->n; i++)
		if (c->lines[i].fd >= 0)
			close(c->lines[i].fd);
	pthread_cond_destroy(&c->freed);
	pthread_mutex_destroy(&c->lock);
	free(c->lines);
	free(c);
}

/* A free line, a connected one first; NULL: none. The lock is held. */
static struct line *
free_line(struct ipc_client *c)
{
	struct line *found = NULL;

	for (unsigned i = 0; i < c->n; i++) {
		if (c->lines[i].taken)
			continue;
		if (found == NULL || found->fd < 0)
			found = &c->lines[i];
	}
	return found;
}

static err_t
line_take(struct ipc_client *c, int64_t deadline, struct line **ret, uint32_t *ret_id)
{
	/* pthread_cond_timedwait wants a timespec of its clock; when_mono_ms() is that clock. */
	struct timespec until = { .tv_sec = (time_t)(deadline / 1000),
		.tv_nsec = (long)(deadline % 1000) * 1000000 };
	struct line *l;
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	while ((l = free_line(c)) == NULL && rc == 0)
		rc = pthread_cond_timedwait(&c->freed, &c->lock, &until);
	if (l != NULL) {
		l->taken = true;
		*ret = l;
		*ret_id = ++c->newest_id;
	}
	pthread_mutex_unlock(&c->lock);
	if (l == NULL)
		FAIL(ERR_IPC, "all connections are in use");
	return OK;
}

static void
line_give(struct ipc_client *c, struct line *l)
{
	pthread_mutex_lock(&c->lock);
	l->taken = false;
	pthread_cond_signal(&c->freed);
	pthread_mutex_unlock(&c->lock);
}

/* The descriptor of a line changes under the lock only: who ends all calls looks at those of others. */
static void
line_close(struct ipc_client *c, struct line *l)
{
	pthread_mutex_lock(&c->lock);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	pthread_mutex_unlock(&c->lock);
}

static bool
line_set(struct ipc_client *c, struct line *l, int fd)
{
	bool ended;

	pthread_mutex_lock(&c->lock);
	ended = c->ended;
	if (!ended)
		l->fd = fd;
	pthread_mutex_unlock(&c->lock);
	return !ended;
}

static bool
has_ended(struct ipc_client *c)
{
	bool ended;

	pthread_mutex_lock(&c->lock);
	ended = c->ended;
	pthread_mutex_unlock(&c->lock);
	return ended;
}

void
ipc_client_end(struct ipc_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->ended = true;
	for (unsigned i = 0; i < c->n; i++)
		if (c->lines[i].fd >= 0)
			shutdown(c->lines[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&c->lock);
}

/* Nothing may have come in on an idle line; anything, its end too, makes it useless. */
static bool
line_alive(const struct line *l)
{
	uint8_t b;

	return l->fd >= 0 && recv(l->fd, &b, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static err_t
line_connect(struct ipc_client *c, struct line *l, int64_t deadline)
{
	int error = 0;

	if (line_alive(l))
		return OK;
	line_close(c, l);
	for (;;) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			FAIL(ERR_SYSTEM, "socket: %s", strerror(errno));
		if (connect(fd, (const struct sockaddr *)&c->addr, sizeof(c->addr)) == 0 &&
		    line_set(c, l, fd))
			return OK;
		error = has_ended(c) ? ECANCELED : errno;
		close(fd);
		if (error == EACCES || error == EPERM || error == ECANCELED ||
		    when_mono_ms() + RETRY_MS >= deadline)
			break;
		poll(NULL, 0, RETRY_MS);
	}
	FAIL(ERR_IPC, "%s: %s", c->addr.sun_path, strerror(error));
}

struct call {
	struct ipc_frame request;
	int64_t deadline;
	bool broken; /* out: the connection ended before the answer */
};

static err_t
exchange(struct line *l, struct arena *a, struct call *call, struct ipc_frame *ret)
{
	bool eof = false;

	/* Until the answer is there whole, any failure before the deadline is a broken
	 * connection. */
	call->broken = true;
	TRY(ipc_frame_send(l->fd, &call->request, call->deadline));
	TRY(ipc_frame_read(l->fd, a, call->deadline, ret, &eof));
	if (eof)
		FAIL(ERR_IPC, "closed before the answer");
	call->broken = false;
	if (ret->id != call->request.id || ret->type != (call->request.type | IPC_REPLY))
		FAIL(ERR_IPC, "an answer to something else");
	return OK;
}

static err_t
call_on(struct ipc_client *c, struct line *l, struct arena *a, struct call *call, bool repeatable,
    struct ipc_frame *ret)
{
	err_t e;

	TRY(line_connect(c, l, call->deadline));
	e = exchange(l, a, call, ret);
	if (err_ok(e))
		return OK;
	line_close(c, l);
	if (!repeatable || !call->broken || when_mono_ms() >= call->deadline)
		TRY_CTX(e, "%s", c->addr.sun_path);
	err_forget(e);
	TRY(line_connect(c, l, call->deadline));
	e = exchange(l, a, call, ret);
	if (!err_ok(e))
		line_close(c, l);
	TRY_CTX(e, "%s", c->addr.sun_path);
	return OK;
}

err_t
ipc_call(struct ipc_client *c, struct arena *a, uint16_t type, bool repeatable, struct str in,
    struct str *ret)
{
	struct call call = { .request = { .type = type, .payload = in },
		.deadline = when_mono_ms() + c->patience };
	struct ipc_frame reply;
	struct line *l;
	err_t e;

	if (in.n > LIMIT_IPC_MESSAGE)
		FAIL(ERR_TOO_LARGE, "a message of %zu bytes", in.n);
	TRY(line_take(c, call.deadline, &l, &call.request.id));
	e = call_on(c, l, a, &call, repeatable, &reply);
	line_give(c, l);
	TRY(e);
	return ipc_reply_parse(a, reply.payload, ret);
}

err_t
ipc_listen(const char *path, unsigned mode, int *ret)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr;
	mode_t mask;
	int rc;

	TRY(unix_addr(path, &addr));
	if (fd < 0)
		FAIL(ERR_SYSTEM, "socket: %s", strerror(errno));
	TRY(file_remove(path));     /* what an earlier process left */
	mask = umask(0777 & ~mode); /* from the first moment, not after a chmod */
	rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (rc != 0)
		FAIL(ERR_SYSTEM, "bind %s: %s", path, strerror(errno));
	if (listen(fd, 128) != 0)
		FAIL(ERR_SYSTEM, "listen %s: %s", path, strerror(errno));
	*ret = fd;
	fd = -1;
	return OK;
}

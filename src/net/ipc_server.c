/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The serving side of IPC. See ipc.h.
 *
 * One thread accepts, one more serves each connection. Peers are of our own user or root
 * (SO_PEERCRED), whatever the mode of the socket is: no process of ours is in a user namespace
 * (jail.c), so the kernel tells numbers as they are. A frame that is not well formed ends its
 * connection; a type without a verb gets ERR_UNSUPPORTED.
 */
#include "net/ipc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/when.h"
#include "net/ipc_frame.h"

#define SEND_MS 10000

struct peer {
	struct ipc_server *server;
	pthread_t thread;
	int fd;
	bool used;         /* by the accepting thread only */
	_Atomic bool done; /* the thread is at its end */
};

struct ipc_server {
	int listen_fd, stop_fd;
	const struct ipc_verb *verbs;
	void *ctx;
	bool started;
	pthread_t thread;
	unsigned npeers;
	struct peer *peers;
};

err_t
ipc_server_new(int listen_fd, unsigned max_connections, const struct ipc_verb *verbs, void *ctx,
    struct ipc_server **ret)
{
	int stop_fd = eventfd(0, EFD_CLOEXEC);
	struct ipc_server *s;

	if (stop_fd < 0)
		FAIL(ERR_SYSTEM, "eventfd: %s", strerror(errno));
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	s->listen_fd = listen_fd;
	s->stop_fd = stop_fd;
	s->verbs = verbs;
	s->ctx = ctx;
	s->npeers = max_connections == 0 ? 16 : max_connections;
	s->peers = calloc(s->npeers, sizeof(*s->peers));
	if (s->peers == NULL)
		abort();
	*ret = s;
	return OK;
}

static err_t
run_verb(const struct ipc_server *s, struct arena *a, const struct ipc_frame *in, struct buf *out)
{
	for (const struct ipc_verb *v = s->verbs; v->handle != NULL; v++)
		if (v->type == in->type)
			return v->handle(s->ctx, a, in->payload, out);
	FAIL(ERR_UNSUPPORTED, "message type %u", in->type);
}

static err_t
serve_one(struct peer *p, struct arena *a, bool *ret_eof)
{
	auto_buf struct buf payload;
	auto_buf struct buf reply;
	struct ipc_frame in, out;
	err_t e;

	buf_init(&payload, LIMIT_IPC_MESSAGE);
	buf_init(&reply, IPC_FRAME_MAX - IPC_HEAD);
	TRY(ipc_frame_read(p->fd, a, INT64_MAX, &in, ret_eof));
	if (*ret_eof)
		return OK;
	e = run_verb(p->server, a, &in, &payload);
	TRY(ipc_reply_print(&reply, e, buf_str(&payload)));
	out = (struct ipc_frame){
		.type = in.type | IPC_REPLY, .id = in.id, .payload = buf_str(&reply)
	};
	return ipc_frame_send(p->fd, &out, when_mono_ms() + SEND_MS);
}

static void *
serve(void *arg)
{
	struct peer *p = arg;
	auto_arena struct arena *a = arena_new();
	bool eof = false;

	while (!eof) {
		err_t e = serve_one(p, a, &eof);

		/* Nobody is left to tell: the connection ends. */
		if (!err_ok(e)) {
			err_forget(e);
			break;
		}
		arena_reset(a);
	}
	shutdown(p->fd, SHUT_RDWR);
	atomic_store(&p->done, true);
	return NULL;
}

static bool
peer_trusted(int fd)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
		return false;
	return cred.uid == 0 || cred.uid == geteuid();
}

static void
peer_end(struct peer *p)
{
	pthread_join(p->thread, NULL);
	close(p->fd);
	p->used = false;
}

/* A free place, those that ended given back first; NULL: all are taken. */
static struct peer *
peer_place(struct ipc_server *s)
{
	struct peer *found = NULL;

	for (unsigned i = 0; i < s->npeers; i++) {
		if (s->peers[i].used && atomic_load(&s->peers[i].done))
			peer_end(&s->peers[i]);
		if (!s->peers[i].used && found == NULL)
			found = &s->peers[i];
	}
	return found;
}

static void
accept_one(struct ipc_server *s)
{
	struct peer *p = peer_place(s);
	int fd;

	if (p == NULL) { /* full: the backlog waits */
		poll(NULL, 0, 20);
		return;
	}
	fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			poll(NULL, 0, 20);
		return;
	}
	if (!peer_trusted(fd)) {
		close(fd);
		return;
	}
	p->server = s;
	p->fd = fd;
	atomic_store(&p->done, false);
	if (pthread_create(&p->thread, NULL, serve, p) != 0) {
		close(fd);
		return;
	}
	p->used = true;
}

static void *
accept_all(void *arg)
{
	struct ipc_server *s = arg;
	struct pollfd fds[] = {
		{ .fd = s->stop_fd, .events = POLLIN },
		{ .fd = s->listen_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, COUNT(fds), -1) < 0)
			continue;
		if (fds[0].revents != 0)
			return NULL;
		if (fds[1].revents != 0)
			accept_one(s);
	}
}

err_t
ipc_server_start(struct ipc_server *s)
{
	int rc = pthread_create(&s->thread, NULL, accept_all, s);

	if (rc != 0)
		FAIL(ERR_SYSTEM, "thread: %s", strerror(rc));
	s->started = true;
	return OK;
}

void
ipc_server_stop(struct ipc_server *s)
{
	uint64_t one = 1;

	if (s == NULL)
		return;
	if (s->started) {
		while (write(s->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		pthread_join(s->thread, NULL);
	}
	for (unsigned i = 0; i < s->npeers; i++) {
		if (!s->peers[i].used)
			continue;
		shutdown(s->peers[i].fd, SHUT_RD); /* the answer under way still goes out */
		peer_end(&s->peers[i]);
	}
	close(s->listen_fd);
	close(s->stop_fd);
	free(s->peers);
	free(s);
}

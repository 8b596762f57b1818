/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between our own processes over unix sockets, bounded and versioned.
 *
 *   frame: u32 length of what follows | u16 version (1) | u16 type | u32 id | payload
 *   reply: u32 length | u16 version | u16 type (request type | 0x8000) | u32 id | u8 ok | payload, or error id + detail
 *
 * A server runs one thread for each connection, up to a maximum, and handles one message after another on it. Calls are
 * synchronous; a client keeps a small pool of connections, is safe from any thread, reconnects when the other side was
 * restarted, and gives up after its patience with ERR_IPC. A call whose connection breaks before the answer is
 * repeated once when the message type is marked repeatable by the caller; else it fails with ERR_IPC.
 *
 * What the other side sends is parsed like any other input, also when it is our own.
 */
#ifndef NET_IPC_H
#define NET_IPC_H

#include "base/arena.h"
#include "base/str.h"

struct ipc_server;
struct ipc_client;

/* One kind of message. The handler writes its answer to `out` (maximum LIMIT_IPC_MESSAGE). */
struct ipc_verb {
	uint16_t type;
	err_t (*handle)(void *ctx, struct arena *a, struct str in, struct buf *out);
};

/* listen_fd: a listening unix stream socket, owned from here. Verbs end with a row whose handle is NULL. */
err_t ipc_server_new(int listen_fd, unsigned max_connections, const struct ipc_verb *verbs,
    void *ctx, struct ipc_server **ret);
err_t ipc_server_start(struct ipc_server *s); /* accepts in a thread of its own and returns */
void ipc_server_stop(struct ipc_server *s);   /* also frees */

/* Nothing is connected until the first call. */
err_t ipc_client_new(
    const char *path, unsigned connections, int64_t patience_ms, struct ipc_client **ret);
void ipc_client_free(struct ipc_client *c);
/* From any thread: calls under way and those to come fail with ERR_IPC, so that nobody waits for who may be gone. */
void ipc_client_end(struct ipc_client *c);
/* *ret is in the arena. */
err_t ipc_call(struct ipc_client *c, struct arena *a, uint16_t type, bool repeatable, struct str in,
    struct str *ret);

/* A listening unix socket at path (a stale one is replaced), with this mode. Non-blocking, close-on-exec. */
err_t ipc_listen(const char *path, unsigned mode, int *ret);

#endif

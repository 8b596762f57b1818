/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of IPC, as bytes. See ipc.h for the format. Pure but for ipc_frame_read() and
 * ipc_frame_send(). */
#ifndef NET_IPC_FRAME_H
#define NET_IPC_FRAME_H

#include "base/arena.h"
#include "base/str.h"

#define IPC_VERSION 1u
#define IPC_REPLY 0x8000u
#define IPC_HEAD 8u /* version, type, id */
#define IPC_FRAME_MAX (LIMIT_IPC_MESSAGE + 64u + ERR_DETAIL_MAX)

struct ipc_frame {
	uint16_t type;
	uint32_t id;
	struct str payload; /* in what was parsed */
};

/* `in` is what follows the length. ERR_IPC. */
err_t ipc_frame_parse(struct str in, struct ipc_frame *ret);
err_t ipc_frame_print(const struct ipc_frame *f, struct buf *out); /* with its length */

/* What a reply carries: a payload, or a failure, which is then the error of the call. */
err_t ipc_reply_parse(struct arena *a, struct str in, struct str *ret);
err_t ipc_reply_print(struct buf *out, err_t e, struct str payload); /* consumes the trail of e */

/* One frame from or to a socket, until the deadline (when_mono_ms; INT64_MAX: none). *ret_eof:
 * closed before its first byte; then nothing else is set. ERR_IPC. */
err_t ipc_frame_read(
    int fd, struct arena *a, int64_t deadline, struct ipc_frame *ret, bool *ret_eof);
err_t ipc_frame_send(int fd, const struct ipc_frame *f, int64_t deadline);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of IPC. See ipc_frame.h. */
#include "net/ipc_frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/rd.h"
#include "base/when.h"

enum { FIRST = 8192 };

struct room {
	uint8_t *p;
	size_t max, got;
};

err_t
ipc_frame_parse(struct str in, struct ipc_frame *ret)
{
	struct ipc_frame f;
	uint16_t version;

	TRY(rd_u16(&in, &version));
	TRY(rd_u16(&in, &f.type));
	TRY(rd_u32(&in, &f.id));
	if (version != IPC_VERSION)
		FAIL(ERR_IPC, "message of version %u", version);
	f.payload = in;
	*ret = f;
	return OK;
}

err_t
ipc_frame_print(const struct ipc_frame *f, struct buf *out)
{
	if (f->payload.n > IPC_FRAME_MAX - IPC_HEAD)
		FAIL(ERR_TOO_LARGE, "a message of %zu bytes", f->payload.n);
	TRY(wr_u32(out, (uint32_t)(IPC_HEAD + f->payload.n)));
	TRY(wr_u16(out, IPC_VERSION));
	TRY(wr_u16(out, f->type));
	TRY(wr_u32(out, f->id));
	return buf_put(out, f->payload);
}

err_t
ipc_reply_parse(struct arena *a, struct str in, struct str *ret)
{
	struct err_report rep = { 0 };
	const struct err_info *info;
	const char *id, *detail;
	uint8_t ok;

	TRY(rd_u8(&in, &ok));
	if (ok == 1) {
		*ret = in;
		return OK;
	}
	if (ok != 0)
		FAIL(ERR_IPC, "a reply that is neither answer nor failure");
	TRY(rd_text(a, &in, 64, &id));
	TRY(rd_text(a, &in, ERR_DETAIL_MAX, &detail));
	TRY(rd_end(&in));
	info = err_info_by_id(id);
	if (info == NULL || info->code == ERR_NONE)
		FAIL(ERR_IPC, "a reply with an unknown failure");
	rep.code = info->code;
	snprintf(rep.detail, sizeof(rep.detail), "%s", detail);
	return err_raise(&rep);
}

err_t
ipc_reply_print(struct buf *out, err_t e, struct str payload)
{
	struct err_report rep;

	if (err_ok(e)) {
		TRY(wr_u8(out, 1));
		return buf_put(out, payload);
	}
	err_take(e, &rep);
	TRY(wr_u8(out, 0));
	TRY(wr_text(out, err_info(rep.code)->id));
	return wr_text(out, rep.detail);
}

static err_t
await(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t left = deadline == INT64_MAX ? -1 : deadline - when_mono_ms();
		int n;

		if (deadline != INT64_MAX && left <= 0)
			FAIL(ERR_IPC, "no answer in time");
		n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return OK;
		if (n < 0 && errno != EINTR)
			FAIL(ERR_IPC, "poll: %s", strerror(errno));
	}
}

/* What is there, at most n bytes; *ret_got 0: the end of the stream. Nothing there: waits, unless `there` says that more
 * is on its way and asking first is cheaper. */
static err_t
read_some(int fd, uint8_t *p, size_t n, bool there, int64_t deadline, size_t *ret_got)
{
	for (;;) {
		ssize_t k;

		if (!there)
			TRY(await(fd, POLLIN, deadline));
		k = recv(fd, p, n, MSG_DONTWAIT);
		if (k == 0 || (k < 0 && errno == ECONNRESET)) {
			*ret_got = 0;
			return OK;
		}
		if (k > 0) {
			*ret_got = (size_t)k;
			return OK;
		}
		if (errno != EAGAIN && errno != EINTR)
			FAIL(ERR_IPC, "receive: %s", strerror(errno));
		there = false;
	}
}

/* From *got on until there are `least` bytes; fewer only at the end of the stream. */
static err_t
read_until(int fd, struct room *b, size_t least, int64_t deadline)
{
	while (b->got < least) {
		size_t k;

		TRY(read_some(fd, b->p + b->got, b->max - b->got, b->got > 0, deadline, &k));
		if (k == 0)
			return OK;
		b->got += k;
	}
	return OK;
}

err_t
ipc_frame_read(int fd, struct arena *a, int64_t deadline, struct ipc_frame *ret, bool *ret_eof)
{
	uint8_t first[FIRST]; /* most messages are whole in it */
	struct room head = { first, sizeof(first), 0 }, body = { NULL, 0, 0 };
	struct str in = str_of(first, 4);
	uint32_t length;

	TRY(read_until(fd, &head, 4, deadline));
	if (head.got == 0) {
		*ret_eof = true;
		return OK;
	}
	if (head.got < 4)
		FAIL(ERR_IPC, "closed within a message");
	TRY(rd_u32(&in, &length));
	if (length < IPC_HEAD || length > IPC_FRAME_MAX)
		FAIL(ERR_IPC, "a message of %u bytes", length);
	/* Who asks waits for the answer before asking more. */
	if (head.got - 4 > length)
		FAIL(ERR_IPC, "bytes after a message");
	body = (struct room){ arena_alloc(a, length), length, head.got - 4 };
	memcpy(body.p, first + 4, body.got);
	TRY(read_until(fd, &body, length, deadline));
	if (body.got < length)
		FAIL(ERR_IPC, "closed within a message");
	TRY(ipc_frame_parse(str_of(body.p, length), ret));
	*ret_eof = false;
	return OK;
}

err_t
ipc_frame_send(int fd, const struct ipc_frame *f, int64_t deadline)
{
	auto_buf struct buf b;
	size_t sent = 0;

	buf_init(&b, IPC_FRAME_MAX + 4);
	TRY(ipc_frame_print(f, &b));
	while (sent < b.n) {
		ssize_t k;

		k = send(fd, b.p + sent, b.n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			FAIL(ERR_IPC, "send: %s", strerror(errno));
		if (k > 0)
			sent += (size_t)k;
		else
			TRY(await(fd, POLLOUT, deadline));
	}
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and replies of IPC. */
#include <assert.h>

#include "base/limits.h"
#include "net/ipc_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	struct ipc_frame f;
	struct str got;
	err_t e;

	if (n > IPC_FRAME_MAX)
		return 0;
	e = ipc_frame_parse(str_of(p, n), &f);
	if (err_ok(e)) {
		auto_buf struct buf b;

		buf_init(&b, IPC_FRAME_MAX + 4);
		e = ipc_frame_print(&f, &b);
		/* What was read is written back byte for byte. */
		assert(err_ok(e) && b.n == n + 4 && memcmp(b.p + 4, p, n) == 0);
		e = ipc_reply_parse(a, f.payload, &got);
	}
	if (!err_ok(e))
		err_forget(e);
	return 0;
}

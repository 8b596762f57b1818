/* SPDX-License-Identifier: Apache-2.0 */
/* Heads, chunked bodies and targets of HTTP requests. */
#include <assert.h>

#include "base/limits.h"
#include "net/http_head.h"
#include "net/http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
chunks(struct str in)
{
	auto_buf struct buf out;
	struct http_chunks c = { 0 };
	bool done = false;
	size_t used;

	buf_init(&out, 4096);
	/* In two pieces: where the cut falls must not matter for memory safety. */
	err_t e = http_chunks_feed(&c, str_of(in.p, in.n / 2), &out, &used, &done);
	if (err_ok(e) && !done)
		e = http_chunks_feed(
		    &c, str_of(in.p + in.n / 2, in.n - in.n / 2), &out, &used, &done);
	if (!err_ok(e))
		err_forget(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(p, n);
	size_t end = http_head_end(in);
	struct http_target t;
	struct http_head h;
	err_t e;

	if (n > LIMIT_HTTP_HEADERS)
		return 0;
	assert(end <= n);
	e = http_head_parse(a, str_of(p, end), &h);
	if (err_ok(e)) {
		assert(h.target[0] == '/' && !(h.chunked && h.length > 0));
		e = http_target_parse(a, h.target, &t);
	}
	if (err_ok(e))
		assert(t.path[0] == '/' && t.nsegments <= LIMIT_HTTP_SEGMENTS);
	else
		err_forget(e);
	chunks(str_of(p + end, n - end));
	return 0;
}

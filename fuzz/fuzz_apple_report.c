/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a status report of an Apple device, as what was heard of earlier ones, and as both after each other. */
#include "device/apple_heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct apple_report r;
	struct apple_heard h;
	struct apple_state s;
	struct str blob;
	err_t e = apple_report_read(a, str_of(data, size), &r);

	apple_state_read(a, STR_EMPTY, &s);
	apple_heard_read(a, str_of(data, size), &h);
	if (err_ok(e)) {
		s.known_ms = 1;
		s.nitems = r.n < 8 ? r.n : 8;
		s.items = arena_array(a, s.nitems + 1, sizeof(*s.items));
		for (size_t i = 0; i < s.nitems; i++)
			memcpy(s.items[i].sha256, r.v[i].sha256, APPLE_MARK);
		apple_heard_take(a, &h, &r, &s, 1000);
		r.full = true;
		r.n /= 2;
		apple_heard_take(a, &h, &r, &s, 2000);
		apple_heard_covers(&h, &s, 2);
	}
	err_forget(e);
	e = apple_heard_write(a, &h, &blob);
	err_forget(e);
	return 0;
}

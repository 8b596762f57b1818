/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes choose calls of the reader; none may go past the input or take something when it fails. */
#include <assert.h>

#include "base/rd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t
one_call(struct arena *a, uint8_t what, struct str *in)
{
	const char *text;
	struct str s;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	int64_t i64;

	switch (what % 8) {
	case 0:
		return rd_u8(in, &u8);
	case 1:
		return rd_u16(in, &u16);
	case 2:
		return rd_u32(in, &u32);
	case 3:
		return rd_u64(in, &u64);
	case 4:
		return rd_i64(in, &i64);
	case 5:
		return rd_take(in, what, &s);
	case 6:
		return rd_blob(in, what, &s);
	case 7:
		return rd_text(a, in, what, &text);
	}
	return OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size), calls;

	if (!err_ok(rd_take(&in, 8, &calls)))
		return 0;
	for (size_t i = 0; i < calls.n; i++) {
		struct str before = in;

		if (!err_ok(one_call(a, calls.p[i], &in)))
			assert(in.p == before.p && in.n == before.n);
		assert(in.n <= before.n);
		assert(in.n == 0 || in.p + in.n == data + size);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is taken as UTF-8 is safe but for control characters; what is made safe is UTF-8 and stays the same. */
#include <assert.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size), bytes;
	const char *text;
	char *safe = text_safe(a, in);
	int64_t v;

	assert(err_ok(text_utf8(str_c(safe))));
	assert(strcmp(text_safe(a, str_c(safe)), safe) == 0);
	if (err_ok(text_cstr(a, in, &text)))
		assert(strlen(text) == size);
	if (err_ok(text_i64(in, -1000, INT64_MAX, &v)))
		assert(v >= -1000);
	if (err_ok(text_unhex(a, in, &bytes)))
		assert(bytes.n * 2 == size);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes, decodes the same after it was encoded again; and any bytes survive both encodings. */
#include <assert.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size), bytes, again;

	if (err_ok(text_unbase64(a, in, &bytes))) {
		assert(err_ok(text_unbase64(a, str_c(text_base64(a, bytes)), &again)));
		assert(str_eq(bytes, again));
	}
	assert(err_ok(text_unbase64(a, str_c(text_base64url(a, in)), &again)));
	assert(str_eq(in, again));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An identifier that was read is written in its one form and read as the same. */
#include <assert.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct id id, again;

	if (!err_ok(id_parse(str_of(data, size), &id)))
		return 0;
	assert(err_ok(id_parse(str_c(id_text(a, id)), &again)));
	assert(id_eq(id, again));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A time that was read is written in its one form and read as the same; arithmetic stays within its calendar. */
#include <assert.h>

#include "base/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define YEAR_1 (-62135596800)
#define YEAR_9999_END 253402300799

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	when_t t, again, later;

	if (!err_ok(when_parse(str_of(data, size), &t)))
		return 0;
	later = when_add_months(t, 1);
	assert(later - t >= 28 * 86400 && later - t <= 31 * 86400);
	/* An offset can carry the first and the last day out of the years that can be written. */
	if (t < YEAR_1 || t > YEAR_9999_END)
		return 0;
	assert(err_ok(when_parse(str_c(when_text(a, t)), &again)));
	assert(t == again);
	return 0;
}

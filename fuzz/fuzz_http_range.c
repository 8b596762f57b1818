/* SPDX-License-Identifier: Apache-2.0 */
/* Range fields: what is read lies within the whole. */
#include <assert.h>

#include "net/http_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t from = 0, end = 0, size;

	if (n < 8)
		return 0;
	memcpy(&size, p, 8);
	size &= INT64_MAX;
	if (http_range_read(str_of(p + 8, n - 8), size, &from, &end) == HTTP_RANGE_PART)
		assert(from < end && end <= size);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a CSV file. */
#include "codec/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct csv_record r;
	struct csv c;
	bool more = true;
	err_t e;

	if (size > 10000)
		return 0;
	e = csv_open(a, str_of(data, size), &c);
	while (err_ok(e) && more)
		e = csv_next(&c, &r, &more);
	err_forget(e);
	return 0;
}

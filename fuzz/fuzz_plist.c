/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a property list; what was read is written and read again. */
#include "codec/plist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct pl *p = NULL;
	struct str text;
	err_t e = pl_parse(a, str_of(data, size), &p);

	if (err_ok(e))
		e = pl_print(a, p, &text);
	if (err_ok(e) && !err_ok(pl_parse(a, text, &p)))
		abort();
	err_forget(e);
	return 0;
}

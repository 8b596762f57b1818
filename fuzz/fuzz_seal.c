/* SPDX-License-Identifier: Apache-2.0 */
/* No key is admitted, so nothing may open; what a signature would cover is parsed by the target of the order itself. */
#include "pki/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	struct order o;
	err_t e = seal_open(a, NULL, 0, str_of(p, n), &o);

	if (err_ok(e))
		abort();
	err_forget(e);
	return 0;
}

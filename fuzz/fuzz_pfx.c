/* SPDX-License-Identifier: Apache-2.0 */
/* The seeds' password is "password"; the MAC stops most of what the fuzzer makes, the walk before it sees all of it. */
#include "pki/pfx.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	auto_pfx struct pfx f = { 0 };

	err_forget(pfx_open(a, str_of(p, n), "password", &f));
	return 0;
}

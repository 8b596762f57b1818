/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	auto_csr struct csr c = { 0 };

	err_forget(csr_parse(a, str_of(p, n), &c));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_arena struct arena *a = arena_new();
	struct str *certs;
	size_t ncerts;
	err_t e = cms_certs_parse(a, str_of(p, n), &certs, &ncerts);

	if (err_ok(e) && ncerts == 0)
		abort();
	err_forget(e);
	return 0;
}

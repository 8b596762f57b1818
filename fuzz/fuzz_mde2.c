/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as each of the enrolment messages of Windows. */
#include <assert.h>

#include "base/limits.h"
#include "codec/mde2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size);
	struct mde2_discover d;
	struct mde2_caller c;
	struct mde2_request r;

	if (err_ok(mde2_discover_parse(a, in, &d)))
		assert(strlen(d.email) <= LIMIT_TEXT);
	if (err_ok(mde2_policy_parse(a, in, &c)))
		assert(strlen(c.token) <= LIMIT_SECURITY_TOKEN);
	if (err_ok(mde2_request_parse(a, in, &r)))
		assert(r.token.n > 0 && r.token.n <= LIMIT_CSR_BYTES);
	return 0;
}

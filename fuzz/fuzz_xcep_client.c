/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the answer to GetPolicies: read whole, or refused. */
#include <assert.h>

#include "base/limits.h"
#include "codec/xcep_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct xcep_answer answer;
	err_t e = xcep_answer_parse(a, str_of(data, size), &answer);

	if (!err_ok(e)) {
		err_forget(e);
		return 0;
	}
	assert(answer.ntemplates <= LIMIT_PAGE);
	for (size_t i = 0; i < answer.ntemplates; i++)
		assert(strlen(answer.templates[i].name) <= LIMIT_TEXT);
	return 0;
}

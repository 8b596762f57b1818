/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request and as an answer; what is read can be written, and is read again. */
#include <assert.h>

#include "codec/wstep_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct wstep_request request, again;
	struct wstep_response response;
	struct wstep_fault fault;
	bool is_fault;

	buf_init(&b, 4 << 20);
	err_forget(wstep_answer_parse(a, str_of(data, size), &is_fault, &response, &fault));
	if (!err_ok(wstep_request_parse(a, str_of(data, size), &request)))
		return 0;
	assert(err_ok(wstep_request_print(a, &request, &b)));
	assert(err_ok(wstep_request_parse(a, buf_str(&b), &again)));
	assert(str_eq(request.token, again.token) || request.type == WSTEP_QUERY);
	return 0;
}

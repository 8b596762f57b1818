/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message of Apple's management, and as the state that is kept between two. */
#include "device/apple_msg.h"
#include "device/apple_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct device d = { 0 };
	struct apple_listed *listed;
	struct apple_held *held;
	struct apple_state s;
	struct apple_msg m;
	size_t n;
	err_t e = apple_msg_read(a, str_of(data, size), &m);

	apple_state_read(a, str_of(data, size), &s);
	if (err_ok(e))
		e = apple_facts_read(a, m.body, &d);
	if (err_ok(e))
		e = apple_profiles_read(a, m.body, "chancery-", &listed, &n);
	if (err_ok(e))
		e = apple_certificates_read(a, m.body, &held, &n);
	err_forget(e);
	return 0;
}

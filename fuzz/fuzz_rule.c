/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the rule of an assignment filter, for each platform, matched against a device. */
#include "codec/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rule_facts facts = { .v = { [RULE_DEVICE_NAME] = "laptop-1",
						     [RULE_OS_VERSION_NUMBER] = "10.0.22621",
						     [RULE_SKU] = "Enterprise" } };
	auto_arena struct arena *a = arena_new();
	struct rule *r;

	if (size > 4000 || memchr(data, 0, size) != NULL)
		return 0;
	for (unsigned platform = 0; platform <= RULE_ON_ALL; platform = platform * 2 + 1) {
		err_t e = rule_parse(a, arena_cstr(a, str_of(data, size)), platform, &r);

		if (err_ok(e))
			(void)rule_match(r, &facts);
		else
			err_forget(e);
	}
	return 0;
}

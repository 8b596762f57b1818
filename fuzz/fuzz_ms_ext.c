/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as each extension value; what is read is written as the same bytes. */
#include <assert.h>

#include "codec/der.h"
#include "codec/ms_ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size), back;
	struct ms_template_info info;
	const char *text, **oids;
	size_t n;

	err_forget(ms_template_info_parse(a, in, &info));
	/* A UTF8String is read as well, and never written. */
	if (err_ok(ms_template_name_parse(a, in, &text)) && in.p[0] == DER_BMP) {
		assert(err_ok(ms_template_name_encode(a, text, &back)));
		assert(str_eq(in, back));
	}
	if (err_ok(ms_app_policies_parse(a, in, &oids, &n))) {
		assert(err_ok(ms_app_policies_encode(a, oids, n, &back)));
		assert(str_eq(in, back));
	}
	if (err_ok(ms_sid_parse(a, in, &text))) {
		assert(err_ok(ms_sid_encode(a, text, &back)));
		assert(str_eq(in, back));
	}
	return 0;
}

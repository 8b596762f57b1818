/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed secret of whatever bytes: what opens was sealed with this key, and is sealed to the same bytes again. */
#include <assert.h>
#include <stdlib.h>

#include "pki/siv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[SIV_KEY] = { 1 };
	auto_arena struct arena *a = arena_new();
	struct str opened, again;
	err_t e = siv_open(a, key, "label", str_of(data, size), &opened);

	if (err_ok(e)) {
		assert(err_ok(siv_seal(a, key, "label", opened, &again)));
		assert(str_eq(again, str_of(data, size)));
	}
	err_forget(e);
	return 0;
}

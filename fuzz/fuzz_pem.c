/* SPDX-License-Identifier: Apache-2.0 */
/* PEM from outside: at most as many blocks as asked for, and our own PEM reads back. */
#include <assert.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct str in = str_of(data, size), found[4];
	size_t n;

	if (err_ok(text_unpem(a, in, "CERTIFICATE", found, COUNT(found), &n)))
		assert(n >= 1 && n <= COUNT(found));
	if (err_ok(text_unpem(a, in, NULL, found, COUNT(found), &n)))
		assert(n >= 1 && n <= COUNT(found));
	assert(err_ok(text_unpem(a, str_c(text_pem(a, "X", in)), "X", found, 1, &n)));
	assert(str_eq(found[0], in));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of tests written as hex, blanks between allowed. */
#ifndef TESTS_UNIT_CODEC_HEX_H
#define TESTS_UNIT_CODEC_HEX_H

#include "expect.h"

#include "base/text.h"

static inline struct str
hex(struct arena *a, const char *s)
{
	char *packed = arena_alloc(a, strlen(s) + 1);
	struct str bytes = STR_EMPTY;
	size_t n = 0;

	for (; *s != '\0'; s++)
		if (*s != ' ')
			packed[n++] = *s;
	expect_ok(text_unhex(a, str_of(packed, n), &bytes));
	return bytes;
}

static inline void
assert_hex(struct arena *a, struct str got, const char *want)
{
	assert_string_equal(text_hex(a, got), text_hex(a, hex(a, want)));
}

#endif

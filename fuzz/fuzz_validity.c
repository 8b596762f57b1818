/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a request wishes, as a date or as a period: the certificate never lives longer than it would without. */
#include <assert.h>

#include "ca/validity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	const when_t now = 1800000000;
	struct validity_in in = { .now = now,
		.skew = 300,
		.period = 365 * 86400,
		.limit = 730 * 86400,
		.ca_from = now - 86400,
		.ca_to = now + 3650LL * 86400,
		.heard = true };
	struct str rest = str_of(data, size), word = str_cut(&rest, '\n');
	when_t from, to;

	/* Attributes are texts: the messages they come in have no NUL in them. */
	if (size > 4096 || (size > 0 && memchr(data, 0, size) != NULL))
		return 0;
	in.period_word = arena_cstr(a, word);
	in.period_units = arena_cstr(a, rest);
	if (err_ok(validity(&in, &from, &to)))
		assert(from < to && to > now && to <= from + in.period);
	in.expiration_date = arena_cstr(a, str_of(data, size));
	if (err_ok(validity(&in, &from, &to)))
		assert(from < to && to > now && to <= from + in.period);
	return 0;
}

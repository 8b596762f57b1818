/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_range.h"

#include "base/text.h"

/* *ret INT64_MAX for what is larger than any file; false: no digits. */
static bool
number(struct str s, int64_t *ret)
{
	err_t e;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	if (s.n == 0)
		return false;
	*ret = INT64_MAX;
	e = text_i64(s, 0, INT64_MAX, ret);
	err_forget(e);
	return true;
}

/* "-500": the last 500 bytes. */
static enum http_range
last(struct str count, uint64_t size, uint64_t *ret_from, uint64_t *ret_end)
{
	int64_t n;

	if (!number(count, &n))
		return HTTP_RANGE_WHOLE;
	if (n == 0 || size == 0)
		return HTTP_RANGE_NEVER;
	*ret_from = (uint64_t)n >= size ? 0 : size - (uint64_t)n;
	*ret_end = size;
	return HTTP_RANGE_PART;
}

enum http_range
http_range_read(struct str value, uint64_t size, uint64_t *ret_from, uint64_t *ret_end)
{
	struct str unit = str_cut(&value, '='), first;
	int64_t from, to = INT64_MAX;

	if (!str_ieq_c(str_trim(unit), "bytes"))
		return HTTP_RANGE_WHOLE;
	value = str_trim(value);
	if (memchr(value.p == NULL ? (const uint8_t *)"" : value.p, '-', value.n) == NULL)
		return HTTP_RANGE_WHOLE;
	first = str_cut(&value, '-');
	if (first.n == 0)
		return last(value, size, ret_from, ret_end);
	if (!number(first, &from) || (value.n > 0 && !number(value, &to)) || to < from)
		return HTTP_RANGE_WHOLE;
	if ((uint64_t)from >= size)
		return HTTP_RANGE_NEVER;
	*ret_from = (uint64_t)from;
	*ret_end = (uint64_t)to >= size ? size : (uint64_t)to + 1;
	return HTTP_RANGE_PART;
}

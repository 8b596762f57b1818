/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

/* Length of the UTF-8 character at the front of s, which is not empty; 0 if it is not well formed. */
static size_t
utf8_length(struct str s) /* RFC 3629 4 */
{
	const uint8_t *p = s.p;
	uint8_t low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s.n < n)
		return 0;
	switch (p[0]) {
	case 0xe0: /* overlong */
		low = 0xa0;
		break;
	case 0xed: /* surrogates */
		high = 0x9f;
		break;
	case 0xf0: /* overlong */
		low = 0x90;
		break;
	case 0xf4: /* past U+10FFFF */
		high = 0x8f;
		break;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

err_t
text_utf8(struct str s)
{
	size_t at = 0;

	while (at < s.n) {
		size_t n = utf8_length(str_of(s.p + at, s.n - at));

		if (n == 0)
			FAIL(ERR_UTF8, "byte 0x%02x at %zu", s.p[at], at);
		if (s.p[at] == 0)
			FAIL(ERR_UTF8, "NUL at %zu", at);
		at += n;
	}
	return OK;
}

err_t
text_cstr(struct arena *a, struct str s, const char **ret)
{
	TRY(text_utf8(s));
	*ret = arena_cstr(a, s);
	return OK;
}

bool
text_printable_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* The number in v, or past the end of int64_t; negative numbers reach one further. */
static bool
magnitude(struct str digits, bool negative, int64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < digits.n; i++) {
		int d = digits.p[i] - '0';

		if (__builtin_mul_overflow(*v, 10, v))
			return false;
		if (negative ? __builtin_sub_overflow(*v, d, v) : __builtin_add_overflow(*v, d, v))
			return false;
	}
	return true;
}

err_t
text_i64(struct str s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	struct str digits = negative ? str_of(s.p + 1, s.n - 1) : s;
	int64_t v;

	if (digits.n == 0)
		FAIL(ERR_NUMBER, "no digits");
	for (size_t i = 0; i < digits.n; i++)
		if (digits.p[i] < '0' || digits.p[i] > '9')
			FAIL(ERR_NUMBER, "byte 0x%02x is not a digit", digits.p[i]);
	if (!magnitude(digits, negative, &v) || v < min || v > max)
		FAIL(ERR_RANGE, "must be %lld to %lld", (long long)min, (long long)max);
	*ret = v;
	return OK;
}

/* Control characters of ASCII and Latin-1, line separators and what turns the direction of writing. */
static bool
is_control(const uint8_t *p, size_t n)
{
	if (n == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (n != 3 || p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) || /* U+2028 to U+202E */
	    (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);      /* U+2066 to U+2069 */
}

static const char hex_digits[] = "0123456789abcdef";

char *
text_safe(struct arena *a, struct str s)
{
	char *to = arena_array(a, s.n + 1, 4);
	char *q = to;

	for (size_t at = 0; at < s.n;) {
		size_t n = utf8_length(str_of(s.p + at, s.n - at));
		bool bad = n == 0 || is_control(s.p + at, n);

		if (n == 0)
			n = 1;
		for (size_t end = at + n; at < end; at++) {
			if (!bad) {
				*q++ = (char)s.p[at];
				continue;
			}
			*q++ = '\\';
			*q++ = 'x';
			*q++ = hex_digits[s.p[at] >> 4];
			*q++ = hex_digits[s.p[at] & 15];
		}
	}
	*q = '\0';
	return to;
}

char *
text_hex(struct arena *a, struct str s)
{
	char *to = arena_array(a, s.n + 1, 2);

	for (size_t i = 0; i < s.n; i++) {
		to[2 * i] = hex_digits[s.p[i] >> 4];
		to[2 * i + 1] = hex_digits[s.p[i] & 15];
	}
	return to;
}

/* -1: not a digit */
static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

err_t
text_unhex(struct arena *a, struct str s, struct str *ret)
{
	uint8_t *to;

	if (s.n % 2 != 0)
		FAIL(ERR_MALFORMED, "an odd number of hexadecimal digits");
	to = arena_alloc(a, s.n / 2);
	for (size_t i = 0; i < s.n; i += 2) {
		int high = hex_value(s.p[i]);
		int low = hex_value(s.p[i + 1]);

		if (high < 0 || low < 0)
			FAIL(ERR_MALFORMED, "not a hexadecimal digit at %zu", high < 0 ? i : i + 1);
		to[i / 2] = (uint8_t)(high << 4 | low);
	}
	*ret = str_of(to, s.n / 2);
	return OK;
}

#define DISTANCE_TEXT 128u /* longer words are never close */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

size_t
text_distance(const char *a, const char *b, size_t max) /* Levenshtein, one row kept */
{
	size_t row[DISTANCE_TEXT + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > DISTANCE_TEXT || nb > DISTANCE_TEXT)
		return max + 1;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t above = row[j];
			size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;

			row[j] = least(above + 1, row[j - 1] + 1, diagonal + change);
			diagonal = above;
		}
	}
	return row[nb] > max ? max + 1 : row[nb];
}

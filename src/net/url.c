/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* RFC 3986 2.3: everything else is escaped. */
static bool
unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

char *
url_segment(struct arena *a, const char *text)
{
	size_t n = strlen(text);
	char *out = arena_alloc(a, 3 * n + 1);
	char *p = out;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)text[i];

		if (unreserved(c))
			*p++ = (char)c;
		else
			p += snprintf(p, 4, "%%%02X", c);
	}
	*p = '\0';
	return out;
}

static int
hex_value(uint8_t c)
{
	if (isdigit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

err_t
url_decode(struct arena *a, struct str in, bool plus, bool controls, const char **ret)
{
	char *out = arena_alloc(a, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '%') {
			int hi = i + 2 < in.n ? hex_value(in.p[i + 1]) : -1;
			int lo = i + 2 < in.n ? hex_value(in.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				FAIL(ERR_BAD_REQUEST,
				    "a percent sign without two hexadecimal digits");
			c = (uint8_t)(hi * 16 + lo);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == 0 || (!controls && (c < 0x20 || c == 0x7F)))
			FAIL(ERR_BAD_REQUEST, "a control character in the target");
		out[n++] = (char)c;
	}
	TRY(text_utf8(str_of(out, n)));
	*ret = out;
	return OK;
}

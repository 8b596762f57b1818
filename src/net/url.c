/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

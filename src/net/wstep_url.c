/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wstep.h"

/* RFC 3986 2.3: everything else is escaped. */
static bool
unreserved(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

char *
wstep_url(struct arena *a, const char *base, const char *ca)
{
	size_t n = strlen(ca);
	char *name = arena_alloc(a, 3 * n + 1);
	char *p = name;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)ca[i];

		if (unreserved(c))
			*p++ = (char)c;
		else
			p += snprintf(p, 4, "%%%02X", c);
	}
	return arena_printf(a, "%s/%s_CES_Certificate/service.svc/CES", base, name);
}

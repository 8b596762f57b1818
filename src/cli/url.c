/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/url.h"

const char *
url_encode(struct arena *a, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *out = arena_array(a, strlen(s) + 1, 3);
	size_t n = 0;

	for (; *s != '\0'; s++) {
		uint8_t b = (uint8_t)*s;

		if (strchr(plain, *s) != NULL) {
			out[n++] = *s;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[b >> 4];
		out[n++] = hex[b & 15];
	}
	out[n] = '\0';
	return out;
}

const char *
url_filter(struct arena *a, const char *property, const char *value)
{
	char *quoted = arena_array(a, strlen(value) + 1, 2);
	size_t n = 0;

	for (; *value != '\0'; value++) {
		if (*value == '\'')
			quoted[n++] = '\'';
		quoted[n++] = *value;
	}
	quoted[n] = '\0';
	return arena_printf(
	    a, "$filter=%s", url_encode(a, arena_printf(a, "%s eq '%s'", property, quoted)));
}

const char *
url_path(const char *url)
{
	const char *host = strstr(url, "://");

	host = host == NULL ? url : host + 3;
	return host + strcspn(host, "/");
}

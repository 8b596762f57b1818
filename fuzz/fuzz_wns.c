/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the channel of a device: what is taken for one leads, by the reading of the client that calls it, to the push
 * service. */
#include <curl/curl.h>
#include <strings.h>

#include "net/wns.h"

#define HOST "notify.windows.com"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *uri)
{
	char *host = NULL, *port = NULL, *user = NULL, *scheme = NULL;
	CURLU *u = curl_url();
	size_t n;

	if (u == NULL || curl_url_set(u, CURLUPART_URL, uri, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    strcmp(scheme, "https") != 0 ||
	    curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_OK ||
	    curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
		abort();
	n = strlen(host);
	if (n < strlen(HOST) || strcasecmp(host + n - strlen(HOST), HOST) != 0 ||
	    (n > strlen(HOST) && host[n - strlen(HOST) - 1] != '.'))
		abort();
	curl_free(host);
	curl_free(scheme);
	curl_url_cleanup(u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	const char *uri;

	if (size > 4096 || (size > 0 && memchr(data, 0, size) != NULL))
		return 0;
	uri = arena_cstr(a, str_of(data, size));
	if (wns_channel_good(HOST, uri))
		check(uri);
	(void)wns_package_good(uri);
	return 0;
}

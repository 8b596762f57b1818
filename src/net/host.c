/* SPDX-License-Identifier: Apache-2.0 */
#include "net/host.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/utsname.h>

const char *
host_fqdn(struct arena *a)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct utsname host;
	const char *name = NULL;

	if (uname(&host) != 0 || getaddrinfo(host.nodename, NULL, &hints, &list) != 0)
		return NULL;
	if (list->ai_canonname != NULL && strchr(list->ai_canonname, '.') != NULL)
		name = arena_strdup(a, list->ai_canonname);
	freeaddrinfo(list);
	return name;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Listening TCP sockets. See proc.h. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/text.h"
#include "base/when.h"
#include "net/proc.h"

#define BACKLOG 1024
/* Processes of a parent that was killed end within this, and give up its ports. */
enum { IN_USE_MS = 3000, IN_USE_STEP_MS = 50 };

/* "host:port", "[v6]:port"; the last colon parts them. */
static err_t
split_addr(const char *addr, char *host, size_t max, char *port, size_t max_port)
{
	const char *colon = strrchr(addr, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - addr);
	int64_t number;

	if (colon == NULL)
		FAIL(ERR_CONF, "an address is host:port, not %s", addr);
	TRY_CTX(text_i64(str_c(colon + 1), 0, 65535, &number), "port of %s", addr);
	if (n >= 2 && addr[0] == '[' && addr[n - 1] == ']') {
		addr++;
		n -= 2;
	}
	if (n == 0 || n >= max || strlen(colon + 1) >= max_port)
		FAIL(ERR_CONF, "an address is host:port, not %s", addr);
	memcpy(host, addr, n);
	host[n] = '\0';
	memcpy(port, colon + 1, strlen(colon + 1) + 1);
	return OK;
}

static bool
bind_patiently(int fd, const struct addrinfo *ai)
{
	int64_t until = when_mono_ms() + IN_USE_MS;

	while (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0) {
		if (errno != EADDRINUSE || when_mono_ms() > until)
			return false;
		poll(NULL, 0, IN_USE_STEP_MS);
	}
	return true;
}

static err_t
listen_on(const struct addrinfo *ai, const char *addr, int *ret_fd, unsigned *ret_port)
{
	auto_fd int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage got;
	socklen_t n = sizeof(got);
	int one = 1;

	if (fd < 0)
		FAIL(ERR_SYSTEM, "socket for %s: %s", addr, strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    !bind_patiently(fd, ai) || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&got, &n) != 0)
		FAIL(ERR_SYSTEM, "listen on %s: %s", addr, strerror(errno));
	if (got.ss_family == AF_INET6)
		*ret_port = ntohs(((struct sockaddr_in6 *)&got)->sin6_port);
	else
		*ret_port = ntohs(((struct sockaddr_in *)&got)->sin_port);
	*ret_fd = fd;
	fd = -1;
	return OK;
}

err_t
net_listen(const char *addr, int *ret_fd, unsigned *ret_port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char host[256], port[8];
	err_t e;
	int rc;

	TRY(split_addr(addr, host, sizeof(host), port, sizeof(port)));
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0)
		FAIL(ERR_CONF, "%s: %s", addr, gai_strerror(rc));
	e = listen_on(list, addr, ret_fd, ret_port);
	freeaddrinfo(list);
	return e;
}

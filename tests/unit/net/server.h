/* SPDX-License-Identifier: Apache-2.0 */
/* A server on loopback whose handlers are the test's: what its mounts need besides, how it is started and called. */
#ifndef TESTS_UNIT_NET_SERVER_H
#define TESTS_UNIT_NET_SERVER_H

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http.h"
#include "net/proc.h"

/* A gate that is open. */
static inline err_t
server_gate(struct http_req *r, unsigned perm)
{
	(void)r;
	(void)perm;
	return OK;
}

/* Status and identifier of the fault. */
static inline void
server_on_error(struct http_req *r, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	expect_ok(
	    http_reply(r, err_info(rep.code)->http, "text/plain", str_c(err_info(rep.code)->id)));
}

/* A status that no handler gives: the test's own server did not understand what it was asked. */
static inline void
server_puzzled(struct http_req *r, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	expect_ok(http_reply(r, 418, "text/plain", str_c(rep.detail)));
}

/* On a port that is free. The socket of conf is the server's. */
static inline struct http *
server_start(struct http_conf *conf, unsigned *ret_port)
{
	struct http *h = NULL;

	expect_ok(net_listen("127.0.0.1:0", &conf->listen_fd, ret_port));
	expect_ok(http_new(conf, &h));
	expect_ok(http_start(h));
	return h;
}

/* A connection of its own, from 127.0.0.<from>. */
static inline int
server_dial_from(unsigned port, uint32_t from)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xffffff00u) + from) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline int
server_dial(unsigned port)
{
	return server_dial_from(port, 1);
}

#endif

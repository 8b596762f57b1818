/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The administrator's sockets of a host, as commands call them. Only who may open the socket (mode 0600) gets in.
 */
#ifndef CLI_SOCK_H
#define CLI_SOCK_H

#include "cli/command.h"

#define SOCK_OPT(role) \
	{ \
		.name = "socket", .value = "PATH", \
		.help = "Socket of the " role "; else /run/chancery/" role "/admin.sock." \
	}

/* role: "ca", "service", "connector"; path NULL: where that role has its socket. *ret is the caller's; may be NULL.
 * ERR_UNREACHABLE when nothing is there, ERR_FORBIDDEN when it may not be opened. */
err_t sock_call(struct cli *c, const char *role, const char *path, const char *verb,
    const json *args, json **ret);

#endif

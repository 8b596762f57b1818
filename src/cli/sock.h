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
/* The same at the socket that --socket names. */
err_t sock_ask(struct cli *c, const char *role, const char *verb, const json *args, json **ret);
/* The same at the connector of this host; failures say that it is that. */
err_t sock_connector(struct cli *c, const char *verb, const json *args, json **ret);

/* A call whose answer is printed. */
struct column;
struct sock_verb {
	const char *role, *verb;
	const char *operand; /* what the first operand is called in the arguments; NULL: nothing */
	const char *part;    /* the member of the answer that is printed; NULL: all of it */
	const struct column *columns; /* part is a list, printed as this table; NULL: one object */
	bool paged;                   /* the options are PAGE_OPTS as well */
	const char *flag;             /* an argument that the verb stands for; NULL: none */
	bool on;                      /* its value */
};

/* Asks with args (NULL: none), the operand and the options that have a property. */
err_t sock_verb(struct cli *c, const struct sock_verb *v, json *args);
/* The same as a verb of a noun, with nothing else; which call: the row's. */
err_t sock_run(struct cli *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the command line: chancery <noun> <verb>. One file in cli/cmd/ a noun; the build makes command_table from
 * the list in meson.build. Options are rows, and the rows are the help.
 *
 * Not here: what a command talks to (cli/api.h: the service's API; cli/sock.h: the sockets of a host's administrator).
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/arena.h"
#include "codec/json.h"

struct api;
struct args;
struct entity;
struct sock_verb;

/* One run of the program. */
struct cli {
	struct arena *arena;
	const struct args *args;
	bool json;            /* --json: print what came, as JSON */
	struct api *api;      /* NULL until the API is first used */
	const char *progress; /* the line of progress that stands on the terminal; NULL: none */
};

/* An option of a verb. Tables end with a row whose name is NULL. */
struct opt {
	const char *name; /* without the dashes */
	const char
	    *value; /* what stands for the value in the help; NULL: a flag, without a value */
	const char *help;
	const char
	    *property; /* what args_body() calls it in JSON; NULL: it leaves the option out */
	bool required;
	bool many;    /* may be given more than once, and holds lists with commas */
	bool is_bool; /* the value is true or false */
	char letter;  /* "-f VALUE" means the same; with a value alone */
};

/* A verb. Tables end with a row whose run is NULL. */
struct verb {
	const char *name;       /* NULL: the noun alone is the command */
	const char *help;       /* one sentence */
	const char *operands;   /* "USER", "GROUP MEMBER...", "[FILE]"; NULL: none */
	const struct opt *opts; /* may be NULL */
	err_t (*run)(struct cli *c);
	/* What run works on, where one function serves many rows; else left out. */
	const struct entity *of;      /* cli/entity.h */
	const struct sock_verb *call; /* cli/sock.h */
};

struct command {
	const char *name;
	const char *help;
	const struct verb *verbs;
};

extern const struct command *const command_table[];
extern const size_t command_count;

#endif

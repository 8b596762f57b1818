/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, read against the tables of commands: nouns, verbs, options, operands. What is not known is refused
 * with the nearest thing that is (ERR_USAGE). Options may stand anywhere behind the verb: --name VALUE or --name=VALUE;
 * after "--" all are operands.
 *
 * Every verb also takes --help (-h) and --json.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/command.h"

#define ARGS_MAX 256u

struct arg {
	const struct opt *opt;
	const char *value; /* "" for flags */
};

struct args {
	const struct verb *verb;
	struct arg *v;
	size_t n;
	const char **operands;
	size_t noperands;
	bool help, json;
};

/* ERR_USAGE. */
err_t args_command(
    const struct command *const *table, size_t n, const char *name, const struct command **ret);
err_t args_verb(const struct command *cmd, const char *name, const struct verb **ret);
/* argv: what follows the verb. With --help nothing else is demanded. */
err_t args_parse(
    struct arena *a, const struct verb *verb, size_t argc, char *const *argv, struct args *ret);

bool args_has(const struct args *g, const char *name);
const char *args_text(const struct args *g, const char *name); /* NULL: not given */
const char *args_or(const struct args *g, const char *name, const char *fallback);
/* ERR_USAGE naming the option. */
err_t args_int(const struct args *g, const char *name, int64_t min, int64_t max, int64_t fallback,
    int64_t *ret);
/* All values of an option, cut at commas, without blanks and empty ones. */
size_t args_list(struct arena *a, const struct args *g, const char *name, const char ***ret);
/* The same as a JSON array. */
json *args_json_list(struct arena *a, const struct args *g, const char *name);
/* The operands from `first` on, each cut at commas, without blanks: a JSON array. */
json *args_json_operands(const struct args *g, size_t first);
/* A page of a list: the options of PAGE_OPTS into obj, as limit and before. ERR_USAGE. */
err_t args_page(const struct args *g, json *obj);
#define PAGE_OPTS(id) \
	{ .name = "limit", .value = "N", .help = "At most so many, newest first; else 100." }, \
	{ \
		.name = "before", .value = id, \
		.help = "Only those older than this one, for the next page." \
	}
/* Every option that has a property and was given, into obj. ERR_USAGE for a bool that is none. */
err_t args_body(struct arena *a, const struct args *g, json *obj);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* chancery journal: what the CA decided, line by line, in a chain. */
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct column columns[] = {
	{ .head = "LINE", .key = "seq" },
	{ .head = "AT", .key = "at" },
	{ .head = "ACTOR", .key = "actor" },
	{ .head = "EVENT", .key = "event" },
	{ .head = "DETAIL", .key = "detail", .wrap = true },
	{ 0 },
};

static err_t
call(struct cli *c, const char *verb, const json *args, json **ret)
{
	return sock_call(c, "ca", args_text(c->args, "socket"), verb, args, ret);
}

static err_t
list(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	int64_t limit, before;

	TRY(args_int(c->args, "limit", 1, LIMIT_PAGE, 100, &limit));
	TRY(args_int(c->args, "before", 1, INT64_MAX, 0, &before));
	TRY(args_body(c->arena, c->args, args));
	json_set_int(args, "limit", limit);
	json_set_int(args, "before", before);
	TRY(call(c, "journal.list", args, &answer));
	return c->json ? out_json(c, answer) : out_table(c, columns, json_get(answer, "lines"));
}

/* Fails when the chain is broken, so that scripts see it. */
static err_t
verify(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(call(c, "journal.verify", args, &answer));
	if (!json_true(json_get(answer, "whole")))
		FAIL(ERR_STORE, "the journal is broken from line %lld on",
		    (long long)json_int(json_get(answer, "first_bad")));
	return out_object(c, answer);
}

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt list_opts[] = {
	{ .name = "event",
	    .value = "EVENT",
	    .property = "event",
	    .help = "Of one kind: issued, denied, revoked, approved ..." },
	{ .name = "actor", .value = "NAME", .property = "actor", .help = "Of one actor only." },
	{ .name = "text", .value = "TEXT", .property = "text", .help = "With this in the detail." },
	{ .name = "limit", .value = "N", .help = "At most so many, newest first; else 100." },
	{ .name = "before",
	    .value = "LINE",
	    .help = "Only those older than this one, for the next page." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Lines of the journal, newest first.", NULL, list_opts, list },
	{ "verify", "Check the journal for removed or changed lines.", NULL, socket_opts, verify },
	{ 0 },
};

const struct command command_journal = { "journal", "The CA's journal (on its host).", verbs };

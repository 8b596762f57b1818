/* SPDX-License-Identifier: Apache-2.0 */
/* chancery journal: what the CA decided, line by line, in a chain. */
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

static const struct sock_verb list = { "ca", "journal.list", .part = "lines", .columns = columns,
	.paged = true };

/* Fails when the chain is broken, so that scripts see it. */
static err_t
verify(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(sock_ask(c, "ca", "journal.verify", args, &answer));
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
	PAGE_OPTS("LINE"),
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Lines of the journal, newest first.", NULL, list_opts, sock_run, .call = &list },
	{ "verify", "Check the journal for removed or changed lines.", NULL, socket_opts, verify },
	{ 0 },
};

const struct command command_journal = { "journal", "The CA's journal (on its host).", verbs };

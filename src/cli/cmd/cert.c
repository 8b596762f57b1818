/* SPDX-License-Identifier: Apache-2.0 */
/* chancery cert: what the CA issued. */
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct column columns[] = {
	{ .head = "ID", .key = "request_id" },
	{ .head = "STATE", .key = "state", .state = true },
	{ .head = "SERIAL", .key = "serial" },
	{ .head = "TEMPLATE", .key = "template" },
	{ .head = "REQUESTER", .key = "requester" },
	{ .head = "NOT AFTER", .key = "not_after" },
	{ .head = "SUBJECT", .key = "subject", .wrap = true },
	{ .head = "MESSAGE", .key = "message", .wrap = true },
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
	TRY(call(c, "cert.list", args, &answer));
	return c->json ? out_json(c, answer) :
			 out_table(c, columns, json_get(answer, "certificates"));
}

static err_t
show(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	json_set_text(args, "serial", c->args->operands[0]);
	TRY(call(c, "cert.show", args, &answer));
	if (c->json)
		return out_json(c, answer);
	TRY(out_object(c, json_get(answer, "request")));
	fputs(json_text(json_get(answer, "certificate")), stdout);
	return OK;
}

static err_t
revoke(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	json_set_text(args, "serial", c->args->operands[0]);
	TRY(args_body(c->arena, c->args, args));
	TRY(call(c, "cert.revoke", args, &answer));
	return out_object(c, answer);
}

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt list_opts[] = {
	{ .name = "state",
	    .value = "STATE",
	    .property = "state",
	    .help = "intent, valid, revoked, denied or failed." },
	{ .name = "ca", .value = "NAME", .property = "ca", .help = "Of one CA only." },
	{ .name = "text",
	    .value = "TEXT",
	    .property = "text",
	    .help = "With this in subject, serial or requester." },
	{ .name = "limit", .value = "N", .help = "At most so many, newest first; else 100." },
	{ .name = "before",
	    .value = "ID",
	    .help = "Only those older than this one, for the next page." },
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt revoke_opts[] = {
	{ .name = "reason",
	    .value = "REASON",
	    .property = "reason",
	    .help =
		"unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Requests and certificates, newest first.", NULL, list_opts, list },
	{ "show", "One certificate.", "SERIAL", socket_opts, show },
	{ "revoke", "Revoke one certificate.", "SERIAL", revoke_opts, revoke },
	{ 0 },
};

const struct command command_cert = { "cert", "What the CA issued (on its host).", verbs };

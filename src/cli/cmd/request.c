/* SPDX-License-Identifier: Apache-2.0 */
/* chancery request: requests that wait for a manager. */
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct column columns[] = {
	{ .head = "ID", .key = "request_id" },
	{ .head = "STATE", .key = "state", .state = true },
	{ .head = "TEMPLATE", .key = "template" },
	{ .head = "REQUESTER", .key = "requester" },
	{ .head = "REQUESTED", .key = "requested" },
	{ .head = "SUBJECT", .key = "subject", .wrap = true },
	{ .head = "SAN", .key = "san", .wrap = true },
	{ .head = "MESSAGE", .key = "message", .wrap = true },
	{ 0 },
};

static const struct sock_verb list = { "ca", "request.list", .part = "requests", .columns = columns,
	.paged = true };
static const struct sock_verb show = { "ca", "request.show" };
static const struct sock_verb approve = { "ca", "request.approve" };
static const struct sock_verb deny = { "ca", "request.deny" };

static err_t
take_id(struct cli *c, json *args)
{
	int64_t id;

	TRY_CTX(text_i64(str_c(c->args->operands[0]), 1, INT64_MAX, &id), "ID");
	json_set_int(args, "id", id);
	return OK;
}

static err_t
put_request(struct cli *c, const json *answer)
{
	if (c->json)
		return out_json(c, answer);
	TRY(out_object(c, json_get(answer, "request")));
	fputs(json_text(json_get(answer, "csr")), stdout);
	fputs(json_text(json_get(answer, "certificate")), stdout);
	return OK;
}

static err_t
one(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const struct sock_verb *v = c->args->verb->call;

	TRY(take_id(c, args));
	TRY(args_body(c->arena, c->args, args));
	TRY(sock_ask(c, v->role, v->verb, args, &answer));
	return put_request(c, answer);
}

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt list_opts[] = {
	{ .name = "state",
	    .value = "STATE",
	    .property = "state",
	    .help = "pending (default), intent, valid, revoked, denied or failed." },
	{ .name = "template",
	    .value = "NAME",
	    .property = "template",
	    .help = "For one template only." },
	{ .name = "requester",
	    .value = "PRINCIPAL",
	    .property = "requester",
	    .help = "Of one principal only." },
	PAGE_OPTS("ID"),
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt deny_opts[] = {
	{ .name = "reason",
	    .value = "TEXT",
	    .property = "reason",
	    .help = "Why; the requester sees it." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Requests that wait for a manager, newest first.", NULL, list_opts, sock_run,
	    .call = &list },
	{ "show", "One request, with what was asked.", "ID", socket_opts, one, .call = &show },
	{ "approve", "Let a request go on: it is decided on again, and issued.", "ID", socket_opts,
	    one, .call = &approve },
	{ "deny", "Deny a request.", "ID", deny_opts, one, .call = &deny },
	{ 0 },
};

const struct command command_request = { "request",
	"Requests that wait for a manager (on the CA's host).", verbs };

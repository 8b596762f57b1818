/* SPDX-License-Identifier: Apache-2.0 */
/* chancery cert: what the CA issued. */
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

/* --columns, headed by their own names; else the table above. */
static const struct column *
chosen(struct cli *c)
{
	const char **names;
	size_t n = args_list(c->arena, c->args, "columns", &names);
	struct column *v = arena_array(c->arena, n + 1, sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = (struct column){ .head = names[i], .key = names[i] };
	v[n] = (struct column){ 0 };
	return n > 0 ? v : columns;
}

static err_t
list(struct cli *c)
{
	return sock_verb(c,
	    &(struct sock_verb){
		"ca", "cert.list", .part = "certificates", .columns = chosen(c), .paged = true },
	    NULL);
}

static err_t
show(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	json_set_text(args, "serial", c->args->operands[0]);
	TRY(sock_ask(c, "ca", "cert.show", args, &answer));
	if (c->json)
		return out_json(c, answer);
	TRY(out_object(c, json_get(answer, "request")));
	fputs(json_text(json_get(answer, "certificate")), stdout);
	return OK;
}

static const struct sock_verb count = { "ca", "cert.count" };
static const struct sock_verb revoke = { "ca", "cert.revoke", .operand = "serial" };
static const struct sock_verb release = { "ca", "cert.release", .operand = "serial" };

#define FILTER_OPTS \
	{ .name = "state", \
		.value = "STATE", \
		.property = "state", \
		.help = "intent, valid, revoked, denied, failed or pending." }, \
	    { .name = "ca", .value = "NAME", .property = "ca", .help = "Of one CA only." }, \
	    { .name = "template", \
		    .value = "NAME", \
		    .property = "template", \
		    .help = "Of one template only." }, \
	    { .name = "requester", \
		    .value = "PRINCIPAL", \
		    .property = "requester", \
		    .help = "Of one principal only." }, \
	    { .name = "serial", \
		    .value = "PREFIX", \
		    .property = "serial", \
		    .help = "Whose serial number begins like this." }, \
	    { .name = "text", \
		    .value = "TEXT", \
		    .property = "text", \
		    .help = "With this in subject or alternative names." }, \
	    { .name = "requested-from", \
		    .value = "TIME", \
		    .property = "requested_from", \
		    .help = "Asked for at this time or later: a date, or now-30d." }, \
	    { .name = "requested-before", \
		    .value = "TIME", \
		    .property = "requested_before", \
		    .help = "Asked for before this time." }, \
	    { .name = "ends-from", \
		    .value = "TIME", \
		    .property = "ends_from", \
		    .help = "Valid until this time or later." }, \
	{ \
		.name = "ends-before", .value = "TIME", .property = "ends_before", \
		.help = "Not valid any more at this time: a date, or now+30d." \
	}

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt count_opts[] = { FILTER_OPTS, SOCK_OPT("ca"), { 0 } };
static const struct opt list_opts[] = {
	FILTER_OPTS,
	{ .name = "columns",
	    .value = "NAME",
	    .many = true,
	    .help = "What to show, by the names that --json has; else the usual." },
	PAGE_OPTS("ID"),
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt revoke_opts[] = {
	{ .name = "reason",
	    .value = "REASON",
	    .property = "reason",
	    .help =
		"unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn or aACompromise." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Requests and certificates, newest first.", NULL, list_opts, list },
	{ "show", "One certificate.", "SERIAL", socket_opts, show },
	{ "count", "How many there are, by the same conditions.", NULL, count_opts, sock_run,
	    .call = &count },
	{ "revoke", "Revoke one certificate, or put it on hold.", "SERIAL", revoke_opts, sock_run,
	    .call = &revoke },
	{ "release", "Take one certificate off hold.", "SERIAL", socket_opts, sock_run,
	    .call = &release },
	{ 0 },
};

const struct command command_cert = { "cert", "What the CA issued (on its host).", verbs };

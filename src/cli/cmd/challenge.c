/* SPDX-License-Identifier: Apache-2.0 */
/* chancery challenge: one-time passwords for devices that enrol over SCEP by themselves. */
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

enum { MINUTES_MAX = 90 * 24 * 60 };

static const struct column columns[] = {
	{ .head = "ID", .key = "id" },
	{ .head = "STATE", .key = "state" },
	{ .head = "TEMPLATE", .key = "template" },
	{ .head = "PRINCIPAL", .key = "principal" },
	{ .head = "EXPIRES", .key = "expires" },
	{ .head = "SUBJECT", .key = "subject", .wrap = true },
	{ 0 },
};

static err_t
make(struct cli *c)
{
	auto_json json *args = json_object_new();
	int64_t minutes;

	TRY(args_int(c->args, "valid", 1, MINUTES_MAX, 0, &minutes));
	if (minutes != 0)
		json_set_int(args, "valid_minutes", minutes);
	if (args_has(c->args, "host"))
		json_set(args, "hosts", args_json_list(c->arena, c->args, "host"));
	return sock_verb(c, &(struct sock_verb){ .role = "ca", .verb = "challenge.make" }, args);
}

static const struct sock_verb list = { "ca", "challenge.list", .part = "challenges",
	.columns = columns };
static const struct sock_verb drop = { "ca", "challenge.delete", .operand = "id" };

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt make_opts[] = {
	{ .name = "template",
	    .value = "NAME",
	    .property = "template",
	    .required = true,
	    .help = "Certificate template." },
	{ .name = "subject",
	    .value = "NAME",
	    .property = "subject",
	    .help =
		"What the certificate names, \"CN=router1,O=Example\"; without it, what the request names." },
	{ .name = "host",
	    .value = "HOST",
	    .many = true,
	    .help = "DNS names and addresses in the certificate; with --subject." },
	{ .name = "valid",
	    .value = "MINUTES",
	    .help = "How long the challenge can be used; else a day." },
	{ .name = "principal",
	    .value = "NAME",
	    .property = "principal",
	    .help = "Whose rights on the template count; else those of \"scep\"." },
	{ .name = "ca", .value = "NAME", .property = "ca", .help = "Else the issuing CA." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "make", "Make a challenge password for one certificate over SCEP.", NULL, make_opts,
	    make },
	{ "list", "The challenges: open, used, expired.", NULL, socket_opts, sock_run,
	    .call = &list },
	{ "delete", "Take a challenge back.", "ID", socket_opts, sock_run, .call = &drop },
	{ 0 },
};

const struct command command_challenge = { "challenge",
	"Challenge passwords for SCEP (on the CA's host).", verbs };

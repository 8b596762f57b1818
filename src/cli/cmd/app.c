/* SPDX-License-Identifier: Apache-2.0 */
/* chancery app: applications that may call the API, kept on the service's host. */
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static err_t
add(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(args_body(c->arena, c->args, args));
	TRY(sock_ask(c, "service", "app.add", args, &answer));
	TRY(out_object(c, answer));
	if (json_get(answer, "client_secret") != NULL)
		out_say(c, "The secret is shown once; keep it now.");
	return OK;
}

static const struct column columns[] = {
	{ .head = "CLIENT ID", .key = "client_id" },
	{ .head = "NAME", .key = "name" },
	{ .head = "PUBLIC", .key = "public" },
	{ .head = "CREATED", .key = "created" },
	{ .head = "PERMISSIONS", .key = "permissions", .wrap = true },
	{ 0 },
};

static const struct sock_verb list = { "service", "app.list", .part = "apps", .columns = columns };
static const struct sock_verb take_away = { "service", "app.remove", .operand = "client_id" };

static const struct opt socket_opts[] = { SOCK_OPT("service"), { 0 } };
static const struct opt add_opts[] = {
	{ .name = "name",
	    .value = "NAME",
	    .property = "name",
	    .required = true,
	    .help = "Name for people." },
	{ .name = "permission",
	    .value = "PERMISSION",
	    .property = "permissions",
	    .required = true,
	    .many = true,
	    .help = "What it may do, such as DeviceManagementConfiguration.ReadWrite.All." },
	{ .name = "public",
	    .property = "public",
	    .help = "Without a secret: for people who sign in with a code." },
	SOCK_OPT("service"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "add", "Make an application with client id and secret.", NULL, add_opts, add },
	{ "list", "The applications with what they may do.", NULL, socket_opts, sock_run,
	    .call = &list },
	{ "remove", "Remove an application; its tokens end at once.", "CLIENT-ID", socket_opts,
	    sock_run, .call = &take_away },
	{ 0 },
};

const struct command command_app = { "app",
	"Applications that call the API (on the service's host).", verbs };

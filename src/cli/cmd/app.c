/* SPDX-License-Identifier: Apache-2.0 */
/* chancery app: applications that may call the API, made on the service's host. */
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static err_t
add(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(args_body(c->arena, c->args, args));
	TRY(sock_call(c, "service", args_text(c->args, "socket"), "app.add", args, &answer));
	TRY(out_object(c, answer));
	if (json_get(answer, "client_secret") != NULL)
		out_say(c, "The secret is shown once; keep it now.");
	return OK;
}

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
	{ 0 },
};

const struct command command_app = { "app",
	"Applications that call the API (on the service's host).", verbs };

/* SPDX-License-Identifier: Apache-2.0 */
/* chancery admin: administrators who sign in with name and password, kept on the service's host. */
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/out.h"
#include "cli/sock.h"

static err_t
password(struct cli *c, const char **ret)
{
	const char *path = args_text(c->args, "password-file");
	struct str s;

	if (path == NULL)
		return ask_new_secret(c->arena, "Password", "--password-file", ret);
	TRY_CTX(file_read(c->arena, path, LIMIT_TEXT, &s), "--password-file");
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return text_cstr(c->arena, s, ret);
}

static err_t
add(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const char *secret;

	TRY(args_body(c->arena, c->args, args));
	TRY(password(c, &secret));
	json_set_text(args, "password", secret);
	secret_wipe((char *)(uintptr_t)secret, strlen(secret));
	TRY(sock_ask(c, "service", "admin.add", args, &answer));
	return out_object(c, answer);
}

static const struct column columns[] = {
	{ .head = "NAME", .key = "name" },
	{ .head = "CREATED", .key = "created" },
	{ .head = "PERMISSIONS", .key = "permissions", .wrap = true },
	{ 0 },
};

static const struct sock_verb list = { "service", "admin.list", .part = "admins",
	.columns = columns };
static const struct sock_verb take_away = { "service", "admin.remove", .operand = "name" };

static const struct opt socket_opts[] = { SOCK_OPT("service"), { 0 } };
static const struct opt add_opts[] = {
	{ .name = "name",
	    .value = "NAME",
	    .property = "name",
	    .required = true,
	    .help = "Name to sign in with." },
	{ .name = "permission",
	    .value = "PERMISSION",
	    .property = "permissions",
	    .required = true,
	    .many = true,
	    .help =
		"What the administrator may do, such as DeviceManagementConfiguration.ReadWrite.All." },
	{ .name = "password-file",
	    .value = "FILE",
	    .help = "File with the password; else it is asked for." },
	SOCK_OPT("service"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "add", "Make an administrator.", NULL, add_opts, add },
	{ "list", "The administrators with what they may do.", NULL, socket_opts, sock_run,
	    .call = &list },
	{ "remove", "Remove an administrator; its tokens end at once.", "NAME", socket_opts,
	    sock_run, .call = &take_away },
	{ 0 },
};

const struct command command_admin = { "admin", "Administrators (on the service's host).", verbs };

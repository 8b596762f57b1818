/* SPDX-License-Identifier: Apache-2.0 */
/* chancery principal: who may ask the CA for something. */
#include "base/file.h"
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct column columns[] = {
	{ .head = "NAME", .key = "name" },
	{ .head = "KIND", .key = "kind" },
	{ .head = "GROUPS", .key = "groups" },
	{ .head = "RIGHTS", .key = "rights" },
	{ .head = "ENABLED", .key = "enabled" },
	{ .head = "PASSWORD", .key = "password" },
	{ .head = "CREATED", .key = "created" },
	{ .head = "CERTIFICATE", .key = "sha256" },
	{ 0 },
};

static err_t
add(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const char *chain, *password, *path = args_text(c->args, "out");
	const char *file = args_text(c->args, "csr"), *secret = args_text(c->args, "password-file");
	struct str csr, der;
	size_t n;

	if (file == NULL && secret == NULL)
		FAIL(ERR_USAGE, "give --csr, --password-file or both");
	json_set_text(args, "name", c->args->operands[0]);
	if (file != NULL) {
		TRY(file_read(c->arena, file, LIMIT_CSR_BYTES * 2, &csr));
		TRY(text_unpem(c->arena, csr, NULL, &der, 1, &n));
		json_set_base64(c->arena, args, "csr", der);
	}
	if (secret != NULL) {
		TRY(file_first_line(c->arena, secret, &password));
		json_set_text(args, "password", password);
	}
	TRY(sock_ask(c, "ca", "principal.add", args, &answer));
	if (c->json || file == NULL)
		return out_object(c, answer);
	chain = json_text(json_get(answer, "certificate"));
	if (path == NULL) {
		fputs(chain, stdout);
		return OK;
	}
	return file_write(path, str_c(chain), 0644);
}

static err_t
passwd(struct cli *c)
{
	auto_json json *args = json_object_new();
	const char *secret = args_text(c->args, "password-file"), *password;

	if ((secret == NULL) == !args_has(c->args, "remove"))
		FAIL(ERR_USAGE, "give --password-file or --remove");
	if (secret != NULL) {
		TRY(file_first_line(c->arena, secret, &password));
		json_set_text(args, "password", password);
	}
	return sock_verb(
	    c, &(struct sock_verb){ "ca", "principal.passwd", .operand = "name" }, args);
}

static const struct sock_verb list = { "ca", "principal.list", .part = "principals",
	.columns = columns };
static const struct sock_verb enable = { "ca", "principal.enable", .operand = "name",
	.part = "principal", .flag = "enabled", .on = true };
static const struct sock_verb disable = { "ca", "principal.enable", .operand = "name",
	.part = "principal", .flag = "enabled", .on = false };

/* ---- groups ---- */

static const struct column group_columns[] = {
	{ .head = "GROUP", .key = "name" },
	{ .head = "RIGHTS", .key = "rights" },
	{ .head = "ENABLED", .key = "enabled" },
	{ .head = "MEMBERS", .key = "members", .wrap = true },
	{ 0 },
};

static err_t
group_list(struct cli *c)
{
	return sock_verb(c,
	    &(struct sock_verb){
		"ca", "principal.group.list", .part = "groups", .columns = group_columns },
	    NULL);
}

static err_t
group_change(struct cli *c, const char *verb)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	if (c->args->noperands < 2)
		FAIL(ERR_USAGE, "GROUP is missing");
	json_set_text(args, "group", c->args->operands[1]);
	if (c->args->noperands > 2)
		json_set(args, "principals", args_json_operands(c->args, 2));
	TRY(sock_ask(c, "ca", verb, args, &answer));
	if (c->json)
		return out_json(c, answer);
	if (!json_is_object(json_get(answer, "group"))) {
		out_say(c, "deleted");
		return OK;
	}
	return out_object(c, json_get(answer, "group"));
}

static err_t
group(struct cli *c)
{
	struct str what = str_c(c->args->operands[0]);

	if (str_eq_c(what, "list") && c->args->noperands == 1)
		return group_list(c);
	if (str_eq_c(what, "add"))
		return group_change(c, "principal.group.add");
	if (str_eq_c(what, "remove"))
		return group_change(c, "principal.group.remove");
	FAIL(ERR_USAGE,
	    "principal group add GROUP [PRINCIPAL...], remove GROUP [PRINCIPAL...], or list");
}

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt add_opts[] = {
	{ .name = "csr", .value = "FILE", .help = "Certificate request, PEM or DER." },
	{ .name = "password-file",
	    .value = "FILE",
	    .help = "Its first line is the principal's password, for EST and MS-WSTEP." },
	{ .name = "out",
	    .value = "FILE",
	    .help = "Write certificate and chain there; else to standard output." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct opt passwd_opts[] = {
	{ .name = "password-file", .value = "FILE", .help = "Its first line is the new password." },
	{ .name = "remove", .help = "Let the principal in by its certificate only." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "add",
	    "Give a principal a client certificate, a password or both; an earlier certificate of it is revoked.",
	    "NAME", add_opts, add },
	{ "passwd", "Set or remove the password of a principal.", "NAME", passwd_opts, passwd },
	{ "group",
	    "Groups of principals: add GROUP [PRINCIPAL...], remove GROUP [PRINCIPAL...] (without any: the group), list.",
	    "add|remove|list [GROUP] [PRINCIPAL...]", socket_opts, group },
	{ "list", "The principals and groups, with the rights on the CA that each has itself.",
	    NULL, socket_opts, sock_run, .call = &list },
	{ "enable", "Let a principal in again.", "NAME", socket_opts, sock_run, .call = &enable },
	{ "disable", "Refuse a principal.", "NAME", socket_opts, sock_run, .call = &disable },
	{ 0 },
};

const struct command command_principal = { "principal",
	"Who may ask the CA for something (on its host).", verbs };

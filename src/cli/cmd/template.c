/* SPDX-License-Identifier: Apache-2.0 */
/* chancery template: certificate templates of the CA. */
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct column columns[] = {
	{ .head = "NAME", .key = "name" },
	{ .head = "DISPLAY NAME", .key = "display_name" },
	{ .head = "PUBLISHED", .key = "published" },
	{ .head = "SUBJECT FROM REQUEST", .key = "supply_in_request" },
	{ .head = "NEEDS ORDER", .key = "order_required" },
	{ .head = "MIN KEY", .key = "min_key_size" },
	{ .head = "DAYS", .key = "validity_days" },
	{ .head = "PURPOSES", .key = "ekus", .wrap = true },
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

	TRY(call(c, "template.list", args, &answer));
	return c->json ? out_json(c, answer) : out_table(c, columns, json_get(answer, "templates"));
}

static err_t
duplicate(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	int64_t bits, days;

	json_set_text(args, "source", c->args->operands[0]);
	json_set_text(args, "name", c->args->operands[1]);
	TRY(args_body(c->arena, c->args, args));
	TRY(args_int(c->args, "min-key-size", 1024, 8192, 0, &bits));
	TRY(args_int(c->args, "validity-days", 1, 3650, 0, &days));
	if (bits != 0)
		json_set_int(args, "min_key_size", bits);
	if (days != 0)
		json_set_int(args, "validity_days", days);
	if (args_has(c->args, "unpublished"))
		json_set_bool(args, "publish", false);
	TRY(call(c, "template.duplicate", args, &answer));
	return out_object(c, json_get(answer, "template"));
}

static err_t
grant(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	json *rights = json_array_new();

	json_set_text(args, "template", c->args->operands[0]);
	json_set_text(args, "principal", c->args->operands[1]);
	json_set(args, "rights", rights);
	for (size_t i = 2; i < c->args->noperands; i++) {
		struct str rest = str_c(c->args->operands[i]);

		while (rest.n > 0)
			json_add(rights, json_str_new(str_trim(str_cut(&rest, ','))));
	}
	if (json_count(rights) == 0 && !args_has(c->args, "deny")) {
		json_add(rights, json_text_new("read"));
		json_add(rights, json_text_new("enrol"));
	}
	if (args_has(c->args, "deny"))
		json_set(args, "deny", args_json_list(c->arena, c->args, "deny"));
	TRY(call(c, "template.grant", args, &answer));
	if (c->json)
		return out_json(c, answer);
	out_say(c, "%s: rights of %s are set", c->args->operands[0], c->args->operands[1]);
	return OK;
}

static err_t
set_published(struct cli *c, bool published)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	json_set_text(args, "template", c->args->operands[0]);
	json_set_bool(args, "published", published);
	TRY(call(c, "template.publish", args, &answer));
	return out_object(c, json_get(answer, "template"));
}

static err_t
publish(struct cli *c)
{
	return set_published(c, true);
}

static err_t
withdraw(struct cli *c)
{
	return set_published(c, false);
}

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt duplicate_opts[] = {
	{ .name = "display-name",
	    .value = "TEXT",
	    .property = "display_name",
	    .help = "Name for people." },
	{ .name = "supply-in-request",
	    .property = "supply_in_request",
	    .help = "The subject comes with the request." },
	{ .name = "order-required",
	    .property = "order_required",
	    .help = "Issue only against a sealed order of a management service." },
	{ .name = "eku",
	    .value = "OID",
	    .property = "ekus",
	    .many = true,
	    .help = "Purposes instead of those of SOURCE." },
	{ .name = "min-key-size", .value = "BITS", .help = "Smallest RSA key." },
	{ .name = "validity-days", .value = "DAYS", .help = "Life of a certificate." },
	{ .name = "unpublished", .help = "Do not publish it on the issuing CA yet." },
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt grant_opts[] = {
	{ .name = "deny",
	    .value = "RIGHT",
	    .many = true,
	    .help = "Rights that are denied, whatever allows them." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "The templates with their settings.", NULL, socket_opts, list },
	{ "duplicate", "Make a template from another one and publish it.", "SOURCE NAME",
	    duplicate_opts, duplicate },
	{ "grant",
	    "Set what a principal may do with a template: read, enrol, autoenrol, write; else read and enrol.",
	    "TEMPLATE PRINCIPAL [RIGHT...]", grant_opts, grant },
	{ "publish", "Publish a template on the issuing CA.", "TEMPLATE", socket_opts, publish },
	{ "withdraw", "Issue nothing of a template any more.", "TEMPLATE", socket_opts, withdraw },
	{ 0 },
};

const struct command command_template = { "template", "Certificate templates (on the CA's host).",
	verbs };

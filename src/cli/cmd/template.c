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

static const struct sock_verb list = { "ca", "template.list", .part = "templates",
	.columns = columns };
static const struct sock_verb drop = { "ca", "template.delete", .operand = "template" };
static const struct sock_verb publish = { "ca", "template.publish", .operand = "template",
	.part = "template", .flag = "published", .on = true };
static const struct sock_verb withdraw = { "ca", "template.publish", .operand = "template",
	.part = "template", .flag = "published", .on = false };

/* The options that are numbers of a template. */
static err_t
take_numbers(struct cli *c, json *args)
{
	static const struct {
		const char *option, *property;
		int64_t min, max;
	} numbers[] = {
		{ "min-key-size", "min_key_size", 2048, 8192 },
		{ "validity-days", "validity_days", 1, 3650 },
		{ "renewal-days", "renewal_days", 0, 3650 },
	};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		int64_t v;

		if (!args_has(c->args, numbers[i].option))
			continue;
		TRY(args_int(c->args, numbers[i].option, numbers[i].min, numbers[i].max, 0, &v));
		json_set_int(args, numbers[i].property, v);
	}
	return OK;
}

static err_t
duplicate(struct cli *c)
{
	auto_json json *args = json_object_new();

	json_set_text(args, "name", c->args->operands[1]);
	TRY(take_numbers(c, args));
	if (args_has(c->args, "unpublished"))
		json_set_bool(args, "publish", false);
	return sock_verb(c,
	    &(struct sock_verb){
		"ca", "template.duplicate", .operand = "source", .part = "template" },
	    args);
}

static err_t
edit(struct cli *c)
{
	auto_json json *args = json_object_new();

	TRY(take_numbers(c, args));
	return sock_verb(c,
	    &(struct sock_verb){ "ca", "template.edit", .operand = "template", .part = "template" },
	    args);
}

static const struct column right_columns[] = {
	{ .head = "PRINCIPAL", .key = "principal" },
	{ .head = "ALLOWED", .key = "allowed" },
	{ .head = "DENIED", .key = "denied" },
	{ 0 },
};

static err_t
show(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	json_set_text(args, "template", c->args->operands[0]);
	TRY(sock_ask(c, "ca", "template.show", args, &answer));
	if (c->json)
		return out_json(c, answer);
	TRY(out_object(c, json_get(answer, "template")));
	return out_table(c, right_columns, json_get(answer, "rights"));
}

static const struct column lint_columns[] = {
	{ .head = "TEMPLATE", .key = "template" },
	{ .head = "RULE", .key = "rule" },
	{ .head = "SEVERITY", .key = "severity", .state = true },
	{ .head = "REASON", .key = "reason", .wrap = true },
	{ .head = "CHANGE", .key = "change", .wrap = true },
	{ 0 },
};

static err_t
lint(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	if (c->args->noperands > 0)
		json_set_text(args, "template", c->args->operands[0]);
	TRY(sock_ask(c, "ca", "template.lint", args, &answer));
	return out_list(c, lint_columns, answer, "findings");
}

static err_t
grant(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	json *rights = args_json_operands(c->args, 2);

	json_set_text(args, "template", c->args->operands[0]);
	json_set_text(args, "principal", c->args->operands[1]);
	json_set(args, "rights", rights);
	if (json_count(rights) == 0 && !args_has(c->args, "deny")) {
		json_add(rights, json_text_new("read"));
		json_add(rights, json_text_new("enrol"));
	}
	if (args_has(c->args, "deny"))
		json_set(args, "deny", args_json_list(c->arena, c->args, "deny"));
	if (args_has(c->args, "override"))
		json_set(args, "override", args_json_list(c->arena, c->args, "override"));
	TRY(sock_ask(c, "ca", "template.grant", args, &answer));
	if (c->json)
		return out_json(c, answer);
	out_say(c, "%s: rights of %s are set", c->args->operands[0], c->args->operands[1]);
	return OK;
}

static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
#define FLAG_OPT(opt_name, prop, text) \
	{ \
		.name = opt_name, .value = "true|false", .property = prop, .is_bool = true, \
		.help = text \
	}
#define SETTING_OPTS \
	{ .name = "display-name", \
		.value = "TEXT", \
		.property = "display_name", \
		.help = "Name for people." }, \
	    FLAG_OPT("manager-approval", "manager_approval", \
		"A manager approves each request (chancery request approve)."), \
	    FLAG_OPT("renewal-without-approval", "renewal_without_approval", \
		"A renewal with the old certificate needs no approval."), \
	    FLAG_OPT("publish-in-directory", "publish_in_directory", \
		"Ask for publication in the directory."), \
	    FLAG_OPT("autoenrol", "autoenrol", "Clients may enrol by themselves."), \
	    FLAG_OPT("sid-extension", "sid_extension", \
		"Write the security identifier into certificates."), \
	    FLAG_OPT("allow-key-export", "allow_key_export", "The private key may leave."), \
	    FLAG_OPT("signature-is-proof-of-origin", "signature_is_proof_of_origin", \
		"Key usage nonRepudiation."), \
	    { .name = "key-usage", \
		    .value = "NAME", \
		    .property = "key_usages", \
		    .many = true, \
		    .help = \
			"digitalSignature, keyEncipherment, dataEncipherment, keyAgreement." }, \
	    { .name = "eku", \
		    .value = "OID", \
		    .property = "ekus", \
		    .many = true, \
		    .help = "Purposes (application policies)." }, \
	    { .name = "key-alg", \
		    .value = "ALG", \
		    .property = "key_algorithms", \
		    .many = true, \
		    .help = \
			"Algorithms of keys: rsa, p256, p384; else what the key usage allows." }, \
	    { .name = "min-key-size", .value = "BITS", .help = "Smallest RSA key." }, \
	    { .name = "validity-days", .value = "DAYS", .help = "Life of a certificate." }, \
	    { .name = "renewal-days", \
		    .value = "DAYS", \
		    .help = "How long before its end it is renewed." }, \
	    { .name = "ca-compatibility", \
		    .value = "LEVEL", \
		    .property = "ca_compatibility", \
		    .help = "2003, 2008, 2008R2, 2012, 2012R2 or 2016." }, \
	    { .name = "client-compatibility", \
		    .value = "LEVEL", \
		    .property = "client_compatibility", \
		    .help = "XP, Vista, 7, 8, 8.1 or 10." }, \
	{ \
		.name = "override", .value = "RULE", .property = "override", .many = true, \
		.help = "Set a rule aside that refuses, by its name: ESC1. It is journalled." \
	}

static const struct opt duplicate_opts[] = {
	{ .name = "supply-in-request",
	    .property = "supply_in_request",
	    .help = "The subject comes with the request." },
	{ .name = "order-required",
	    .property = "order_required",
	    .help = "Issue only against a sealed order of a management service." },
	SETTING_OPTS,
	{ .name = "unpublished", .help = "Do not publish it on the issuing CA yet." },
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt edit_opts[] = {
	FLAG_OPT("supply-in-request", "supply_in_request", "The subject comes with the request."),
	FLAG_OPT("order-required", "order_required",
	    "Issue only against a sealed order of a management service."),
	SETTING_OPTS,
	{ .name = "reenrol-all-holders",
	    .property = "reenrol_all_holders",
	    .help = "Holders of older certificates enrol anew (the major revision goes up)." },
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt publish_opts[] = {
	{ .name = "ca",
	    .value = "NAME",
	    .property = "ca",
	    .help = "On which CA; else the issuing one." },
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt grant_opts[] = {
	{ .name = "deny",
	    .value = "RIGHT",
	    .many = true,
	    .help = "Rights that are denied, whatever allows them." },
	{ .name = "override",
	    .value = "RULE",
	    .many = true,
	    .help = "Set a rule aside that refuses, by its name: ESC1. It is journalled." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "The templates with their settings.", NULL, socket_opts, sock_run,
	    .call = &list },
	{ "show", "One template, and the rights on it.", "TEMPLATE", socket_opts, show },
	{ "duplicate", "Make a template from another one and publish it.", "SOURCE NAME",
	    duplicate_opts, duplicate },
	{ "edit", "Change a template that is not built in.", "TEMPLATE", edit_opts, edit },
	{ "delete", "Delete a template that is not built in and not published.", "TEMPLATE",
	    socket_opts, sock_run, .call = &drop },
	{ "lint", "What the rules for templates say, about one or all that are in use.",
	    "[TEMPLATE]", socket_opts, lint },
	{ "grant",
	    "Set what a principal may do with a template: read, enrol, autoenrol, write, full; else read and enrol.",
	    "TEMPLATE PRINCIPAL [RIGHT...]", grant_opts, grant },
	{ "publish", "Publish a template on the issuing CA.", "TEMPLATE", publish_opts, sock_run,
	    .call = &publish },
	{ "withdraw", "Issue nothing of a template any more.", "TEMPLATE", publish_opts, sock_run,
	    .call = &withdraw },
	{ 0 },
};

const struct command command_template = { "template", "Certificate templates (on the CA's host).",
	verbs };

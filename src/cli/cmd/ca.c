/* SPDX-License-Identifier: Apache-2.0 */
/* chancery ca: the certification authority itself. */
#include "base/file.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct column columns[] = {
	{ .head = "NAME", .key = "name" },
	{ .head = "ROLE", .key = "role" },
	{ .head = "KEY", .key = "key" },
	{ .head = "NOT AFTER", .key = "not_after" },
	{ .head = "SUBJECT", .key = "subject", .wrap = true },
	{ 0 },
};

static err_t
call(struct cli *c, const char *verb, const json *args, json **ret)
{
	return sock_call(c, "ca", args_text(c->args, "socket"), verb, args, ret);
}

static err_t
put_cas(struct cli *c, const json *answer)
{
	return c->json ? out_json(c, answer) : out_table(c, columns, json_get(answer, "cas"));
}

static err_t
init(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	json *hosts = args_json_list(c->arena, c->args, "host");

	json_set(args, "hosts", hosts);
	TRY(args_body(c->arena, c->args, args));
	out_progress(c, "making the keys of the CAs");
	TRY(call(c, "ca.init", args, &answer));
	out_progress(c, "");
	return put_cas(c, answer);
}

static err_t
show(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(call(c, "ca.show", args, &answer));
	return put_cas(c, answer);
}

static err_t
export_root(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const char *path = c->args->noperands > 0 ? c->args->operands[0] : NULL;
	const char *role = args_or(c->args, "role", "root");
	const char *pem = NULL;
	const json *cas;

	TRY(call(c, "ca.show", args, &answer));
	cas = json_get(answer, "cas");
	for (size_t i = 0; i < json_count(cas); i++)
		if (str_eq_c(str_c(role), json_text(json_get(json_at(cas, i), "role"))))
			pem = json_text(json_get(json_at(cas, i), "certificate"));
	if (pem == NULL && json_count(cas) == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	if (pem == NULL)
		FAIL(ERR_USAGE, "--role is one of root, issuing, identity");
	if (path == NULL) {
		fputs(pem, stdout);
		return OK;
	}
	TRY(file_write(path, str_c(pem), 0644));
	out_say(c, "%s", path);
	return OK;
}

static err_t
grant(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	json *rights = json_array_new();

	json_set_text(args, "principal", c->args->operands[0]);
	json_set(args, "rights", rights);
	for (size_t i = 1; i < c->args->noperands; i++) {
		struct str rest = str_c(c->args->operands[i]);

		while (rest.n > 0)
			json_add(rights, json_str_new(str_trim(str_cut(&rest, ','))));
	}
	TRY(call(c, "ca.grant", args, &answer));
	return out_object(c, json_get(answer, "principal"));
}

static const struct opt init_opts[] = {
	{ .name = "name",
	    .value = "NAME",
	    .property = "name",
	    .required = true,
	    .help =
		"Name of the organisation; the CAs are \"NAME Root CA\", \"NAME Issuing CA\", \"NAME Device Identity CA\"." },
	{ .name = "host",
	    .value = "HOST",
	    .required = true,
	    .many = true,
	    .help = "Host name or address of the enrolment port, for its TLS certificate." },
	{ .name = "http-url",
	    .value = "URL",
	    .property = "http_url",
	    .required = true,
	    .help =
		"How everybody reaches the plain HTTP port; stands in certificates as the place of CRLs." },
	{ .name = "key-alg",
	    .value = "ALG",
	    .property = "key_alg",
	    .help = "Keys of the CAs: rsa (default), p256 or p384." },
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt export_opts[] = {
	{ .name = "role", .value = "ROLE", .help = "root (default), issuing or identity." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "init", "Make the root, the issuing and the device-identity CA.", NULL, init_opts, init },
	{ "show", "The CAs with their certificates.", NULL, socket_opts, show },
	{ "export-root", "Write the root certificate as PEM.", "[FILE]", export_opts, export_root },
	{ "grant", "Set what a principal may do at the CA: request, officer.", "PRINCIPAL RIGHT...",
	    socket_opts, grant },
	{ 0 },
};

const struct command command_ca = { "ca", "The certification authority (on its host).", verbs };

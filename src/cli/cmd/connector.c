/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery connector: joining a connector to CA and service, on its host; and the connectors that the service knows.
 *
 * On its host besides: what it is, whether all that a job needs is there, which features it serves, and putting it out of
 * work without losing any.
 *
 *   connector: connector.csr ──► CA: principal.add, ca.grant ──► connector: connector.join, which enrols at the service
 */
#include "base/file.h"
#include "base/limits.h"
#include "base/when.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/find.h"
#include "cli/out.h"
#include "cli/sock.h"

#include <poll.h>

enum { STEP_MS = 200 };

static const struct column columns[] = {
	{ .head = "NAME", .key = "displayName" },
	{ .head = "STATE", .key = "state", .state = true },
	{ .head = "MACHINE", .key = "machineName" },
	{ .head = "VERSION", .key = "connectorVersion" },
	{ .head = "LAST CONTACT", .key = "lastConnectionDateTime" },
	{ .head = "FEATURES", .key = "@chancery.features" },
	{ .head = "JOBS", .key = "@chancery.jobs" },
	{ .head = "CAS", .key = "@chancery.certificationAuthorities" },
	{ .head = "WARNING", .key = "@chancery.warning", .wrap = true },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static const struct column finding_columns[] = {
	{ .head = "CHECK", .key = "check" },
	{ .head = "RESULT", .key = "result", .state = true },
	{ .head = "FINDING", .key = "text", .wrap = true },
	{ .head = "DETAIL", .key = "detail", .wrap = true },
	{ .head = "NEXT STEP", .key = "hint", .wrap = true },
	{ 0 },
};

static err_t
ours(struct cli *c, const char *verb, const json *args, json **ret)
{
	TRY_CTX(sock_ask(c, "connector", verb, args, ret), "connector");
	return OK;
}

static err_t
at_ca(struct cli *c, const char *verb, const json *args, json **ret)
{
	TRY_CTX(sock_call(c, "ca", args_text(c->args, "ca-socket"), verb, args, ret), "CA");
	return OK;
}

/* The CA of this role, as ca.show has it. */
static err_t
ca_of_role(const json *shown, const char *role, const json **ret)
{
	const json *cas = json_get(shown, "cas");

	for (size_t i = 0; i < json_count(cas); i++) {
		*ret = json_at(cas, i);
		if (str_eq_c(str_c(role), json_text(json_get(*ret, "role"))))
			return OK;
	}
	FAIL(ERR_CA_NONE, "there is no %s CA", role);
}

/* Principal, its certificate, its rights: to request, and to revoke what was ordered through it. */
static err_t
make_principal(struct cli *c, const char *name, const char *csr, const char **ret_chain)
{
	auto_json json *args = json_object_new(), *made = NULL, *rights = json_object_new(),
		       *done = NULL;
	json *list = json_array_new();
	const char **templates;
	size_t n;

	json_set_text(args, "name", name);
	json_set_text(args, "csr", csr);
	TRY(at_ca(c, "principal.add", args, &made));
	*ret_chain = arena_strdup(c->arena, json_text(json_get(made, "certificate")));

	json_set_text(rights, "principal", name);
	json_add(list, json_text_new("request"));
	json_add(list, json_text_new("officer"));
	json_set(rights, "rights", list);
	TRY(at_ca(c, "ca.grant", rights, &done));

	n = args_list(c->arena, c->args, "template", &templates);
	for (size_t i = 0; i < n; i++) {
		auto_json json *grant = json_object_new(), *granted = NULL;
		json *enrol = json_array_new();

		json_set_text(grant, "template", templates[i]);
		json_set_text(grant, "principal", name);
		json_add(enrol, json_text_new("read"));
		json_add(enrol, json_text_new("enrol"));
		json_set(grant, "rights", enrol);
		TRY(at_ca(c, "template.grant", grant, &granted));
	}
	return OK;
}

/* The PEM file that --trust names, else the CA's own root. */
static err_t
service_trust(struct cli *c, const char *root, const char **ret)
{
	const char *path = args_text(c->args, "trust");
	struct str pem, der[LIMIT_CHAIN_CERTS];
	const char *all = "";
	size_t n;

	*ret = root;
	if (path == NULL)
		return OK;
	TRY_CTX(file_read(c->arena, path, LIMIT_CONF_BYTES, &pem), "--trust");
	TRY_CTX(text_unpem(c->arena, pem, "CERTIFICATE", der, LIMIT_CHAIN_CERTS, &n), "--trust %s",
	    path);
	for (size_t i = 0; i < n; i++)
		all =
		    arena_printf(c->arena, "%s%s", all, text_pem(c->arena, "CERTIFICATE", der[i]));
	*ret = all;
	return OK;
}

static err_t
join_args(struct cli *c, const json *shown, json *args)
{
	const json *root, *issuing, *identity;
	const char *trust;

	TRY(ca_of_role(shown, "root", &root));
	TRY(ca_of_role(shown, "issuing", &issuing));
	TRY(ca_of_role(shown, "identity", &identity));
	TRY(service_trust(c, json_text(json_get(root, "certificate")), &trust));
	json_set_text(args, "name", args_text(c->args, "name"));
	json_set_text(args, "service_url", args_text(c->args, "service-url"));
	json_set_text(args, "ca_url", args_text(c->args, "ca-url"));
	json_set(args, "cas", args_json_list(c->arena, c->args, "ca"));
	if (json_count(json_get(args, "cas")) == 0)
		json_add(
		    json_get(args, "cas"), json_text_new(json_text(json_get(issuing, "name"))));
	json_set_text(args, "service_trust", trust);
	json_set_text(args, "ca_trust", json_text(json_get(root, "certificate")));
	json_set_text(args, "identity_ca", json_text(json_get(identity, "certificate")));
	json_set_text(args, "code", args_text(c->args, "code"));
	if (args_has(c->args, "proxy"))
		json_set_text(args, "proxy", args_text(c->args, "proxy"));
	json_set_text(args, "backend", args_or(c->args, "backend", "wstep"));
	if (args_has(c->args, "feature"))
		json_set(args, "features", args_json_list(c->arena, c->args, "feature"));
	return OK;
}

static err_t
join(struct cli *c)
{
	auto_json json *none = json_object_new(), *args = json_object_new(), *before = NULL,
		       *shown = NULL, *csr = NULL, *answer = NULL;
	const char *chain;

	TRY(ours(c, "connector.show", none, &before));
	if (json_true(json_get(before, "joined")))
		FAIL(ERR_JOINED, "it is \"%s\"", json_text(json_get(before, "name")));
	out_progress(c, "the connector makes its request");
	TRY(ours(c, "connector.csr", none, &csr));
	TRY(at_ca(c, "ca.show", none, &shown));
	TRY(join_args(c, shown, args));
	out_progress(c, "the CA makes its certificate");
	TRY(make_principal(c, args_text(c->args, "name"), json_text(json_get(csr, "csr")), &chain));
	json_set_text(args, "ca_certificate", chain);
	out_progress(c, "the connector enrols at the service");
	TRY(ours(c, "connector.join", args, &answer));
	out_progress(c, "");
	return out_object(c, answer);
}

static err_t
show(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(ours(c, "connector.show", args, &answer));
	return out_object(c, answer);
}

/* The exit status is that of the first finding that is not well. */
static err_t
check(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const struct err_info *first = NULL;
	const char *detail = "";
	json *findings;

	TRY(ours(c, "connector.check", args, &answer));
	findings = json_get(answer, "findings");
	for (size_t i = json_count(findings); i-- > 0;) {
		json *one = json_at(findings, i);
		bool ok = json_true(json_get(one, "ok"));

		json_set_text(one, "result", ok ? "ok" : "failed");
		if (ok)
			continue;
		first = err_info_by_id(json_text(json_get(one, "fault")));
		detail = json_text(json_get(one, "detail"));
	}
	TRY(out_list(c, finding_columns, answer, "findings"));
	if (first != NULL)
		FAIL(first->code, "%s", detail);
	return OK;
}

static err_t
set(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	if (!args_has(c->args, "feature") && !args_has(c->args, "proxy"))
		FAIL(ERR_USAGE, "--feature, --proxy or both");
	if (args_has(c->args, "feature"))
		json_set(args, "features", args_json_list(c->arena, c->args, "feature"));
	if (args_has(c->args, "proxy"))
		json_set_text(args, "proxy", args_text(c->args, "proxy"));
	TRY(ours(c, "connector.set", args, &answer));
	return out_object(c, answer);
}

/* Until nothing is in hand any more, or the time is over. */
static err_t
drain(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	int64_t seconds, until, left;

	TRY(args_int(c->args, "timeout", 0, 86400, 60, &seconds));
	TRY(ours(c, "connector.drain", args, &answer));
	until = when_mono_ms() + seconds * 1000;
	while (
	    (left = json_int(json_get(answer, "waiting")) + json_int(json_get(answer, "running")) +
		    json_int(json_get(answer, "finished"))) > 0) {
		if (when_mono_ms() >= until)
			FAIL(ERR_TIMEOUT, "%lld jobs are still in hand", (long long)left);
		out_progress(c, arena_printf(c->arena, "%lld jobs in hand", (long long)left));
		poll(NULL, 0, STEP_MS);
		json_free(steal(answer));
		TRY(ours(c, "connector.show", args, &answer));
	}
	out_progress(c, "");
	return out_object(c, answer);
}

static err_t
resume(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(ours(c, "connector.resume", args, &answer));
	return out_object(c, answer);
}

static err_t
list(struct cli *c)
{
	auto_json json *rows = NULL;

	TRY(api_list(c, "/beta/deviceManagement/ndesConnectors", &rows));
	return out_rows(c, columns, rows);
}

static err_t delete (struct cli *c)
{
	const char *id;

	TRY(find_connector(c, c->args->operands[0], &id));
	TRY(api_send(c, "DELETE",
	    arena_printf(c->arena, "/beta/deviceManagement/ndesConnectors/%s", id), NULL, NULL));
	out_say(c, "deleted");
	return OK;
}

#define PROXY_OPT \
	{ \
		.name = "proxy", .value = "URL", \
		.help = \
		    "HTTP proxy towards the service: http://USER:PASSWORD@HOST:PORT; empty for none." \
	}
#define FEATURE_HELP "What it serves: pkcs, pfx, revoke; else all that it can."

static const struct opt show_opts[] = { SOCK_OPT("connector"), { 0 } };
static const struct opt set_opts[] = {
	{ .name = "feature",
	    .value = "NAME",
	    .many = true,
	    .help = "What it serves from now on: pkcs, pfx, revoke." },
	PROXY_OPT,
	SOCK_OPT("connector"),
	{ 0 },
};
static const struct opt drain_opts[] = {
	{ .name = "timeout", .value = "SECONDS", .help = "How long to wait; else 60." },
	SOCK_OPT("connector"),
	{ 0 },
};
static const struct opt join_opts[] = {
	{ .name = "service-url",
	    .value = "URL",
	    .required = true,
	    .help = "The service's device port." },
	{ .name = "code",
	    .value = "CODE",
	    .required = true,
	    .help = "One-time code from \"chancery code create --kind connector\"." },
	{ .name = "ca-url",
	    .value = "URL",
	    .required = true,
	    .help = "How the connector reaches the CA's enrolment port." },
	{ .name = "name",
	    .value = "NAME",
	    .required = true,
	    .help = "Name of the connector, and of its principal at the CA." },
	{ .name = "template",
	    .value = "NAME",
	    .many = true,
	    .help = "Templates that it may enrol for." },
	{ .name = "ca",
	    .value = "NAME",
	    .many = true,
	    .help = "CAs that it serves; else the issuing CA." },
	{ .name = "feature", .value = "NAME", .many = true, .help = FEATURE_HELP },
	PROXY_OPT,
	{ .name = "backend",
	    .value = "NAME",
	    .help = "How it talks to the CA: wstep or est; else wstep." },
	{ .name = "trust",
	    .value = "FILE",
	    .help = "Whom to trust for the service, PEM; else the CA's root." },
	{ .name = "ca-socket",
	    .value = "PATH",
	    .help = "Socket of the CA; else /run/chancery/ca/admin.sock." },
	SOCK_OPT("connector"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "join", "Join the connector of this host to CA and service.", NULL, join_opts, join },
	{ "show", "What the connector of this host is and where it stands.", NULL, show_opts,
	    show },
	{ "check", "Try everything that a job will need, and say what is missing.", NULL, show_opts,
	    check },
	{ "set", "Change the features or the proxy of the connector of this host.", NULL, set_opts,
	    set },
	{ "drain", "Finish what the connector of this host has in hand, and take nothing more.",
	    NULL, drain_opts, drain },
	{ "resume", "Let a drained connector work again.", NULL, show_opts, resume },
	{ "list", "The connectors that the service knows.", NULL, NULL, list },
	{ "delete", "Refuse a connector from now on.", "CONNECTOR", NULL, delete },
	{ 0 },
};

const struct command command_connector = { "connector", "Connectors between service and CA.",
	verbs };

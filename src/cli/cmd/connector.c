/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery connector: joining a connector to CA and service, on its host; and the connectors that the service knows.
 *
 * On its host besides: what it is, whether all that a job needs is there, which features it serves, and putting it out of
 * work without losing any.
 *
 * Joining itself is cli/connector_join.h, new releases are cli/connector_update.h.
 */
#include "base/when.h"
#include "cli/args.h"
#include "cli/connector_join.h"
#include "cli/connector_update.h"
#include "cli/entity.h"
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

static const struct column key_columns[] = {
	{ .head = "KEYS", .key = "bits" },
	{ .head = "READY", .key = "ready" },
	{ .head = "OF", .key = "room" },
	{ .head = "BEING MADE", .key = "making" },
	{ .head = "TAKEN", .key = "taken" },
	{ .head = "HAD TO WAIT", .key = "waited" },
	{ .head = "MS TOGETHER", .key = "wait_ms" },
	{ 0 },
};

static err_t
show(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(sock_connector(c, "connector.show", args, &answer));
	TRY(out_object(c, answer));
	return c->json ? OK : out_table(c, key_columns, json_get(answer, "keys"));
}

/* As they are, for a program: Prometheus text knows no tables. */
static err_t
metrics(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(sock_connector(c, "connector.metrics", args, &answer));
	if (c->json)
		return out_json(c, answer);
	fputs(json_text(json_get(answer, "text")), stdout);
	return OK;
}

/* The exit status is that of the first finding that is not well. */
static err_t
check(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const struct err_info *first = NULL;
	const char *detail = "";
	json *findings;

	TRY(sock_connector(c, "connector.check", args, &answer));
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

	if (!args_has(c->args, "feature") && !args_has(c->args, "proxy") &&
	    !args_has(c->args, "ca-proxy") && !args_has(c->args, "ca-secret-file") &&
	    !args_has(c->args, "order-key"))
		FAIL(ERR_USAGE,
		    "give one of --feature, --proxy, --ca-proxy, --ca-secret-file, --order-key");
	if (args_has(c->args, "feature"))
		json_set(args, "features", args_json_list(c->arena, c->args, "feature"));
	if (args_has(c->args, "proxy"))
		json_set_text(args, "proxy", args_text(c->args, "proxy"));
	if (args_has(c->args, "ca-proxy"))
		json_set_text(args, "ca_proxy", args_text(c->args, "ca-proxy"));
	TRY(connector_secret(c, args));
	TRY(connector_order_key(c, args));
	TRY(sock_connector(c, "connector.set", args, &answer));
	return out_object(c, answer);
}

/* Until nothing is in hand any more, or the time is over. */
static err_t
drain(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	int64_t seconds, until, left;

	TRY(args_int(c->args, "timeout", 0, 86400, 60, &seconds));
	TRY(sock_connector(c, "connector.drain", args, &answer));
	until = when_mono_ms() + seconds * 1000;
	while (
	    (left = json_int(json_get(answer, "waiting")) + json_int(json_get(answer, "running")) +
		    json_int(json_get(answer, "finished"))) > 0) {
		if (when_mono_ms() >= until)
			FAIL(ERR_TIMEOUT, "%lld jobs are still in hand", (long long)left);
		out_progress(c, arena_printf(c->arena, "%lld jobs in hand", (long long)left));
		poll(NULL, 0, STEP_MS);
		json_free(steal(answer));
		TRY(sock_connector(c, "connector.show", args, &answer));
	}
	out_progress(c, "");
	return out_object(c, answer);
}

static err_t
resume(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	TRY(sock_connector(c, "connector.resume", args, &answer));
	return out_object(c, answer);
}

static const struct entity connectors = { "/beta/deviceManagement/ndesConnectors",
	.columns = columns, .find = find_connector };

#define PROXY_OPTS \
	{ \
		.name = "proxy", \
		.value = "URL", \
		.help = \
		    "HTTP proxy towards the service: http://USER:PASSWORD@HOST:PORT; empty for none." \
	}, \
	    { .name = "ca-proxy", .value = "URL", .help = "The same towards the CA." }, \
	{ \
		.name = "ca-secret-file", .value = "FILE", \
		.help = "Its first line is the password, or the API key, towards the CA." \
	}
#define FEATURE_HELP "What it serves: pkcs, pfx, revoke; else all that it can."

static const struct opt show_opts[] = { SOCK_OPT("connector"), { 0 } };
static const struct opt set_opts[] = {
	{ .name = "feature",
	    .value = "NAME",
	    .many = true,
	    .help = "What it serves from now on: pkcs, pfx, revoke." },
	PROXY_OPTS,
	{ .name = "order-key",
	    .value = "FILE",
	    .help = "By which key the service seals its orders, in PEM; once." },
	SOCK_OPT("connector"),
	{ 0 },
};
static const struct opt drain_opts[] = {
	{ .name = "timeout", .value = "SECONDS", .help = "How long to wait; else 60." },
	SOCK_OPT("connector"),
	{ 0 },
};
#define TEMPLATE_OPT \
	{ \
		.name = "template", .value = "NAME", .many = true, \
		.help = "Templates that it may enrol for." \
	}
#define CA_SOCKET_OPT \
	{ \
		.name = "ca-socket", .value = "PATH", \
		.help = "Socket of the CA; else /run/chancery/ca/admin.sock." \
	}
/* Of both ways to join. */
#define ENROL_OPTS(ca_help) \
	{ .name = "service-url", \
		.value = "URL", \
		.required = true, \
		.help = "The service's device port." }, \
	    { .name = "code-file", \
		    .value = "FILE", \
		    .help = \
			"File whose first line is the one-time code from \"chancery code create --kind " \
			"connector\"; -: standard input." }, \
	    { .name = "code", \
		    .value = "CODE", \
		    .help = \
			"The code itself, which the list of processes shows to others meanwhile." }, \
	    { .name = "ca-url", \
		    .value = "URL", \
		    .required = true, \
		    .help = "How the connector reaches the CA." }, \
	    { .name = "ca", .value = "NAME", .many = true, .help = ca_help }, \
	    { .name = "feature", .value = "NAME", .many = true, .help = FEATURE_HELP }, \
	    PROXY_OPTS, \
	    { .name = "backend", \
		    .value = "NAME", \
		    .help = "How it talks to the CA: wstep, est or digicert; else wstep." }, \
	    { .name = "ca-login", \
		    .value = "WAY", \
		    .help = \
			"How the CA knows it: certificate, password, kerberos or key; else what " \
			"the other options say." }, \
	    { .name = "ca-user", \
		    .value = "NAME", \
		    .help = "The name that goes with the password." }, \
	    SOCK_OPT("connector"), \
	{ \
		0 \
	}

static const struct opt csr_opts[] = {
	{ .name = "out", .value = "FILE", .help = "Where the request goes, PEM; else shown." },
	SOCK_OPT("connector"),
	{ 0 },
};
static const struct opt admit_opts[] = {
	{ .name = "csr",
	    .value = "FILE",
	    .required = true,
	    .help = "The request that \"chancery connector csr\" wrote." },
	TEMPLATE_OPT,
	{ .name = "ca",
	    .value = "NAME",
	    .many = true,
	    .help = "CAs that it serves; else the issuing CA." },
	{ .name = "out",
	    .value = "FILE",
	    .help = "Where all that the connector needs goes; else shown." },
	CA_SOCKET_OPT,
	{ 0 },
};
static const struct opt join_opts[] = {
	{ .name = "name",
	    .value = "NAME",
	    .required = true,
	    .help = "Name of the connector, and of its principal at the CA." },
	{ .name = "trust",
	    .value = "FILE",
	    .help = "Whom to trust for the service, PEM; else the CA's root." },
	TEMPLATE_OPT,
	CA_SOCKET_OPT,
	ENROL_OPTS("CAs that it serves; else the issuing CA."),
};
static const struct opt enrol_opts[] = {
	{ .name = "ca-file",
	    .value = "FILE",
	    .help = "What \"chancery connector admit\" wrote at a Chancery CA." },
	{ .name = "name",
	    .value = "NAME",
	    .help = "Name of the connector; else that of the file." },
	{ .name = "trust",
	    .value = "FILE",
	    .help = "Whom to trust for the service, PEM; else as for the CA." },
	{ .name = "ca-trust",
	    .value = "FILE",
	    .help = "Whom to trust for the CA, PEM; \"system\": whom this host trusts." },
	{ .name = "ca-certificate",
	    .value = "FILE",
	    .help = "The certificate that the CA gave for the request, with its chain, PEM." },
	{ .name = "identity-ca",
	    .value = "FILE",
	    .help = "The device-identity CA, PEM: to its devices alone it seals." },
	ENROL_OPTS("Names under which profiles call the CA; else those of the file."),
};

static const struct opt update_opts[] = {
	{ .name = "file",
	    .value = "FILE",
	    .help = "A signed release for the connector of this host; it goes over to it." },
	SOCK_OPT("connector"),
	{ 0 },
};
static const struct opt offer_opts[] = {
	{ .name = "connector", .value = "NAME", .many = true, .help = "Who shall go over to it." },
	{ .name = "all", .help = "All connectors that the service knows." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "join", "Join the connector of this host to the CA of this host and to the service.",
	    NULL, join_opts, connector_join },
	{ "csr", "The request of the connector of this host, for a CA elsewhere.", NULL, csr_opts,
	    connector_csr },
	{ "admit", "At the CA: let a connector of another host in, by its request.", "NAME",
	    admit_opts, connector_admit },
	{ "enrol", "Join the connector of this host to a CA elsewhere and to the service.", NULL,
	    enrol_opts, connector_enrol },
	{ "show", "What the connector of this host is and where it stands.", NULL, show_opts,
	    show },
	{ "metrics", "Its numbers as Prometheus text, for a collector on its host.", NULL,
	    show_opts, metrics },
	{ "check", "Try everything that a job will need, and say what is missing.", NULL, show_opts,
	    check },
	{ "set",
	    "Change features, proxies or the secret towards the CA of the connector of this host.",
	    NULL, set_opts, set },
	{ "drain", "Finish what the connector of this host has in hand, and take nothing more.",
	    NULL, drain_opts, drain },
	{ "resume", "Let a drained connector work again.", NULL, show_opts, resume },
	{ "update", "Where the connector of this host stands with updates, or a release by hand.",
	    NULL, update_opts, connector_update },
	{ "upload", "Give the service a signed release of the connector.", "FILE", NULL,
	    connector_upload },
	{ "releases", "The releases that the service has.", NULL, NULL, entity_list,
	    &connector_release_set },
	{ "offer", "Let connectors go over to a release, one after the other.", "VERSION",
	    offer_opts, connector_act },
	{ "withdraw", "Offer a release no longer.", "VERSION", offer_opts, connector_act },
	{ "discard", "Delete a release from the service.", "VERSION", NULL, entity_delete,
	    &connector_release_set },
	{ "list", "The connectors that the service knows.", NULL, NULL, entity_list, &connectors },
	{ "delete", "Refuse a connector from now on.", "CONNECTOR", NULL, entity_delete,
	    &connectors },
	{ 0 },
};

const struct command command_connector = { "connector", "Connectors between service and CA.",
	verbs };

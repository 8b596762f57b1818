/* SPDX-License-Identifier: Apache-2.0 */
/* chancery login: signing in at a service, as an application or as a person, by a code or by a browser on this machine. */
#include "cli/login.h"

#include "base/file.h"
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/token.h"

enum { WAIT_S = 300 };

static err_t
read_file(struct cli *c, const char *opt, const char **ret)
{
	struct str s;

	*ret = "";
	if (!args_has(c->args, opt))
		return OK;
	TRY_CTX(file_read(c->arena, args_text(c->args, opt), LIMIT_CONF_BYTES, &s), "--%s", opt);
	s = str_trim(s);
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return text_cstr(c->arena, s, ret);
}

/* A person, at the service's own issuer or the outside one. */
static err_t
person(struct cli *c, struct fetch *f, struct login *l)
{
	auto_fetch struct fetch *there = NULL;
	struct token_issuer at;
	const char *ca = l->ca;
	int64_t wait = WAIT_S;

	if (args_has(c->args, "wait"))
		TRY_CTX(text_i64(str_c(args_text(c->args, "wait")), 1, 3600, &wait), "--wait");
	if (args_has(c->args, "issuer-ca"))
		TRY(read_file(c, "issuer-ca", &ca));
	if (args_has(c->args, "outside"))
		TRY(token_issuer_outside(c, f, l, ca, &at));
	else
		TRY(token_issuer_own(c, f, l, &at));
	TRY(token_fetch(c->arena, &(struct login){ .ca = at.ca }, &there));
	return args_has(c->args, "browser") ? token_by_browser(c, there, &at, wait, l) :
					      token_by_code(c, there, &at, l);
}

static err_t
report(struct cli *c, const struct login *l)
{
	auto_json json *out = json_object_new();

	if (!c->json) {
		out_say(c, "signed in at %s", l->url);
		return OK;
	}
	json_set_text(out, "url", l->url);
	json_set_text(out, "client_id", l->client_id);
	json_set_when(c->arena, out, "token_until", l->expires);
	json_set_bool(out, "renews", l->refresh[0] != '\0' || l->client_secret[0] != '\0');
	return out_object(c, out);
}

static err_t
login(struct cli *c)
{
	struct login l = { .token = "",
		.refresh = "",
		.token_url = "",
		.revoke_url = "",
		.issuer_ca = "",
		.kept = true };
	auto_fetch struct fetch *f = NULL;

	TRY(login_url(c->arena, args_text(c->args, "url"), &l.url));
	l.tenant = args_or(c->args, "tenant", "common");
	l.client_id = args_or(c->args, "client-id", TOKEN_CLIENT);
	TRY(read_file(c, "secret-file", &l.client_secret));
	TRY(read_file(c, "ca", &l.ca));
	TRY(token_fetch(c->arena, &l, &f));
	if (l.client_secret[0] != '\0' &&
	    (args_has(c->args, "outside") || args_has(c->args, "browser")))
		FAIL(ERR_USAGE,
		    "--secret-file is for applications; --outside and --browser are "
		    "for people");
	if (l.client_secret[0] != '\0')
		TRY(token_by_secret(c->arena, f, &l));
	else
		TRY(person(c, f, &l));
	TRY(login_save(c->arena, &l));
	out_progress(c, "");
	return report(c, &l);
}

static const struct opt opts[] = {
	{ .name = "url",
	    .value = "URL",
	    .required = true,
	    .help = "The service's API, https://HOST:PORT." },
	{ .name = "tenant", .value = "ID", .help = "Tenant; else common." },
	{ .name = "client-id",
	    .value = "ID",
	    .help = "Application; else the command line's own, for people." },
	{ .name = "secret-file",
	    .value = "FILE",
	    .help = "File with the application's secret; without it a person signs in." },
	{ .name = "browser",
	    .help =
		"Sign in with a browser on this machine; else by a code, in a browser anywhere." },
	{ .name = "wait",
	    .value = "SECONDS",
	    .help = "How long to wait for the browser; else 300." },
	{ .name = "outside", .help = "Sign in at the outside issuer that the service trusts." },
	{ .name = "issuer-ca",
	    .value = "FILE",
	    .help = "Whom to trust for that issuer, PEM; else the same as for the service." },
	{ .name = "ca",
	    .value = "FILE",
	    .help = "Whom to trust for the service, PEM; else what the system trusts." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ NULL, "Sign in at a service and remember it.", NULL, opts, login },
	{ 0 },
};

const struct command command_login = { "login", "Sign in at a service.", verbs };

/* SPDX-License-Identifier: Apache-2.0 */
/* chancery login: signing in at a service, as an application or as a person. */
#include "cli/login.h"

#include "base/file.h"
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/token.h"

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

static err_t
login(struct cli *c)
{
	struct login l = { .token = "", .kept = true };
	auto_fetch struct fetch *f = NULL;

	TRY(login_url(c->arena, args_text(c->args, "url"), &l.url));
	l.tenant = args_or(c->args, "tenant", "common");
	l.client_id = args_or(c->args, "client-id", TOKEN_CLIENT);
	TRY(read_file(c, "secret-file", &l.client_secret));
	TRY(read_file(c, "ca", &l.ca));
	TRY(token_fetch(c->arena, &l, &f));
	if (args_has(c->args, "outside")) {
		const char *ca = l.ca;

		if (args_has(c->args, "issuer-ca"))
			TRY(read_file(c, "issuer-ca", &ca));
		TRY(token_outside(c, f, &l, ca));
	} else if (l.client_secret[0] != '\0')
		TRY(token_by_secret(c->arena, f, &l));
	else
		TRY(token_by_person(c, f, &l));
	TRY(login_save(c->arena, &l));
	out_progress(c, "");
	out_say(c, "signed in at %s", l.url);
	return OK;
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

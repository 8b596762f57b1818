/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role "service": directory, profiles, assignments, status; API and device ports; the keys that seal orders and sign
 * tokens, in a process without network.
 */
#include "base/file.h"
#include "daemon/service_front.h"
#include "daemon/service_keys.h"

static const struct conf_opt opts[] = {
	COMMON_OPTS(struct service_conf),
	CONF(struct service_conf, listen_api, CONF_TEXT, .section = "api", .name = "listen",
	    .fallback = "0.0.0.0:8443", .help = "Address and port of the API and console (HTTPS)."),
	CONF(struct service_conf, url, CONF_TEXT, .section = "api", .name = "url", .fallback = NULL,
	    .help = "How clients reach the API, without a slash at the end: issuer of its tokens."),
	CONF(struct service_conf, rate, CONF_INT, .section = "api", .name = "rate", .min = 20,
	    .max = 1000000, .fallback = "4000",
	    .help = "Requests that one caller may make in 20 seconds; more are answered 429."),
	CONF(struct service_conf, rate_changes, CONF_INT, .section = "api", .name = "rate_changes",
	    .min = 20, .max = 1000000, .fallback = "2000",
	    .help = "Of them, those that change something."),
	CONF(struct service_conf, listen_device, CONF_TEXT, .section = "device", .name = "listen",
	    .fallback = "0.0.0.0:8444",
	    .help = "Address and port for devices and connectors (HTTPS, client certificates)."),
	CONF(struct service_conf, device_url, CONF_TEXT, .section = "device", .name = "url",
	    .fallback = NULL,
	    .help = "How devices and connectors reach that port, without a slash at the end."),
	CONF(struct service_conf, organization, CONF_TEXT, .section = "service",
	    .name = "organization", .fallback = "Chancery",
	    .help = "Name of the organisation, shown to people."),
	CONF(struct service_conf, lease, CONF_INT, .section = "service", .name = "lease", .min = 5,
	    .max = 3600, .fallback = "120",
	    .help = "Seconds a connector may work on a job before it goes to another."),
	CONF(struct service_conf, history, CONF_INT, .section = "service", .name = "history",
	    .min = 7, .max = 3650, .fallback = "400",
	    .help =
		"Days for which timelines, and what was removed, are kept; then they are counted."),
	CONF(struct service_conf, oidc_issuer, CONF_TEXT, .section = "oidc", .name = "issuer",
	    .fallback = "",
	    .help =
		"Outside OpenID Connect issuer whose tokens are accepted, https://...; empty: none."),
	CONF(struct service_conf, oidc_audience, CONF_TEXT, .section = "oidc", .name = "audience",
	    .fallback = "", .help = "What its tokens must have in aud."),
	CONF(struct service_conf, oidc_client, CONF_TEXT, .section = "oidc", .name = "client_id",
	    .fallback = "chancery", .help = "Client that the command line is at the issuer."),
	CONF(struct service_conf, oidc_clients, CONF_TEXTS, .section = "oidc", .name = "clients",
	    .fallback = "", .help = "Further clients whose tokens are accepted."),
	CONF(struct service_conf, oidc_scope, CONF_TEXT, .section = "oidc", .name = "scope",
	    .fallback = "openid profile", .help = "Scope that the command line asks for."),
	CONF(struct service_conf, oidc_name, CONF_TEXT, .section = "oidc", .name = "name_claim",
	    .fallback = "preferred_username",
	    .help =
		"Claim with the person's name; people must not be able to choose it themselves."),
	CONF(struct service_conf, oidc_groups, CONF_TEXT, .section = "oidc", .name = "groups_claim",
	    .fallback = "groups", .help = "Claim with the names of the person's groups."),
	CONF(struct service_conf, oidc_directory, CONF_BOOL, .section = "oidc", .name = "directory",
	    .fallback = "no",
	    .help = "Whether the name is the userPrincipalName of a user here, whose roles count."),
	CONF(struct service_conf, oidc_ca, CONF_TEXT, .section = "oidc", .name = "ca",
	    .fallback = "",
	    .help = "File (PEM) with whom to trust for the issuer; empty: whom the system trusts."),
	CONF(struct service_conf, mail_server, CONF_TEXT, .section = "mail", .name = "server",
	    .fallback = "",
	    .help =
		"Server for notifications by mail, smtps://HOST:PORT or smtp://HOST:PORT (STARTTLS)."),
	CONF(struct service_conf, mail_from, CONF_TEXT, .section = "mail", .name = "from",
	    .fallback = "chancery@localhost", .help = "Address that they come from."),
	CONF(struct service_conf, mail_user, CONF_TEXT, .section = "mail", .name = "user",
	    .fallback = "", .help = "User at that server; empty: no log-in."),
	CONF(struct service_conf, mail_password, CONF_TEXT, .section = "mail",
	    .name = "password_file", .fallback = "", .help = "File with the user's password."),
	CONF(struct service_conf, notify_ca, CONF_TEXT, .section = "notify", .name = "ca",
	    .fallback = "",
	    .help =
		"File (PEM) with whom to trust for webhooks and mail; empty: whom the system trusts."),
	CONF(struct service_conf, apple_renew, CONF_INT, .section = "apple", .name = "renew_days",
	    .min = 1, .max = 3650, .fallback = "30",
	    .help = "Days before its end that the identity of an Apple device is renewed."),
	CONF(struct service_conf, apple_declarative, CONF_BOOL, .section = "apple",
	    .name = "declarative", .fallback = "yes",
	    .help =
		"Whether Apple devices that can tell by themselves which certificates they hold are asked to (declarative management). no: they drop what they were asked, and are asked for their lists."),
	CONF(struct service_conf, push_url, CONF_TEXT, .section = "apple", .name = "push_url",
	    .fallback = "https://api.push.apple.com",
	    .help = "Apple's push service, which wakes devices; without a slash at the end."),
	CONF(struct service_conf, push_ca, CONF_TEXT, .section = "apple", .name = "push_ca",
	    .fallback = "",
	    .help = "File (PEM) with whom to trust for it; empty: whom the system trusts."),
	CONF(struct service_conf, windows_pfn, CONF_TEXT, .section = "windows", .name = "push_pfn",
	    .fallback = "",
	    .help =
		"Package family name of the application by which Windows devices are woken (WNS); empty: they come by their schedule."),
	CONF(struct service_conf, windows_client, CONF_TEXT, .section = "windows",
	    .name = "push_client", .fallback = "",
	    .help =
		"Its Package SID in the Store, ms-app://..., or with push_tenant its application id in Entra ID."),
	CONF(struct service_conf, windows_tenant, CONF_TEXT, .section = "windows",
	    .name = "push_tenant", .fallback = "",
	    .help =
		"Directory (tenant) of the application in Entra ID; empty: it is registered in the Store."),
	CONF(struct service_conf, windows_secret, CONF_TEXT, .section = "windows",
	    .name = "push_secret_file", .fallback = "",
	    .help = "File with the secret of the application."),
	CONF(struct service_conf, windows_token_url, CONF_TEXT, .section = "windows",
	    .name = "push_token_url", .fallback = "",
	    .help =
		"Where its tokens are fetched, https://...; empty: at Microsoft, as push_tenant says."),
	CONF(struct service_conf, windows_push_host, CONF_TEXT, .section = "windows",
	    .name = "push_host", .fallback = "notify.windows.com",
	    .help =
		"Host of the push service: addresses that devices name are called at or below it alone."),
	CONF(struct service_conf, windows_ca, CONF_TEXT, .section = "windows", .name = "push_ca",
	    .fallback = "",
	    .help = "File (PEM) with whom to trust for both; empty: whom the system trusts."),
	CONF(struct service_conf, loops, CONF_INT, .section = "process", .name = "loops", .min = 1,
	    .max = 64, .fallback = "1", .help = "Event loops of each port."),
	CONF(struct service_conf, workers, CONF_INT, .section = "process", .name = "workers",
	    .min = 1, .max = 256, .fallback = "32",
	    .help =
		"Workers of each port: requests handled at the same time. What they write together shares the disk's work. A quarter as many more are there for connectors alone."),
	CONF(struct service_conf, cache, CONF_INT, .section = "process", .name = "cache", .min = 1,
	    .max = 4096, .fallback = "32",
	    .help =
		"Memory for pages of the database, in MiB: it fills with use, up to there. Each of eight readers keeps up to 4 MiB more."),
};

static err_t
keys_main(void *arg)
{
	struct service *s = arg;
	auto_arena struct arena *a = arena_new();
	struct service_keys *keys = NULL;
	struct ipc_server *server = NULL;

	TRY(common_enter(&s->conf->common, "service", s->self + 1));
	TRY(service_keys_open(arena_printf(a, "%s/keys", s->conf->common.state_dir), &keys));
	TRY(ipc_server_new(s->fd_keys, 32, service_keys_verbs, keys, &server));
	TRY(ipc_server_start(server));
	log_event(LOG_LEVEL_INFO, "ready", NULL);
	proc_wait();
	ipc_server_stop(server);
	service_keys_close(keys);
	return OK;
}

static err_t
run(struct arena *a, void *conf, bool check_only)
{
	const struct service_conf *c = conf;
	struct service s = { .conf = c };
	const char *front_dir = arena_printf(a, "%s/front", c->common.state_dir);
	const char *keys_dir = arena_printf(a, "%s/keys", c->common.state_dir);
	const struct proc processes[] = {
		{ "front", service_front_main, &s, .net = true,
		    .paths_rw = { front_dir, c->common.run_dir },
		    .paths_ro = { "/etc", "/usr", "/lib", "/proc/self" },
		    .user = common_user(&c->common) },
		{ "keys", keys_main, &s, .net = false, .paths_rw = { keys_dir },
		    .paths_ro = { "/etc", "/usr", "/lib", "/proc/self" },
		    .user = common_user(&c->common) },
	};
	const struct common_sock socks[] = { { "admin.sock", &s.fd_admin },
		{ "keys.sock", &s.fd_keys }, { 0 } };
	unsigned port;

	TRY(common_check(&c->common));
	if (*c->oidc_ca != '\0')
		TRY_CTX(file_read(a, c->oidc_ca, LIMIT_CONF_BYTES, &s.oidc_ca), "[oidc] ca");
	if (*c->notify_ca != '\0')
		TRY_CTX(file_read(a, c->notify_ca, LIMIT_CONF_BYTES, &s.notify_ca), "[notify] ca");
	if (*c->push_ca != '\0')
		TRY_CTX(file_read(a, c->push_ca, LIMIT_CONF_BYTES, &s.push_ca), "[apple] push_ca");
	if (*c->windows_ca != '\0')
		TRY_CTX(file_read(a, c->windows_ca, LIMIT_CONF_BYTES, &s.windows_ca),
		    "[windows] push_ca");
	if (*c->windows_secret != '\0')
		TRY_CTX(file_read(a, c->windows_secret, LIMIT_TEXT, &s.windows_secret),
		    "[windows] push_secret_file");
	if (*c->mail_password != '\0')
		TRY_CTX(file_read(a, c->mail_password, LIMIT_TEXT, &s.mail_password),
		    "[mail] password_file");
	if (check_only)
		return OK;
	common_log(&c->common, "service", "parent");
	TRY(net_listen(c->listen_api, &s.fd_api, &port));
	TRY(net_listen(c->listen_device, &s.fd_device, &port));
	TRY(common_make(a, &c->common, (const char *const[]){ front_dir, keys_dir, NULL }, socks));
	s.self = processes;
	return proc_run("service", processes, COUNT(processes),
	    arena_printf(a, "%s/service.pid", c->common.run_dir));
}

const struct role role_service = {
	.name = "service",
	.help = "directory, profiles, assignments, status, API, devices",
	.opts = opts,
	.nopts = COUNT(opts),
	.conf_size = sizeof(struct service_conf),
	.run = run,
};

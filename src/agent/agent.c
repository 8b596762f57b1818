/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/when.h"

#include <fcntl.h>
#include <sys/file.h>

const struct conf_opt agent_opts[] = {
	CONF(struct agent_conf, url, CONF_TEXT, .section = "service", .name = "url",
	    .fallback = NULL,
	    .help = "Address of the service's device port, without a slash at the end."),
	CONF(struct agent_conf, trust, CONF_TEXT, .section = "service", .name = "trust",
	    .fallback = "",
	    .help =
		"PEM file of the CA that the service's certificate chains to; empty: what the system trusts. Needed to "
		"enrol only."),
	CONF(struct agent_conf, state_dir, CONF_TEXT, .section = "files", .name = "state_dir",
	    .fallback = "/var/lib/chancery-agent",
	    .help = "Folder of the agent's key, enrolment and certificates."),
	CONF(struct agent_conf, trust_dir, CONF_TEXT, .section = "trust", .name = "dir",
	    .fallback = "/usr/local/share/ca-certificates",
	    .help = "Folder for CA certificates of the organisation."),
	CONF(struct agent_conf, etc_dir, CONF_TEXT, .section = "trust", .name = "etc_dir",
	    .fallback = "/etc/ssl/certs", .help = "Folder where the system's TLS libraries look."),
	CONF(struct agent_conf, trust_update, CONF_BOOL, .section = "trust", .name = "update",
	    .fallback = "yes", .help = "Run update-ca-certificates after a change."),
	CONF(struct agent_conf, device_name, CONF_TEXT, .section = "device", .name = "name",
	    .fallback = "", .help = "Name of the device; empty: the host's name."),
	CONF(struct agent_conf, wipe, CONF_BOOL, .section = "device", .name = "wipe",
	    .fallback = "no",
	    .help =
		"Let the service wipe this device: what it delivered is removed, hooks get the event wipe and erase the "
		"rest, the agent leaves. no: a wipe is refused."),
	CONF(struct agent_conf, token_module, CONF_TEXT, .section = "token", .name = "module",
	    .fallback = "",
	    .help =
		"PKCS#11 library that keeps the keys; empty: they are kept in files of mode 0600."),
	CONF(struct agent_conf, token_label, CONF_TEXT, .section = "token", .name = "label",
	    .fallback = "", .help = "Label of the token."),
	CONF(struct agent_conf, token_pin_file, CONF_TEXT, .section = "token", .name = "pin_file",
	    .fallback = "", .help = "File with the token's PIN."),
	CONF(struct agent_conf, nss_databases, CONF_TEXTS, .section = "nss", .name = "databases",
	    .fallback = "",
	    .help =
		"NSS databases that get CA certificates and identities, as sql:/home/ada/.pki/nssdb; certutil and "
		"pk12util must be there."),
	CONF(struct agent_conf, nss_password_file, CONF_TEXT, .section = "nss",
	    .name = "password_file", .fallback = "",
	    .help = "File with their password; empty: they have none."),
	CONF(struct agent_conf, nm_connections, CONF_TEXTS, .section = "networkmanager",
	    .name = "connections", .fallback = "",
	    .help =
		"802.1X connections of NetworkManager that use a certificate of ours: CONNECTION=PROFILE, by the name "
		"or id of the profile; CONNECTION alone when there is one certificate only."),
	CONF(struct agent_conf, nm_dir, CONF_TEXT, .section = "networkmanager", .name = "directory",
	    .fallback = "/etc/NetworkManager/system-connections",
	    .help =
		"Folder of NetworkManager's keyfiles, for the networks that the service sends."),
	CONF(struct agent_conf, wpa_networks, CONF_TEXTS, .section = "wpa_supplicant",
	    .name = "networks", .fallback = "",
	    .help =
		"The same for networks of a wpa_supplicant that is not NetworkManager's: INTERFACE:NUMBER=PROFILE."),
	CONF(struct agent_conf, wpa_dir, CONF_TEXT, .section = "wpa_supplicant", .name = "dir",
	    .fallback = "/run/wpa_supplicant",
	    .help = "Folder of wpa_supplicant's control sockets."),
	CONF(struct agent_conf, wpa_interface, CONF_TEXT, .section = "wpa_supplicant",
	    .name = "interface", .fallback = "",
	    .help =
		"Interface whose wpa_supplicant gets the Wi-Fi networks that the service sends, on a machine without "
		"NetworkManager; empty: NetworkManager gets them."),
	CONF(struct agent_conf, wpa_file, CONF_TEXT, .section = "wpa_supplicant", .name = "file",
	    .fallback = "/etc/wpa_supplicant/chancery.conf",
	    .help =
		"File for those networks, and for nothing else: wpa_supplicant must be started with -I and this file."),
	CONF(struct agent_conf, dot1x_ca, CONF_BOOL, .section = "dot1x", .name = "ca",
	    .fallback = "yes",
	    .help =
		"Have these connections check the network's server against the CA certificates of the service; no: "
		"their own setting stays."),
	CONF(struct agent_conf, hooks_dir, CONF_TEXT, .section = "hooks", .name = "dir",
	    .fallback = "/etc/chancery/agent.d",
	    .help = "Folder of programs that are told of every change; it need not be there."),
	CONF(struct agent_conf, hooks_timeout, CONF_INT, .section = "hooks", .name = "timeout",
	    .min = 1, .max = 600, .fallback = "30", .help = "Seconds that one of them may take."),
	CONF(struct agent_conf, log_level, CONF_TEXT, .section = "log", .name = "level",
	    .fallback = "info", .help = "debug, info, warn or error."),
	CONF(struct agent_conf, log_format, CONF_TEXT, .section = "log", .name = "format",
	    .fallback = "kv", .help = "kv (key=value lines) or json."),
};
const size_t agent_nopts = COUNT(agent_opts);

err_t
alias_check(const char *alias)
{
	size_t n = strlen(alias);

	if (n == 0 || n > 128 || alias[0] == '.' ||
	    strspn(alias, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != n)
		FAIL(ERR_ALIAS, "an alias is 1 to 128 letters, digits, '-', '_' or '.'");
	return OK;
}

err_t
alias_check_ours(const char *alias)
{
	TRY(alias_check(alias));
	if (!str_starts(str_c(alias), LIT(ALIAS_PREFIX)))
		FAIL(ERR_ALIAS, "our aliases start with " ALIAS_PREFIX);
	return OK;
}

static err_t
lock(struct agent *g)
{
	const char *path = arena_printf(g->arena, "%s/lock", g->conf->state_dir);

	g->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (g->lock < 0)
		FAIL(ERR_FILE, "%s: %m", path);
	if (flock(g->lock, LOCK_EX | LOCK_NB) != 0)
		FAIL(ERR_AGENT_BUSY, "%s is locked", path);
	return OK;
}

static err_t
open_token(struct agent *g)
{
	auto_arena struct arena *a = arena_new();
	struct str pin;
	char *text;
	err_t e;

	TRY(file_read(a, g->conf->token_pin_file, 256, &pin));
	text = arena_cstr(a, str_trim(pin));
	e = token_open(g->conf->token_module, g->conf->token_label, text, &g->token);
	secret_wipe(text, strlen(text));
	secret_wipe((void *)(uintptr_t)pin.p, pin.n);
	return e;
}

err_t
agent_certs_read(
    struct arena *a, const json *obj, const char *member, const struct str **ret, size_t *retn)
{
	struct str *v;
	json *list;

	TRY(json_need_array(obj, member, LIMIT_CHAIN_CERTS, &list));
	v = arena_array(a, json_count(list) + 1, sizeof(*v));
	for (size_t i = 0; i < json_count(list); i++) {
		auto_cert struct cert *c = NULL;

		TRY_CTX(text_unbase64(a, str_c(json_text(json_at(list, i))), &v[i]), "%s", member);
		TRY_CTX(cert_parse(v[i], &c), "%s", member);
	}
	*ret = v;
	*retn = json_count(list);
	return OK;
}

/* By the clock of the device, which need not be right. */
static err_t
obtained_read(const json *enrolment, when_t *ret)
{
	const char *text = NULL;

	*ret = 0;
	TRY(json_want_text(enrolment, "obtained", LIMIT_TEXT, &text));
	return text == NULL ? OK : when_parse(str_c(text), ret);
}

err_t
agent_enrolment_read(struct agent *g, struct str text)
{
	auto_cert struct cert *identity = NULL;
	auto_key struct key *certified = NULL;
	auto_json json *j = NULL;
	const struct str *roots;
	struct str der, *chain;
	const char *id;
	size_t n;

	TRY(json_parse(text, LIMIT_IPC_MESSAGE, &j));
	TRY(json_need_text(j, "device_id", LIMIT_TEXT, &id));
	TRY(json_need_base64(g->arena, j, "certificate", LIMIT_CERT_BYTES, &der));
	TRY(agent_certs_read(g->arena, j, "roots", &roots, &n));
	if (n == 0)
		FAIL(ERR_BAD_REQUEST,
		    "\"roots\" is empty"); /* the system's would be trusted instead */
	TRY(cert_parse(der, &identity));
	TRY(cert_key(identity, &certified));
	if (!key_same_public(g->key, certified))
		FAIL(ERR_KEY_MISMATCH,
		    "device %s was enrolled with a key that is not here any more",
		    text_safe(g->arena, str_c(id)));
	chain = arena_array(g->arena, 1, sizeof(*chain));
	chain[0] = der;
	g->tls = (struct tls_client_conf){
		.anchors = roots, .nanchors = n, .key = g->key, .chain = chain, .nchain = 1
	};
	TRY(obtained_read(j, &g->obtained));
	agent_former_load(g, j);
	g->identity = steal(identity);
	g->device_id = arena_strdup(g->arena, id);
	return OK;
}

/* What enrol.c wrote. */
static err_t
load_enrolment(struct agent *g)
{
	const char *path = arena_printf(g->arena, "%s/enrolment.json", g->conf->state_dir);
	struct str text;

	if (!file_exists(path))
		return OK;
	TRY(file_read(g->arena, path, LIMIT_IPC_MESSAGE, &text));
	TRY_CTX(agent_enrolment_read(g, text), "%s", path);
	return OK;
}

err_t
agent_open(const struct agent_conf *conf, struct agent **ret)
{
	struct agent *g = calloc(1, sizeof(*g));
	err_t e;

	g->conf = conf;
	g->arena = arena_new();
	g->lock = -1;
	e = dir_make(conf->state_dir, 0700);
	if (err_ok(e))
		e = lock(g);
	if (err_ok(e))
		e = dir_sweep(conf->state_dir);
	if (err_ok(e))
		e = dir_sweep(conf->trust_dir);
	if (err_ok(e) && conf->token_module[0] != '\0')
		e = open_token(g);
	if (err_ok(e))
		e = agent_key_open(g);
	if (err_ok(e))
		e = load_enrolment(g);
	if (err_ok(e))
		e = identity_sweep(g, g->arena);
	if (err_ok(e))
		e = pending_sweep(g, g->arena);
	if (!err_ok(e)) {
		agent_close(g);
		return e;
	}
	*ret = g;
	return OK;
}

void
agent_close(struct agent *g)
{
	if (g == NULL)
		return;
	cert_free(g->identity);
	cert_free(g->former);
	key_free(g->key);
	key_free(g->former_key);
	token_close(g->token);
	fd_cleanup(&g->lock);
	arena_free(g->arena);
	free(g);
}

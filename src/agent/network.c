/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wi-Fi networks of the service: connections of NetworkManager, one keyfile each, with paths to the certificate that the
 * agent holds under another alias. Those paths stay when that certificate is renewed.
 *
 *   <networkmanager directory>/<alias>.nmconnection   the connection (0600)
 *   state_dir/networks/<alias>.pem                    the roots by which it knows the server
 *   state_dir/networks/<alias>.json                   what it was made of; written once NetworkManager took it
 *
 * A connection counts as held as long as its file is what was written: one that was changed or deleted comes again.
 *
 * Not here: connections that were there before (networkmanager.c).
 */
#include "agent/dot1x.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

#define SUFFIX ".nmconnection"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*"
enum {
	FILES_MAX = 4096,
	KEYFILE_MAX = 65536,
	RECORD_MAX = 4096,
	ASK_MS = 20000,
	ROOTS_MAX = 8,
	NAMES_MAX = 16
};

struct network {
	const char *alias, *name, *ssid, *identity;
	bool automatic, hidden, newer; /* newer: WPA2 and nothing before it */
	const char *certificate;       /* alias */
	const char *servers;           /* "a;b"; "": any */
	const struct str *roots;
	size_t nroots;
};

static const char *
keyfile_of(const struct agent *g, struct arena *a, const char *alias)
{
	return arena_printf(a, "%s/%s" SUFFIX, g->conf->nm_dir, alias);
}

static const char *
record_of(const struct agent *g, struct arena *a, const char *alias, const char *suffix)
{
	return arena_printf(a, "%s/networks/%s.%s", g->conf->state_dir, alias, suffix);
}

/* ---- what the service says ---- */

/* A line break would begin a setting of its own. */
static err_t
read_text(const json *j, const char *member, size_t max, const char **ret)
{
	const char *text;

	TRY(json_want_text(j, member, max, &text));
	*ret = text == NULL ? "" : text;
	for (const char *p = *ret; *p != '\0'; p++)
		if ((uint8_t)*p < 0x20 || *p == 0x7f)
			FAIL(ERR_BAD_REQUEST, "\"%s\" has a control character", member);
	return OK;
}

static err_t
read_servers(struct arena *a, const json *j, const char **ret)
{
	const char *all = "";
	json *list;

	TRY(json_want_array(j, "servers", NAMES_MAX, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_at(list, i));

		/* Names of hosts, and nothing that ends a value or begins another. */
		if (name[0] == '\0' || strspn(name, NAME_CHARACTERS) != strlen(name))
			FAIL(ERR_BAD_REQUEST, "\"servers\" %zu is no name of a host", i);
		all = arena_printf(a, "%s%s%s", all, i == 0 ? "" : ";", name);
	}
	*ret = all;
	return OK;
}

static err_t
read_roots(struct arena *a, const json *j, struct network *n)
{
	struct str *v = arena_array(a, ROOTS_MAX, sizeof(*v));
	json *list;

	TRY(json_want_array(j, "roots", ROOTS_MAX, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		auto_cert struct cert *c = NULL;

		TRY(text_unbase64(a, str_c(json_text(json_at(list, i))), &v[i]));
		TRY(cert_parse(v[i], &c));
	}
	n->roots = v;
	n->nroots = json_count(list);
	return OK;
}

static err_t
read_network(struct arena *a, const char *alias, const json *command, struct network *ret)
{
	const json *j = json_get(command, "network");
	struct network n = { .alias = alias };
	const char *security, *eap;

	TRY(alias_check_ours(alias));
	if (!json_is_object(j))
		FAIL(ERR_BAD_REQUEST, "\"network\" must be an object");
	TRY(read_text(command, "name", LIMIT_TEXT, &n.name));
	TRY(read_text(j, "ssid", 32, &n.ssid));
	TRY(read_text(j, "identity", LIMIT_TEXT, &n.identity));
	TRY(json_need_text(j, "certificate", LIMIT_TEXT, &n.certificate));
	TRY(json_need_text(j, "security", 16, &security));
	TRY(json_need_text(j, "eap", 16, &eap));
	if (n.ssid[0] == '\0' || n.identity[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"ssid\" and \"identity\" must not be empty");
	if (!str_eq_c(str_c(eap), "tls"))
		FAIL(ERR_UNSUPPORTED, "EAP method %s", text_safe(a, str_c(eap)));
	n.newer = str_eq_c(str_c(security), "wpa2-eap");
	if (!n.newer && !str_eq_c(str_c(security), "wpa-eap"))
		FAIL(ERR_UNSUPPORTED, "security %s", text_safe(a, str_c(security)));
	TRY(alias_check_ours(n.certificate));
	n.automatic = json_true(json_get(j, "automatic"));
	n.hidden = json_true(json_get(j, "hidden"));
	TRY(read_servers(a, j, &n.servers));
	TRY(read_roots(a, j, &n));
	*ret = n;
	return OK;
}

/* ---- the connection ---- */

/* GKeyFile: a backslash and a blank at the beginning are written by escapes. */
static err_t
put(struct buf *b, const char *key, const char *value)
{
	bool begins = true;

	TRY(buf_printf(b, "%s=", key));
	for (; *value != '\0'; value++) {
		begins &= *value == ' ';
		TRY(begins             ? buf_puts(b, "\\s") :
			*value == '\\' ? buf_puts(b, "\\\\") :
					 buf_putc(b, (uint8_t)*value));
	}
	return buf_puts(b, "\n");
}

/* As bytes: there is nothing then that could be taken for something else. */
static err_t
put_ssid(struct buf *b, const char *ssid)
{
	TRY(buf_puts(b, "ssid="));
	for (; *ssid != '\0'; ssid++)
		TRY(buf_printf(b, "%u;", (unsigned)(uint8_t)*ssid));
	return buf_puts(b, "\n");
}

static const char *
uuid_of(struct arena *a, const char *alias)
{
	uint8_t hash[32];
	struct id id;

	hash_sha256(str_c(arena_printf(a, "network %s", alias)), hash);
	memcpy(id.b, hash, sizeof(id.b));
	return id_text(a, id);
}

static err_t
key_of(const struct agent *g, struct arena *a, const struct network *n, const char **ret_cert,
    const char **ret_key)
{
	const char *folder = arena_printf(a, "%s/certs/%s", g->conf->state_dir, n->certificate);
	const char *uri = arena_printf(a, "%s/key.uri", folder);
	struct holding h = { .key = arena_printf(a, "%s/key.pem", folder),
		.uri = file_exists(uri) ? uri : NULL };

	*ret_cert = arena_printf(a, "%s/cert.pem", folder);
	if (!file_exists(*ret_cert) || (h.uri == NULL && !file_exists(h.key)))
		FAIL(ERR_DOT1X_CERTIFICATE, "%s is not on this device", n->certificate);
	return dot1x_key(a, &h, ret_key);
}

static err_t
print(const struct agent *g, struct arena *a, const struct network *n, struct buf *b)
{
	const char *cert, *key;

	TRY(key_of(g, a, n, &cert, &key));
	TRY(buf_puts(b, "# Written by chancery-agent; a change is taken back.\n[connection]\n"));
	TRY(put(b, "id", n->name[0] == '\0' ? n->ssid : n->name));
	TRY(put(b, "uuid", uuid_of(a, n->alias)));
	TRY(buf_printf(b, "type=wifi\nautoconnect=%s\n\n[wifi]\nmode=infrastructure\n",
	    n->automatic ? "true" : "false"));
	TRY(put_ssid(b, n->ssid));
	TRY(buf_printf(b,
	    "hidden=%s\n\n[wifi-security]\nkey-mgmt=wpa-eap\n%s\n[802-1x]\neap=tls;\n",
	    n->hidden ? "true" : "false", n->newer ? "proto=rsn;\n" : ""));
	TRY(put(b, "identity", n->identity));
	TRY(put(b, "client-cert", cert));
	TRY(put(b, "private-key", key));
	/* The key is in a file without password, or in a token whose PIN NetworkManager is given by hand. */
	TRY(buf_puts(b, "private-key-password-flags=4\n"));
	if (n->nroots > 0)
		TRY(put(b, "ca-cert", record_of(g, a, n->alias, "pem")));
	return n->servers[0] == '\0' ? OK : put(b, "domain-match", n->servers);
}

static err_t
write_roots(const struct agent *g, struct arena *a, const struct network *n)
{
	const char *all = "";

	for (size_t i = 0; i < n->nroots; i++)
		all = arena_printf(a, "%s%s", all, text_pem(a, "CERTIFICATE", n->roots[i]));
	return file_write(record_of(g, a, n->alias, "pem"), str_c(all), 0644);
}

static const char *
hash_of(struct arena *a, struct str text)
{
	uint8_t hash[32];

	hash_sha256(text, hash);
	return text_hex(a, STR(hash));
}

static err_t
write_record(const struct agent *g, struct arena *a, const char *alias, const char *sha256,
    struct str keyfile)
{
	auto_json json *j = json_object_new();
	struct str text;

	json_set_text(j, "sha256", sha256);
	json_set_text(j, "file", hash_of(a, keyfile));
	TRY(json_print(a, j, &text));
	return file_write(record_of(g, a, alias, "json"), text, 0600);
}

err_t
network_install(const struct agent *g, struct arena *a, const char *alias, const json *command)
{
	auto_buf struct buf b = { 0 };
	struct network n;
	const char *sha256, *path = keyfile_of(g, a, alias);
	const char *argv[] = { "nmcli", "connection", "load", path, NULL };

	TRY(read_network(a, alias, command, &n));
	TRY(json_need_text(command, "sha256", 64, &sha256));
	if (strlen(sha256) != 64 || strspn(sha256, "0123456789abcdef") != 64)
		FAIL(ERR_BAD_REQUEST, "\"sha256\" must be 64 hex digits");
	if (!file_exists(g->conf->nm_dir))
		FAIL(ERR_DOT1X, "%s is not there: this machine has no NetworkManager",
		    g->conf->nm_dir);
	buf_init(&b, KEYFILE_MAX);
	TRY(print(g, a, &n, &b));
	TRY(dir_make(arena_printf(a, "%s/networks", g->conf->state_dir), 0755));
	TRY(file_remove(record_of(g, a, alias, "json")));
	TRY(write_roots(g, a, &n));
	TRY(file_write(path, buf_str(&b), 0600));
	TRY(dot1x_run(a, argv, ASK_MS, NULL));
	return write_record(g, a, alias, sha256, buf_str(&b));
}

err_t
network_remove(const struct agent *g, struct arena *a, const char *alias)
{
	const char *path = keyfile_of(g, a, alias);
	const char *argv[] = { "nmcli", "connection", "delete", "uuid", uuid_of(a, alias), NULL };
	const char *reload[] = { "nmcli", "connection", "reload", NULL };
	bool there = file_exists(path), gone = true;
	err_t e = OK;

	TRY(alias_check_ours(alias));
	if (there) {
		e = dot1x_run(a, argv, ASK_MS, NULL);
		gone = err_ok(e);
		err_forget(e);
	}
	TRY(file_remove(path));
	/* Where NetworkManager does not run there was but the file. */
	if (!gone) {
		e = dot1x_run(a, reload, ASK_MS, NULL);
		err_forget(e);
	}
	TRY(file_remove(record_of(g, a, alias, "pem")));
	return file_remove(record_of(g, a, alias, "json"));
}

/* The alias that a file is of; NULL: none of ours. */
static const char *
alias_of(struct arena *a, const char *name, const char *suffix)
{
	size_t n = strlen(name), end = strlen(suffix);

	if (!str_starts(str_c(name), LIT(ALIAS_PREFIX)) || n <= end ||
	    strcmp(name + n - end, suffix) != 0)
		return NULL;
	return arena_cstr(a, str_of(name, n - end));
}

err_t
network_remove_all(const struct agent *g, struct arena *a)
{
	const char *folders[][2] = { { g->conf->nm_dir, SUFFIX },
		{ arena_printf(a, "%s/networks", g->conf->state_dir), ".json" } };

	for (size_t k = 0; k < COUNT(folders); k++) {
		char **names;
		size_t n;

		if (!file_exists(folders[k][0]))
			continue;
		TRY(dir_list(a, folders[k][0], FILES_MAX, &names, &n));
		for (size_t i = 0; i < n; i++) {
			const char *alias = alias_of(a, names[i], folders[k][1]);

			if (alias != NULL)
				TRY(network_remove(g, a, alias));
		}
	}
	return OK;
}

static err_t
add_item(const struct agent *g, struct arena *a, const char *alias, json *list)
{
	auto_json json *record = NULL;
	struct str text, keyfile;
	json *item;

	TRY(file_read(a, record_of(g, a, alias, "json"), RECORD_MAX, &text));
	TRY(json_parse(text, RECORD_MAX, &record));
	TRY(file_read(a, keyfile_of(g, a, alias), KEYFILE_MAX, &keyfile));
	if (!str_eq_c(str_c(json_text(json_get(record, "file"))), hash_of(a, keyfile)))
		return OK;
	item = json_object_new();
	json_set_text(item, "alias", alias);
	json_set_text(item, "kind", "network");
	json_set_text(item, "sha256", json_text(json_get(record, "sha256")));
	json_set_bool(item, "has_key", false);
	json_add(list, item);
	return OK;
}

err_t
network_inventory(const struct agent *g, struct arena *a, json *list)
{
	const char *folder = arena_printf(a, "%s/networks", g->conf->state_dir);
	char **names;
	size_t n;

	if (!file_exists(folder))
		return OK;
	TRY(dir_list(a, folder, FILES_MAX, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *alias = alias_of(a, names[i], ".json");
		err_t e;

		if (alias == NULL)
			continue;
		/* What is broken is not there: it will come again. */
		e = add_item(g, a, alias, list);
		err_forget(e);
	}
	return OK;
}

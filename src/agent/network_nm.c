/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks of the service as connections of NetworkManager: see network.h.
 *
 *   <networkmanager directory>/<alias>.nmconnection   the connection (0600)
 */
#include "agent/network.h"
#include "base/file.h"
#include "base/text.h"

enum { ASK_MS = 20000 };

static const char *
keyfile_of(const struct agent *g, struct arena *a, const char *alias)
{
	return arena_printf(a, "%s/%s.nmconnection", g->conf->nm_dir, alias);
}

static bool
here(const struct agent *g)
{
	return file_exists(g->conf->nm_dir);
}

/* GKeyFile: a backslash, and blanks at the beginning and at the end, are written by escapes. */
static err_t
put_value(struct buf *b, const char *key, const char *value)
{
	size_t n = strlen(value), begin = strspn(value, " ");

	while (n > begin && value[n - 1] == ' ')
		n--;
	TRY(buf_printf(b, "%s=", key));
	for (size_t i = 0; value[i] != '\0'; i++) {
		bool edge = i < begin || i >= n;

		TRY(edge                 ? buf_puts(b, "\\s") :
			value[i] == '\\' ? buf_puts(b, "\\\\") :
					   buf_putc(b, (uint8_t)value[i]));
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
put_log_on(const struct network *n, const struct network_paths *p, struct buf *b)
{
	TRY(buf_puts(b, "\n[802-1x]\neap=tls;\n"));
	TRY(put_value(b, "identity", n->identity));
	TRY(put_value(b, "client-cert", p->cert));
	TRY(put_value(b, "private-key", p->key));
	/* The key is in a file without password, or in a token whose PIN NetworkManager is given by hand. */
	TRY(buf_puts(b, "private-key-password-flags=4\n"));
	if (p->roots[0] != '\0')
		TRY(put_value(b, "ca-cert", p->roots));
	return n->servers[0] == '\0' ? OK : put_value(b, "domain-match", n->servers);
}

/* One without a section for it is open. */
static err_t
put_security(const struct network *n, const struct network_paths *p, struct buf *b)
{
	bool by_key = n->protection == PROTECT_BY_KEY;

	if (n->protection == PROTECT_OPEN)
		return OK;
	TRY(buf_printf(b, "\n[wifi-security]\nkey-mgmt=%s\n%s", by_key ? "wpa-psk" : "wpa-eap",
	    n->newer ? "proto=rsn;\n" : ""));
	return by_key ? put_value(b, "psk", n->key) : put_log_on(n, p, b);
}

static err_t
print(struct arena *a, const struct network *n, const struct network_paths *p, struct buf *b)
{
	TRY(buf_puts(b, "# Written by chancery-agent; a change is taken back.\n[connection]\n"));
	TRY(put_value(b, "id", n->name[0] == '\0' ? n->ssid : n->name));
	TRY(put_value(b, "uuid", uuid_of(a, n->alias)));
	TRY(buf_printf(b, "type=wifi\nautoconnect=%s\n\n[wifi]\nmode=infrastructure\n",
	    n->automatic ? "true" : "false"));
	TRY(put_ssid(b, n->ssid));
	TRY(buf_printf(b, "hidden=%s\n", n->hidden ? "true" : "false"));
	return put_security(n, p, b);
}

static err_t
put(const struct agent *g, struct arena *a, const char *alias, struct str text)
{
	const char *path = keyfile_of(g, a, alias);
	const char *argv[] = { "nmcli", "connection", "load", path, NULL };

	TRY(file_write(path, text, 0600));
	return dot1x_run(a, argv, ASK_MS, NULL);
}

static err_t
get(const struct agent *g, struct arena *a, const char *alias, struct str *ret)
{
	const char *path = keyfile_of(g, a, alias);

	*ret = STR_EMPTY;
	return file_exists(path) ? file_read(a, path, NETWORK_FILE_MAX, ret) : OK;
}

static err_t
drop(const struct agent *g, struct arena *a, const char *alias)
{
	const char *path = keyfile_of(g, a, alias);
	const char *argv[] = { "nmcli", "connection", "delete", "uuid", uuid_of(a, alias), NULL };
	const char *reload[] = { "nmcli", "connection", "reload", NULL };
	bool gone;
	err_t e;

	if (!file_exists(path))
		return OK;
	e = dot1x_run(a, argv, ASK_MS, NULL);
	gone = err_ok(e);
	err_forget(e);
	TRY(file_remove(path));
	/* Where NetworkManager does not run there was but the file. */
	if (!gone) {
		e = dot1x_run(a, reload, ASK_MS, NULL);
		err_forget(e);
	}
	return OK;
}

const struct network_way network_by_nm = {
	.name = "networkmanager",
	.here = here,
	.print = print,
	.put = put,
	.get = get,
	.drop = drop,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks of the service for a wpa_supplicant that is its own master: see network.h.
 *
 *   [wpa_supplicant] file           all of them, one block each (0600): what wpa_supplicant is started with (-I, or -c)
 *   state_dir/networks/<alias>.wpa  the block of one
 *
 * The file is made anew of the blocks and read again by wpa_supplicant (wpa_cli reconfigure), which must know the network
 * afterwards. One that does not run takes it when it starts. It keeps the certificate of a network for as long as it runs, so
 * it reads again when there is a new one: consumer_networks.
 */
#include "agent/network.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

#define HEAD "# Written by chancery-agent; a change is taken back.\n"

static bool
here(const struct agent *g)
{
	return g->conf->wpa_interface[0] != '\0';
}

/* wpa_supplicant.conf(5): a value in quotes ends at the last one of its line, and one without is hexadecimal digits. */
static err_t
put_key(struct buf *b, const char *key)
{
	const char *quote = strlen(key) == NETWORK_KEY_HEX ? "" : "\"";

	return buf_printf(b, "\tkey_mgmt=WPA-PSK\n\tpsk=%s%s%s\n", quote, key, quote);
}

static err_t
put_log_on(struct arena *a, const struct network *n, const struct network_paths *p, struct buf *b)
{
	TRY(buf_printf(
	    b, "\tkey_mgmt=WPA-EAP\n\teap=TLS\n\tidentity=%s\n", text_hex(a, str_c(n->identity))));
	TRY(buf_printf(b, "\tclient_cert=\"%s\"\n\tprivate_key=\"%s\"\n", p->cert, p->key));
	if (p->roots[0] != '\0')
		TRY(buf_printf(b, "\tca_cert=\"%s\"\n", p->roots));
	return n->servers[0] == '\0' ? OK : buf_printf(b, "\tdomain_match=\"%s\"\n", n->servers);
}

static err_t
put_security(struct arena *a, const struct network *n, const struct network_paths *p, struct buf *b)
{
	switch (n->protection) {
	case PROTECT_OPEN:
		return buf_puts(b, "\tkey_mgmt=NONE\n");
	case PROTECT_BY_KEY:
		return put_key(b, n->key);
	case PROTECT_BY_NAME:
		break;
	}
	return put_log_on(a, n, p, b);
}

static err_t
print(struct arena *a, const struct network *n, const struct network_paths *p, struct buf *b)
{
	TRY(buf_printf(b, "network={\n\tid_str=\"%s\"\n", n->alias));
	TRY(buf_printf(b, "\tssid=%s\n", text_hex(a, str_c(n->ssid))));
	TRY(put_security(a, n, p, b));
	if (n->newer)
		TRY(buf_puts(b, "\tproto=RSN\n"));
	if (n->hidden)
		TRY(buf_puts(b, "\tscan_ssid=1\n"));
	if (!n->automatic)
		TRY(buf_puts(b, "\tdisabled=1\n"));
	return buf_puts(b, "}\n");
}

static err_t
blocks(const struct agent *g, struct arena *a, char ***ret, size_t *retn)
{
	return network_aliases(
	    a, arena_printf(a, "%s/networks", g->conf->state_dir), ".wpa", ret, retn);
}

/* What the file shall be: empty where there is no network. */
static err_t
compose(const struct agent *g, struct arena *a, struct buf *out)
{
	char **aliases;
	struct str block;
	size_t n;

	TRY(blocks(g, a, &aliases, &n));
	if (n > 0)
		TRY(buf_puts(out, HEAD));
	for (size_t i = 0; i < n; i++) {
		TRY(file_read(
		    a, network_record(g, a, aliases[i], "wpa"), NETWORK_FILE_MAX, &block));
		TRY(buf_put(out, block));
	}
	return OK;
}

static err_t
cli(const struct agent *g, struct arena *a, const char *command, const char *number,
    const char *name, const char **ret)
{
	const char *words[] = { command, number, name, NULL };

	return dot1x_wpa(g, a, g->conf->wpa_interface, words, ret);
}

static bool
runs(const struct agent *g, struct arena *a)
{
	return file_exists(arena_printf(a, "%s/%s", g->conf->wpa_dir, g->conf->wpa_interface));
}

static err_t
read_again(const struct agent *g, struct arena *a)
{
	const char *said;

	if (!runs(g, a))
		return OK;
	TRY(cli(g, a, "reconfigure", NULL, NULL, &said));
	if (!str_eq_c(str_c(said), "OK"))
		FAIL(ERR_DOT1X, "wpa_supplicant of %s answers %s to reconfigure",
		    g->conf->wpa_interface, text_safe(a, str_c(said)));
	return OK;
}

/* Its file may be one that this wpa_supplicant does not read. */
static err_t
is_known(const struct agent *g, struct arena *a, const char *alias)
{
	const char *want = arena_printf(a, "\"%s\"", alias), *list, *is;
	struct str rest;

	if (!runs(g, a))
		return OK;
	TRY(cli(g, a, "list_networks", NULL, NULL, &list));
	rest = str_c(list);
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');
		const char *number = arena_cstr(a, str_cut(&line, '\t'));

		if (number[0] == '\0' || strspn(number, "0123456789") != strlen(number))
			continue;
		TRY(cli(g, a, "get_network", number, "id_str", &is));
		if (str_eq_c(str_c(is), want))
			return OK;
	}
	FAIL(ERR_DOT1X, "wpa_supplicant of %s does not read %s: start it with -I%s",
	    g->conf->wpa_interface, g->conf->wpa_file, g->conf->wpa_file);
}

/* *ret: the file is another one now. */
static err_t
write_all(const struct agent *g, struct arena *a, bool *ret)
{
	auto_buf struct buf all = { 0 };
	struct str was = STR_EMPTY;

	buf_init(&all, NETWORK_FILE_MAX);
	TRY(compose(g, a, &all));
	if (file_exists(g->conf->wpa_file))
		TRY(file_read(a, g->conf->wpa_file, NETWORK_FILE_MAX, &was));
	*ret = !str_eq(was, buf_str(&all));
	if (!*ret)
		return OK;
	/* Who reads it goes on reading it: it stays, empty. */
	return file_write(g->conf->wpa_file, buf_str(&all), 0600);
}

static err_t
put(const struct agent *g, struct arena *a, const char *alias, struct str text)
{
	bool changed;

	TRY(file_write(network_record(g, a, alias, "wpa"), text, 0600));
	TRY(write_all(g, a, &changed));
	TRY(read_again(g, a));
	return is_known(g, a, alias);
}

static err_t
get(const struct agent *g, struct arena *a, const char *alias, struct str *ret)
{
	const char *block = network_record(g, a, alias, "wpa");
	auto_buf struct buf all = { 0 };
	struct str is;

	*ret = STR_EMPTY;
	if (!file_exists(block) || !file_exists(g->conf->wpa_file))
		return OK;
	buf_init(&all, NETWORK_FILE_MAX);
	TRY(compose(g, a, &all));
	TRY(file_read(a, g->conf->wpa_file, NETWORK_FILE_MAX, &is));
	if (!str_eq(is, buf_str(&all)))
		return OK;
	return file_read(a, block, NETWORK_FILE_MAX, ret);
}

static err_t
drop(const struct agent *g, struct arena *a, const char *alias)
{
	const char *block = network_record(g, a, alias, "wpa");
	bool changed;
	err_t e;

	if (!file_exists(block))
		return OK;
	TRY(file_remove(block));
	TRY(write_all(g, a, &changed));
	/* One that does not answer has nothing of it when it starts. */
	e = read_again(g, a);
	err_forget(e);
	return OK;
}

const struct network_way network_by_wpa = {
	.name = "wpa_supplicant",
	.here = here,
	.print = print,
	.put = put,
	.get = get,
	.drop = drop,
};

/* ---- a new certificate ---- */

static bool
is_wanted(const struct agent *g)
{
	auto_arena struct arena *a = arena_new();
	char **aliases;
	size_t n = 0;
	err_t e = blocks(g, a, &aliases, &n);

	err_forget(e);
	return here(g) && n > 0;
}

/* The networks, and what each logs on with. */
static const char *
mark(const struct agent *g, struct arena *a)
{
	const char *all = g->conf->wpa_interface;
	char **aliases;
	size_t n = 0;
	err_t e = blocks(g, a, &aliases, &n);

	err_forget(e);
	for (size_t i = 0; i < n; i++)
		all = arena_printf(
		    a, "%s\n%s %s", all, aliases[i], network_certificate(g, a, aliases[i]));
	return all;
}

/*
 * certificates: network -> hash of the certificate that wpa_supplicant has for it. The one that was there when the network came
 * is in use: the first look only notes it. While there is none the one before stays on record, so that the next is another.
 */
static err_t
bring_all(const struct agent *g, struct arena *a, const struct holdings *h, json *state)
{
	const json *was = json_get(state, "certificates");
	auto_json json *now = json_object_new();
	bool changed = false;
	char **aliases;
	size_t n;

	TRY(blocks(g, a, &aliases, &n));
	if (n == 0 || !here(g)) {
		json_del(state, "certificates");
		return OK;
	}
	for (size_t i = 0; i < n; i++) {
		const struct holding *is = holding_find(h, network_certificate(g, a, aliases[i]));
		const char *had = json_text(json_get(was, aliases[i]));
		const char *has = is == NULL ? had : is->sha256;

		changed |= had[0] != '\0' && !str_eq_c(str_c(had), has);
		json_set_text(now, aliases[i], has);
	}
	if (changed)
		TRY(read_again(g, a));
	json_set(state, "certificates", steal(now));
	return OK;
}

const struct consumer consumer_networks = {
	.name = "networks",
	.wanted = is_wanted,
	.mark = mark,
	.sync = bring_all,
};

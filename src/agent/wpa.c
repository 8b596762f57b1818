/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks of a wpa_supplicant that is its own master, by wpa_cli(8): "INTERFACE:NUMBER". What is set lasts until
 * wpa_supplicant ends; it is set again when another one is there. Paths are stable, so a configuration file of
 * wpa_supplicant may name them itself.
 */
#include <sys/stat.h>

#include "agent/dot1x.h"

#include "base/file.h"
#include "base/text.h"

static const char *const variables[] = { "client_cert", "private_key", "ca_cert" };

static bool
is_wanted(const struct agent *g)
{
	return g->conf->wpa_networks[0] != NULL;
}

/* "eth0:0" */
static err_t
split(struct arena *a, const char *network, const char **ret_interface, const char **ret_number)
{
	struct str rest = str_c(network);
	int64_t n;

	*ret_interface = arena_cstr(a, str_cut(&rest, ':'));
	TRY_CTX(text_i64(rest, 0, 1000, &n), "[wpa_supplicant] networks: \"%s\"", network);
	*ret_number = arena_printf(a, "%d", (int)n);
	return OK;
}

/* The socket is made anew by each wpa_supplicant that starts. */
static const char *
mark(const struct agent *g, struct arena *a)
{
	const char *all = g->conf->dot1x_ca ? "wpa ca" : "wpa";

	for (const char *const *p = g->conf->wpa_networks; *p != NULL; p++) {
		struct str rest = str_c(*p);
		const char *interface = arena_cstr(a, str_cut(&rest, ':'));
		struct stat st = { 0 };

		(void)stat(arena_printf(a, "%s/%s", g->conf->wpa_dir, interface), &st);
		all = arena_printf(a, "%s\n%s %llu %lld", all, *p, (unsigned long long)st.st_ino,
		    (long long)st.st_mtime);
	}
	return all;
}

static err_t
cli(const struct agent *g, struct arena *a, const char *network, const char *command,
    const char *name, const char *value, const char **ret)
{
	const char *interface, *number, *words[5] = { command };
	size_t n = 1;

	TRY(split(a, network, &interface, &number));
	if (name != NULL) {
		words[n++] = number;
		words[n++] = name;
	}
	if (value != NULL)
		words[n++] = value;
	return dot1x_wpa(g, a, interface, words, ret);
}

static err_t
ask(const struct agent *g, struct arena *a, const char *network, const char *name, const char **ret)
{
	TRY(cli(g, a, network, "get_network", name, NULL, ret));
	if (str_eq_c(str_c(*ret), "FAIL"))
		*ret = "";
	return OK;
}

static err_t
order(const struct agent *g, struct arena *a, const char *network, const char *command,
    const char *name, const char *value)
{
	const char *out;

	TRY(cli(g, a, network, command, name, value, &out));
	if (!str_eq_c(str_c(out), "OK"))
		FAIL(ERR_DOT1X, "wpa_supplicant answers %s to %s %s of %s",
		    text_safe(a, str_c(out)), command, name == NULL ? "" : name, network);
	return OK;
}

/* values in wpa_supplicant's own writing; "": stays as it is. */
static err_t
set(const struct agent *g, struct arena *a, const char *network,
    const char *const values[COUNT(variables)], bool *ret)
{
	*ret = false;
	for (size_t i = 0; i < COUNT(variables); i++) {
		const char *is;

		TRY(ask(g, a, network, variables[i], &is));
		if (values[i][0] == '\0' || str_eq_c(str_c(is), values[i]))
			continue;
		TRY(order(g, a, network, "set_network", variables[i], values[i]));
		*ret = true;
	}
	return OK;
}

static err_t
remember(const struct agent *g, struct arena *a, const char *network, json *state)
{
	json *was = json_object_new();
	auto_json json *owned = was;

	if (json_is_object(json_get(state, "was")))
		return OK;
	for (size_t i = 0; i < COUNT(variables); i++) {
		const char *is;

		TRY(ask(g, a, network, variables[i], &is));
		json_set_text(was, variables[i], is);
	}
	json_set(state, "was", steal(owned));
	return OK;
}

static const char *
quoted(struct arena *a, const char *path)
{
	return path[0] == '\0' ? "" : arena_printf(a, "\"%s\"", path);
}

/*
 * wpa_supplicant keeps the TLS session of a network, and with it the certificate, until a value of the network is set that is
 * another one. So the certificate's file is named in another way, and then in its own again.
 */
static err_t
forget_session(const struct agent *g, struct arena *a, const char *network, const char *cert)
{
	auto_free char *real = realpath(cert, NULL);

	if (real == NULL)
		FAIL(ERR_FILE, "%s: %m", cert);
	TRY(order(g, a, network, "set_network", variables[0], quoted(a, real)));
	return order(g, a, network, "set_network", variables[0], quoted(a, cert));
}

static err_t
use(const struct agent *g, struct arena *a, const char *network, const struct holdings *h,
    const struct holding *is, json *state)
{
	const char *key;
	bool changed;

	TRY(dot1x_key(a, is, &key));
	TRY(remember(g, a, network, state));
	const char *values[COUNT(variables)] = { quoted(a, is->cert), quoted(a, key),
		quoted(a, g->conf->dot1x_ca ? h->bundle : "") };
	TRY(set(g, a, network, values, &changed));
	if (!changed && str_eq_c(str_c(json_text(json_get(state, "done"))), is->sha256))
		return OK;
	json_set_text(state, "done", "");
	TRY(forget_session(g, a, network, is->cert));
	TRY(order(g, a, network, "reassociate", NULL, NULL));
	json_set_text(state, "done", is->sha256);
	return OK;
}

/* A wpa_supplicant that does not run has forgotten by itself. */
static err_t
restore(const struct agent *g, struct arena *a, const char *network, const json *state)
{
	const char *values[COUNT(variables)], *interface, *number;
	bool changed;

	TRY(split(a, network, &interface, &number));
	if (!file_exists(arena_printf(a, "%s/%s", g->conf->wpa_dir, interface)))
		return OK;
	for (size_t i = 0; i < COUNT(variables); i++)
		values[i] = json_text(json_get(json_get(state, "was"), variables[i]));
	TRY(set(g, a, network, values, &changed));
	return changed ? order(g, a, network, "reassociate", NULL, NULL) : OK;
}

static const struct dot1x_way way = { use, restore };

static err_t
bring_all(const struct agent *g, struct arena *a, const struct holdings *h, json *state)
{
	return dot1x_sync(g, a, h, g->conf->wpa_networks, &way, state);
}

const struct consumer consumer_wpa = {
	.name = "wpa_supplicant",
	.wanted = is_wanted,
	.mark = mark,
	.sync = bring_all,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of NetworkManager, by nmcli(1): 802-1x.client-cert, private-key and ca-cert. A connection that is active is
 * activated again when its certificate is another one; one that is not takes it when it comes up.
 *
 * NetworkManager does not let a TLS connection be without a certificate: one that had none before keeps the paths.
 */
#include "agent/dot1x.h"

#include "base/text.h"

enum { ASK_MS = 20000, UP_MS = 100000 };
#define UP_S "90"

static const char *const properties[] = { "802-1x.client-cert", "802-1x.private-key",
	"802-1x.ca-cert" };

static bool
is_wanted(const struct agent *g)
{
	return g->conf->nm_connections[0] != NULL;
}

static const char *
mark(const struct agent *g, struct arena *a)
{
	const char *all = g->conf->dot1x_ca ? "nm ca" : "nm";

	for (const char *const *p = g->conf->nm_connections; *p != NULL; p++)
		all = arena_printf(a, "%s\n%s", all, *p);
	return all;
}

static err_t
ask(struct arena *a, const char *connection, const char *property, const char **ret)
{
	const char *argv[] = { "nmcli", "-e", "no", "-g", property, "connection", "show", "id",
		connection, NULL };
	const char *out;

	TRY(dot1x_run(a, argv, ASK_MS, &out));
	*ret = arena_cstr(a, str_trim(str_c(out)));
	return OK;
}

static err_t
activate_again(struct arena *a, const char *connection)
{
	const char *argv[] = { "nmcli", "--wait", UP_S, "connection", "up", "id", connection,
		NULL };
	const char *state;

	TRY(ask(a, connection, "GENERAL.STATE", &state));
	return str_eq_c(str_c(state), "activated") ? dot1x_run(a, argv, UP_MS, NULL) : OK;
}

/* values: as properties; "": stays as it is. *ret: something was changed. */
static err_t
modify(
    struct arena *a, const char *connection, const char *const values[COUNT(properties)], bool *ret)
{
	const char *argv[16] = { "nmcli", "connection", "modify", "id", connection };
	size_t n = 5;

	*ret = false;
	for (size_t i = 0; i < COUNT(properties); i++) {
		const char *is;

		TRY(ask(a, connection, properties[i], &is));
		if (values[i][0] == '\0' || str_eq_c(str_c(is), values[i]))
			continue;
		argv[n++] = properties[i];
		argv[n++] = values[i];
	}
	if (n == 5)
		return OK;
	/* The key is in a file without password, or in a token whose PIN NetworkManager is given by hand. */
	argv[n++] = "802-1x.private-key-password-flags";
	argv[n++] = "4";
	*ret = true;
	return dot1x_run(a, argv, ASK_MS, NULL);
}

static err_t
remember(struct arena *a, const char *connection, json *state)
{
	json *was;

	if (json_is_object(json_get(state, "was")))
		return OK;
	was = json_object_new();
	json_set(state, "was", was);
	for (size_t i = 0; i < COUNT(properties); i++) {
		const char *is;
		err_t e = ask(a, connection, properties[i], &is);

		if (!err_ok(e)) {
			json_del(state, "was");
			return e;
		}
		json_set_text(was, properties[i], is);
	}
	return OK;
}

static err_t
use(const struct agent *g, struct arena *a, const char *connection, const struct holdings *h,
    const struct holding *is, json *state)
{
	const char *values[COUNT(properties)] = { is->cert, "",
		g->conf->dot1x_ca ? h->bundle : "" };
	bool changed;

	TRY(dot1x_key(a, is, &values[1]));
	TRY(remember(a, connection, state));
	TRY(modify(a, connection, values, &changed));
	if (!changed && str_eq_c(str_c(json_text(json_get(state, "done"))), is->sha256))
		return OK;
	json_set_text(state, "done", "");
	TRY(activate_again(a, connection));
	json_set_text(state, "done", is->sha256);
	return OK;
}

/* A connection that was deleted meanwhile has nothing to be put back. That the old certificate does not log on any more
 * is no failure of putting it back. */
static err_t
restore(const struct agent *g, struct arena *a, const char *connection, const json *state)
{
	const char *argv[] = { "nmcli", "-e", "no", "-g", "NAME", "connection", "show", NULL };
	const char *values[COUNT(properties)], *names;
	bool there = false, changed;
	struct str rest;
	err_t e;

	(void)g;
	TRY(dot1x_run(a, argv, ASK_MS, &names));
	rest = str_c(names);
	while (rest.n > 0)
		there |= str_eq_c(str_cut(&rest, '\n'), connection);
	if (!there)
		return OK;
	for (size_t i = 0; i < COUNT(properties); i++)
		values[i] = json_text(json_get(json_get(state, "was"), properties[i]));
	TRY(modify(a, connection, values, &changed));
	if (!changed)
		return OK;
	e = activate_again(a, connection);
	err_forget(e);
	return OK;
}

static const struct dot1x_way way = { use, restore };

static err_t
bring_all(const struct agent *g, struct arena *a, const struct holdings *h, json *state)
{
	return dot1x_sync(g, a, h, g->conf->nm_connections, &way, state);
}

const struct consumer consumer_networkmanager = {
	.name = "networkmanager",
	.wanted = is_wanted,
	.mark = mark,
	.sync = bring_all,
};

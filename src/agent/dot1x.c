/* SPDX-License-Identifier: Apache-2.0 */
/* What the two managers of 802.1X connections share: which certificate is meant. See consumer.h. */
#include "agent/dot1x.h"

#include "agent/exec.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

enum { CONNECTIONS_MAX = 64, WPA_MS = 20000 };

/* By the name of the profile, its id, or the alias; an imported certificate's alias goes on after the id. */
static bool
is_meant(struct arena *a, const struct holding *h, const char *profile)
{
	const char *alias = arena_printf(a, ALIAS_PREFIX "%s", profile);

	return str_eq_c(str_c(h->name), profile) || str_eq_c(str_c(h->alias), profile) ||
	    str_eq_c(str_c(h->alias), alias) ||
	    str_starts(str_c(h->alias), str_c(arena_printf(a, "%s-", alias)));
}

err_t
dot1x_choose(struct arena *a, const struct holdings *h, const char *setting,
    const char **ret_connection, const struct holding **ret)
{
	const char *sign = strrchr(setting, '=');
	const char *profile = sign == NULL ? "" : sign + 1;
	const struct holding *hit = NULL;

	*ret_connection = sign == NULL ?
	    setting :
	    arena_cstr(a, str_trim(str_of(setting, (size_t)(sign - setting))));
	profile = arena_cstr(a, str_trim(str_c(profile)));
	for (size_t i = 0; i < h->n; i++) {
		const struct holding *x = &h->v[i];

		if (!x->identity || (profile[0] != '\0' && !is_meant(a, x, profile)))
			continue;
		if (hit != NULL)
			FAIL(ERR_DOT1X_CERTIFICATE, "%s: both %s \"%s\" and %s \"%s\" are meant",
			    setting, hit->alias, hit->name, x->alias, x->name);
		hit = x;
	}
	*ret = hit;
	return OK;
}

err_t
dot1x_key(struct arena *a, const struct holding *h, const char **ret)
{
	struct str text;

	*ret = h->key;
	if (h->uri == NULL)
		return OK;
	TRY(file_read(a, h->uri, LIMIT_LONG_TEXT, &text));
	*ret = arena_cstr(a, str_trim(text));
	return OK;
}

static err_t
leave(const struct agent *g, struct arena *a, const char *connection, const struct dot1x_way *way,
    json *state)
{
	if (!json_is_object(json_get(state, connection)))
		return OK;
	TRY(way->restore(g, a, connection, json_get(state, connection)));
	json_del(state, connection);
	return OK;
}

err_t
dot1x_sync(const struct agent *g, struct arena *a, const struct holdings *h,
    const char *const *settings, const struct dot1x_way *way, json *state)
{
	struct err_report first = { .code = ERR_NONE };
	const char *gone[CONNECTIONS_MAX];
	auto_json json *named = json_object_new();
	size_t n = 0;

	for (const char *const *p = settings; *p != NULL; p++) {
		const struct holding *is = NULL;
		struct err_report rep;
		const char *name;
		err_t e = dot1x_choose(a, h, *p, &name, &is);

		json_set_bool(named, name, true);
		if (err_ok(e) && is != NULL && !json_is_object(json_get(state, name)))
			json_set(state, name, json_object_new());
		if (err_ok(e) && is != NULL)
			e = way->use(g, a, name, h, is, json_get(state, name));
		else if (err_ok(e))
			e = leave(g, a, name, way, state);
		err_take(e, &rep);
		if (first.code == ERR_NONE)
			first = rep;
	}
	for (void *it = json_iter(state); it != NULL && n < COUNT(gone);
	     it = json_iter_next(state, it))
		if (json_get(named, json_iter_key(it)) == NULL)
			gone[n++] = arena_strdup(a, json_iter_key(it));
	for (size_t i = 0; i < n; i++)
		TRY(leave(g, a, gone[i], way, state));
	return first.code == ERR_NONE ? OK : err_raise(&first);
}

err_t
dot1x_run(struct arena *a, const char *const *argv, int64_t timeout_ms, const char **ret_out)
{
	/* Names of connections as they are, whatever the service manager says of languages. */
	static const char *const env[] = { "LC_ALL=C.UTF-8", NULL };
	struct err_report rep;
	err_t e = exec_run(a, argv, env, timeout_ms, ret_out);

	if (err_ok(e))
		return OK;
	err_take(e, &rep);
	FAIL(ERR_DOT1X, "%s", rep.detail);
}

/* Its own end of the socket is where wpa_supplicant sees it, too: the unit has a /tmp of its own. */
err_t
dot1x_wpa(const struct agent *g, struct arena *a, const char *interface, const char *const *command,
    const char **ret)
{
	const char *argv[16] = { "wpa_cli", "-p", g->conf->wpa_dir, "-s", g->conf->state_dir, "-i",
		interface };
	const char *out;
	size_t n = 7;

	for (; *command != NULL && n < COUNT(argv) - 1; command++)
		argv[n++] = *command;
	TRY(dot1x_run(a, argv, WPA_MS, &out));
	*ret = arena_cstr(a, str_trim(str_c(out)));
	return OK;
}

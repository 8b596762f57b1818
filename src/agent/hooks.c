/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks: programs of the administrator, in one folder, that are told of every change by their environment.
 *
 *   CHANCERY_EVENT   installed, replaced, removed; and wipe, alone, when the device is to be wiped: erase what is to go
 *   CHANCERY_KIND    ca, identity
 *   CHANCERY_ALIAS, CHANCERY_NAME, CHANCERY_SHA256
 *   CHANCERY_CERT, CHANCERY_CHAIN, CHANCERY_KEY (a file) or CHANCERY_KEY_URI (a PKCS#11 URI); not with "removed"
 *
 * Each is told of each change until it ended with status 0, so it must be able to stand that twice; a hook that is new
 * is told of everything that is there. What others could write to is not run.
 */
#include <sys/stat.h>

#include "agent/consumer.h"
#include "agent/exec.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

enum { HOOKS_MAX = 64, HOLDINGS_MAX = 512 };

static bool
is_wanted(const struct agent *g)
{
	return file_exists(g->conf->hooks_dir);
}

static bool
is_safe(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && (st->st_mode & 022) == 0;
}

/* As run-parts(8): names of letters, digits, '-' and '_', and what else is there is none of ours. */
static bool
is_hook(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
	    strlen(name);
}

static err_t
list(const struct agent *g, struct arena *a, char ***ret, size_t *retn)
{
	char **names, **out;
	struct stat st;
	size_t n, at = 0;

	*retn = 0;
	if (!file_exists(g->conf->hooks_dir))
		return OK;
	if (stat(g->conf->hooks_dir, &st) != 0 || !is_safe(&st))
		FAIL(ERR_HOOK, "%s can be written to by others: nothing in it is run",
		    g->conf->hooks_dir);
	TRY(dir_list(a, g->conf->hooks_dir, HOOKS_MAX, &names, &n));
	out = arena_array(a, n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", g->conf->hooks_dir, names[i]);

		if (!is_hook(names[i]) || stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
		    (st.st_mode & 0100) == 0)
			continue;
		if (!is_safe(&st))
			FAIL(ERR_HOOK, "%s can be written to by others", path);
		out[at++] = names[i];
	}
	*ret = out;
	*retn = at;
	return OK;
}

static const char *
mark(const struct agent *g, struct arena *a)
{
	const char *all = "hooks";
	char **names;
	size_t n = 0;
	err_t e = list(g, a, &names, &n);

	if (!err_ok(e))
		all = "unsafe";
	err_forget(e);
	for (size_t i = 0; i < n; i++)
		all = arena_printf(a, "%s %s", all, names[i]);
	return all;
}

static err_t
uri_of(struct arena *a, const struct holding *h, const char **ret)
{
	struct str text;

	TRY(file_read(a, h->uri, LIMIT_LONG_TEXT, &text));
	*ret = arena_cstr(a, str_trim(text));
	return OK;
}

/* event: of the holding, or of what is only known by its alias and hash any more (h NULL). */
static err_t
tell(const struct agent *g, struct arena *a, const char *hook, const char *event, const char *alias,
    const char *what, const struct holding *h)
{
	const char *argv[] = { arena_printf(a, "%s/%s", g->conf->hooks_dir, hook), event, NULL };
	const char *env[12] = { 0 }, *uri;
	struct str rest = str_c(what);
	const char *kind = arena_cstr(a, str_cut(&rest, ' '));
	struct err_report rep;
	size_t n = 0;
	err_t e;

	env[n++] = arena_printf(a, "CHANCERY_EVENT=%s", event);
	env[n++] = arena_printf(a, "CHANCERY_ALIAS=%s", alias);
	env[n++] = arena_printf(a, "CHANCERY_KIND=%s", kind);
	env[n++] = arena_printf(a, "CHANCERY_SHA256=%s", arena_cstr(a, rest));
	if (h != NULL) {
		env[n++] = arena_printf(a, "CHANCERY_NAME=%s", h->name);
		env[n++] = arena_printf(a, "CHANCERY_CERT=%s", h->cert);
	}
	if (h != NULL && h->identity) {
		env[n++] = arena_printf(a, "CHANCERY_CHAIN=%s", h->chain);
		if (h->uri != NULL)
			TRY(uri_of(a, h, &uri));
		env[n++] = h->uri != NULL ? arena_printf(a, "CHANCERY_KEY_URI=%s", uri) :
					    arena_printf(a, "CHANCERY_KEY=%s", h->key);
	}
	e = exec_run(a, argv, env, g->conf->hooks_timeout * 1000, NULL);
	if (err_ok(e))
		return OK;
	err_take(e, &rep);
	FAIL(ERR_HOOK, "%s", rep.detail);
}

static const char *
what_of(struct arena *a, const struct holding *h)
{
	return arena_printf(a, "%s %s", h->identity ? "identity" : "ca", h->sha256);
}

/* told: alias -> "kind hash" that this hook was told of last. */
static err_t
tell_changes(
    const struct agent *g, struct arena *a, const char *hook, const struct holdings *h, json *told)
{
	const char *gone[HOLDINGS_MAX];
	size_t n = 0;

	for (void *it = json_iter(told); it != NULL && n < COUNT(gone);
	     it = json_iter_next(told, it))
		if (holding_find(h, json_iter_key(it)) == NULL)
			gone[n++] = arena_strdup(a, json_iter_key(it));
	for (size_t i = 0; i < n; i++) {
		TRY(tell(g, a, hook, "removed", gone[i],
		    arena_strdup(a, json_text(json_get(told, gone[i]))), NULL));
		json_del(told, gone[i]);
	}
	for (size_t i = 0; i < h->n; i++) {
		const char *was = json_text(json_get(told, h->v[i].alias));
		const char *is = what_of(a, &h->v[i]);

		if (str_eq_c(str_c(was), is))
			continue;
		TRY(tell(g, a, hook, was[0] == '\0' ? "installed" : "replaced", h->v[i].alias, is,
		    &h->v[i]));
		json_set_text(told, h->v[i].alias, is);
	}
	return OK;
}

/* A hook that is gone is told nothing more. */
static void
forget_gone(struct arena *a, char **names, size_t n, json *state)
{
	const char *gone[HOOKS_MAX];
	size_t ngone = 0;

	for (void *it = json_iter(state); it != NULL && ngone < COUNT(gone);
	     it = json_iter_next(state, it)) {
		bool there = false;

		for (size_t i = 0; i < n; i++)
			there |= str_eq_c(str_c(names[i]), json_iter_key(it));
		if (!there)
			gone[ngone++] = arena_strdup(a, json_iter_key(it));
	}
	for (size_t i = 0; i < ngone; i++)
		json_del(state, gone[i]);
}

static err_t
bring_all(const struct agent *g, struct arena *a, const struct holdings *h, json *state)
{
	struct err_report first = { .code = ERR_NONE };
	char **names = NULL;
	size_t n;

	TRY(list(g, a, &names, &n));
	forget_gone(a, names, n, state);
	/* One that fails does not keep the others from being told. */
	for (size_t i = 0; i < n; i++) {
		struct err_report rep;
		err_t e;

		if (!json_is_object(json_get(state, names[i])))
			json_set(state, names[i], json_object_new());
		e = tell_changes(g, a, names[i], h, json_get(state, names[i]));
		err_take(e, &rep);
		if (first.code == ERR_NONE)
			first = rep;
	}
	return first.code == ERR_NONE ? OK : err_raise(&first);
}

err_t
hooks_wipe(const struct agent *g, struct arena *a)
{
	const char *env[] = { "CHANCERY_EVENT=wipe", NULL };
	struct err_report first = { .code = ERR_NONE };
	char **names = NULL;
	size_t n;

	TRY(list(g, a, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *argv[] = { arena_printf(a, "%s/%s", g->conf->hooks_dir, names[i]),
			"wipe", NULL };
		struct err_report rep;

		err_take(exec_run(a, argv, env, g->conf->hooks_timeout * 1000, NULL), &rep);
		if (first.code == ERR_NONE)
			first = rep;
	}
	if (first.code != ERR_NONE)
		FAIL(ERR_HOOK, "%s", first.detail);
	return OK;
}

const struct consumer consumer_hooks = {
	.name = "hooks",
	.wanted = is_wanted,
	.mark = mark,
	.sync = bring_all,
};

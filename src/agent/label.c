/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of keys in the token. A key that was delivered goes by its alias; one that was made here for a request has a name
 * of its own, which certs/<alias>/key.label holds.
 *
 *   state_dir/old-<alias>   the name of the key that the version before had: it goes when the link has moved
 */
#include "agent/agent.h"
#include "base/file.h"
#include "base/limits.h"

#define OLD "old-"
#define MAX_FILES 4096

const char *
identity_label(const struct agent *g, struct arena *a, const char *alias)
{
	const char *path = arena_printf(a, "%s/certs/%s/key.label", g->conf->state_dir, alias);
	struct str text;
	err_t e;

	if (!file_exists(path))
		return alias;
	e = file_read(a, path, LIMIT_TEXT, &text);
	if (err_ok(e))
		return arena_cstr(a, text);
	err_forget(e);
	return alias;
}

err_t
label_retire(const struct agent *g, struct arena *a, const char *alias, const char *next)
{
	const char *label = identity_label(g, a, alias);

	if (g->token == NULL || str_eq_c(str_c(label), next))
		return OK;
	return file_write(
	    arena_printf(a, "%s/" OLD "%s", g->conf->state_dir, alias), str_c(label), 0600);
}

static err_t
drop_old(const struct agent *g, struct arena *a, const char *alias)
{
	const char *path = arena_printf(a, "%s/" OLD "%s", g->conf->state_dir, alias);
	struct str label;

	if (g->token == NULL || !file_exists(path))
		return OK;
	TRY(file_read(a, path, LIMIT_TEXT, &label));
	if (!str_eq_c(label, identity_label(g, a, alias)))
		TRY(token_remove(g->token, arena_cstr(a, label)));
	return file_remove(path);
}

err_t
label_sweep(const struct agent *g, struct arena *a)
{
	char **names;
	size_t n;

	TRY(dir_list(a, g->conf->state_dir, MAX_FILES, &names, &n));
	for (size_t i = 0; i < n; i++)
		if (str_starts(str_c(names[i]), LIT(OLD)))
			TRY(drop_old(g, a, names[i] + strlen(OLD)));
	return OK;
}

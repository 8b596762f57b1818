/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of certificates that this device requests itself. A command that comes again finds the key that it had, so that the CA
 * gives the certificate that it gave before.
 *
 *   state_dir/pend-<alias>.<hash of the command's id>         the key, or empty: it is in the token as <alias>.<hash>
 *   state_dir/pend-<alias>.<hash of the command's id>.asked   the server said that it will take its time
 */
#include <sys/stat.h>

#include "agent/agent.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"

#define PREFIX "pend-"
#define ASKED ".asked"
enum { HASH_DIGITS = 16, MAX_FILES = 4096, KEPT_S = 7 * 86400 };

static const char *
file_of(const struct agent *g, struct arena *a, const char *name)
{
	return arena_printf(a, "%s/%s", g->conf->state_dir, name);
}

/* <alias>.<hash> of a file name; NULL: no file of ours. */
static const char *
label_of(struct arena *a, const char *name)
{
	struct str s = str_c(name), end = str_c(ASKED);

	if (!str_starts(s, LIT(PREFIX)))
		return NULL;
	s = str_of(name + strlen(PREFIX), s.n - strlen(PREFIX));
	if (s.n > end.n && str_eq(str_of(s.p + s.n - end.n, end.n), end))
		s.n -= end.n;
	if (s.n < HASH_DIGITS + 2 || s.p[s.n - HASH_DIGITS - 1] != '.')
		return NULL;
	return arena_cstr(a, s);
}

static bool
is_of(const char *label, const char *alias)
{
	size_t n = strlen(alias);

	return strlen(label) == n + 1 + HASH_DIGITS && strncmp(label, alias, n) == 0;
}

/* The file, and the key of that name in the token unless the installed certificate has it. */
static err_t
drop(const struct agent *g, struct arena *a, const char *name, const char *label)
{
	const char *alias = arena_cstr(a, str_of(label, strlen(label) - HASH_DIGITS - 1));

	if (g->token != NULL && !str_eq_c(str_c(identity_label(g, a, alias)), label))
		TRY(token_remove(g->token, label));
	return file_remove(file_of(g, a, name));
}

static bool
is_old(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtime < when_now() - KEPT_S;
}

/* alias NULL: of all; keep: the label of one that stays, NULL: none. */
static err_t
drop_some(const struct agent *g, struct arena *a, const char *alias, const char *keep, bool old)
{
	char **names;
	size_t n;

	TRY(dir_list(a, g->conf->state_dir, MAX_FILES, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *label = label_of(a, names[i]);

		if (label == NULL || (alias != NULL && !is_of(label, alias)) ||
		    (keep != NULL && str_eq_c(str_c(label), keep)) ||
		    (old && !is_old(file_of(g, a, names[i]))))
			continue;
		TRY(drop(g, a, names[i], label));
	}
	return OK;
}

err_t
pending_drop(const struct agent *g, struct arena *a, const char *alias)
{
	return drop_some(g, a, alias, NULL, false);
}

err_t
pending_drop_all(const struct agent *g, struct arena *a)
{
	return drop_some(g, a, NULL, NULL, false);
}

err_t
pending_sweep(const struct agent *g, struct arena *a)
{
	return drop_some(g, a, NULL, NULL, true);
}

err_t
pending_open(const struct agent *g, struct arena *a, const char *alias, const char *command,
    unsigned bits, struct pending *ret)
{
	struct pending p = { 0 };
	const char *label;
	uint8_t hash[32];

	TRY(alias_check(alias));
	hash_sha256(str_c(command), hash);
	label = arena_printf(a, "%s.%.*s", alias, HASH_DIGITS, text_hex(a, STR(hash)));
	TRY(drop_some(g, a, alias, label, false));
	p.path = file_of(g, a, arena_printf(a, PREFIX "%s", label));
	p.asked = file_exists(arena_printf(a, "%s" ASKED, p.path));
	if (g->token != NULL) {
		p.label = label;
		/* Its name is on the disk before the key is in the token. */
		if (!file_exists(p.path))
			TRY(file_write(p.path, STR_EMPTY, 0600));
		TRY(token_key(g->token, label, bits, &p.key));
	} else {
		TRY(key_file(a, p.path, KEY_RSA, bits, &p.key));
	}
	*ret = p;
	return OK;
}

err_t
pending_asked(struct arena *a, const struct pending *p)
{
	return file_write(arena_printf(a, "%s" ASKED, p->path), STR_EMPTY, 0600);
}

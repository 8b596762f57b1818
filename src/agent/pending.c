/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of certificates that this device requests itself. A command that comes again finds the key that it had, so that the CA
 * gives the certificate that it gave before.
 *
 *   state_dir/pend-<alias>.<hash of the command's id>         the key, or empty: it is in the token as <alias>.<hash>
 *   state_dir/pend-<alias>.<hash of the command's id>.asked   the server said that it will take its time: {"since", "said",
 *                                                             "csr"}
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"

#define PREFIX "pend-"
#define ASKED ".asked"
enum {
	HASH_DIGITS = 16,
	MAX_FILES = 4096,
	KEPT_S = 7 * 86400,
	ASKED_MAX = 2 * LIMIT_CSR_BYTES + 2 * LIMIT_LONG_TEXT
};

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

static err_t
read_asked(struct arena *a, const char *path, struct pending *p)
{
	auto_json json *j = NULL;
	const char *since, *said;
	struct str text;

	TRY(file_read(a, path, ASKED_MAX, &text));
	TRY(json_parse(text, ASKED_MAX, &j));
	TRY(json_need_text(j, "since", LIMIT_TEXT, &since));
	TRY(json_need_text(j, "said", LIMIT_LONG_TEXT, &said));
	TRY(json_want_base64(a, j, "csr", LIMIT_CSR_BYTES, &p->csr));
	p->said = arena_strdup(a, said);
	return when_parse(str_c(since), &p->since);
}

/* What is damaged is as if nothing had been said: the request is made anew. */
static void
note_asked(struct arena *a, struct pending *p)
{
	const char *path = arena_printf(a, "%s" ASKED, p->path);
	struct pending was = *p;
	err_t e;

	if (!file_exists(path))
		return;
	e = read_asked(a, path, &was);
	if (err_ok(e))
		*p = was;
	err_forget(e);
}

/* Somebody came back to it: it is not one of those that are forgotten. */
static err_t
touch(struct arena *a, const char *path)
{
	const char *const files[] = { path, arena_printf(a, "%s" ASKED, path) };

	for (size_t i = 0; i < COUNT(files); i++)
		if (utimensat(AT_FDCWD, files[i], NULL, 0) != 0 && errno != ENOENT)
			FAIL(ERR_FILE, "%s: %m", files[i]);
	return OK;
}

err_t
pending_open(const struct agent *g, struct arena *a, const char *alias, const struct own_order *o,
    struct pending *ret)
{
	struct pending p = { 0 };
	const char *label;
	uint8_t hash[32];

	TRY(alias_check(alias));
	hash_sha256(str_c(o->id), hash);
	label = arena_printf(a, "%s.%.*s", alias, HASH_DIGITS, text_hex(a, STR(hash)));
	TRY(drop_some(g, a, alias, label, false));
	p.path = file_of(g, a, arena_printf(a, PREFIX "%s", label));
	note_asked(a, &p);
	if (g->token != NULL) {
		p.label = label;
		/* Its name is on the disk before the key is in the token. */
		if (!file_exists(p.path))
			TRY(file_write(p.path, STR_EMPTY, 0600));
		TRY(token_pair(g->token, label, o->alg, o->bits, &p.key));
	} else {
		TRY(key_file(a, p.path, o->alg, o->bits, &p.key));
	}
	*ret = p;
	return touch(a, p.path);
}

err_t
pending_asked(struct arena *a, struct pending *p, struct str csr, const char *said)
{
	auto_json json *j = json_object_new();
	struct str text;

	if (p->since == 0)
		p->since = when_now();
	json_set_text(j, "since", when_text(a, p->since));
	json_set_text(j, "said", said);
	json_set_base64(a, j, "csr", csr);
	TRY(json_print(a, j, &text));
	return file_write(arena_printf(a, "%s" ASKED, p->path), text, 0600);
}

err_t
pending_show(const struct agent *g, struct arena *a, json *list)
{
	char **names;
	size_t n;

	TRY(dir_list(a, g->conf->state_dir, MAX_FILES, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *label = label_of(a, names[i]);
		struct pending p = { .path = file_of(g, a, names[i]) };
		json *row;

		if (label == NULL)
			continue;
		note_asked(a, &p);
		if (p.since == 0)
			continue;
		row = json_object_new();
		json_set_text(
		    row, "alias", arena_cstr(a, str_of(label, strlen(label) - HASH_DIGITS - 1)));
		json_set_when(a, row, "since", p.since);
		json_set_text(row, "detail", p.said);
		json_add(list, row);
	}
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ca_upkeep.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"
#include "pki/crl_read.h"

#define STATE_DIR "/var/lib/chancery/ca"
#define MARK "backup.txt"

enum { FILES_MAX = 4096, PIECE = 1 << 16, CRLS_MAX = 64 };

static const struct column columns[] = {
	{ .head = "NAME", .key = "name" },
	{ .head = "VALUE", .key = "value" },
	{ .head = "DEFAULT", .key = "default" },
	{ .head = "HELP", .key = "help", .wrap = true },
	{ 0 },
};

err_t
ca_settings(struct cli *c)
{
	return sock_verb(c,
	    &(struct sock_verb){ "ca", "ca.settings", .part = "settings", .columns = columns },
	    NULL);
}

err_t
ca_set(struct cli *c)
{
	auto_json json *args = json_object_new();

	if (c->args->noperands > 1)
		json_set_text(args, "value", c->args->operands[1]);
	return sock_verb(c,
	    &(struct sock_verb){
		"ca", "ca.set", .operand = "name", .part = "settings", .columns = columns },
	    args);
}

err_t
ca_ping(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	int64_t start = when_mono_ms();
	const json *cas;

	TRY(sock_ask(c, "ca", "ca.ping", args, &answer));
	if (c->json)
		return out_json(c, answer);
	cas = json_get(answer, "cas");
	for (size_t i = 0; i < json_count(cas); i++)
		out_say(c, "\"%s\" is alive (%lld ms)", out_value(c->arena, json_at(cas, i)),
		    (long long)(when_mono_ms() - start));
	if (json_count(cas) == 0)
		FAIL(ERR_CA_NONE, "%s", "the issuer answers");
	return OK;
}

/* ---- copies of a backup's folder ---- */

static err_t
write_all(int fd, const uint8_t *p, size_t n, const char *path)
{
	while (n > 0) {
		ssize_t k = write(fd, p, n);

		if (k <= 0)
			FAIL(ERR_FILE, "%s cannot be written", path);
		p += k;
		n -= (size_t)k;
	}
	return OK;
}

/* To a new file, mode 0600, owned as `like`; synced. */
static err_t
copy_file(const char *from, const char *to, const struct stat *like)
{
	auto_fd int in = open(from, O_RDONLY | O_CLOEXEC);
	auto_fd int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	uint8_t piece[PIECE];

	if (in < 0)
		FAIL(ERR_FILE, "%s cannot be read", from);
	if (out < 0 || (geteuid() == 0 && fchown(out, like->st_uid, like->st_gid) != 0))
		FAIL(ERR_FILE, "%s cannot be made", to);
	for (;;) {
		ssize_t n = read(in, piece, sizeof(piece));

		if (n < 0)
			FAIL(ERR_FILE, "%s cannot be read", from);
		if (n == 0)
			break;
		TRY(write_all(out, piece, (size_t)n, to));
	}
	if (fsync(out) != 0)
		FAIL(ERR_FILE, "%s cannot be written", to);
	return OK;
}

static err_t
make_folder(const char *path, const struct stat *like)
{
	if (mkdir(path, 0700) != 0)
		FAIL(ERR_FILE_EXISTS, "%s", path);
	if (geteuid() == 0 && chown(path, like->st_uid, like->st_gid) != 0)
		FAIL(ERR_FILE, "%s cannot be given to its owner", path);
	return OK;
}

static err_t
copy_crls(
    struct arena *a, const char *const *crls, size_t n, const char *to, const struct stat *like)
{
	const char *folder = arena_printf(a, "%s/crls", to);

	if (n > 0)
		TRY(make_folder(folder, like));
	for (size_t i = 0; i < n; i++)
		TRY(copy_file(crls[i], arena_printf(a, "%s/%zu.crl", folder, i + 1), like));
	return OK;
}

/* Whose it is, and whether it is new enough, the CA finds out; here it is a list, and whole. */
static err_t
check_crl(const char *file)
{
	auto_arena struct arena *a = arena_new();
	struct str data, lists[CRLS_MAX];
	struct crl_doc d;
	size_t n = 0;

	TRY(file_read(a, file, LIMIT_CRL_BYTES, &data));
	TRY_CTX(text_unpem(a, data, "X509 CRL", lists, CRLS_MAX, &n), "%s", file);
	if (n == 0)
		FAIL(ERR_CRL, "%s holds none", file);
	for (size_t i = 0; i < n; i++)
		TRY_CTX(crl_parse(lists[i], &d), "%s", file);
	return OK;
}

/* The mark comes last: a folder without it is not whole. */
static err_t
copy_backup(struct arena *a, const char *from, const char *to, const char *const *crls,
    size_t ncrls, const struct stat *like)
{
	const char *keys = arena_printf(a, "%s/keys", from);
	char **names;
	size_t n;

	TRY(dir_list(a, keys, FILES_MAX, &names, &n));
	TRY(make_folder(to, like));
	TRY(copy_file(arena_printf(a, "%s/ca.db", from), arena_printf(a, "%s/ca.db", to), like));
	TRY(make_folder(arena_printf(a, "%s/keys", to), like));
	for (size_t i = 0; i < n; i++)
		TRY(copy_file(arena_printf(a, "%s/%s", keys, names[i]),
		    arena_printf(a, "%s/keys/%s", to, names[i]), like));
	TRY(copy_crls(a, crls, ncrls, to, like));
	return copy_file(arena_printf(a, "%s/" MARK, from), arena_printf(a, "%s/" MARK, to), like);
}

static err_t
remove_backup(struct arena *a, const char *folder)
{
	const char *keys = arena_printf(a, "%s/keys", folder);
	char **names;
	size_t n;

	TRY(file_remove(arena_printf(a, "%s/" MARK, folder)));
	TRY(file_remove(arena_printf(a, "%s/ca.db", folder)));
	TRY(dir_list(a, keys, FILES_MAX, &names, &n));
	for (size_t i = 0; i < n; i++)
		TRY(file_remove(arena_printf(a, "%s/%s", keys, names[i])));
	if (rmdir(keys) != 0 || rmdir(folder) != 0)
		FAIL(ERR_FILE, "%s cannot be removed", folder);
	return OK;
}

err_t
ca_backup(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const char *to = c->args->operands[0], *from;
	struct stat me = { .st_uid = geteuid(), .st_gid = getegid() };

	if (file_exists(to))
		FAIL(ERR_FILE_EXISTS, "%s", to);
	out_progress(c, "copying the database");
	TRY(sock_ask(c, "ca", "ca.backup", args, &answer));
	TRY(json_need_text(answer, "folder", LIMIT_LONG_TEXT, &from));
	TRY(copy_backup(c->arena, from, to, NULL, 0, &me));
	TRY(remove_backup(c->arena, from));
	out_progress(c, "");
	out_say(c, "%s holds the CA with its keys: keep it as safe as the CA itself", to);
	return c->json ? out_json(c, answer) : OK;
}

/* Somebody answers: it runs. */
static err_t
must_be_down(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	err_t e = sock_ask(c, "ca", "ca.ping", args, &answer);

	if (err_ok(e))
		FAIL(ERR_CONFLICT, "the CA runs; stop it first");
	err_forget(e);
	return OK;
}

err_t
ca_restore(struct cli *c)
{
	const char *from = c->args->operands[0];
	const char *state = args_or(c->args, "state-dir", STATE_DIR);
	const char *to = arena_printf(c->arena, "%s/restore", state);
	const char **crls;
	size_t n = args_list(c->arena, c->args, "crl", &crls);
	struct stat like;

	TRY(must_be_down(c));
	for (size_t i = 0; i < n; i++)
		TRY(check_crl(crls[i]));
	if (!file_exists(arena_printf(c->arena, "%s/" MARK, from)))
		FAIL(ERR_RESTORE, "%s has no " MARK, from);
	if (stat(state, &like) != 0 || !S_ISDIR(like.st_mode))
		FAIL(ERR_FILE_MISSING, "%s", state);
	TRY(copy_backup(c->arena, from, to, crls, n, &like));
	out_say(c, "%s is ready: start the CA, and it takes it", to);
	if (n == 0)
		out_say(c,
		    "Without --crl, what was revoked after the backup is good again. To give the last CRLs of each CA, "
		    "remove that folder and restore once more before the start.");
	out_say(c,
	    "Orders that were closed after the backup may be open again, and what was issued after it cannot be revoked by "
	    "serial number unless a CRL names it. Open challenges end; make new ones.");
	return OK;
}

const struct opt ca_restore_opts[] = {
	{ .name = "crl",
	    .value = "FILE",
	    .many = true,
	    .help =
		"Last CRL that a CA published, DER or PEM: what it names stays revoked. Once for each CA, key and "
		"shard." },
	{ .name = "state-dir",
	    .value = "DIR",
	    .help = "State folder of the CA; else " STATE_DIR "." },
	SOCK_OPT("ca"),
	{ 0 },
};

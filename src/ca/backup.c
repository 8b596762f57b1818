/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/backup.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/crl.h"
#include "ca/restore_crl.h"
#include "ca/state.h"
#include "store/crl.h"
#include "store/pending.h"
#include "store/scep.h"

#define MARK "backup.txt"
#define MARK_HEAD "chancery ca backup 1\n"
#define SETTING_RESTORED "restore.of"

enum { FILES_MAX = 4096, FILE_BYTES = 1 << 20, MARK_BYTES = 256 };

/* ---- making one ---- */

static err_t
copy_keys(struct arena *a, const char *from, const char *to)
{
	char **names;
	size_t n;

	TRY(dir_make(to, 0700));
	TRY(dir_list(a, from, FILES_MAX, &names, &n));
	for (size_t i = 0; i < n; i++) {
		struct str data;

		TRY(file_read(a, arena_printf(a, "%s/%s", from, names[i]), FILE_BYTES, &data));
		TRY(file_write(arena_printf(a, "%s/%s", to, names[i]), data, 0600));
	}
	return OK;
}

static err_t
note_tx(struct tx *tx, void *arg)
{
	return store_journal_add(tx, "administrator", "backup", arg);
}

/* keys_dir is state_dir/keys. */
static const char *
state_dir(struct arena *a, const struct issuer *is)
{
	return arena_cstr(a, str_of(is->keys_dir, strlen(is->keys_dir) - strlen("/keys")));
}

err_t
backup_make(struct issuer *is, struct arena *a, const char **ret)
{
	const char *folder = arena_printf(a, "%s/backup/%lld-%.8s", state_dir(a, is),
	    (long long)when_now(), id_text(a, id_new()));

	TRY(dir_make(folder, 0700));
	TRY(store_write(is->store, note_tx, arena_printf(a, "folder=%s", folder)));
	TRY(store_backup(is->store, arena_printf(a, "%s/ca.db", folder)));
	TRY(copy_keys(a, is->keys_dir, arena_printf(a, "%s/keys", folder)));
	TRY(file_write(arena_printf(a, "%s/" MARK, folder),
	    str_c(arena_printf(
		a, MARK_HEAD "%lld\n%s\n", (long long)when_now(), id_text(a, id_new()))),
	    0600));
	*ret = folder;
	return OK;
}

/* ---- putting one back ---- */

int64_t
backup_crl_leap(int64_t age)
{
	return 4 * (age > 0 ? age : 0) + 16;
}

int64_t
backup_request_leap(int64_t age)
{
	const int64_t least = 1000000;

	return age > 0 && 10 * age > least ? 10 * age : least;
}

struct restore {
	struct arena *a;
	const char *crls; /* folder of lists that were published since */
	const char *mark; /* of the backup, to know it again after an interruption */
	int64_t age;
	int64_t length, bad;
	bool done;
};

static err_t
length_tx(struct tx *tx, void *arg)
{
	struct restore *r = arg;

	return store_journal_length(tx, &r->length);
}

static err_t
check_tx(struct tx *tx, void *arg)
{
	struct restore *r = arg;

	TRY(store_journal_length(tx, &r->length));
	return store_journal_verify(tx, &r->bad);
}

static err_t
raise_crls(struct tx *tx, struct restore *r)
{
	struct ca_row *v;
	size_t n;

	TRY(store_ca_list(tx, r->a, &v, &n));
	for (size_t i = 0; i < n; i++) {
		v[i].crl_number += (uint64_t)backup_crl_leap(r->age);
		TRY(store_ca_update(tx, &v[i]));
		TRY(crl_mark(tx, v[i].name, 0));
	}
	return OK;
}

/* Once for each backup, however often it is interrupted. */
static err_t
raise_tx(struct tx *tx, void *arg)
{
	struct restore *r = arg;
	struct str was = STR_EMPTY;
	err_t e = store_ca_setting_get(tx, r->a, SETTING_RESTORED, &was);
	int64_t last;

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	if (str_eq_c(was, r->mark))
		return OK;
	TRY(restore_crls(tx, r->crls, backup_crl_leap));
	TRY(raise_crls(tx, r));
	TRY(store_crl_shards_forget(tx));
	TRY(store_issued_last(tx, &last));
	TRY(store_issued_raise(tx, last + backup_request_leap(r->age)));
	/* Which of them were used or taken back since, nobody knows. */
	TRY(store_challenge_prune(tx, INT64_MAX));
	TRY(store_deposit_prune(tx, INT64_MAX));
	TRY(store_ca_setting_put(tx, SETTING_RESTORED, str_c(r->mark)));
	return store_journal_add(tx, "administrator", "restored",
	    arena_printf(r->a, "age=%llds last_request=%lld next_request=%lld", (long long)r->age,
		(long long)last, (long long)(last + backup_request_leap(r->age) + 1)));
}

static err_t
with_store(const char *path, store_fn fn, void *arg, bool writes)
{
	struct store_conf sc = { .path = path, .schema = STORE_CA };
	struct store *s;
	err_t e;

	TRY(store_open(&sc, &s));
	e = writes ? store_write(s, fn, arg) : store_read(s, fn, arg);
	store_close(s);
	return e;
}

/* The database that is there may be broken: that is what backups are for. One that has gone on is not. */
static err_t
check_present(struct restore *r, const char *db)
{
	int64_t staged = r->length;
	err_t e;

	if (!file_exists(db))
		return OK;
	e = with_store(db, length_tx, r, false);
	if (!err_ok(e)) {
		err_forget(e);
		return OK;
	}
	if (r->length > staged)
		FAIL(ERR_RESTORE,
		    "the database that is there has %lld lines of journal more than the backup; move %s away if it shall be given up",
		    (long long)(r->length - staged), db);
	return OK;
}

static err_t
read_mark(struct restore *r, const char *staged)
{
	struct str text, rest;
	int64_t made;

	TRY(file_read(r->a, arena_printf(r->a, "%s/" MARK, staged), MARK_BYTES, &text));
	rest = text;
	if (!str_starts(rest, LIT(MARK_HEAD)))
		FAIL(ERR_RESTORE, "%s/" MARK " is of another kind", staged);
	(void)str_cut(&rest, '\n');
	TRY_CTX(text_i64(str_cut(&rest, '\n'), 0, INT64_MAX, &made), MARK);
	r->mark = arena_cstr(r->a, text);
	r->age = when_now() - made;
	return OK;
}

static err_t
move(const char *from, const char *to)
{
	if (rename(from, to) != 0)
		FAIL(ERR_FILE, "%s cannot be moved to %s", from, to);
	return OK;
}

/* What SQLite keeps beside a database. */
static const char *const beside[] = { "-wal", "-shm" };

static err_t
clear_folder(struct arena *a, const char *folder)
{
	char **names;
	size_t n = 0;

	if (file_exists(folder))
		TRY(dir_list(a, folder, FILES_MAX, &names, &n));
	for (size_t i = 0; i < n; i++)
		TRY(file_remove(arena_printf(a, "%s/%s", folder, names[i])));
	(void)rmdir(folder);
	return OK;
}

/* Nothing of a backup stays behind, its keys least of all. */
static err_t
clear(struct arena *a, const char *staged)
{
	TRY(clear_folder(a, arena_printf(a, "%s/keys", staged)));
	TRY(clear_folder(a, arena_printf(a, "%s/crls", staged)));
	for (size_t i = 0; i < COUNT(beside); i++)
		TRY(file_remove(arena_printf(a, "%s/ca.db%s", staged, beside[i])));
	TRY(file_remove(arena_printf(a, "%s/" MARK, staged)));
	(void)rmdir(staged);
	return OK;
}

/* Beside the place where it shall be: the jail of the issuer lets no file move from one folder to another. */
static err_t
copy_db(const char *from, const char *to)
{
	struct store_conf sc = { .path = from, .schema = STORE_CA };
	struct store *s;
	err_t e;

	TRY(file_remove(to));
	TRY(store_open(&sc, &s));
	e = store_backup(s, to);
	store_close(s);
	return e;
}

/* Every step can be repeated, until the mark is gone. */
static err_t
swap(struct arena *a, const char *state, const char *staged)
{
	const char *db = arena_printf(a, "%s/ca.db", state);
	const char *fresh = arena_printf(a, "%s/ca.db.restored", state);
	const char *from = arena_printf(a, "%s/ca.db", staged);
	const char *keys = arena_printf(a, "%s/keys", staged);

	if (file_exists(keys))
		TRY(copy_keys(a, keys, arena_printf(a, "%s/keys", state)));
	if (file_exists(from)) {
		TRY(copy_db(from, fresh));
		for (size_t i = 0; i < COUNT(beside); i++)
			TRY(file_remove(arena_printf(a, "%s%s", db, beside[i])));
		if (file_exists(db))
			TRY(move(db, arena_printf(a, "%s.replaced", db)));
		TRY(move(fresh, db));
		TRY(file_remove(from));
	}
	return clear(a, staged);
}

err_t
backup_restore(const char *state)
{
	auto_arena struct arena *a = arena_new();
	const char *staged = arena_printf(a, "%s/restore", state);
	const char *from = arena_printf(a, "%s/ca.db", staged);
	struct restore r = { .a = a, .crls = arena_printf(a, "%s/crls", staged) };

	if (!file_exists(arena_printf(a, "%s/" MARK, staged)))
		return OK;
	TRY(read_mark(&r, staged));
	/* Without the database it is in its place already, and we were interrupted after that. */
	if (file_exists(from)) {
		TRY(with_store(from, check_tx, &r, false));
		if (r.bad != 0)
			FAIL(ERR_RESTORE, "line %lld of the journal in the backup was changed",
			    (long long)r.bad);
		TRY(check_present(&r, arena_printf(a, "%s/ca.db", state)));
		TRY(with_store(from, raise_tx, &r, true));
	}
	return swap(a, state, staged);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pfx_import.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/pfx_file.h"
#include "codec/csv.h"
#include "pki/pfx.h"
#include "pki/wrap.h"

#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

enum { ROWS_MAX = 100000, PORTION = 25, THREADS_MAX = 16, CSV_MAX = 32 << 20 };

#define LIST "/beta/deviceManagement/userPfxCertificates?$top=999"
#define USERS "/v1.0/users?$select=id,userPrincipalName&$top=999"

/* A set of texts, case ignored; filled before there are threads, or with the lock held. */
struct set {
	const char **v;
	size_t size; /* a power of two */
};

struct import {
	struct cli *c;
	struct pfx_keys keys;
	struct pfx_row *rows;
	size_t n;
	struct set users, there,
	    taken; /* UPNs; "upn thumbprint purpose" that need nothing more; "upn thumbprint" of this run */
	bool dry;
	pthread_mutex_t lock; /* of what follows, and of c */
	size_t next, done;
	int64_t created, updated, unchanged;
	json *errors;
	struct err_report trouble; /* that ends it */
};

static struct set
set_new(struct arena *a, size_t n)
{
	struct set s = { .size = 64 };

	while (s.size < 2 * n)
		s.size *= 2;
	s.v = arena_array(a, s.size, sizeof(*s.v));
	return s;
}

static const char *
lowered(struct arena *a, const char *s)
{
	char *t = arena_strdup(a, s);

	for (char *p = t; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return t;
}

static const char **
set_place(const struct set *s, const char *text)
{
	size_t i = str_hash(str_c(text)) & (s->size - 1);

	while (s->v[i] != NULL && strcmp(s->v[i], text) != 0)
		i = (i + 1) & (s->size - 1);
	return &s->v[i];
}

/* false: it was there. */
static bool
set_add(struct arena *a, struct set *s, const char *text)
{
	const char *low = lowered(a, text);
	const char **place = set_place(s, low);
	bool new = *place == NULL;

	*place = low;
	return new;
}

static bool
set_has(struct arena *a, const struct set *s, const char *text)
{
	return *set_place(s, lowered(a, text)) != NULL;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* First line of a file. */
static err_t
password_file(struct arena *a, const char *path, const char **ret)
{
	struct str text;

	*ret = "";
	if (path == NULL)
		return OK;
	TRY(file_read(a, path, 4096, &text));
	text = str_cut(&text, '\n');
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	return text_cstr(a, text, ret);
}

enum { FILE_COLUMN, USER_COLUMN, PASSWORD_COLUMN, PURPOSE_COLUMN, COLUMNS };
static const char *const columns[COLUMNS] = { "file", "user", "password", "purpose" };

static err_t
read_head(const struct csv_record *head, size_t at[COLUMNS])
{
	for (size_t k = 0; k < COLUMNS; k++) {
		at[k] = CSV_FIELDS;
		for (size_t i = 0; i < head->n; i++)
			if (str_ieq_c(str_trim(str_c(head->v[i])), columns[k]))
				at[k] = i;
	}
	if (at[FILE_COLUMN] == CSV_FIELDS || at[USER_COLUMN] == CSV_FIELDS)
		FAIL(ERR_IMPORT,
		    "the table needs a head line with the columns file and user; it may have password "
		    "and purpose");
	return OK;
}

static const char *
cell(const struct csv_record *r, size_t at, const char *otherwise)
{
	return at < r->n && r->v[at][0] != '\0' ? r->v[at] : otherwise;
}

static err_t
read_table(struct import *m, const char *table, const char *folder, const struct pfx_row *defaults)
{
	struct arena *a = m->c->arena;
	size_t at[COLUMNS];
	struct csv_record r;
	struct csv csv;
	struct str text;
	bool more;

	TRY(file_read(a, table, CSV_MAX, &text));
	TRY(csv_open(a, text, &csv));
	TRY(csv_next(&csv, &r, &more));
	if (!more)
		FAIL(ERR_IMPORT, "%s is empty", table);
	TRY(read_head(&r, at));
	m->rows = arena_array(a, ROWS_MAX, sizeof(*m->rows));
	for (;;) {
		const char *file;

		TRY(csv_next(&csv, &r, &more));
		if (!more)
			return OK;
		if (m->n == ROWS_MAX)
			FAIL(ERR_TOO_LARGE, "more than %d files", ROWS_MAX);
		file = cell(&r, at[FILE_COLUMN], "");
		m->rows[m->n++] = (struct pfx_row){ .line = r.line,
			.file = file[0] == '/' ? file : arena_printf(a, "%s/%s", folder, file),
			.user = cell(&r, at[USER_COLUMN], ""),
			.password = cell(&r, at[PASSWORD_COLUMN], defaults->password),
			.purpose = cell(&r, at[PURPOSE_COLUMN], defaults->purpose) };
	}
}

static const char *
folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? "." : arena_cstr(a, str_of(path, (size_t)(slash - path)));
}

static err_t
read_rows(struct import *m)
{
	const struct args *g = m->c->args;
	const char *path = g->operands[0], *table = args_text(g, "csv");
	struct pfx_row one = { .file = path,
		.user = args_text(g, "user"),
		.purpose = args_or(g, "purpose", "unassigned") };

	TRY(password_file(m->c->arena, args_text(g, "password-file"), &one.password));
	if (table != NULL)
		return read_table(
		    m, table, is_folder(path) ? path : folder_of(m->c->arena, path), &one);
	if (is_folder(path))
		FAIL(ERR_USAGE,
		    "a folder needs --csv FILE, a table with the columns file, user, password, purpose");
	if (one.user == NULL)
		FAIL(ERR_USAGE, "--user UPN or --csv FILE is missing");
	m->rows = arena_copy(m->c->arena, &one, sizeof(one));
	m->n = 1;
	return OK;
}

static err_t
read_keys(struct import *m)
{
	const struct args *g = m->c->args;
	const char *padding = args_or(g, "padding", "oaepSha256");
	const char **files;
	size_t n = args_list(m->c->arena, g, "key", &files);

	m->keys.padding = wrap_padding_of(str_c(padding));
	if (m->keys.padding < WRAP_OAEP_SHA256)
		FAIL(ERR_PFX_PADDING, "%s", padding);
	for (size_t i = 0; i < n; i++)
		TRY(pfx_keys_read(m->c->arena, files[i], &m->keys));
	if (m->keys.n == 0)
		FAIL(ERR_USAGE,
		    "--key FILE is missing: a public key from \"chancery pfx key export-public\"");
	return OK;
}

/* Can be opened with each of our keys already? */
static bool
has_keys(const struct import *m, const json *record)
{
	const json *keys = json_get(record, "@chancery.keys");
	size_t found = 0;

	for (size_t i = 0; i < m->keys.n; i++)
		for (size_t k = 0; k < json_count(keys); k++)
			found += str_ieq_c(str_c(m->keys.v[i].id), json_text(json_at(keys, k)));
	return found >= m->keys.n;
}

static const char *
record_key(struct arena *a, const char *user, const char *thumbprint, const char *purpose)
{
	return arena_printf(a, "%s %s %s", user, thumbprint, purpose);
}

/* Whom and what the service has. */
static err_t
learn(struct import *m)
{
	struct arena *a = m->c->arena;
	auto_json json *users = NULL, *records = NULL;

	out_progress(m->c, "what the service has is read");
	TRY(api_list(m->c, USERS, &users));
	TRY(api_list(m->c, LIST, &records));
	m->users = set_new(a, json_count(users));
	m->there = set_new(a, json_count(records));
	m->taken = set_new(a, m->n);
	for (size_t i = 0; i < json_count(users); i++)
		set_add(a, &m->users, json_text(json_get(json_at(users, i), "userPrincipalName")));
	for (size_t i = 0; i < json_count(records); i++) {
		const json *r = json_at(records, i);

		if (has_keys(m, r))
			set_add(a, &m->there,
			    record_key(a, json_text(json_get(r, "userPrincipalName")),
				json_text(json_get(r, "thumbprint")),
				json_text(json_get(r, "intendedPurpose"))));
	}
	return OK;
}

static void
put_error(struct import *m, const struct pfx_row *row, err_t e)
{
	json *j = json_object_new();
	struct err_report rep;

	err_take(e, &rep);
	json_set_int(j, "line", (int64_t)row->line);
	json_set_text(j, "file", text_safe(m->c->arena, str_c(row->file)));
	json_set_text(j, "userPrincipalName", text_safe(m->c->arena, str_c(row->user)));
	json_set_text(j, "code", err_info(rep.code)->id);
	json_set_text(j, "message",
	    rep.detail[0] == '\0' ? err_info(rep.code)->text :
				    text_safe(m->c->arena,
					str_c(arena_printf(m->c->arena, "%s: %s",
					    err_info(rep.code)->text, rep.detail))));
	json_set_text(j, "nextStep", err_info(rep.code)->hint);
	json_add(m->errors, j);
}

/* *ret NULL: there is nothing to send. */
static err_t
prepare(struct import *m, struct arena *a, const struct pfx_row *row, json **ret)
{
	struct pfx_packed packed;
	const char *key;
	bool fresh;

	*ret = NULL;
	if (!set_has(a, &m->users, row->user))
		FAIL(ERR_PFX_USER, "%s", row->user);
	TRY(pfx_file_pack(a, row, NULL, &packed));
	key = record_key(a, row->user, packed.thumbprint, "");
	pthread_mutex_lock(&m->lock);
	fresh = set_add(m->c->arena, &m->taken, key);
	pthread_mutex_unlock(&m->lock);
	if (!fresh)
		FAIL(ERR_PFX_DUPLICATE, "%s is in this import twice for %s", packed.thumbprint,
		    row->user);
	if (set_has(a, &m->there,
		record_key(a, row->user, packed.thumbprint, pfx_purpose(row->purpose)))) {
		pthread_mutex_lock(&m->lock);
		m->unchanged++;
		pthread_mutex_unlock(&m->lock);
		return OK;
	}
	if (m->dry) {
		pthread_mutex_lock(&m->lock);
		m->created++;
		pthread_mutex_unlock(&m->lock);
		return OK;
	}
	TRY(pfx_file_pack(a, row, &m->keys, &packed));
	*ret = packed.body;
	return OK;
}

/* One portion, over a connection of its own. */
static err_t
send(struct import *m, const json *body)
{
	auto_arena struct arena *a = arena_new();
	struct cli c = { .arena = a, .args = m->c->args, .json = m->c->json };
	auto_json json *answer = NULL;
	err_t e = api_send(&c, "POST", "/chancery/v1/userPfxCertificates/import", body, &answer);

	api_free(c.api);
	TRY(e);
	pthread_mutex_lock(&m->lock);
	m->created += json_int(json_get(answer, "created"));
	m->updated += json_int(json_get(answer, "updated"));
	m->unchanged += json_int(json_get(answer, "unchanged"));
	pthread_mutex_unlock(&m->lock);
	return OK;
}

/* *ret_n rows from *ret_first on; 0: none is left, or it is over. */
static void
next_portion(struct import *m, size_t *ret_first, size_t *ret_n)
{
	pthread_mutex_lock(&m->lock);
	*ret_first = m->next;
	*ret_n = m->n - m->next < PORTION ? m->n - m->next : PORTION;
	if (m->trouble.code != ERR_NONE)
		*ret_n = 0;
	m->next += *ret_n;
	pthread_mutex_unlock(&m->lock);
}

static void
told(struct import *m, size_t n, err_t e)
{
	pthread_mutex_lock(&m->lock);
	m->done += n;
	if (!err_ok(e) && m->trouble.code == ERR_NONE)
		err_take(e, &m->trouble);
	else
		err_forget(e);
	out_progress(m->c, arena_printf(m->c->arena, "%zu of %zu", m->done, m->n));
	pthread_mutex_unlock(&m->lock);
}

static void
portion(struct import *m, size_t first, size_t n)
{
	auto_json json *body = json_object_new();
	json *rows = json_array_new();
	err_t e = OK;

	json_set(body, "rows", rows);
	for (size_t i = first; i < first + n; i++) {
		auto_arena struct arena *a = arena_new();
		json *row;
		err_t bad = prepare(m, a, &m->rows[i], &row);

		if (err_ok(bad) && row != NULL)
			json_add(rows, row);
		if (err_ok(bad))
			continue;
		pthread_mutex_lock(&m->lock);
		put_error(m, &m->rows[i], bad);
		pthread_mutex_unlock(&m->lock);
	}
	if (json_count(rows) > 0)
		e = send(m, body);
	told(m, n, e);
}

static void *
work(void *arg)
{
	struct import *m = arg;
	size_t first, n;

	for (next_portion(m, &first, &n); n > 0; next_portion(m, &first, &n))
		portion(m, first, n);
	return NULL;
}

static err_t
thread_count(const struct args *g, size_t rows, size_t *ret)
{
	cpu_set_t set;
	int64_t n;

	TRY(args_int(g, "parallel", 1, THREADS_MAX, 0, &n));
	if (n == 0)
		n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	if (n > THREADS_MAX)
		n = THREADS_MAX;
	*ret = (size_t)n < rows / PORTION + 1 ? (size_t)n : rows / PORTION + 1;
	return OK;
}

static err_t
run_all(struct import *m)
{
	pthread_t threads[THREADS_MAX];
	size_t n, started = 0;

	TRY(thread_count(m->c->args, m->n, &n));
	for (; started < n; started++)
		if (pthread_create(&threads[started], NULL, work, m) != 0)
			break;
	if (started == 0)
		work(m);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	out_progress(m->c, "");
	return OK;
}

static const struct column error_columns[] = {
	{ .head = "LINE", .key = "line" },
	{ .head = "FILE", .key = "file" },
	{ .head = "USER", .key = "userPrincipalName" },
	{ .head = "FAULT", .key = "code" },
	{ .head = "WHAT", .key = "message", .wrap = true },
	{ 0 },
};

static err_t
report(struct import *m)
{
	auto_json json *out = json_object_new();
	size_t bad = json_count(m->errors);

	json_set_bool(out, "dryRun", m->dry);
	json_set_int(out, "created", m->created);
	json_set_int(out, "updated", m->updated);
	json_set_int(out, "unchanged", m->unchanged);
	json_set_int(out, "refused", (int64_t)bad);
	json_set(out, "errors", json_ref(m->errors));
	if (m->c->json)
		TRY(out_json(m->c, out));
	else if (bad > 0)
		TRY(out_table(m->c, error_columns, m->errors));
	out_say(m->c, "%lld %s, %lld changed, %lld as they were, %zu refused",
	    (long long)m->created, m->dry ? "would be imported" : "imported", (long long)m->updated,
	    (long long)m->unchanged, bad);
	if (m->trouble.code != ERR_NONE)
		return err_raise(&m->trouble);
	if (bad > 0)
		FAIL(ERR_IMPORT, "%zu of %zu files are wrong", bad, m->n);
	return OK;
}

static err_t
run(struct import *m)
{
	TRY(read_rows(m));
	TRY(read_keys(m));
	TRY(learn(m));
	TRY(run_all(m));
	return report(m);
}

err_t
pfx_import_run(struct cli *c)
{
	struct import m = {
		.c = c, .dry = args_has(c->args, "dry-run"), .errors = json_array_new()
	};
	err_t e;

	(void)pfx_legacy();
	pthread_mutex_init(&m.lock, NULL);
	e = run(&m);
	pfx_keys_free(&m.keys);
	json_free(m.errors);
	pthread_mutex_destroy(&m.lock);
	return e;
}

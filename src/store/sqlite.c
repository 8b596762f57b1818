/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite as backend of the store: the only file that calls it.
 *
 * Every database is in WAL mode with synchronous=FULL: what was committed survives a power cut. The number of the schema
 * is user_version, whose schema it is stands in application_id.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/schema.h"

/* Whom what a statement writes can concern: see store/stamp.h. */
enum concerns { CONCERNS_NOBODY, CONCERNS_DEVICE, CONCERNS_ALL };

struct db_stmt {
	sqlite3_stmt *h;
	struct db *db;
	enum concerns concerns;
};

struct db {
	sqlite3 *h;
	bool writer;
	enum concerns found; /* while a statement is prepared */
	struct db_touched touched;
	size_t log; /* pages */
	struct db_stmt stmts[STMT_COUNT];
};

static const struct {
	const char *name, *sql;
} table[STMT_COUNT] = {
#define Q(name, sql) [STMT_##name] = { #name, sql },
#include "store/sqlite/all.tbl"
#undef Q
};

const char *
stmt_sql(enum stmt_id q)
{
	return table[q].sql;
}

const char *
stmt_name(enum stmt_id q)
{
	return table[q].name;
}

/* "UNIQUE constraint failed: apps.display_name" -> "display name": tables and columns are nobody's words. */
static void
failed_columns(const char *msg, char *out, size_t max)
{
	const char *colon = strstr(msg, ": ");
	const char *p = colon == NULL ? msg : colon + 2;
	size_t n = 0, word = 0;

	for (; *p != '\0' && n + 1 < max; p++) {
		if (*p == '.') {
			n = word;
			continue;
		}
		out[n++] = *p == '_' ? ' ' : *p;
		if (*p == ' ')
			word = n;
	}
	out[n] = '\0';
}

static err_t
db_error(sqlite3 *h, const char *what)
{
	const char *msg = sqlite3_errmsg(h);
	char columns[128];

	switch (sqlite3_extended_errcode(h)) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		failed_columns(msg, columns, sizeof(columns));
		return ERROR(ERR_CONFLICT, "there is one already with the same %s", columns);
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return ERROR(ERR_NOT_FOUND, "it refers to something that is not there");
	case SQLITE_BUSY:
	case SQLITE_BUSY_RECOVERY:
	case SQLITE_BUSY_TIMEOUT:
		return ERROR(ERR_BUSY, "%s: %s", what, msg);
	}
	return ERROR(ERR_STORE, "%s: %s (%d)", what, msg, sqlite3_extended_errcode(h));
}

static err_t
db_exec(struct db *db, const char *sql)
{
	if (sqlite3_exec(db->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(db->h, "database");
	return OK;
}

static err_t
pragma_get(struct db *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? OK : db_error(db->h, "database");
}

static err_t
dir_sync(const char *path)
{
	auto_free char *dir = strdup(path);
	char *slash = dir == NULL ? NULL : strrchr(dir, '/');
	auto_fd int fd = -1;

	if (slash == dir && slash != NULL)
		slash++;
	if (slash != NULL)
		*slash = '\0';
	fd = open(slash == NULL ? "." : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		FAIL(ERR_STORE, "%s: folder: %s", path, strerror(errno));
	return OK;
}

/* SQLite gives its companion files the mode of the database. */
static err_t
file_prepare(const char *path)
{
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fchmod(fd, 0600) != 0)
		FAIL(ERR_STORE, "%s: %s", path, strerror(errno));
	return dir_sync(path);
}

/* Tables that no device depends on in what it should have; any that is not listed counts as one that all do. */
static const char *const unread[] = { "apps", "admins", "audit", "chains", "changes", "codes",
	"connector_release_parts", "connector_releases", "connectors", "device_states", "enrolling",
	"event_counts", "events", "logins", "notice_targets", "notices", "queue_counts",
	"refreshes", "relays", "renewal_days", "renewals", "report_parts", "reports",
	"role_assignments", "role_members", "roles", "slot_counts", "slot_text", "slot_text_data",
	"slot_text_due", "slot_text_idx", "slot_texts", "slot_user_counts", "slot_users",
	"sqlite_sequence",
	/* Of virtual tables, as they are opened. */
	"sqlite_master" };
static const char *const owned[] = { "device_lives", "devices", "requests", "slots" };
/* Columns of devices that say what the service did, not what the device is. */
static const char *const noted[] = { "identity_ended", "last_seen", "looked", "waking" };

static bool
is_listed(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (name != NULL && strcmp(list[i], name) == 0)
			return true;
	return false;
}

static enum concerns
concerns(int action, const char *in, const char *column)
{
	if (action != SQLITE_INSERT && action != SQLITE_UPDATE && action != SQLITE_DELETE)
		return CONCERNS_NOBODY;
	if (is_listed(unread, COUNT(unread), in))
		return CONCERNS_NOBODY;
	if (!is_listed(owned, COUNT(owned), in))
		return CONCERNS_ALL;
	if (action == SQLITE_UPDATE && strcmp(in, "devices") == 0 &&
	    is_listed(noted, COUNT(noted), column))
		return CONCERNS_NOBODY;
	return CONCERNS_DEVICE;
}

/* SQLite tells what a statement, with its triggers, will do while it prepares it. */
static int
on_prepare(
    void *ctx, int action, const char *a, const char *b, const char *db_name, const char *trigger)
{
	struct db *db = ctx;
	enum concerns c = concerns(action, a, b);

	(void)db_name;
	(void)trigger;
	if (c > db->found)
		db->found = c;
	return SQLITE_OK;
}

/* Instead of SQLite's own, which would fold the log within the commit: see store/fold.h. */
static int
on_commit(void *ctx, sqlite3 *h, const char *name, int pages)
{
	struct db *db = ctx;

	(void)h;
	(void)name;
	db->log = pages > 0 ? (size_t)pages : 0;
	return SQLITE_OK;
}

struct db_touched
db_touched(struct db *db)
{
	struct db_touched t = db->touched;

	db->touched = (struct db_touched){ 0 };
	return t;
}

static err_t
settings_apply(struct db *db)
{
	sqlite3_busy_timeout(db->h, 5000);
	sqlite3_extended_result_codes(db->h, 1);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	TRY(db_exec(db,
	    "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
	    "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA synchronous=FULL;"));
	/* Taken as pages are: a small store never fills them. Large enough for the inner pages of the indexes of a million
	 * devices; the writer's also for what one import touches, as what does not fit is written and read again. */
	if (!db->writer)
		return db_exec(db, "PRAGMA cache_size=-4096; PRAGMA query_only=ON;");
	return db_exec(db,
	    "PRAGMA journal_mode=WAL; PRAGMA cache_size=-32768; PRAGMA journal_size_limit=16777216;");
}

/* application_id of each schema: "CHsv", "CHca". */
static const struct {
	const struct migration *steps;
	const size_t *n;
	int64_t mark;
	const char *set_mark, *name;
} schemas[] = {
	[STORE_SERVICE] = { schema_service, &schema_service_count, 0x43487376,
	    "PRAGMA application_id=0x43487376", "the service" },
	[STORE_CA] = { schema_ca, &schema_ca_count, 0x43486361, "PRAGMA application_id=0x43486361",
	    "a CA" },
};

static err_t
schema_check(struct db *db, enum store_schema schema, int64_t version)
{
	int64_t mark = 0;

	TRY(pragma_get(db, "PRAGMA application_id", &mark));
	if (version > 0 && mark != schemas[schema].mark)
		FAIL(ERR_STORE, "the database is not one of %s", schemas[schema].name);
	if (version > (int64_t)*schemas[schema].n)
		FAIL(ERR_STORE_NEWER, "the database has schema %lld, this version knows up to %zu",
		    (long long)version, *schemas[schema].n);
	return OK;
}

static err_t
migration_run(struct db *db, enum store_schema schema, int64_t number)
{
	char version[48];

	snprintf(version, sizeof(version), "PRAGMA user_version=%lld", (long long)number);
	TRY(db_begin(db));
	TRY(db_exec(db, schemas[schema].steps[number - 1].sql));
	TRY(db_exec(db, schemas[schema].set_mark));
	TRY(db_exec(db, version));
	return db_commit(db);
}

/* Each step is a transaction of its own; a crash leaves a whole schema of some number. */
static err_t
migrate(struct db *db, enum store_schema schema)
{
	int64_t version = 0;

	TRY(pragma_get(db, "PRAGMA user_version", &version));
	TRY(schema_check(db, schema, version));
	for (int64_t n = version + 1; n <= (int64_t)*schemas[schema].n; n++) {
		err_t e = migration_run(db, schema, n);

		if (!err_ok(e))
			return err_context(
			    e, __FILE__, __LINE__, "schema %s", schemas[schema].steps[n - 1].name);
	}
	return OK;
}

static err_t
db_setup(struct db *db, const char *path, enum store_schema schema)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	int rc;

	if (db->writer)
		TRY(file_prepare(path));
	rc = sqlite3_open_v2(path, &db->h, flags, NULL);
	if (db->h == NULL)
		abort();
	if (rc != SQLITE_OK)
		return db_error(db->h, path);
	TRY_CTX(settings_apply(db), "%s", path);
	if (db->writer) {
		TRY_CTX(migrate(db, schema), "%s", path);
		sqlite3_set_authorizer(db->h, on_prepare, db);
		sqlite3_wal_hook(db->h, on_commit, db);
	}
	return OK;
}

/* SQLite counts what it takes under one lock of the process, for each piece; all connections would wait for each other. To be said
 * before it is used for the first time, which is by a writer; later it is refused, and stays as it was. */
static void
count_no_memory(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

err_t
db_open(const char *path, enum store_schema schema, bool writer, struct db **ret)
{
	struct db *db = calloc(1, sizeof(*db));
	err_t e;

	if (db == NULL)
		abort();
	db->writer = writer;
	if (writer)
		count_no_memory();
	e = db_setup(db, path, schema);
	if (!err_ok(e)) {
		db_close(db);
		return err_pass(e, __FILE__, __LINE__);
	}
	*ret = db;
	return OK;
}

err_t
db_cache(struct db *db, unsigned mib)
{
	char text[48];

	snprintf(text, sizeof(text), "PRAGMA cache_size=-%u", mib * 1024);
	return db_exec(db, text);
}

int64_t
db_memory(struct db *db)
{
	int now = 0, most = 0;

	(void)sqlite3_db_status(db->h, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0);
	return now;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; i < COUNT(db->stmts); i++)
		sqlite3_finalize(db->stmts[i].h);
	sqlite3_close(db->h);
	free(db);
}

/* Of the statements that come with every transaction: to be prepared each time would be a large part of it. */
static err_t
db_run(struct db *db, enum stmt_id q)
{
	auto_db_stmt struct db_stmt *st = NULL;
	bool row;

	TRY(db_stmt(db, q, &st));
	return db_step(st, &row);
}

err_t
db_begin(struct db *db)
{
	return db_run(db, db->writer ? STMT_TX_BEGIN_WRITE : STMT_TX_BEGIN);
}

err_t
db_commit(struct db *db)
{
	err_t e = db_run(db, STMT_TX_COMMIT);

	if (err_ok(e))
		return OK;
	db_rollback(db);
	return err_pass(e, __FILE__, __LINE__);
}

void
db_rollback(struct db *db)
{
	/* Not err_forget(): what made it fail is still on its way, with its words. */
	if (db_in_tx(db))
		(void)err_ok(db_run(db, STMT_TX_ROLLBACK));
}

bool
db_in_tx(const struct db *db)
{
	return sqlite3_get_autocommit(db->h) == 0;
}

err_t
db_mark(struct db *db)
{
	return db_run(db, STMT_TX_MARK);
}

err_t
db_keep(struct db *db)
{
	return db_run(db, STMT_TX_KEEP);
}

err_t
db_undo(struct db *db)
{
	return db_exec(db, "ROLLBACK TO mark; RELEASE mark");
}

size_t
db_log(const struct db *db)
{
	return db->log;
}

err_t
db_fold(struct db *db, size_t *ret)
{
	int pages = 0, done = 0;

	if (sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done) !=
	    SQLITE_OK)
		return db_error(db->h, "folding the log");
	*ret = done > 0 ? (size_t)done : 0;
	return OK;
}

static err_t
backup_run(struct db *db, const char *path)
{
	sqlite3 *to = NULL;
	sqlite3_backup *b = NULL;
	int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	err_t e = OK;

	if (to == NULL)
		abort();
	if (rc == SQLITE_OK)
		b = sqlite3_backup_init(to, "main", db->h, "main");
	if (b != NULL) {
		rc = sqlite3_backup_step(b, -1); /* all pages in one go: one snapshot */
		sqlite3_backup_finish(b);
	}
	if (b == NULL || rc != SQLITE_DONE)
		e = db_error(to, path);
	sqlite3_close(to);
	return e;
}

err_t
db_backup(struct db *db, const char *path)
{
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	err_t e;

	if (fd < 0)
		FAIL(errno == EEXIST ? ERR_FILE_EXISTS : ERR_FILE, "%s: %s", path, strerror(errno));
	e = backup_run(db, path);
	if (err_ok(e) && fsync(fd) != 0)
		e = ERROR(ERR_FILE, "%s: %s", path, strerror(errno));
	if (!err_ok(e)) {
		unlink(path);
		return err_pass(e, __FILE__, __LINE__);
	}
	return dir_sync(path);
}

err_t
db_stmt(struct db *db, enum stmt_id q, struct db_stmt **ret)
{
	struct db_stmt *st = &db->stmts[q];

	if (st->h == NULL) {
		st->db = db;
		db->found = CONCERNS_NOBODY;
		if (sqlite3_prepare_v3(db->h, table[q].sql, -1, SQLITE_PREPARE_PERSISTENT, &st->h,
			NULL) != SQLITE_OK)
			return db_error(db->h, table[q].name);
		st->concerns = db->found;
	}
	db->touched.all += st->concerns == CONCERNS_ALL;
	db->touched.device += st->concerns == CONCERNS_DEVICE;
	/* Changes are for store_write(); a statement that is in use cannot be used within itself. */
	assert(db->writer || sqlite3_stmt_readonly(st->h));
	assert(!sqlite3_stmt_busy(st->h));
	*ret = st;
	return OK;
}

void
db_reset(struct db_stmt *st)
{
	sqlite3_reset(st->h);
	sqlite3_clear_bindings(st->h);
}

static err_t
bound(struct db_stmt *st, int rc)
{
	return rc == SQLITE_OK ? OK : db_error(st->db->h, sqlite3_sql(st->h));
}

err_t
db_bind_i64(struct db_stmt *st, int at, int64_t v)
{
	return bound(st, sqlite3_bind_int64(st->h, at, v));
}

err_t
db_bind_text(struct db_stmt *st, int at, const char *v)
{
	return bound(st, sqlite3_bind_text(st->h, at, v == NULL ? "" : v, -1, SQLITE_STATIC));
}

err_t
db_bind_bytes(struct db_stmt *st, int at, struct str v)
{
	if (v.n == 0)
		return bound(st, sqlite3_bind_zeroblob(st->h, at, 0));
	return bound(st, sqlite3_bind_blob64(st->h, at, v.p, v.n, SQLITE_STATIC));
}

err_t
db_bind_null(struct db_stmt *st, int at)
{
	return bound(st, sqlite3_bind_null(st->h, at));
}

err_t
db_step(struct db_stmt *st, bool *ret_row)
{
	int rc = sqlite3_step(st->h);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_error(st->db->h, "database");
	*ret_row = rc == SQLITE_ROW;
	return OK;
}

int64_t
db_i64(struct db_stmt *st, int col)
{
	return sqlite3_column_int64(st->h, col);
}

struct str
db_bytes(struct db_stmt *st, int col)
{
	const void *p = sqlite3_column_blob(st->h, col);

	return str_of(p, p == NULL ? 0 : (size_t)sqlite3_column_bytes(st->h, col));
}

int64_t
db_changes(struct db_stmt *st)
{
	return sqlite3_changes64(st->db->h);
}

int64_t
db_last_id(struct db_stmt *st)
{
	return sqlite3_last_insert_rowid(st->db->h);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a database: what a backend gives to the engine (store/store.c) and to the records (store/row.h).
 *
 * A backend is this file's functions and a table of statements (stmt_sql). A connection belongs to one thread at a time.
 * Statements are prepared once per connection and kept.
 *
 * Failures: ERR_CONFLICT (a unique key), ERR_NOT_FOUND (it refers to a row that is not there), ERR_BUSY (somebody else
 * holds the database), ERR_STORE (all else, with the backend's own text).
 *
 * Not here: threads, who commits when (store/store.c), records.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "store/stmt.h"
#include "store/store.h"

struct db;
struct db_stmt;

/* The writer creates the file if need be (mode 0600) and migrates it; the others can only read. */
err_t db_open(const char *path, enum store_schema schema, bool writer, struct db **ret);
void db_close(struct db *db); /* NULL is fine */
/* Pages of the file take so much memory at most. */
err_t db_cache(struct db *db, unsigned mib);
/* Bytes of its pages that it has in memory. */
int64_t db_memory(struct db *db);

err_t db_begin(struct db *db); /* a writer takes the write lock at once */
err_t db_commit(struct db *db);
void db_rollback(struct db *db);
bool db_in_tx(
    const struct db *db);     /* a full disk or the like can end a transaction behind our back */
err_t db_mark(struct db *db); /* a savepoint; one at a time */
err_t db_keep(struct db *db);
err_t db_undo(struct db *db);
/* Pages of the log that commits write to, after the last one of this connection, a writer's. */
size_t db_log(const struct db *db);
/* Writes what the log has to its place in the database, as far as nobody reads what was there before; *ret: as many of its pages
 * are there now. Others may write meanwhile. Not within a transaction. ERR_BUSY: another connection does the same. */
err_t db_fold(struct db *db, size_t *ret);
/* To a new file, mode 0600, of one moment. ERR_FILE_EXISTS, ERR_FILE, ERR_STORE. */
err_t db_backup(struct db *db, const char *path);

/* The statement, without values; db_reset() it when done. */
err_t db_stmt(struct db *db, enum stmt_id q, struct db_stmt **ret);
void db_reset(struct db_stmt *st);
/* Values, counted from 1. Text and bytes stay the caller's and must live until db_reset(). */
err_t db_bind_i64(struct db_stmt *st, int at, int64_t v);
err_t db_bind_text(struct db_stmt *st, int at, const char *v); /* NULL: "" */
err_t db_bind_bytes(struct db_stmt *st, int at, struct str v); /* never null */
err_t db_bind_null(struct db_stmt *st, int at);
err_t db_step(struct db_stmt *st, bool *ret_row);
/* Columns of the row, counted from 0; bytes are valid until the next step. */
int64_t db_i64(struct db_stmt *st, int col);
struct str db_bytes(struct db_stmt *st, int col);
int64_t db_changes(struct db_stmt *st); /* rows that the statement changed */
int64_t db_last_id(struct db_stmt *st); /* number given to the row inserted last */

/* How many of the statements used since the last call can change what any device should have, and how many only what
 * belongs to one. Those that write what no device depends on are in neither. */
struct db_touched {
	size_t all, device;
};
struct db_touched db_touched(struct db *db);

static inline void
db_stmt_cleanup(struct db_stmt **st)
{
	if (*st != NULL)
		db_reset(*st);
}
#define auto_db_stmt __attribute__((cleanup(db_stmt_cleanup)))

#endif

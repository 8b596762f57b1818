/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between records and statements: a shape says which fields of a struct are the columns of its table, in order; the
 * functions below save and read whole records by it. Text that is NULL is saved as "" and comes back as "".
 *
 * Not here: SQL (sqlite/), transactions (store/store.h).
 */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "store/db.h"
#include "store/directory.h"

/* What a transaction is. notes: wake-ups for after the commit, in the arena of the group. */
struct note {
	struct note *next;
	unsigned topic;
	struct str key;
};

/* A device that the transaction changed something of. */
struct about {
	struct about *next;
	struct id device;
};

struct tx {
	struct db *db;
	bool writes;
	struct arena *a;
	struct note *notes;
	struct about *about;
	size_t nabout; /* statements that the devices were named of */
	struct memo *memo;
	/* Of a reader: lists that several devices share, and the changes that can concern any of them before it began. */
	struct memo *lists;
	uint64_t all;
	/* Of a writer: whose it is, and what goes to disk together with it, up to itself. */
	const struct store *store;
	const struct job *group;
};

/* To be called once for each statement that writes to the tables of devices: store/stamp.h. */
void tx_about(struct tx *tx, struct id device);
/* The same of a statement that turned out to change nothing. */
void tx_about_none(struct tx *tx);

enum col_type {
	COL_TYPE_ID,
	COL_TYPE_REF,
	COL_TYPE_TEXT,
	COL_TYPE_BYTES,
	COL_TYPE_I64,
	COL_TYPE_U64,
	COL_TYPE_INT,
	COL_TYPE_U32,
	COL_TYPE_U8,
	COL_TYPE_BOOL
};

struct col {
	enum col_type type;
	size_t offset;
};

struct shape {
	const char *noun; /* "no such NOUN" */
	size_t size;
	const struct col *cols;
	size_t n;
};

/* The type follows from the field; enums are unsigned. */
#define COL(type, field) \
	{ \
		_Generic(((type *)0)->field, struct id : COL_TYPE_ID, const char * : COL_TYPE_TEXT, struct str               \
	      : COL_TYPE_BYTES, int64_t : COL_TYPE_I64, uint64_t : COL_TYPE_U64, int : COL_TYPE_INT, unsigned          \
	      : COL_TYPE_U32, uint8_t : COL_TYPE_U8, bool : COL_TYPE_BOOL),                                            \
		offsetof(type, field) \
	}
/* An id that refers to a row of another table, or nothing: zero is saved as null. */
#define REF(type, field) \
	{ \
		COL_TYPE_REF, offsetof(type, field) \
	}
#define SHAPE(noun, type, cols) \
	{ \
		noun, sizeof(type), cols, COUNT(cols) \
	}

/* Shapes of one column alone, read into a struct id or a struct str. */
extern const struct col row_id_col, row_bytes_col;
#define ID_SHAPE(noun) \
	{ \
		noun, sizeof(struct id), &row_id_col, 1 \
	}
#define BYTES_SHAPE(noun) \
	{ \
		noun, sizeof(struct str), &row_bytes_col, 1 \
	}

/* One value of a statement. */
struct val {
	enum col_type type;
	int64_t i;
	const char *text;
	struct str bytes;
	struct id id;
};

static inline struct val
val_i64(int64_t i)
{
	return (struct val){ .type = COL_TYPE_I64, .i = i };
}

static inline struct val
val_text(const char *text)
{
	return (struct val){ .type = COL_TYPE_TEXT, .text = text };
}

static inline struct val
val_bytes(struct str bytes)
{
	return (struct val){ .type = COL_TYPE_BYTES, .bytes = bytes };
}

static inline struct val
val_id(struct id id)
{
	return (struct val){ .type = COL_TYPE_ID, .id = id };
}

struct vals {
	const struct val *v;
	size_t n;
};
#define VALS(...) \
	((struct vals){ (const struct val[]){ __VA_ARGS__ }, \
	    sizeof((const struct val[]){ __VA_ARGS__ }) / sizeof(struct val) })
#define NO_VALS ((struct vals){ NULL, 0 })

/* Columns from `first` on into *obj; what it points at is copied into the arena. */
err_t row_read(struct db_stmt *st, int first, struct arena *a, const struct shape *sh, void *obj);
err_t row_bind(struct db_stmt *st, int first, struct vals v);

/* Runs a statement that gives no rows; *ret: how many rows it changed. */
err_t row_run(struct tx *tx, enum stmt_id q, struct vals v, int64_t *ret);
/* As row_run, but none changed is ERR_NOT_FOUND. */
err_t row_must(struct tx *tx, enum stmt_id q, const struct shape *sh, struct vals v);
/* Runs it with the record's columns, then the other values. */
err_t row_save(struct tx *tx, enum stmt_id q, const struct shape *sh, const void *obj,
    struct vals v, int64_t *ret);
err_t row_insert(struct tx *tx, enum stmt_id q, const struct shape *sh, const void *obj);
err_t row_update(
    struct tx *tx, enum stmt_id q, const struct shape *sh, const void *obj); /* ERR_NOT_FOUND */
/* An update with a guard: none changed is ERR_STATE_MOVED if `exists` finds the record, else ERR_NOT_FOUND. */
err_t row_guarded(struct tx *tx, enum stmt_id q, const struct shape *sh, const void *obj,
    struct vals v, enum stmt_id exists, struct vals key);
err_t row_one(struct tx *tx, struct arena *a, enum stmt_id q, const struct shape *sh, struct vals v,
    void *ret);
/* *ret: an array of records in the arena. */
err_t row_all(struct tx *tx, struct arena *a, enum stmt_id q, const struct shape *sh, struct vals v,
    void *ret, size_t *retn);
/* v, then two more values: the id that the page begins after, and how many rows. */
err_t row_page(struct tx *tx, struct arena *a, enum stmt_id q, const struct shape *sh,
    struct vals v, struct page p, void *ret, size_t *retn, bool *more);
/* One number of one row, 0 if there is no row. */
err_t row_number(struct tx *tx, enum stmt_id q, struct vals v, int64_t *ret);

#endif

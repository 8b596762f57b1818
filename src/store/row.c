/* SPDX-License-Identifier: Apache-2.0 */
#include "store/row.h"

#include <assert.h>

#include "base/limits.h"

const struct col row_id_col = { COL_TYPE_ID, 0 };
const struct col row_bytes_col = { COL_TYPE_BYTES, 0 };

static err_t
id_bind(struct db_stmt *st, int at, const struct id *id, bool ref)
{
	if (ref && id_is_zero(*id))
		return db_bind_null(st, at);
	return db_bind_bytes(st, at, id_str(id));
}

static err_t
u64_bind(struct db_stmt *st, int at, uint64_t v)
{
	assert(v <= INT64_MAX);
	return db_bind_i64(st, at, (int64_t)v);
}

static err_t
field_bind(struct db_stmt *st, int at, const struct col *c, const void *obj)
{
	const void *p = (const uint8_t *)obj + c->offset;

	switch (c->type) {
	case COL_TYPE_ID:
	case COL_TYPE_REF:
		return id_bind(st, at, p, c->type == COL_TYPE_REF);
	case COL_TYPE_TEXT:
		return db_bind_text(st, at, *(const char *const *)p);
	case COL_TYPE_BYTES:
		return db_bind_bytes(st, at, *(const struct str *)p);
	case COL_TYPE_I64:
		return db_bind_i64(st, at, *(const int64_t *)p);
	case COL_TYPE_U64:
		return u64_bind(st, at, *(const uint64_t *)p);
	case COL_TYPE_INT:
		return db_bind_i64(st, at, *(const int *)p);
	case COL_TYPE_U32:
		return db_bind_i64(st, at, *(const uint32_t *)p);
	case COL_TYPE_U8:
		return db_bind_i64(st, at, *(const uint8_t *)p);
	case COL_TYPE_BOOL:
		return db_bind_i64(st, at, *(const bool *)p);
	}
	abort();
}

static err_t
id_read(struct str s, struct id *ret)
{
	*ret = (struct id){ { 0 } };
	if (s.n == 0)
		return OK;
	if (s.n != sizeof(ret->b))
		FAIL(ERR_STORE, "an identifier has %zu bytes", s.n);
	memcpy(ret->b, s.p, sizeof(ret->b));
	return OK;
}

/* A number that does not fit its field means that the database is damaged. */
static err_t
number_read(int64_t v, int64_t min, int64_t max)
{
	if (v < min || v > max)
		FAIL(ERR_STORE, "the number %lld is out of range", (long long)v);
	return OK;
}

static err_t
field_read(struct db_stmt *st, int at, struct arena *a, const struct col *c, void *obj)
{
	void *p = (uint8_t *)obj + c->offset;
	int64_t v;

	switch (c->type) {
	case COL_TYPE_ID:
	case COL_TYPE_REF:
		return id_read(db_bytes(st, at), p);
	case COL_TYPE_TEXT:
		*(const char **)p = arena_cstr(a, db_bytes(st, at));
		return OK;
	case COL_TYPE_BYTES:
		*(struct str *)p = arena_str(a, db_bytes(st, at));
		return OK;
	case COL_TYPE_I64:
		*(int64_t *)p = db_i64(st, at);
		return OK;
	case COL_TYPE_U64:
		v = db_i64(st, at);
		TRY(number_read(v, 0, INT64_MAX));
		*(uint64_t *)p = (uint64_t)v;
		return OK;
	case COL_TYPE_INT:
		v = db_i64(st, at);
		TRY(number_read(v, INT32_MIN, INT32_MAX));
		*(int *)p = (int)v;
		return OK;
	case COL_TYPE_U32:
		v = db_i64(st, at);
		TRY(number_read(v, 0, UINT32_MAX));
		*(uint32_t *)p = (uint32_t)v;
		return OK;
	case COL_TYPE_U8:
		v = db_i64(st, at);
		TRY(number_read(v, 0, UINT8_MAX));
		*(uint8_t *)p = (uint8_t)v;
		return OK;
	case COL_TYPE_BOOL:
		*(bool *)p = db_i64(st, at) != 0;
		return OK;
	}
	abort();
}

err_t
row_read(struct db_stmt *st, int first, struct arena *a, const struct shape *sh, void *obj)
{
	for (size_t i = 0; i < sh->n; i++)
		TRY(field_read(st, first + (int)i, a, &sh->cols[i], obj));
	return OK;
}

static err_t
record_bind(struct db_stmt *st, const struct shape *sh, const void *obj)
{
	for (size_t i = 0; i < sh->n; i++)
		TRY(field_bind(st, 1 + (int)i, &sh->cols[i], obj));
	return OK;
}

err_t
row_bind(struct db_stmt *st, int first, struct vals v)
{
	for (size_t i = 0; i < v.n; i++) {
		const struct val *x = &v.v[i];
		int at = first + (int)i;

		if (x->type == COL_TYPE_TEXT)
			TRY(db_bind_text(st, at, x->text));
		else if (x->type == COL_TYPE_BYTES)
			TRY(db_bind_bytes(st, at, x->bytes));
		else if (x->type == COL_TYPE_ID)
			TRY(db_bind_bytes(st, at, id_str(&x->id)));
		else
			TRY(db_bind_i64(st, at, x->i));
	}
	return OK;
}

/* To the end: a statement with RETURNING is complete only then. */
static err_t
drain(struct db_stmt *st)
{
	bool row = true;

	while (row)
		TRY(db_step(st, &row));
	return OK;
}

err_t
row_run(struct tx *tx, enum stmt_id q, struct vals v, int64_t *ret)
{
	auto_db_stmt struct db_stmt *st = NULL;

	TRY(db_stmt(tx->db, q, &st));
	TRY(row_bind(st, 1, v));
	TRY(drain(st));
	if (ret != NULL)
		*ret = db_changes(st);
	return OK;
}

err_t
row_must(struct tx *tx, enum stmt_id q, const struct shape *sh, struct vals v)
{
	int64_t n = 0;

	TRY(row_run(tx, q, v, &n));
	if (n == 0)
		FAIL(ERR_NOT_FOUND, "no such %s", sh->noun);
	return OK;
}

err_t
row_save(struct tx *tx, enum stmt_id q, const struct shape *sh, const void *obj, struct vals v,
    int64_t *ret)
{
	auto_db_stmt struct db_stmt *st = NULL;

	TRY(db_stmt(tx->db, q, &st));
	TRY(record_bind(st, sh, obj));
	TRY(row_bind(st, 1 + (int)sh->n, v));
	TRY_CTX(drain(st), "%s", sh->noun);
	if (ret != NULL)
		*ret = db_changes(st);
	return OK;
}

err_t
row_insert(struct tx *tx, enum stmt_id q, const struct shape *sh, const void *obj)
{
	return row_save(tx, q, sh, obj, NO_VALS, NULL);
}

err_t
row_update(struct tx *tx, enum stmt_id q, const struct shape *sh, const void *obj)
{
	int64_t n = 0;

	TRY(row_save(tx, q, sh, obj, NO_VALS, &n));
	if (n == 0)
		FAIL(ERR_NOT_FOUND, "no such %s", sh->noun);
	return OK;
}

err_t
row_guarded(struct tx *tx, enum stmt_id q, const struct shape *sh, const void *obj, struct vals v,
    enum stmt_id exists, struct vals key)
{
	int64_t n = 0;

	TRY(row_save(tx, q, sh, obj, v, &n));
	if (n != 0)
		return OK;
	TRY(row_number(tx, exists, key, &n));
	if (n == 0)
		FAIL(ERR_NOT_FOUND, "no such %s", sh->noun);
	FAIL(ERR_STATE_MOVED, "the %s is no longer in the state that this step starts from",
	    sh->noun);
}

err_t
row_one(struct tx *tx, struct arena *a, enum stmt_id q, const struct shape *sh, struct vals v,
    void *ret)
{
	auto_db_stmt struct db_stmt *st = NULL;
	void *obj = arena_alloc(a, sh->size);
	bool row = false;

	TRY(db_stmt(tx->db, q, &st));
	TRY(row_bind(st, 1, v));
	TRY(db_step(st, &row));
	if (!row)
		FAIL(ERR_NOT_FOUND, "no such %s", sh->noun);
	TRY_CTX(row_read(st, 0, a, sh, obj), "%s", sh->noun);
	TRY(drain(st));
	memcpy(ret, obj, sh->size);
	return OK;
}

err_t
row_all(struct tx *tx, struct arena *a, enum stmt_id q, const struct shape *sh, struct vals v,
    void *ret, size_t *retn)
{
	auto_db_stmt struct db_stmt *st = NULL;
	auto_free uint8_t *rows = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	void *all;

	TRY(db_stmt(tx->db, q, &st));
	TRY(row_bind(st, 1, v));
	TRY(db_step(st, &row));
	for (; row; n++) {
		if (n == cap) {
			cap = cap == 0 ? 16 : cap * 2;
			rows = reallocarray(rows, cap, sh->size);
			if (rows == NULL)
				abort();
		}
		memset(rows + n * sh->size, 0, sh->size);
		TRY_CTX(row_read(st, 0, a, sh, rows + n * sh->size), "%s", sh->noun);
		TRY(db_step(st, &row));
	}
	all = arena_array(a, n == 0 ? 1 : n, sh->size);
	if (n > 0)
		memcpy(all, rows, n * sh->size);
	memcpy(ret, &all, sizeof(all));
	*retn = n;
	return OK;
}

err_t
row_page(struct tx *tx, struct arena *a, enum stmt_id q, const struct shape *sh, struct vals v,
    struct page p, void *ret, size_t *retn, bool *more)
{
	struct val all[4];
	size_t limit = p.limit > LIMIT_PAGE ? LIMIT_PAGE : p.limit;
	size_t n = 0;

	assert(v.n + 2 <= COUNT(all));
	assert(limit > 0);
	if (v.n > 0)
		memcpy(all, v.v, v.n * sizeof(*v.v));
	all[v.n] = val_id(p.after);
	all[v.n + 1] = val_i64((int64_t)limit + 1);
	TRY(row_all(tx, a, q, sh, (struct vals){ all, v.n + 2 }, ret, &n));
	*more = n > limit;
	*retn = *more ? limit : n;
	return OK;
}

err_t
row_number(struct tx *tx, enum stmt_id q, struct vals v, int64_t *ret)
{
	auto_db_stmt struct db_stmt *st = NULL;
	bool row = false;

	TRY(db_stmt(tx->db, q, &st));
	TRY(row_bind(st, 1, v));
	TRY(db_step(st, &row));
	*ret = row ? db_i64(st, 0) : 0;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/report.h"

#include "store/row.h"

static const struct col report_cols[] = {
	COL(struct report_job, id),
	COL(struct report_job, name),
	COL(struct report_job, format),
	COL(struct report_job, columns),
	COL(struct report_job, filter),
	COL(struct report_job, search),
	COL(struct report_job, state),
	COL(struct report_job, cursor),
	COL(struct report_job, rows),
	COL(struct report_job, size),
	COL(struct report_job, crc),
	COL(struct report_job, token),
	COL(struct report_job, detail),
	COL(struct report_job, created),
	COL(struct report_job, expires),
	COL(struct report_job, owner),
	COL(struct report_job, tags),
};
static const struct shape report_shape = SHAPE("report", struct report_job, report_cols);

static const struct shape part_shape = BYTES_SHAPE("part");

err_t
store_report_insert(struct tx *tx, const struct report_job *r)
{
	return row_insert(tx, STMT_REPORT_INSERT, &report_shape, r);
}

err_t
store_report_get(struct tx *tx, struct arena *a, const char *id, struct report_job *ret)
{
	return row_one(tx, a, STMT_REPORT_GET, &report_shape, VALS(val_text(id)), ret);
}

err_t
store_report_by_token(struct tx *tx, struct arena *a, const char *token, struct report_job *ret)
{
	return row_one(tx, a, STMT_REPORT_BY_TOKEN, &report_shape, VALS(val_text(token)), ret);
}

err_t
store_report_list(struct tx *tx, struct arena *a, struct report_job **ret, size_t *retn)
{
	return row_all(tx, a, STMT_REPORT_LIST, &report_shape, NO_VALS, ret, retn);
}

err_t
store_report_next(struct tx *tx, struct arena *a, struct report_job *ret)
{
	return row_one(tx, a, STMT_REPORT_NEXT, &report_shape, NO_VALS, ret);
}

err_t
store_report_step(struct tx *tx, const struct report_job *r, struct id from, struct str part)
{
	TRY(row_guarded(tx, STMT_REPORT_STEP, &report_shape, r, VALS(val_id(from)),
	    STMT_REPORT_EXISTS, VALS(val_text(r->id))));
	if (part.n == 0)
		return OK;
	return row_run(tx, STMT_REPORT_PART_ADD,
	    VALS(val_text(r->id), val_i64(r->size - (int64_t)part.n), val_bytes(part)), NULL);
}

err_t
store_report_bytes_at(
    struct tx *tx, struct arena *a, const char *id, int64_t at, int64_t max, struct str *ret)
{
	return row_one(tx, a, STMT_REPORT_BYTES_AT, &part_shape,
	    VALS(val_text(id), val_i64(at), val_i64(max)), ret);
}

err_t
store_report_drop(struct tx *tx, when_t now)
{
	TRY(row_run(tx, STMT_REPORT_DROP_PARTS, VALS(val_i64(now)), NULL));
	return row_run(tx, STMT_REPORT_DROP, VALS(val_i64(now)), NULL);
}

err_t
store_report_bytes(struct tx *tx, int64_t *ret)
{
	return row_number(tx, STMT_REPORT_BYTES, NO_VALS, ret);
}

err_t
store_report_count(struct tx *tx, int64_t *ret)
{
	return row_number(tx, STMT_REPORT_COUNT, NO_VALS, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pending.h"

#include "base/limits.h"
#include "store/row.h"

static const struct col pending_cols[] = {
	COL(struct pending, id),
	COL(struct pending, principal),
	COL(struct pending, caller_sha256),
	COL(struct pending, request),
	COL(struct pending, vouched),
	COL(struct pending, stated),
	COL(struct pending, challenge),
	COL(struct pending, sha1),
};
static const struct shape pending_shape = SHAPE("waiting request", struct pending, pending_cols);

static const struct col line_cols[] = {
	COL(struct journal_line, seq),
	COL(struct journal_line, when),
	COL(struct journal_line, actor),
	COL(struct journal_line, event),
	COL(struct journal_line, detail),
	COL(struct journal_line, hash),
};
static const struct shape line_shape = SHAPE("journal line", struct journal_line, line_cols);

err_t
store_pending_insert(struct tx *tx, const struct pending *p)
{
	int64_t waiting;

	TRY(store_pending_count(tx, p->principal, &waiting));
	if (waiting >= p->room)
		FAIL(ERR_REQUEST_LIMIT, "%lld of %s", (long long)waiting, p->principal);
	return row_insert(tx, STMT_PENDING_INSERT, &pending_shape, p);
}

err_t
store_pending_get(struct tx *tx, struct arena *a, int64_t id, struct pending *ret)
{
	return row_one(tx, a, STMT_PENDING_GET, &pending_shape, VALS(val_i64(id)), ret);
}

err_t
store_pending_delete(struct tx *tx, int64_t id)
{
	return row_run(tx, STMT_PENDING_DELETE, VALS(val_i64(id)), NULL);
}

err_t
store_pending_count(struct tx *tx, const char *principal, int64_t *ret)
{
	return row_number(tx, STMT_PENDING_COUNT, VALS(val_text(principal)), ret);
}

err_t
store_journal_page(struct tx *tx, struct arena *a, int64_t before, const char *event,
    const char *actor, const char *text, size_t limit, struct journal_line **ret, size_t *retn)
{
	if (limit > LIMIT_PAGE)
		limit = LIMIT_PAGE;
	return row_all(tx, a, STMT_JOURNAL_PAGE, &line_shape,
	    VALS(val_i64(before == 0 ? INT64_MAX : before), val_text(event), val_text(actor),
		val_text(text), val_i64((int64_t)limit)),
	    ret, retn);
}

err_t
store_issued_last(struct tx *tx, int64_t *ret)
{
	return row_number(tx, STMT_ISSUED_SEQ, NO_VALS, ret);
}

err_t
store_issued_raise(struct tx *tx, int64_t floor)
{
	return row_run(tx, STMT_ISSUED_SEQ_RAISE, VALS(val_i64(floor)), NULL);
}

err_t
store_journal_length(struct tx *tx, int64_t *ret)
{
	return row_number(tx, STMT_JOURNAL_LENGTH, NO_VALS, ret);
}

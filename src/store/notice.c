/* SPDX-License-Identifier: Apache-2.0 */
#include "store/notice.h"

#include "base/limits.h"
#include "store/row.h"

#define KEEP_S (30 * 24 * 3600)

static const struct col target_cols[] = {
	COL(struct notice_target, id),
	COL(struct notice_target, display_name),
	COL(struct notice_target, kind),
	COL(struct notice_target, address),
	COL(struct notice_target, secret),
	COL(struct notice_target, expiry),
	COL(struct notice_target, failure),
	COL(struct notice_target, period),
	COL(struct notice_target, enabled),
	COL(struct notice_target, cursor),
	COL(struct notice_target, told),
	COL(struct notice_target, told_expiry),
	COL(struct notice_target, created),
	COL(struct notice_target, modified),
};
static const struct shape target_shape = SHAPE("notification", struct notice_target, target_cols);

static const struct col notice_cols[] = {
	COL(struct notice, id),
	COL(struct notice, target),
	COL(struct notice, state),
	COL(struct notice, subject),
	COL(struct notice, body),
	COL(struct notice, detail),
	COL(struct notice, tries),
	COL(struct notice, next),
	COL(struct notice, created),
	COL(struct notice, ended),
};
static const struct shape notice_shape = SHAPE("delivery", struct notice, notice_cols);

static const struct col fault_cols[] = {
	COL(struct notice_fault, fault),
	COL(struct notice_fault, slots),
	COL(struct notice_fault, example),
	COL(struct notice_fault, detail),
};
static const struct shape fault_shape = SHAPE("failure", struct notice_fault, fault_cols);

static const struct col ending_cols[] = {
	COL(struct notice_ending, slot),
	COL(struct notice_ending, device),
	COL(struct notice_ending, profile),
	COL(struct notice_ending, subject),
	COL(struct notice_ending, serial),
	COL(struct notice_ending, not_after),
};
static const struct shape ending_shape = SHAPE("certificate", struct notice_ending, ending_cols);

err_t
store_notice_target_insert(struct tx *tx, const struct notice_target *x)
{
	return row_insert(tx, STMT_NOTICE_TARGET_INSERT, &target_shape, x);
}

err_t
store_notice_target_update(struct tx *tx, const struct notice_target *x)
{
	return row_update(tx, STMT_NOTICE_TARGET_UPDATE, &target_shape, x);
}

err_t
store_notice_target_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_NOTICE_TARGET_DELETE, &target_shape, VALS(val_id(id)));
}

err_t
store_notice_target_get(struct tx *tx, struct arena *a, struct id id, struct notice_target *ret)
{
	return row_one(tx, a, STMT_NOTICE_TARGET_GET, &target_shape, VALS(val_id(id)), ret);
}

err_t
store_notice_target_list(struct tx *tx, struct arena *a, struct notice_target **ret, size_t *retn)
{
	return row_all(tx, a, STMT_NOTICE_TARGET_LIST, &target_shape, NO_VALS, ret, retn);
}

err_t
store_notice_insert(struct tx *tx, const struct notice *x)
{
	TRY(row_run(tx, STMT_NOTICE_FORGET, VALS(val_i64(x->created - KEEP_S)), NULL));
	return row_insert(tx, STMT_NOTICE_INSERT, &notice_shape, x);
}

err_t
store_notice_update(struct tx *tx, const struct notice *x)
{
	return row_update(tx, STMT_NOTICE_UPDATE, &notice_shape, x);
}

err_t
store_notice_get(struct tx *tx, struct arena *a, struct id id, struct notice *ret)
{
	return row_one(tx, a, STMT_NOTICE_GET, &notice_shape, VALS(val_id(id)), ret);
}

err_t
store_notice_due(
    struct tx *tx, struct arena *a, when_t now, size_t limit, struct notice **ret, size_t *retn)
{
	return row_all(tx, a, STMT_NOTICE_DUE, &notice_shape,
	    VALS(val_i64(now), val_i64((int64_t)limit)), ret, retn);
}

err_t
store_notice_list(
    struct tx *tx, struct arena *a, struct id target, struct notice **ret, size_t *retn)
{
	return row_all(tx, a, STMT_NOTICE_LIST, &notice_shape,
	    VALS(val_id(target), val_i64(LIMIT_PAGE)), ret, retn);
}

err_t
store_notice_faults(struct tx *tx, struct arena *a, when_ms_t after, when_ms_t until,
    struct notice_fault **ret, size_t *retn)
{
	return row_all(tx, a, STMT_NOTICE_FAULTS, &fault_shape,
	    VALS(val_i64(after), val_i64(until)), ret, retn);
}

err_t
store_notice_first(struct tx *tx, when_ms_t after, when_ms_t *ret)
{
	return row_number(tx, STMT_NOTICE_FIRST, VALS(val_i64(after)), ret);
}

err_t
store_notice_ending_count(struct tx *tx, when_t until, int64_t *ret)
{
	return row_number(
	    tx, STMT_NOTICE_ENDING_COUNT, VALS(val_i64(until), val_i64(when_now())), ret);
}

err_t
store_notice_ending(struct tx *tx, struct arena *a, when_t until, size_t limit,
    struct notice_ending **ret, size_t *retn)
{
	return row_all(tx, a, STMT_NOTICE_ENDING, &ending_shape,
	    VALS(val_i64(until), val_i64(when_now()), val_i64((int64_t)limit)), ret, retn);
}

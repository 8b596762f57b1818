/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: who did what to what, in a chain. */
#include "store/access.h"
#include "store/chain.h"

static const struct col audit_cols[] = {
	COL(struct audit, seq),
	COL(struct audit, when),
	COL(struct audit, actor),
	COL(struct audit, action),
	COL(struct audit, target),
	COL(struct audit, before),
	COL(struct audit, after),
	COL(struct audit, hash),
};
static const struct shape audit_shape = SHAPE("audit line", struct audit, audit_cols);

static const struct chain_table audit_table = { "audit", &audit_shape, STMT_AUDIT_ADD,
	STMT_AUDIT_LIST };

err_t
store_audit_add(struct tx *tx, const char *actor, const char *action, const char *target,
    const char *before, const char *after)
{
	struct audit x = { .when = when_now_ms(),
		.actor = actor,
		.action = action,
		.target = target,
		.before = before,
		.after = after };

	return chain_add(tx, &audit_table, &x);
}

err_t
store_audit_list(
    struct tx *tx, struct arena *a, int64_t after, size_t limit, struct audit **ret, size_t *retn)
{
	return row_all(tx, a, STMT_AUDIT_LIST, &audit_shape,
	    VALS(val_i64(after), val_i64((int64_t)limit)), ret, retn);
}

err_t
store_audit_before(struct tx *tx, when_ms_t at, int64_t *ret)
{
	return row_number(tx, STMT_AUDIT_BEFORE, VALS(val_i64(at)), ret);
}

err_t
store_audit_verify(struct tx *tx, int64_t *ret_bad)
{
	return chain_verify(tx, &audit_table, ret_bad);
}

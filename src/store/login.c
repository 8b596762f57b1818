/* SPDX-License-Identifier: Apache-2.0 */
/* Log-ins by device code (RFC 8628) that wait for a person. */
#include "base/limits.h"
#include "store/access.h"
#include "store/row.h"

/* Expired ones stay this long, so that their client hears "expired" and not "unknown". */
#define LOGIN_KEEP 3600

static const struct col login_cols[] = {
	COL(struct login, code_hash),
	COL(struct login, user_code),
	COL(struct login, app),
	COL(struct login, admin),
	COL(struct login, scope),
	COL(struct login, state),
	COL(struct login, failures),
	COL(struct login, created),
	COL(struct login, expires),
	COL(struct login, polled),
};
static const struct shape login_shape = SHAPE("log-in", struct login, login_cols);

err_t
store_login_insert(struct tx *tx, const struct login *x)
{
	int64_t live = 0;

	TRY(row_run(tx, STMT_LOGIN_FORGET, VALS(val_i64(x->created - LOGIN_KEEP)), NULL));
	TRY(row_number(tx, STMT_LOGIN_LIVE, VALS(val_i64(x->created)), &live));
	if (live >= LIMIT_LOGINS)
		FAIL(ERR_BUSY, "%u sign-ins are under way", LIMIT_LOGINS);
	return row_insert(tx, STMT_LOGIN_INSERT, &login_shape, x);
}

err_t
store_login_by_code(struct tx *tx, struct arena *a, struct str code_hash, struct login *ret)
{
	return row_one(tx, a, STMT_LOGIN_BY_CODE, &login_shape, VALS(val_bytes(code_hash)), ret);
}

err_t
store_login_by_user_code(struct tx *tx, struct arena *a, const char *user_code, struct login *ret)
{
	return row_one(
	    tx, a, STMT_LOGIN_BY_USER_CODE, &login_shape, VALS(val_text(user_code)), ret);
}

err_t
store_login_update(struct tx *tx, const struct login *x, enum login_state from)
{
	return row_guarded(tx, STMT_LOGIN_UPDATE, &login_shape, x, VALS(val_i64(from)),
	    STMT_LOGIN_EXISTS, VALS(val_bytes(x->code_hash)));
}

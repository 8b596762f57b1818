/* SPDX-License-Identifier: Apache-2.0 */
/* Log-ins: codes that wait for a person or for their program, and what goes on after them. */
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
	COL(struct login, challenge),
	COL(struct login, redirect),
	COL(struct login, offline),
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

static const struct col refresh_cols[] = {
	COL(struct refresh, id),
	COL(struct refresh, hash),
	COL(struct refresh, before),
	COL(struct refresh, app),
	COL(struct refresh, admin),
	COL(struct refresh, scope),
	COL(struct refresh, created),
	COL(struct refresh, used),
	COL(struct refresh, expires),
};
static const struct shape refresh_shape = SHAPE("sign-in", struct refresh, refresh_cols);

err_t
store_refresh_insert(struct tx *tx, const struct refresh *x)
{
	TRY(row_run(tx, STMT_REFRESH_FORGET, VALS(val_i64(x->created)), NULL));
	TRY(row_insert(tx, STMT_REFRESH_INSERT, &refresh_shape, x));
	return row_run(
	    tx, STMT_REFRESH_PRUNE, VALS(val_id(x->admin), val_i64(LIMIT_REFRESHES)), NULL);
}

err_t
store_refresh_by_hash(struct tx *tx, struct arena *a, struct str hash, struct refresh *ret)
{
	return row_one(tx, a, STMT_REFRESH_BY_HASH, &refresh_shape, VALS(val_bytes(hash)), ret);
}

err_t
store_refresh_update(struct tx *tx, const struct refresh *x, struct str from)
{
	return row_guarded(tx, STMT_REFRESH_UPDATE, &refresh_shape, x, VALS(val_bytes(from)),
	    STMT_REFRESH_EXISTS, VALS(val_id(x->id)));
}

err_t
store_refresh_delete(struct tx *tx, struct id id)
{
	return row_run(tx, STMT_REFRESH_DELETE, VALS(val_id(id)), NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who may use the API: applications and administrators. */
#include "store/access.h"
#include "store/row.h"

static const struct col app_cols[] = {
	COL(struct app, id),
	COL(struct app, name),
	COL(struct app, secret_hash),
	COL(struct app, permissions),
	COL(struct app, enabled),
	COL(struct app, created),
};
static const struct shape app_shape = SHAPE("application", struct app, app_cols);

static const struct col admin_cols[] = {
	COL(struct admin, id),
	COL(struct admin, name),
	COL(struct admin, password_hash),
	COL(struct admin, permissions),
	COL(struct admin, enabled),
	COL(struct admin, created),
};
static const struct shape admin_shape = SHAPE("administrator", struct admin, admin_cols);

err_t
store_app_insert(struct tx *tx, const struct app *x)
{
	return row_insert(tx, STMT_APP_INSERT, &app_shape, x);
}

err_t
store_app_get(struct tx *tx, struct arena *a, struct id id, struct app *ret)
{
	return row_one(tx, a, STMT_APP_GET, &app_shape, VALS(val_id(id)), ret);
}

err_t
store_app_list(struct tx *tx, struct arena *a, struct app **ret, size_t *retn)
{
	return row_all(tx, a, STMT_APP_LIST, &app_shape, NO_VALS, ret, retn);
}

err_t
store_app_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_APP_DELETE, &app_shape, VALS(val_id(id)));
}

err_t
store_admin_insert(struct tx *tx, const struct admin *x)
{
	return row_insert(tx, STMT_ADMIN_INSERT, &admin_shape, x);
}

err_t
store_admin_get(struct tx *tx, struct arena *a, struct id id, struct admin *ret)
{
	return row_one(tx, a, STMT_ADMIN_GET, &admin_shape, VALS(val_id(id)), ret);
}

err_t
store_admin_list(struct tx *tx, struct arena *a, struct admin **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ADMIN_LIST, &admin_shape, NO_VALS, ret, retn);
}

err_t
store_admin_delete(struct tx *tx, struct id id)
{
	TRY(row_run(tx, STMT_REFRESH_PRUNE, VALS(val_id(id), val_i64(0)), NULL));
	return row_must(tx, STMT_ADMIN_DELETE, &admin_shape, VALS(val_id(id)));
}

err_t
store_admin_by_name(struct tx *tx, struct arena *a, const char *name, struct admin *ret)
{
	return row_one(tx, a, STMT_ADMIN_BY_NAME, &admin_shape, VALS(val_text(name)), ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/directory.h"
#include "store/row.h"

static const struct col user_cols[] = {
	COL(struct user, id),
	COL(struct user, upn),
	COL(struct user, display_name),
	COL(struct user, given_name),
	COL(struct user, surname),
	COL(struct user, mail),
	COL(struct user, mail_nickname),
	COL(struct user, sam_account),
	COL(struct user, dn),
	COL(struct user, sid),
	COL(struct user, op_upn),
	COL(struct user, op_domain),
	COL(struct user, immutable_id),
	COL(struct user, cloud_sid),
	COL(struct user, job_title),
	COL(struct user, department),
	COL(struct user, employee_id),
	COL(struct user, office),
	COL(struct user, mobile),
	COL(struct user, company),
	COL(struct user, source),
	COL(struct user, enabled),
	COL(struct user, created),
	COL(struct user, modified),
};
static const struct shape user_shape = SHAPE("user", struct user, user_cols);

err_t
store_user_insert(struct tx *tx, const struct user *u)
{
	return row_insert(tx, STMT_USER_INSERT, &user_shape, u);
}

err_t
store_user_update(struct tx *tx, const struct user *u)
{
	return row_update(tx, STMT_USER_UPDATE, &user_shape, u);
}

err_t
store_user_delete(struct tx *tx, struct id id)
{
	TRY(row_must(tx, STMT_USER_DELETE, &user_shape, VALS(val_id(id))));
	return row_run(tx, STMT_MEMBER_FORGET, VALS(val_id(id)), NULL);
}

err_t
store_user_get(struct tx *tx, struct arena *a, struct id id, struct user *ret)
{
	return row_one(tx, a, STMT_USER_GET, &user_shape, VALS(val_id(id)), ret);
}

err_t
store_user_by_upn(struct tx *tx, struct arena *a, const char *upn, struct user *ret)
{
	return row_one(tx, a, STMT_USER_BY_UPN, &user_shape, VALS(val_text(upn)), ret);
}

err_t
store_user_by_immutable(struct tx *tx, struct arena *a, const char *immutable, struct user *ret)
{
	return row_one(tx, a, STMT_USER_BY_IMMUTABLE, &user_shape, VALS(val_text(immutable)), ret);
}

err_t
store_user_list(
    struct tx *tx, struct arena *a, struct page p, struct user **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_USER_LIST, &user_shape, NO_VALS, p, ret, retn, more);
}

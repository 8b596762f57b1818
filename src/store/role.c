/* SPDX-License-Identifier: Apache-2.0 */
#include "store/role.h"

#include "store/row.h"

static const struct col role_cols[] = {
	COL(struct role, id),
	COL(struct role, display_name),
	COL(struct role, description),
	COL(struct role, permissions),
	COL(struct role, scope_tags),
	COL(struct role, created),
	COL(struct role, modified),
};
static const struct shape role_shape = SHAPE("role", struct role, role_cols);

static const struct col assignment_cols[] = {
	COL(struct role_assignment, id),
	COL(struct role_assignment, role),
	COL(struct role_assignment, display_name),
	COL(struct role_assignment, description),
	COL(struct role_assignment, members),
	COL(struct role_assignment, scope_tags),
	COL(struct role_assignment, created),
	COL(struct role_assignment, modified),
};
static const struct shape assignment_shape =
    SHAPE("role assignment", struct role_assignment, assignment_cols);

err_t
store_role_insert(struct tx *tx, const struct role *x)
{
	return row_insert(tx, STMT_ROLE_INSERT, &role_shape, x);
}

err_t
store_role_update(struct tx *tx, const struct role *x)
{
	return row_update(tx, STMT_ROLE_UPDATE, &role_shape, x);
}

err_t
store_role_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_ROLE_DELETE, &role_shape, VALS(val_id(id)));
}

err_t
store_role_get(struct tx *tx, struct arena *a, struct id id, struct role *ret)
{
	return row_one(tx, a, STMT_ROLE_GET, &role_shape, VALS(val_id(id)), ret);
}

err_t
store_role_list(struct tx *tx, struct arena *a, struct role **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ROLE_LIST, &role_shape, NO_VALS, ret, retn);
}

static err_t
put_members(struct tx *tx, const struct role_assignment *x, const char *const *members, size_t n)
{
	TRY(row_run(tx, STMT_ROLE_MEMBERS_CLEAR, VALS(val_id(x->id)), NULL));
	for (size_t i = 0; i < n; i++)
		TRY(row_run(
		    tx, STMT_ROLE_MEMBER_ADD, VALS(val_text(members[i]), val_id(x->id)), NULL));
	return OK;
}

err_t
store_role_assignment_insert(
    struct tx *tx, const struct role_assignment *x, const char *const *members, size_t n)
{
	TRY(row_insert(tx, STMT_ROLE_ASSIGNMENT_INSERT, &assignment_shape, x));
	return put_members(tx, x, members, n);
}

err_t
store_role_assignment_update(
    struct tx *tx, const struct role_assignment *x, const char *const *members, size_t n)
{
	TRY(row_update(tx, STMT_ROLE_ASSIGNMENT_UPDATE, &assignment_shape, x));
	return put_members(tx, x, members, n);
}

err_t
store_role_assignment_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_ROLE_ASSIGNMENT_DELETE, &assignment_shape, VALS(val_id(id)));
}

err_t
store_role_assignment_get(struct tx *tx, struct arena *a, struct id id, struct role_assignment *ret)
{
	return row_one(tx, a, STMT_ROLE_ASSIGNMENT_GET, &assignment_shape, VALS(val_id(id)), ret);
}

err_t
store_role_assignment_list(
    struct tx *tx, struct arena *a, struct id role, struct role_assignment **ret, size_t *retn)
{
	if (id_is_zero(role))
		return row_all(
		    tx, a, STMT_ROLE_ASSIGNMENT_LIST, &assignment_shape, NO_VALS, ret, retn);
	return row_all(
	    tx, a, STMT_ROLE_ASSIGNMENT_OF_ROLE, &assignment_shape, VALS(val_id(role)), ret, retn);
}

err_t
store_role_assignments_of(
    struct tx *tx, struct arena *a, const char *member, struct role_assignment **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ROLE_ASSIGNMENT_OF_MEMBER, &assignment_shape,
	    VALS(val_text(member)), ret, retn);
}

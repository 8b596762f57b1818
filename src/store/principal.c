/* SPDX-License-Identifier: Apache-2.0 */
/* Who may talk to the CA. */
#include "store/ca.h"
#include "store/row.h"

static const struct col principal_cols[] = {
	COL(struct principal, name),
	COL(struct principal, cert_sha256),
	COL(struct principal, password),
	COL(struct principal, ca_rights),
	COL(struct principal, enabled),
	COL(struct principal, created),
	COL(struct principal, is_group),
};
static const struct shape principal_shape = SHAPE("principal", struct principal, principal_cols);

err_t
store_principal_put(struct tx *tx, const struct principal *p)
{
	return row_insert(tx, STMT_PRINCIPAL_PUT, &principal_shape, p);
}

err_t
store_principal_get(struct tx *tx, struct arena *a, const char *name, struct principal *ret)
{
	return row_one(tx, a, STMT_PRINCIPAL_GET, &principal_shape, VALS(val_text(name)), ret);
}

err_t
store_principal_by_cert(struct tx *tx, struct arena *a, struct str sha256, struct principal *ret)
{
	return row_one(
	    tx, a, STMT_PRINCIPAL_BY_CERT, &principal_shape, VALS(val_bytes(sha256)), ret);
}

err_t
store_principal_list(struct tx *tx, struct arena *a, struct principal **ret, size_t *retn)
{
	return row_all(tx, a, STMT_PRINCIPAL_LIST, &principal_shape, NO_VALS, ret, retn);
}

/* ---- groups ---- */

err_t
store_principal_join(struct tx *tx, const char *group, const char *member)
{
	return row_run(tx, STMT_PRINCIPAL_JOIN, VALS(val_text(group), val_text(member)), NULL);
}

err_t
store_principal_leave(struct tx *tx, const char *group, const char *member)
{
	return row_must(
	    tx, STMT_PRINCIPAL_LEAVE, &principal_shape, VALS(val_text(group), val_text(member)));
}

err_t
store_principal_groups(
    struct tx *tx, struct arena *a, const char *member, struct principal **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_PRINCIPAL_GROUPS, &principal_shape, VALS(val_text(member)), ret, retn);
}

err_t
store_principal_members(
    struct tx *tx, struct arena *a, const char *group, struct principal **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_PRINCIPAL_MEMBERS, &principal_shape, VALS(val_text(group)), ret, retn);
}

err_t
store_principal_group_delete(struct tx *tx, const char *group)
{
	return row_must(tx, STMT_PRINCIPAL_GROUP_DELETE, &principal_shape, VALS(val_text(group)));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Groups and their members. */
#include "store/directory.h"
#include "store/row.h"

static const struct col group_cols[] = {
	COL(struct group, id),
	COL(struct group, display_name),
	COL(struct group, description),
	COL(struct group, mail_nickname),
	COL(struct group, sam_account),
	COL(struct group, op_domain),
	COL(struct group, sid),
	COL(struct group, cloud_sid),
	COL(struct group, source),
	COL(struct group, created),
	COL(struct group, modified),
};
static const struct shape group_shape = SHAPE("group", struct group, group_cols);

static const struct col member_cols[] = {
	COL(struct member, id),
	COL(struct member, kind),
};
static const struct shape member_shape = SHAPE("member of the group", struct member, member_cols);

static const struct shape id_shape = ID_SHAPE("group");

err_t
store_group_insert(struct tx *tx, const struct group *g)
{
	return row_insert(tx, STMT_GROUP_INSERT, &group_shape, g);
}

err_t
store_group_update(struct tx *tx, const struct group *g)
{
	return row_update(tx, STMT_GROUP_UPDATE, &group_shape, g);
}

/* Its members go with it by foreign key; what it is a member of, and what targets it, by hand. */
err_t
store_group_delete(struct tx *tx, struct id id)
{
	TRY(row_must(tx, STMT_GROUP_DELETE, &group_shape, VALS(val_id(id))));
	TRY(row_run(tx, STMT_MEMBER_FORGET, VALS(val_id(id)), NULL));
	return row_run(tx, STMT_ASSIGN_FORGET, VALS(val_id(id)), NULL);
}

err_t
store_group_get(struct tx *tx, struct arena *a, struct id id, struct group *ret)
{
	return row_one(tx, a, STMT_GROUP_GET, &group_shape, VALS(val_id(id)), ret);
}

err_t
store_group_by_sid(struct tx *tx, struct arena *a, const char *sid, struct group *ret)
{
	return row_one(tx, a, STMT_GROUP_BY_SID, &group_shape, VALS(val_text(sid)), ret);
}

err_t
store_group_by_name(
    struct tx *tx, struct arena *a, const char *name, struct group **ret, size_t *retn)
{
	return row_all(tx, a, STMT_GROUP_BY_NAME, &group_shape, VALS(val_text(name)), ret, retn);
}

err_t
store_group_list(
    struct tx *tx, struct arena *a, struct page p, struct group **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_GROUP_LIST, &group_shape, NO_VALS, p, ret, retn, more);
}

/* A group within itself has no meaning, and every walk over groups would have to end it. */
static err_t
cycle_check(struct tx *tx, struct id group, struct id member)
{
	int64_t below = 0;

	if (!id_eq(group, member))
		TRY(row_number(tx, STMT_MEMBER_BELOW, VALS(val_id(member), val_id(group)), &below));
	if (below > 0 || id_eq(group, member))
		FAIL(ERR_GROUP_CYCLE, "%s",
		    id_eq(group, member) ? "the group itself" :
					   "the member holds the group already");
	return OK;
}

err_t
store_member_add(struct tx *tx, struct id group, struct member m)
{
	if (m.kind == MEMBER_GROUP)
		TRY(cycle_check(tx, group, m.id));
	return row_run(
	    tx, STMT_MEMBER_ADD, VALS(val_id(group), val_id(m.id), val_i64(m.kind)), NULL);
}

err_t
store_member_remove(struct tx *tx, struct id group, struct id member)
{
	return row_must(tx, STMT_MEMBER_REMOVE, &member_shape, VALS(val_id(group), val_id(member)));
}

err_t
store_member_list(struct tx *tx, struct arena *a, struct id group, struct page p,
    struct member **ret, size_t *retn, bool *more)
{
	return row_page(
	    tx, a, STMT_MEMBER_LIST, &member_shape, VALS(val_id(group)), p, ret, retn, more);
}

err_t
store_groups_of(struct tx *tx, struct arena *a, struct id member, struct id **ret, size_t *retn)
{
	return row_all(tx, a, STMT_GROUPS_OF, &id_shape, VALS(val_id(member)), ret, retn);
}

err_t
store_member_list_all(struct tx *tx, struct arena *a, struct id group, struct page p,
    struct member **ret, size_t *retn, bool *more)
{
	return row_page(
	    tx, a, STMT_MEMBER_LIST_ALL, &member_shape, VALS(val_id(group)), p, ret, retn, more);
}

err_t
store_member_has_kind(struct tx *tx, struct id group, enum member_kind kind, bool *ret)
{
	int64_t n;

	TRY(row_number(tx, STMT_MEMBER_HAS_KIND, VALS(val_id(group), val_i64(kind)), &n));
	*ret = n != 0;
	return OK;
}

err_t
store_groups_direct(struct tx *tx, struct arena *a, struct id member, struct id **ret, size_t *retn)
{
	return row_all(tx, a, STMT_GROUPS_DIRECT, &id_shape, VALS(val_id(member)), ret, retn);
}

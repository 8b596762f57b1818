/* SPDX-License-Identifier: Apache-2.0 */
#include "store/user_pfx.h"
#include "store/row.h"

static const struct col pfx_cols[] = {
	COL(struct user_pfx, id),
	COL(struct user_pfx, user),
	COL(struct user_pfx, thumbprint),
	COL(struct user_pfx, purpose),
	COL(struct user_pfx, upn),
	COL(struct user_pfx, not_before),
	COL(struct user_pfx, not_after),
	COL(struct user_pfx, provider),
	COL(struct user_pfx, key_name),
	COL(struct user_pfx, padding),
	COL(struct user_pfx, blob),
	COL(struct user_pfx, password),
	COL(struct user_pfx, leaf),
	COL(struct user_pfx, created),
	COL(struct user_pfx, modified),
};
static const struct shape pfx_shape = SHAPE("imported certificate", struct user_pfx, pfx_cols);

err_t
store_pfx_insert(struct tx *tx, const struct user_pfx *p)
{
	return row_insert(tx, STMT_PFX_INSERT, &pfx_shape, p);
}

err_t
store_pfx_update(struct tx *tx, const struct user_pfx *p)
{
	return row_update(tx, STMT_PFX_UPDATE, &pfx_shape, p);
}

err_t
store_pfx_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_PFX_DELETE, &pfx_shape, VALS(val_id(id)));
}

err_t
store_pfx_get(struct tx *tx, struct arena *a, struct id id, struct user_pfx *ret)
{
	return row_one(tx, a, STMT_PFX_GET, &pfx_shape, VALS(val_id(id)), ret);
}

err_t
store_pfx_ending(struct tx *tx, when_t from, when_t until, int64_t *ret)
{
	return row_number(tx, STMT_PFX_ENDING, VALS(val_i64(from), val_i64(until)), ret);
}

err_t
store_pfx_by_thumbprint(
    struct tx *tx, struct arena *a, struct id user, const char *thumbprint, struct user_pfx *ret)
{
	return row_one(tx, a, STMT_PFX_BY_THUMBPRINT, &pfx_shape,
	    VALS(val_id(user), val_text(thumbprint)), ret);
}

err_t
store_pfx_list(
    struct tx *tx, struct arena *a, struct page p, struct user_pfx **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_PFX_LIST, &pfx_shape, NO_VALS, p, ret, retn, more);
}

err_t
store_pfx_of_user(
    struct tx *tx, struct arena *a, struct id user, struct user_pfx **ret, size_t *retn)
{
	return row_all(tx, a, STMT_PFX_OF_USER, &pfx_shape, VALS(val_id(user)), ret, retn);
}

static const struct col copy_cols[] = {
	COL(struct pfx_copy, pfx),
	COL(struct pfx_copy, key),
	COL(struct pfx_copy, key_name),
	COL(struct pfx_copy, padding),
	COL(struct pfx_copy, password),
};
static const struct shape copy_shape = SHAPE("copy of a password", struct pfx_copy, copy_cols);

err_t
store_pfx_copy_put(struct tx *tx, const struct pfx_copy *c)
{
	return row_insert(tx, STMT_PFX_COPY_PUT, &copy_shape, c);
}

err_t
store_pfx_copies_clear(struct tx *tx, struct id pfx)
{
	int64_t n;

	return row_run(tx, STMT_PFX_COPIES_CLEAR, VALS(val_id(pfx)), &n);
}

err_t
store_pfx_copies(struct tx *tx, struct arena *a, struct id pfx, struct pfx_copy **ret, size_t *retn)
{
	return row_all(tx, a, STMT_PFX_COPIES, &copy_shape, VALS(val_id(pfx)), ret, retn);
}

err_t
store_pfx_copies_lack(struct tx *tx, struct arena *a, const char *keys, const char *lacking,
    struct page p, struct pfx_copy **ret, size_t *retn)
{
	return row_all(tx, a, STMT_PFX_COPIES_LACK, &copy_shape,
	    VALS(val_text(keys), val_text(lacking), val_id(p.after), val_i64((int64_t)p.limit)),
	    ret, retn);
}

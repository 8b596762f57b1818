/* SPDX-License-Identifier: Apache-2.0 */
#include "store/release.h"

#include "store/row.h"

static const struct col release_cols[] = {
	COL(struct release_row, id),
	COL(struct release_row, version),
	COL(struct release_row, machine),
	COL(struct release_row, size),
	COL(struct release_row, got),
	COL(struct release_row, sha256),
	COL(struct release_row, created),
};
static const struct shape release_shape = SHAPE("release", struct release_row, release_cols);

static const struct shape part_shape = BYTES_SHAPE("part");

err_t
store_release_insert(struct tx *tx, const struct release_row *r)
{
	return row_insert(tx, STMT_RELEASE_INSERT, &release_shape, r);
}

err_t
store_release_get(struct tx *tx, struct arena *a, struct id id, struct release_row *ret)
{
	return row_one(tx, a, STMT_RELEASE_GET, &release_shape, VALS(val_id(id)), ret);
}

err_t
store_release_list(struct tx *tx, struct arena *a, struct page p, struct release_row **ret,
    size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_RELEASE_LIST, &release_shape, NO_VALS, p, ret, retn, more);
}

err_t
store_release_update(struct tx *tx, const struct release_row *r)
{
	return row_must(tx, STMT_RELEASE_UPDATE, &release_shape,
	    VALS(val_id(r->id), val_text(r->version), val_text(r->machine), val_i64(r->got)));
}

err_t
store_release_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_RELEASE_DELETE, &release_shape, VALS(val_id(id)));
}

err_t
store_release_part_add(struct tx *tx, struct id id, int64_t at, struct str bytes)
{
	return row_run(
	    tx, STMT_RELEASE_PART_ADD, VALS(val_id(id), val_i64(at), val_bytes(bytes)), NULL);
}

err_t
store_release_part(struct tx *tx, struct arena *a, struct id id, int64_t at, struct str *ret)
{
	return row_one(tx, a, STMT_RELEASE_PART, &part_shape, VALS(val_id(id), val_i64(at)), ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/filter.h"

#include <stdio.h>

#include "store/row.h"

static const struct col filter_cols[] = {
	COL(struct filter, id),
	COL(struct filter, display_name),
	COL(struct filter, description),
	COL(struct filter, platform),
	COL(struct filter, rule),
	COL(struct filter, scope_tags),
	COL(struct filter, created),
	COL(struct filter, modified),
};
static const struct shape filter_shape = SHAPE("assignment filter", struct filter, filter_cols);

static const struct shape use_shape = ID_SHAPE("profile");

static const struct col tag_cols[] = {
	COL(struct scope_tag, number),
	COL(struct scope_tag, display_name),
	COL(struct scope_tag, description),
};
static const struct shape tag_shape = SHAPE("scope tag", struct scope_tag, tag_cols);

err_t
store_filter_insert(struct tx *tx, const struct filter *f)
{
	return row_insert(tx, STMT_FILTER_INSERT, &filter_shape, f);
}

err_t
store_filter_update(struct tx *tx, const struct filter *f)
{
	return row_update(tx, STMT_FILTER_UPDATE, &filter_shape, f);
}

err_t
store_filter_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_FILTER_DELETE, &filter_shape, VALS(val_id(id)));
}

err_t
store_filter_get(struct tx *tx, struct arena *a, struct id id, struct filter *ret)
{
	return row_one(tx, a, STMT_FILTER_GET, &filter_shape, VALS(val_id(id)), ret);
}

err_t
store_filter_list(
    struct tx *tx, struct arena *a, struct page p, struct filter **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_FILTER_LIST, &filter_shape, NO_VALS, p, ret, retn, more);
}

err_t
store_filter_use(
    struct tx *tx, struct arena *a, struct id id, size_t limit, struct id **ret, size_t *retn)
{
	return row_all(tx, a, STMT_FILTER_USE, &use_shape,
	    VALS(val_id(id), val_i64((int64_t)limit)), ret, retn);
}

err_t
store_scope_tag_insert(struct tx *tx, struct arena *a, struct scope_tag *t)
{
	return row_one(tx, a, STMT_SCOPE_INSERT, &tag_shape,
	    VALS(val_text(t->display_name), val_text(t->description)), t);
}

err_t
store_scope_tag_update(struct tx *tx, const struct scope_tag *t)
{
	return row_update(tx, STMT_SCOPE_UPDATE, &tag_shape, t);
}

err_t
store_scope_tag_delete(struct tx *tx, int64_t number)
{
	char text[32];
	int64_t used;

	snprintf(text, sizeof(text), "\"%lld\"", (long long)number); /* as the arrays write it */
	TRY(row_number(tx, STMT_SCOPE_USE, VALS(val_text(text)), &used));
	if (used != 0)
		FAIL(ERR_SCOPE_TAG, "a profile, a filter, a device or a role has tag %lld still",
		    (long long)number);
	return row_must(tx, STMT_SCOPE_DELETE, &tag_shape, VALS(val_i64(number)));
}

err_t
store_scope_tag_get(struct tx *tx, struct arena *a, int64_t number, struct scope_tag *ret)
{
	return row_one(tx, a, STMT_SCOPE_GET, &tag_shape, VALS(val_i64(number)), ret);
}

err_t
store_scope_tag_list(struct tx *tx, struct arena *a, struct scope_tag **ret, size_t *retn)
{
	return row_all(tx, a, STMT_SCOPE_LIST, &tag_shape, NO_VALS, ret, retn);
}

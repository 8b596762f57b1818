/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate templates and the rights on them. */
#include "store/ca.h"
#include "store/row.h"

static const struct col template_cols[] = {
	COL(struct template_row, name),
	COL(struct template_row, display_name),
	COL(struct template_row, oid),
	COL(struct template_row, schema),
	COL(struct template_row, major),
	COL(struct template_row, minor),
	COL(struct template_row, flags),
	COL(struct template_row, name_flags),
	COL(struct template_row, enrolment_flags),
	COL(struct template_row, private_key_flags),
	COL(struct template_row, key_usage),
	COL(struct template_row, min_key_bits),
	COL(struct template_row, validity),
	COL(struct template_row, overlap),
	COL(struct template_row, ekus),
	COL(struct template_row, order_required),
	COL(struct template_row, published),
	COL(struct template_row, cas),
	COL(struct template_row, created),
	COL(struct template_row, modified),
	COL(struct template_row, algorithms),
	COL(struct template_row, overrides),
};
static const struct shape template_shape = SHAPE("template", struct template_row, template_cols);

struct right {
	uint32_t allow, deny;
};
static const struct col right_cols[] = {
	COL(struct right, allow),
	COL(struct right, deny),
};
static const struct shape right_shape = SHAPE("right", struct right, right_cols);

err_t
store_template_put(struct tx *tx, const struct template_row *t)
{
	return row_insert(tx, STMT_TEMPLATE_PUT, &template_shape, t);
}

err_t
store_template_get(
    struct tx *tx, struct arena *a, const char *name_or_oid, struct template_row *ret)
{
	return row_one(tx, a, STMT_TEMPLATE_GET, &template_shape, VALS(val_text(name_or_oid)), ret);
}

err_t
store_template_list(struct tx *tx, struct arena *a, struct template_row **ret, size_t *retn)
{
	return row_all(tx, a, STMT_TEMPLATE_LIST, &template_shape, NO_VALS, ret, retn);
}

err_t
store_template_delete(struct tx *tx, const char *name)
{
	return row_must(tx, STMT_TEMPLATE_DELETE, &template_shape, VALS(val_text(name)));
}

err_t
store_template_right_put(
    struct tx *tx, const char *template, const char *principal, unsigned allow, unsigned deny)
{
	return row_run(tx, STMT_TEMPLATE_RIGHT_PUT,
	    VALS(val_text(template), val_text(principal), val_i64(allow), val_i64(deny)), NULL);
}

static const struct col listed_cols[] = {
	COL(struct template_right, principal),
	COL(struct template_right, allow),
	COL(struct template_right, deny),
};
static const struct shape listed_shape = SHAPE("right", struct template_right, listed_cols);

err_t
store_template_right_list(
    struct tx *tx, struct arena *a, const char *template, struct template_right **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_TEMPLATE_RIGHT_LIST, &listed_shape, VALS(val_text(template)), ret, retn);
}

/* No row: nothing allowed, nothing denied. */
err_t
store_template_right_get(
    struct tx *tx, const char *template, const char *principal, unsigned *allow, unsigned *deny)
{
	auto_arena struct arena *a = arena_new();
	struct right x = { 0 };
	err_t e = row_one(tx, a, STMT_TEMPLATE_RIGHT_GET, &right_shape,
	    VALS(val_text(template), val_text(principal)), &x);

	if (err_is(e, ERR_NOT_FOUND))
		err_forget(e);
	else
		TRY(e);
	*allow = x.allow;
	*deny = x.deny;
	return OK;
}

err_t
store_template_rights_of(struct tx *tx, const char *template, const char *principal, unsigned *ret)
{
	auto_arena struct arena *a = arena_new();
	unsigned allow = 0, deny = 0;
	struct right *v;
	size_t n;

	TRY(row_all(tx, a, STMT_TEMPLATE_RIGHTS_OF, &right_shape,
	    VALS(val_text(template), val_text(principal)), &v, &n));
	for (size_t i = 0; i < n; i++) {
		allow |= v[i].allow;
		deny |= v[i].deny;
	}
	*ret = allow & ~deny;
	return OK;
}

/* The rows come by principal, so that those of one follow each other. */
err_t
store_template_right_sums(
    struct tx *tx, struct arena *a, const char *template, struct template_right **ret, size_t *retn)
{
	struct template_right *v;
	size_t n, kept = 0;

	TRY(row_all(
	    tx, a, STMT_TEMPLATE_RIGHT_WAYS, &listed_shape, VALS(val_text(template)), &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || !str_ieq_c(str_c(v[kept - 1].principal), v[i].principal)) {
			v[kept++] = v[i];
			continue;
		}
		v[kept - 1].allow |= v[i].allow;
		v[kept - 1].deny |= v[i].deny;
	}
	*ret = v;
	*retn = kept;
	return OK;
}

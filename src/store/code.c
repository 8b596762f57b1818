/* SPDX-License-Identifier: Apache-2.0 */
/* One-time codes that devices and connectors enrol with. */
#include "store/device.h"
#include "store/row.h"

static const struct col code_cols[] = {
	COL(struct code, id),
	COL(struct code, hash),
	COL(struct code, kind),
	REF(struct code, user),
	COL(struct code, created),
	COL(struct code, expires),
	COL(struct code, used),
	COL(struct code, used_by),
};
static const struct shape code_shape = SHAPE("enrolment code", struct code, code_cols);

err_t
store_code_insert(struct tx *tx, const struct code *c)
{
	return row_insert(tx, STMT_CODE_INSERT, &code_shape, c);
}

/* The sentence that a log gets; the caller hears no more than ERR_CODE. */
static const char *
code_trouble(const struct code *c, enum code_kind kind)
{
	if (c->kind != kind)
		return "it is for something else";
	return c->used != 0 ? "it was used before" : "it is expired";
}

static err_t
code_refuse(struct tx *tx, struct arena *a, enum code_kind kind, struct str hash)
{
	struct code c;
	err_t e = row_one(tx, a, STMT_CODE_BY_HASH, &code_shape, VALS(val_bytes(hash)), &c);

	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_CODE, "there is no such code");
	TRY(e);
	FAIL(ERR_CODE, "%s", code_trouble(&c, kind));
}

err_t
store_code_use(struct tx *tx, struct arena *a, enum code_kind kind, struct str hash, struct id by,
    when_t now, struct code *ret)
{
	err_t e = row_one(tx, a, STMT_CODE_USE, &code_shape,
	    VALS(val_bytes(hash), val_i64(kind), val_id(by), val_i64(now)), ret);

	if (err_is(e, ERR_NOT_FOUND))
		return code_refuse(tx, a, kind, hash);
	return e;
}

err_t
store_code_check(struct tx *tx, struct arena *a, enum code_kind kind, struct str hash, struct id by,
    when_t now, struct code *ret)
{
	struct code c;
	err_t e = row_one(tx, a, STMT_CODE_BY_HASH, &code_shape, VALS(val_bytes(hash)), &c);

	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_CODE, "there is no such code");
	TRY(e);
	if (c.kind != kind || (c.used == 0 ? c.expires <= now : !id_eq(c.used_by, by)))
		FAIL(ERR_CODE, "%s", code_trouble(&c, kind));
	*ret = c;
	return OK;
}

err_t
store_code_list(
    struct tx *tx, struct arena *a, struct page p, struct code **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_CODE_LIST, &code_shape, NO_VALS, p, ret, retn, more);
}

err_t
store_code_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_CODE_DELETE, &code_shape, VALS(val_id(id)));
}

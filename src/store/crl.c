/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation status: see crl.h. */
#include "store/crl.h"

#include "base/limits.h"
#include "store/row.h"

static const struct col crl_cols[] = {
	COL(struct crl_row, ca),
	COL(struct crl_row, key_index),
	COL(struct crl_row, shard),
	COL(struct crl_row, delta),
	COL(struct crl_row, number),
	COL(struct crl_row, this_update),
	COL(struct crl_row, next_update),
	COL(struct crl_row, next_publish),
	COL(struct crl_row, der),
};
static const struct shape crl_shape = SHAPE("revocation list", struct crl_row, crl_cols);
static const struct shape head_shape = { "revocation list", sizeof(struct crl_row), crl_cols,
	COUNT(crl_cols) - 1 };

static const struct col plan_cols[] = {
	COL(struct crl_plan_row, ca),
	COL(struct crl_plan_row, key_index),
	COL(struct crl_plan_row, shard),
	COL(struct crl_plan_row, base_number),
	COL(struct crl_plan_row, older_number),
	COL(struct crl_plan_row, base_made),
	COL(struct crl_plan_row, base_until),
	COL(struct crl_plan_row, older_made),
	COL(struct crl_plan_row, older_until),
};
static const struct shape plan_shape = SHAPE("schedule", struct crl_plan_row, plan_cols);

static const struct col item_cols[] = {
	COL(struct crl_item, serial),
	COL(struct crl_item, when),
	COL(struct crl_item, reason),
};
static const struct shape item_shape = SHAPE("entry", struct crl_item, item_cols);

static const struct col status_cols[] = {
	COL(struct cert_status, state),
	COL(struct cert_status, reason),
	COL(struct cert_status, revoked),
};
static const struct shape status_shape = SHAPE("certificate", struct cert_status, status_cols);

err_t
store_crl_put(struct tx *tx, const struct crl_row *c)
{
	return row_insert(tx, STMT_CRL_PUT, &crl_shape, c);
}

static err_t
crl_read(struct tx *tx, struct arena *a, enum stmt_id q, const struct shape *sh,
    const struct crl_row *which, struct crl_row *ret)
{
	struct crl_row c = { 0 };

	TRY(row_one(tx, a, q, sh,
	    VALS(val_text(which->ca), val_i64(which->key_index), val_i64(which->shard),
		val_i64(which->delta)),
	    &c));
	*ret = c;
	return OK;
}

err_t
store_crl_get(struct tx *tx, struct arena *a, const struct crl_row *which, struct crl_row *ret)
{
	return crl_read(tx, a, STMT_CRL_GET, &crl_shape, which, ret);
}

err_t
store_crl_head(struct tx *tx, struct arena *a, const struct crl_row *which, struct crl_row *ret)
{
	return crl_read(tx, a, STMT_CRL_HEAD, &head_shape, which, ret);
}

err_t
store_crl_list(struct tx *tx, struct arena *a, struct crl_row **ret, size_t *retn)
{
	return row_all(tx, a, STMT_CRL_LIST, &head_shape, VALS(val_i64(LIMIT_PAGE)), ret, retn);
}

err_t
store_crl_shards_due(struct tx *tx, struct arena *a, when_t now, struct crl_row **ret, size_t *retn)
{
	return row_all(tx, a, STMT_CRL_SHARDS_DUE, &head_shape, VALS(val_i64(now)), ret, retn);
}

err_t
store_crl_shards_forget(struct tx *tx)
{
	return row_run(tx, STMT_CRL_SHARDS_FORGET, NO_VALS, NULL);
}

err_t
store_crl_plan_put(struct tx *tx, const struct crl_plan_row *p)
{
	return row_insert(tx, STMT_CRL_PLAN_PUT, &plan_shape, p);
}

err_t
store_crl_plan_get(struct tx *tx, struct arena *a, const char *ca, uint32_t key_index,
    uint32_t shard, struct crl_plan_row *ret)
{
	struct crl_plan_row p = { .ca = ca, .key_index = key_index, .shard = shard };
	err_t e = row_one(tx, a, STMT_CRL_PLAN_GET, &plan_shape,
	    VALS(val_text(ca), val_i64(key_index), val_i64(shard)), &p);

	if (err_is(e, ERR_NOT_FOUND))
		err_forget(e);
	else
		TRY(e);
	*ret = p;
	return OK;
}

err_t
store_crl_number_take(struct tx *tx, const char *ca, uint64_t *ret)
{
	int64_t n = 0, changed = 0;

	TRY(row_run(tx, STMT_CRL_NUMBER_NEXT, VALS(val_text(ca)), &changed));
	if (changed == 0)
		FAIL(ERR_NOT_FOUND, "no such CA");
	TRY(row_number(tx, STMT_CRL_NUMBER, VALS(val_text(ca)), &n));
	*ret = (uint64_t)n;
	return OK;
}

err_t
store_crl_items(struct tx *tx, struct arena *a, const char *ca, when_t not_after_from,
    struct crl_item **ret, size_t *retn)
{
	return row_all(tx, a, STMT_CRL_ITEMS, &item_shape,
	    VALS(val_text(ca), val_i64(not_after_from)), ret, retn);
}

err_t
store_crl_shard_items(struct tx *tx, struct arena *a, const char *ca, uint32_t shard,
    when_t not_after_from, struct crl_item **ret, size_t *retn)
{
	return row_all(tx, a, STMT_CRL_SHARD_ITEMS, &item_shape,
	    VALS(val_text(ca), val_i64(shard), val_i64(not_after_from)), ret, retn);
}

err_t
store_issued_shard_put(struct tx *tx, int64_t id, uint32_t shard)
{
	return row_run(tx, STMT_ISSUED_SHARD_PUT, VALS(val_i64(id), val_i64(shard)), NULL);
}

err_t
store_issued_shard(struct tx *tx, int64_t id, uint32_t *ret)
{
	int64_t shard = 0;

	TRY(row_number(tx, STMT_ISSUED_SHARD, VALS(val_i64(id)), &shard));
	*ret = (uint32_t)shard;
	return OK;
}

err_t
store_crl_changes(struct tx *tx, struct arena *a, const char *ca, when_t from,
    struct crl_item **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_CRL_CHANGES, &item_shape, VALS(val_text(ca), val_i64(from)), ret, retn);
}

err_t
store_crl_release(struct tx *tx, const char *ca, const char *serial, when_t when)
{
	return row_run(
	    tx, STMT_CRL_RELEASE, VALS(val_text(ca), val_text(serial), val_i64(when)), NULL);
}

err_t
store_crl_release_sweep(struct tx *tx, const char *ca, when_t before)
{
	return row_run(tx, STMT_CRL_RELEASE_SWEEP, VALS(val_text(ca), val_i64(before)), NULL);
}

err_t
store_issued_status(
    struct tx *tx, struct arena *a, const char *ca, const char *serial, struct cert_status *ret)
{
	return row_one(
	    tx, a, STMT_ISSUED_STATUS, &status_shape, VALS(val_text(ca), val_text(serial)), ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/renewal.h"
#include "store/row.h"

static const struct col renewal_cols[] = {
	COL(struct renewal, id),
	COL(struct renewal, kind),
	COL(struct renewal, identity),
	COL(struct renewal, identity_sha256),
	COL(struct renewal, not_after),
	COL(struct renewal, fence),
};
static const struct shape renewal_shape = SHAPE("renewal", struct renewal, renewal_cols);

err_t
store_renewal_put(struct tx *tx, const struct renewal *n)
{
	int64_t changed;

	TRY(row_save(tx, STMT_RENEWAL_PUT, &renewal_shape, n, NO_VALS, &changed));
	if (changed == 0)
		FAIL(ERR_STATE_MOVED, "a later renewal is there");
	return OK;
}

err_t
store_renewal_by_identity(struct tx *tx, struct arena *a, struct str sha256, struct renewal *ret)
{
	return row_one(
	    tx, a, STMT_RENEWAL_BY_IDENTITY, &renewal_shape, VALS(val_bytes(sha256)), ret);
}

err_t
store_renewal_delete(struct tx *tx, struct id id)
{
	int64_t changed;

	return row_run(tx, STMT_RENEWAL_DELETE, VALS(val_id(id)), &changed);
}

err_t
store_renewal_count(struct tx *tx, struct id device, int64_t day, int64_t most)
{
	int64_t changed;

	TRY(row_run(
	    tx, STMT_RENEWAL_COUNT, VALS(val_id(device), val_i64(day), val_i64(most)), &changed));
	if (changed == 0)
		FAIL(ERR_RENEWALS, "%lld on one day", (long long)most);
	return OK;
}

err_t
store_renewal_uncount(struct tx *tx, struct id device, int64_t day)
{
	return row_run(tx, STMT_RENEWAL_UNCOUNT, VALS(val_id(device), val_i64(day)), NULL);
}

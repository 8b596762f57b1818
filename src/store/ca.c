/* SPDX-License-Identifier: Apache-2.0 */
/* The certification authorities, and the state of orders: what was seen under each. */
#include "store/ca.h"
#include "store/row.h"

static const struct col ca_cols[] = {
	COL(struct ca_row, name),
	COL(struct ca_row, key_file),
	COL(struct ca_row, cert),
	COL(struct ca_row, issuer),
	COL(struct ca_row, crl_url),
	COL(struct ca_row, aia_url),
	COL(struct ca_row, ocsp_url),
	COL(struct ca_row, crl_number),
	COL(struct ca_row, created),
	COL(struct ca_row, role),
	COL(struct ca_row, key_index),
	COL(struct ca_row, cert_index),
};
static const struct shape ca_shape = SHAPE("CA", struct ca_row, ca_cols);

static const struct shape key_shape = BYTES_SHAPE("order key");

struct order_state {
	uint64_t fence;
	bool closed;
};
static const struct col order_state_cols[] = {
	COL(struct order_state, fence),
	COL(struct order_state, closed),
};
static const struct shape order_state_shape = SHAPE("order", struct order_state, order_state_cols);

err_t
store_ca_insert(struct tx *tx, const struct ca_row *c)
{
	return row_insert(tx, STMT_CA_INSERT, &ca_shape, c);
}

err_t
store_ca_update(struct tx *tx, const struct ca_row *c)
{
	return row_update(tx, STMT_CA_UPDATE, &ca_shape, c);
}

err_t
store_ca_get(struct tx *tx, struct arena *a, const char *name, struct ca_row *ret)
{
	return row_one(tx, a, STMT_CA_GET, &ca_shape, VALS(val_text(name)), ret);
}

err_t
store_ca_list(struct tx *tx, struct arena *a, struct ca_row **ret, size_t *retn)
{
	return row_all(tx, a, STMT_CA_LIST, &ca_shape, NO_VALS, ret, retn);
}

err_t
store_order_key_put(struct tx *tx, const char *service, struct str spki)
{
	return row_run(tx, STMT_ORDER_KEY_PUT, VALS(val_text(service), val_bytes(spki)), NULL);
}

err_t
store_order_keys(struct tx *tx, struct arena *a, struct str **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ORDER_KEYS, &key_shape, NO_VALS, ret, retn);
}

err_t
store_order_state_get(struct tx *tx, struct id order, uint64_t *ret_fence, bool *ret_closed)
{
	auto_arena struct arena *a = arena_new();
	struct order_state x = { 0 };
	err_t e = row_one(tx, a, STMT_ORDER_STATE_GET, &order_state_shape, VALS(val_id(order)), &x);

	if (err_is(e, ERR_NOT_FOUND))
		err_forget(e);
	else
		TRY(e);
	*ret_fence = x.fence;
	*ret_closed = x.closed;
	return OK;
}

err_t
store_order_state_put(struct tx *tx, struct id order, uint64_t fence, bool closed)
{
	if (fence > INT64_MAX)
		FAIL(ERR_RANGE, "the fence is too large");
	return row_run(tx, STMT_ORDER_STATE_PUT,
	    VALS(val_id(order), val_i64((int64_t)fence), val_i64(closed)), NULL);
}

err_t
store_order_approved_get(struct tx *tx, struct id order, int64_t *ret)
{
	return row_number(tx, STMT_ORDER_APPROVED, VALS(val_id(order)), ret);
}

err_t
store_order_approved_put(struct tx *tx, struct id order, int64_t request)
{
	return row_run(tx, STMT_ORDER_APPROVE, VALS(val_id(order), val_i64(request)), NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of requests: those of a slot, those whose lease is over.
 */
#include "store/row.h"
#include "store/slot.h"

static const struct shape request_id_shape = ID_SHAPE("request");

/* Without what it brought: a slot's history is read for its states. */
static const struct col brief_cols[] = {
	COL(struct request, id),
	COL(struct request, slot),
	COL(struct request, device),
	COL(struct request, kind),
	COL(struct request, state),
	COL(struct request, fence),
	COL(struct request, attempts),
	COL(struct request, hash),
	COL(struct request, ca),
	COL(struct request, owner),
	COL(struct request, lease_until),
	COL(struct request, not_before),
	COL(struct request, fault),
	COL(struct request, detail),
	COL(struct request, keep),
	COL(struct request, about),
	COL(struct request, serial),
	COL(struct request, sent),
	COL(struct request, ca_request),
	COL(struct request, unissued),
	COL(struct request, created),
	COL(struct request, updated),
};
static const struct shape brief_shape = SHAPE("request", struct request, brief_cols);

static err_t
requests(struct tx *tx, struct arena *a, enum stmt_id q, struct vals v, struct request **ret,
    size_t *retn)
{
	struct id *ids;
	struct request *out;
	size_t n;

	TRY(row_all(tx, a, q, &request_id_shape, v, &ids, &n));
	out = arena_array(a, n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		TRY(store_request_get(tx, a, ids[i], &out[i]));
	*ret = out;
	*retn = n;
	return OK;
}

err_t
store_request_overdue(
    struct tx *tx, struct arena *a, when_t now, size_t limit, struct request **ret, size_t *retn)
{
	return requests(
	    tx, a, STMT_REQUEST_OVERDUE, VALS(val_i64(now), val_i64((int64_t)limit)), ret, retn);
}

err_t
store_requests_leased_by(struct tx *tx, struct arena *a, const char *owner, size_t limit,
    struct request **ret, size_t *retn)
{
	return requests(tx, a, STMT_REQUESTS_LEASED_BY,
	    VALS(val_text(owner), val_i64((int64_t)limit)), ret, retn);
}

err_t
store_requests_leased_to(struct tx *tx, struct arena *a, const char *connector, size_t limit,
    struct request **ret, size_t *retn)
{
	return requests(tx, a, STMT_REQUESTS_LEASED_TO,
	    VALS(val_text(connector), val_i64((int64_t)limit)), ret, retn);
}

err_t
store_requests_of_slot(
    struct tx *tx, struct arena *a, struct id slot, struct request **ret, size_t *retn)
{
	return row_all(tx, a, STMT_REQUESTS_OF_SLOT, &brief_shape, VALS(val_id(slot)), ret, retn);
}

err_t
store_request_forget(struct tx *tx, struct id id)
{
	return row_run(tx, STMT_REQUEST_FORGET, VALS(val_id(id)), NULL);
}

err_t
store_request_name_serial(struct tx *tx, struct id slot, struct id request, const char *serial)
{
	return row_run(tx, STMT_REQUEST_NAME_SERIAL,
	    VALS(val_id(slot), val_id(request), val_text(serial)), NULL);
}

err_t
store_request_stuck(struct tx *tx, struct arena *a, struct id slot, struct request *ret)
{
	struct id hit;

	TRY(row_one(tx, a, STMT_REQUEST_STUCK, &request_id_shape, VALS(val_id(slot)), &hit));
	return store_request_get(tx, a, hit, ret);
}

err_t
store_request_prune(struct tx *tx, struct id device, struct id slot, size_t keep)
{
	tx_about(tx, device);
	return row_run(tx, STMT_REQUEST_PRUNE, VALS(val_id(slot), val_i64((int64_t)keep)), NULL);
}

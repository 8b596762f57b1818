/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of requests: those of a slot, those whose lease is over.
 */
#include "store/row.h"
#include "store/slot.h"

struct request_id {
	struct id id;
};
static const struct col request_id_cols[] = {
	COL(struct request_id, id),
};
static const struct shape request_id_shape = SHAPE("request", struct request_id, request_id_cols);

static err_t
requests(struct tx *tx, struct arena *a, enum stmt_id q, struct vals v, struct request **ret,
    size_t *retn)
{
	struct request_id *ids;
	struct request *out;
	size_t n;

	TRY(row_all(tx, a, q, &request_id_shape, v, &ids, &n));
	out = arena_array(a, n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		TRY(store_request_get(tx, a, ids[i].id, &out[i]));
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
store_requests_of_slot(
    struct tx *tx, struct arena *a, struct id slot, struct request **ret, size_t *retn)
{
	return requests(tx, a, STMT_REQUESTS_OF_SLOT, VALS(val_id(slot)), ret, retn);
}

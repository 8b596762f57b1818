/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: the queue of what is being got for slots. Each change of state is one guarded statement.
 */
#include "store/row.h"
#include "store/slot.h"

#include <assert.h>

static const struct col request_cols[] = {
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
	COL(struct request, leaf),
	COL(struct request, sealed),
	COL(struct request, password),
	COL(struct request, serial),
	COL(struct request, sent),
	COL(struct request, ca_request),
	COL(struct request, unissued),
	COL(struct request, created),
	COL(struct request, updated),
};
static const struct shape request_shape = SHAPE("request", struct request, request_cols);

/* What a step writes. */
static const struct col moving_cols[] = {
	COL(struct request, id),
	COL(struct request, state),
	COL(struct request, fence),
	COL(struct request, attempts),
	COL(struct request, owner),
	COL(struct request, lease_until),
	COL(struct request, not_before),
	COL(struct request, fault),
	COL(struct request, detail),
	COL(struct request, sent),
	COL(struct request, updated),
};
static const struct shape moving_shape = SHAPE("request", struct request, moving_cols);

static const struct col rest_cols[] = {
	COL(struct request, id),
	COL(struct request, keep),
	COL(struct request, leaf),
	COL(struct request, sealed),
	COL(struct request, password),
	COL(struct request, serial),
	COL(struct request, ca_request),
	COL(struct request, unissued),
};
static const struct shape rest_shape = SHAPE("request", struct request, rest_cols);

/* The SQL names states and kinds by number. */
static_assert(
    REQUEST_QUEUED == 1 && REQUEST_LEASED == 2 && REQUEST_OFFERED == 4 && REQUEST_FAILED == 6);
static_assert(
    REQUEST_ISSUE == 1 && REQUEST_TRUST == 3 && REQUEST_IMPORT == 4 && REQUEST_ENROL == 5);

struct count {
	uint32_t state;
	int64_t n;
};
static const struct col count_cols[] = {
	COL(struct count, state),
	COL(struct count, n),
};
static const struct shape count_shape = SHAPE("request", struct count, count_cols);

err_t
store_request_insert(struct tx *tx, const struct request *r)
{
	tx_about(tx, r->device);
	return row_insert(tx, STMT_REQUEST_INSERT, &request_shape, r);
}

err_t
store_request_get(struct tx *tx, struct arena *a, struct id id, struct request *ret)
{
	return row_one(tx, a, STMT_REQUEST_GET, &request_shape, VALS(val_id(id)), ret);
}

err_t
store_request_of_slot(
    struct tx *tx, struct arena *a, struct id slot, enum request_kind kind, struct request *ret)
{
	return row_one(
	    tx, a, STMT_REQUEST_OF_SLOT, &request_shape, VALS(val_id(slot), val_i64(kind)), ret);
}

err_t
store_request_lease(struct tx *tx, struct arena *a, const enum request_kind *kinds, size_t nkinds,
    const char *cas, const char *keys, const char *owner, when_t now, when_t until,
    struct request *ret)
{
	int64_t bits = 0;
	err_t e;

	for (size_t i = 0; i < nkinds; i++)
		bits |= (int64_t)1 << kinds[i];
	e = row_one(tx, a, STMT_REQUEST_LEASE, &request_shape,
	    VALS(val_i64(now), val_i64(until), val_text(owner), val_i64(bits), val_text(cas),
		val_text(keys)),
	    ret);
	if (err_ok(e))
		tx_about(tx, ret->device);
	else
		tx_about_none(tx);
	return e;
}

err_t
store_request_move(struct tx *tx, const struct request *r, enum request_state from, uint64_t fence)
{
	tx_about(tx, r->device);
	TRY(row_guarded(tx, STMT_REQUEST_MOVE, &moving_shape, r,
	    VALS(val_i64(from), val_i64((int64_t)fence)), STMT_REQUEST_EXISTS,
	    VALS(val_id(r->id))));
	tx_about(tx, r->device);
	return row_save(tx, STMT_REQUEST_MOVE_REST, &rest_shape, r, NO_VALS, NULL);
}

err_t
store_request_next_due(struct tx *tx, when_t now, when_t *ret)
{
	return row_number(tx, STMT_REQUEST_NEXT_DUE, VALS(val_i64(now)), ret);
}

err_t
store_request_expire(struct tx *tx, when_t now, size_t *ret)
{
	int64_t n = 0;

	TRY(row_run(tx, STMT_REQUEST_EXPIRE, VALS(val_i64(now)), &n));
	if (n == 0)
		tx_about_none(tx);
	*ret = (size_t)n;
	return OK;
}

err_t
store_request_counts(struct tx *tx, size_t ret[8])
{
	auto_arena struct arena *a = arena_new();
	struct count *v;
	size_t n;

	TRY(row_all(tx, a, STMT_REQUEST_COUNTS, &count_shape, NO_VALS, &v, &n));
	memset(ret, 0, 8 * sizeof(*ret));
	for (size_t i = 0; i < n; i++)
		if (v[i].state < 8)
			ret[v[i].state] = (size_t)v[i].n;
	return OK;
}

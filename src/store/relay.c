/* SPDX-License-Identifier: Apache-2.0 */
#include "store/relay.h"

#include "base/limits.h"
#include "store/row.h"

static const struct col relay_cols[] = {
	COL(struct relay, id),
	COL(struct relay, request),
	COL(struct relay, ca),
	COL(struct relay, operation),
	COL(struct relay, message),
	COL(struct relay, state),
	COL(struct relay, owner),
	COL(struct relay, status),
	COL(struct relay, type),
	COL(struct relay, body),
	COL(struct relay, created),
	COL(struct relay, expires),
};
static const struct shape relay_shape = SHAPE("message", struct relay, relay_cols);

static const struct col enrolling_cols[] = {
	COL(struct enrolling, device),
	REF(struct enrolling, user),
	COL(struct enrolling, platform),
	COL(struct enrolling, fence),
	COL(struct enrolling, created),
	COL(struct enrolling, expires),
};
static const struct shape enrolling_shape =
    SHAPE("identity that is being enrolled", struct enrolling, enrolling_cols);

err_t
store_relay_insert(struct tx *tx, const struct relay *r)
{
	int64_t all, each, kept;

	TRY(row_number(tx, STMT_RELAY_COUNT, NO_VALS, &all));
	TRY(row_number(tx, STMT_RELAY_COUNT_OF, VALS(val_id(r->request)), &each));
	TRY(row_number(tx, STMT_RELAY_COUNT_KEPT, VALS(val_id(r->request)), &kept));
	if (all >= (int64_t)LIMIT_RELAYS || each >= (int64_t)LIMIT_RELAYS_EACH ||
	    kept >= (int64_t)LIMIT_RELAYS_KEPT)
		FAIL(ERR_BUSY, "%lld messages are on their way, %lld of this request",
		    (long long)all, (long long)each);
	return row_insert(tx, STMT_RELAY_INSERT, &relay_shape, r);
}

err_t
store_relay_get(struct tx *tx, struct arena *a, struct id id, when_t now, struct relay *ret)
{
	return row_one(tx, a, STMT_RELAY_GET, &relay_shape, VALS(val_id(id), val_i64(now)), ret);
}

err_t
store_relay_take(struct tx *tx, struct arena *a, const char *cas, const char *owner, when_ms_t now,
    struct relay *ret)
{
	return row_one(tx, a, STMT_RELAY_TAKE, &relay_shape,
	    VALS(val_text(cas), val_text(owner), val_i64(now / 1000), val_i64(now)), ret);
}

err_t
store_relay_lying(struct tx *tx, when_ms_t taken, int64_t *ret)
{
	return row_number(tx, STMT_RELAY_LYING, VALS(val_i64(taken)), ret);
}

err_t
store_relay_give_back(struct tx *tx, when_ms_t taken)
{
	return row_run(tx, STMT_RELAY_GIVE_BACK, VALS(val_i64(taken)), NULL);
}

err_t
store_relay_answer(struct tx *tx, const struct relay *r)
{
	return row_must(tx, STMT_RELAY_ANSWER, &relay_shape,
	    VALS(val_id(r->id), val_text(r->owner), val_i64(r->status), val_text(r->type),
		val_bytes(r->body)));
}

err_t
store_relay_keep(struct tx *tx, struct id id, const char *owner, when_t expires)
{
	return row_must(
	    tx, STMT_RELAY_KEEP, &relay_shape, VALS(val_id(id), val_text(owner), val_i64(expires)));
}

err_t
store_relay_expire(struct tx *tx, struct id id, when_t expires)
{
	return row_run(tx, STMT_RELAY_EXPIRE, VALS(val_id(id), val_i64(expires)), NULL);
}

err_t
store_relay_done(struct tx *tx, struct arena *a, struct id request, const char *operation,
    when_t now, struct relay *ret)
{
	return row_one(tx, a, STMT_RELAY_DONE, &relay_shape,
	    VALS(val_id(request), val_text(operation), val_i64(now)), ret);
}

err_t
store_relay_waiting(struct tx *tx, int64_t *ret)
{
	return row_number(tx, STMT_RELAY_WAITING, NO_VALS, ret);
}

err_t
store_relay_over(struct tx *tx, when_t now, int64_t *ret)
{
	return row_number(tx, STMT_RELAY_OVER, VALS(val_i64(now)), ret);
}

err_t
store_relay_prune(struct tx *tx, when_t now)
{
	TRY(row_run(tx, STMT_RELAY_PRUNE, VALS(val_i64(now)), NULL));
	return row_run(tx, STMT_ENROLLING_PRUNE, VALS(val_i64(now)), NULL);
}

err_t
store_enrolling_put(struct tx *tx, const struct enrolling *e)
{
	return row_insert(tx, STMT_ENROLLING_PUT, &enrolling_shape, e);
}

err_t
store_enrolling_get(
    struct tx *tx, struct arena *a, struct id device, when_t now, struct enrolling *ret)
{
	return row_one(
	    tx, a, STMT_ENROLLING_GET, &enrolling_shape, VALS(val_id(device), val_i64(now)), ret);
}

err_t
store_enrolling_delete(struct tx *tx, struct id device)
{
	return row_run(tx, STMT_ENROLLING_DELETE, VALS(val_id(device)), NULL);
}

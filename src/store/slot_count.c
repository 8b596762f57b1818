/* SPDX-License-Identifier: Apache-2.0 */
#include "store/slot_count.h"

#include <assert.h>

#include "store/row.h"

static const struct col count_cols[] = {
	COL(struct slot_count, profile),
	COL(struct slot_count, state),
	COL(struct slot_count, fault),
	COL(struct slot_count, n),
	COL(struct slot_count, changed),
};
static const struct shape count_shape = SHAPE("count", struct slot_count, count_cols);

static const struct col user_cols[] = {
	COL(struct slot_user, user),
	COL(struct slot_user, pending),
	COL(struct slot_user, success),
	COL(struct slot_user, error),
	COL(struct slot_user, changed),
};
static const struct shape user_shape = SHAPE("user", struct slot_user, user_cols);

static const struct col user_counts_cols[] = {
	COL(struct slot_user_counts, pending),
	COL(struct slot_user_counts, success),
	COL(struct slot_user_counts, error),
};
static const struct shape user_counts_shape =
    SHAPE("count", struct slot_user_counts, user_counts_cols);

static const struct col event_count_cols[] = {
	COL(struct event_count, month),
	COL(struct event_count, actor),
	COL(struct event_count, event),
	COL(struct event_count, fault),
	COL(struct event_count, n),
};
static const struct shape event_count_shape = SHAPE("count", struct event_count, event_count_cols);

static const struct shape id_shape = ID_SHAPE("slot");

/* The SQL names states by number. */
static_assert(STATUS_WAITING == 1 && STATUS_INSTALLED == 5 && STATUS_RENEWING == 6 &&
    STATUS_FAILED == 7 && STATUS_REMOVING == 8 && STATUS_REMOVED == 9);

err_t
store_slot_counts(
    struct tx *tx, struct arena *a, struct id profile, struct slot_count **ret, size_t *retn)
{
	if (id_is_zero(profile))
		return row_all(tx, a, STMT_SLOT_COUNTS, &count_shape, NO_VALS, ret, retn);
	return row_all(tx, a, STMT_SLOT_COUNTS_OF, &count_shape, VALS(val_id(profile)), ret, retn);
}

err_t
store_queue_counts(struct tx *tx, struct arena *a, struct queue_count **ret, size_t *retn)
{
	struct slot_count *rows;
	struct queue_count *v;
	size_t nrows, n = 0;

	TRY(row_all(tx, a, STMT_QUEUE_COUNTS, &count_shape, NO_VALS, &rows, &nrows));
	v = arena_array(a, nrows + 1, sizeof(*v));
	for (size_t i = 0; i < nrows; i++) {
		if (n == 0 || !id_eq(v[n - 1].profile, rows[i].profile))
			v[n++] = (struct queue_count){ .profile = rows[i].profile };
		if ((int)rows[i].state == REQUEST_QUEUED)
			v[n - 1].queued = rows[i].n;
		else
			v[n - 1].leased = rows[i].n;
	}
	*ret = v;
	*retn = n;
	return OK;
}

struct ca_name {
	const char *name;
};
static const struct col ca_cols[] = { COL(struct ca_name, name) };
static const struct shape ca_shape = SHAPE("CA", struct ca_name, ca_cols);

err_t
store_queue_cas(struct tx *tx, struct arena *a, const char ***ret, size_t *retn)
{
	struct ca_name *rows;
	const char **v;
	size_t n;

	TRY(row_all(tx, a, STMT_QUEUE_CAS, &ca_shape, NO_VALS, &rows, &n));
	v = arena_array(a, n + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = rows[i].name;
	*ret = v;
	*retn = n;
	return OK;
}

err_t
store_slot_users(struct tx *tx, struct arena *a, struct id profile, struct page p,
    struct slot_user **ret, size_t *retn, bool *more)
{
	return row_page(
	    tx, a, STMT_SLOT_USERS, &user_shape, VALS(val_id(profile)), p, ret, retn, more);
}

err_t
store_slot_user_counts(struct tx *tx, struct id profile, struct slot_user_counts *ret)
{
	auto_arena struct arena *a = arena_new();

	return row_one(
	    tx, a, STMT_SLOT_USER_COUNTS, &user_counts_shape, VALS(val_id(profile)), ret);
}

err_t
store_event_counts(struct tx *tx, struct arena *a, struct event_count **ret, size_t *retn)
{
	return row_all(tx, a, STMT_EVENT_COUNTS, &event_count_shape, NO_VALS, ret, retn);
}

err_t
store_event_forget(struct tx *tx, when_ms_t before, size_t max, size_t *ret)
{
	struct vals v = VALS(val_i64(before), val_i64((int64_t)max));
	int64_t n = 0;

	TRY(row_run(tx, STMT_EVENT_COUNT_UP, v, NULL));
	TRY(row_run(tx, STMT_EVENT_FORGET, v, &n));
	*ret = (size_t)n;
	return OK;
}

err_t
store_slots_ended(
    struct tx *tx, struct arena *a, when_t now, size_t max, struct id **ret, size_t *retn)
{
	return row_all(tx, a, STMT_SLOTS_ENDED, &id_shape,
	    VALS(val_i64(now), val_i64((int64_t)max)), ret, retn);
}

err_t
store_slot_forget(struct tx *tx, when_ms_t before, size_t max, size_t *ret)
{
	auto_arena struct arena *a = arena_new();
	struct id *v;
	size_t n;

	TRY(row_all(tx, a, STMT_SLOTS_GONE, &id_shape, VALS(val_i64(before), val_i64((int64_t)max)),
	    &v, &n));
	for (size_t i = 0; i < n; i++) {
		TRY(row_run(tx, STMT_SLOT_EVENTS_COUNT_UP, VALS(val_id(v[i])), NULL));
		TRY(row_run(tx, STMT_SLOT_EVENTS_DELETE, VALS(val_id(v[i])), NULL));
		TRY(row_run(tx, STMT_SLOT_REQUESTS_DELETE, VALS(val_id(v[i])), NULL));
		TRY(row_run(tx, STMT_SLOT_DELETE, VALS(val_id(v[i])), NULL));
	}
	*ret = n;
	return OK;
}

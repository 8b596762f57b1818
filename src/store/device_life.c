/* SPDX-License-Identifier: Apache-2.0 */
#include "store/device_life.h"

#include "store/row.h"

static const struct col life_cols[] = {
	COL(struct device_life, device),
	COL(struct device_life, lost),
	COL(struct device_life, elsewhere),
	REF(struct device_life, replaced),
	COL(struct device_life, wipe),
	COL(struct device_life, wipe_how),
	COL(struct device_life, wipe_by),
	COL(struct device_life, wipe_asked),
	COL(struct device_life, wipe_issued),
	COL(struct device_life, wipe_ended),
	COL(struct device_life, wipe_expires),
	COL(struct device_life, wipe_fault),
	COL(struct device_life, wipe_detail),
};
static const struct shape life_shape = SHAPE("device", struct device_life, life_cols);

static const struct shape same_shape = ID_SHAPE("device");

err_t
store_device_life_get(struct tx *tx, struct arena *a, struct id device, struct device_life *ret)
{
	err_t e = row_one(tx, a, STMT_DEVICE_LIFE_GET, &life_shape, VALS(val_id(device)), ret);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*ret = (struct device_life){ .device = device };
	return OK;
}

err_t
store_device_life_put(struct tx *tx, const struct device_life *l)
{
	tx_about(tx, l->device);
	return row_update(tx, STMT_DEVICE_LIFE_PUT, &life_shape, l);
}

err_t
store_device_wipe_overdue(
    struct tx *tx, struct arena *a, when_t now, int64_t max, struct device_life **ret, size_t *retn)
{
	return row_all(tx, a, STMT_DEVICE_WIPE_OVERDUE, &life_shape,
	    VALS(val_i64(now), val_i64(max)), ret, retn);
}

err_t
store_device_same(
    struct tx *tx, struct arena *a, const struct device *d, struct device **ret, size_t *retn)
{
	struct id *v;
	struct device *out;
	size_t n;

	TRY(row_all(tx, a, STMT_DEVICE_SAME, &same_shape,
	    VALS(val_id(d->id), val_text(d->platform), val_text(d->machine_id), val_text(d->name),
		val_text(d->udid)),
	    &v, &n));
	out = arena_array(a, n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		TRY(store_device_get(tx, a, v[i], &out[i]));
	*ret = out;
	*retn = n;
	return OK;
}

struct wipe_count {
	enum wipe_state state;
	int64_t n;
};
static const struct col count_cols[] = {
	COL(struct wipe_count, state),
	COL(struct wipe_count, n),
};
static const struct shape count_shape = SHAPE("count", struct wipe_count, count_cols);

err_t
store_device_wipe_counts(struct tx *tx, int64_t ret[WIPE_FAILED + 1])
{
	auto_arena struct arena *a = arena_new();
	struct wipe_count *v;
	size_t n;

	TRY(row_all(tx, a, STMT_DEVICE_WIPE_COUNTS, &count_shape, NO_VALS, &v, &n));
	for (size_t i = 0; i <= WIPE_FAILED; i++)
		ret[i] = 0;
	for (size_t i = 0; i < n; i++)
		if (v[i].state <= WIPE_FAILED)
			ret[v[i].state] = v[i].n;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/device_state.h"

#include "base/limits.h"
#include "store/row.h"

static const struct col state_cols[] = {
	COL(struct channel_state, device),
	COL(struct channel_state, channel),
	COL(struct channel_state, state),
	COL(struct channel_state, updated),
	COL(struct channel_state, report),
};
/* Without the last column, which is written by itself. */
static const struct shape state_change = { "device", sizeof(struct channel_state), state_cols,
	COUNT(state_cols) - 1 };
static const struct shape state_shape = SHAPE("device", struct channel_state, state_cols);

err_t
store_device_state_put(struct tx *tx, const struct channel_state *s)
{
	if (s->state.n > LIMIT_DEVICE_STATE)
		FAIL(ERR_TOO_LARGE, "%zu bytes of state", s->state.n);
	if (s->channel == NULL || strlen(s->channel) > LIMIT_TEXT)
		FAIL(ERR_TOO_LARGE, "%s", "name of a channel");
	return row_update(tx, STMT_DEVICE_STATE_PUT, &state_change, s);
}

err_t
store_device_report_put(struct tx *tx, struct id device, const char *channel, struct str report)
{
	if (report.n > LIMIT_DEVICE_STATE)
		FAIL(ERR_TOO_LARGE, "%zu bytes of a report", report.n);
	return row_must(tx, STMT_DEVICE_REPORT_PUT, &state_shape,
	    VALS(val_id(device), val_text(channel), val_bytes(report)));
}

err_t
store_device_state_get(struct tx *tx, struct arena *a, struct id device, const char *channel,
    struct channel_state *ret)
{
	err_t e = row_one(tx, a, STMT_DEVICE_STATE_GET, &state_shape,
	    VALS(val_id(device), val_text(channel)), ret);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*ret = (struct channel_state){ .device = device, .channel = channel };
	return OK;
}

err_t
store_device_state_list(
    struct tx *tx, struct arena *a, struct id device, struct channel_state **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_DEVICE_STATE_LIST, &state_shape, VALS(val_id(device)), ret, retn);
}

err_t
store_device_state_delete(struct tx *tx, struct id device, const char *channel)
{
	return row_run(tx, STMT_DEVICE_STATE_DELETE, VALS(val_id(device), val_text(channel)), NULL);
}

err_t
store_device_state_after(struct tx *tx, struct arena *a, struct id after, size_t limit,
    struct channel_state **ret, size_t *retn)
{
	return row_all(tx, a, STMT_DEVICE_STATE_AFTER, &state_shape,
	    VALS(val_id(after), val_i64((int64_t)limit)), ret, retn);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline of slots. */
#include "base/limits.h"
#include "store/row.h"
#include "store/slot.h"

static const struct col event_cols[] = {
	COL(struct event, seq),
	COL(struct event, slot),
	COL(struct event, request),
	COL(struct event, when),
	COL(struct event, actor),
	COL(struct event, event),
	COL(struct event, detail),
	COL(struct event, fault),
	COL(struct event, count),
	COL(struct event, until),
};
static const struct shape event_shape = SHAPE("event", struct event, event_cols);

err_t
store_event_add(struct tx *tx, const struct event *e)
{
	return row_run(tx, STMT_EVENT_ADD,
	    VALS(val_id(e->slot), val_id(e->request), val_i64(e->when), val_text(e->actor),
		val_text(e->event), val_text(e->detail), val_text(e->fault)),
	    NULL);
}

err_t
store_event_repeat(struct tx *tx, const struct event *e)
{
	int64_t n = 0;

	TRY(row_run(tx, STMT_EVENT_REPEAT,
	    VALS(val_id(e->slot), val_id(e->request), val_i64(e->when), val_text(e->actor),
		val_text(e->event), val_text(e->detail), val_text(e->fault)),
	    &n));
	return n > 0 ? OK : store_event_add(tx, e);
}

err_t
store_event_list(struct tx *tx, struct arena *a, struct id slot, struct event **ret, size_t *retn)
{
	return row_all(tx, a, STMT_EVENT_LIST, &event_shape,
	    VALS(val_id(slot), val_i64(LIMIT_PAGE)), ret, retn);
}

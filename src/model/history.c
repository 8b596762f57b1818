/* SPDX-License-Identifier: Apache-2.0 */
#include "model/history.h"

#include "store/slot_count.h"

struct step {
	when_ms_t before;
	size_t max, n;
};

static err_t
events(struct tx *tx, void *arg)
{
	struct step *x = arg;

	return store_event_forget(tx, x->before, x->max, &x->n);
}

static err_t
slots(struct tx *tx, void *arg)
{
	struct step *x = arg;

	return store_slot_forget(tx, x->before, x->max, &x->n);
}

err_t
history_step(struct store *s, when_t before, size_t max, size_t *ret)
{
	struct step e = { before * 1000, max, 0 }, gone = { before * 1000, max / 10 + 1, 0 };

	TRY(store_write(s, events, &e));
	TRY(store_write(s, slots, &gone));
	*ret = e.n + gone.n;
	return OK;
}

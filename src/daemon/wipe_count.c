/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/wipe_count.h"

enum { EVERY_MS = 5000 };

static const char *const labels[] = {
	[WIPE_PENDING] = "state=\"pending\"",
	[WIPE_ISSUED] = "state=\"issued\"",
	[WIPE_RESETTING] = "state=\"resetting\"",
	[WIPE_FAILED] = "state=\"failed\"",
};

void
wipe_count_init(struct wipe_count *x, struct store *s, struct metrics *m)
{
	x->store = s;
	for (size_t i = WIPE_PENDING; i < COUNT(labels); i++) {
		x->v[i].kind = METRIC_GAUGE;
		x->v[i].name = "chancery_wipes";
		x->v[i].labels = labels[i];
		x->v[i].help = "Devices that are to be wiped, by how that stands.";
		metrics_add(m, &x->v[i]);
	}
}

static err_t
count(struct tx *tx, void *arg)
{
	return store_device_wipe_counts(tx, arg);
}

err_t
wipe_count_look(struct wipe_count *x)
{
	int64_t n[WIPE_FAILED + 1];

	if (when_mono_ms() < x->next)
		return OK;
	x->next = when_mono_ms() + EVERY_MS;
	TRY(store_read(x->store, count, n));
	for (size_t i = WIPE_PENDING; i < COUNT(labels); i++)
		metric_set(&x->v[i], n[i]);
	return OK;
}

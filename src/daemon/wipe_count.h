/* SPDX-License-Identifier: Apache-2.0 */
/* How many devices are to be wiped, by how that stands: gauges. */
#ifndef DAEMON_WIPE_COUNT_H
#define DAEMON_WIPE_COUNT_H

#include "base/metric.h"
#include "store/device_life.h"

struct wipe_count {
	struct store *store;
	int64_t next; /* not counted before, by when_mono_ms() */
	struct metric v[WIPE_FAILED + 1];
};

/* At start; x outlives m. */
void wipe_count_init(struct wipe_count *x, struct store *s, struct metrics *m);
/* Called now and then; counts every few seconds. */
err_t wipe_count_look(struct wipe_count *x);

#endif

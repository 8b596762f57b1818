/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What befell a device beside being enrolled and retired: lost, wiped, replaced by itself enrolled anew, its identity seen
 * on another machine. Few devices have such a record. Every function expects a transaction.
 */
#ifndef STORE_DEVICE_LIFE_H
#define STORE_DEVICE_LIFE_H

#include "store/device.h"

enum wipe_state {
	WIPE_NONE,
	WIPE_PENDING,
	WIPE_ISSUED,
	WIPE_RESETTING,
	WIPE_FAILED,
	WIPE_DONE,
	WIPE_CANCELLED,
	WIPE_EXPIRED
};

struct device_life {
	struct id device;
	when_t lost; /* 0: it is not */
	when_t
	    elsewhere; /* when its identity was last told to be used on another machine; 0: never */
	struct id replaced; /* by this one; zero: it was not */
	/* The newest wipe that was asked for; see model/wipe.h. */
	enum wipe_state wipe;
	const char *wipe_how; /* JSON text */
	const char *wipe_by;  /* who asked for it */
	when_t wipe_asked, wipe_issued, wipe_ended, wipe_expires;
	const char *wipe_fault, *wipe_detail; /* of WIPE_FAILED */
};
/* None: all zero but the device. */
err_t store_device_life_get(
    struct tx *tx, struct arena *a, struct id device, struct device_life *ret);
err_t store_device_life_put(
    struct tx *tx, const struct device_life *l); /* ERR_NOT_FOUND: no such device */
/* With a wipe that is pending and has expired by then, the oldest first; at most max. */
err_t store_device_wipe_overdue(struct tx *tx, struct arena *a, when_t now, int64_t max,
    struct device_life **ret, size_t *retn);
/* How many devices there are with a wipe that is pending, issued, resetting or failed; ret: by enum wipe_state. */
err_t store_device_wipe_counts(struct tx *tx, int64_t ret[WIPE_FAILED + 1]);
/* Others of the platform that are not gone and have the same machine_id and name, or the same udid; what is empty is not
 * the same as anything. */
err_t store_device_same(
    struct tx *tx, struct arena *a, const struct device *d, struct device **ret, size_t *retn);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a device would be told something if it came by now: what those are woken by that hold no connection.
 *
 * Not here: what it would be told (model/checkin.h), how it is woken (device/apple_wake.h, device/windows_push.h).
 */
#ifndef MODEL_DUE_H
#define MODEL_DUE_H

#include "store/device.h"

enum due_kind {
	DUE_NOT,
	/* It was woken for it, unless that was lost: what was got for it lies ready, something is to be removed and is there
	 * still, it was retired and did not come yet. Worth another wake-up from time to time. */
	DUE_WAITING,
	/* It does not know of it: something was assigned to it, or taken away, since it last came by, or it is to be wiped. */
	DUE_NEWS
};

/* Expects a reading transaction. */
err_t device_is_due(struct tx *tx, struct arena *a, struct id device, enum due_kind *ret);

#endif

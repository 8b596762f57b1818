/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a device would be told something if it came by now: what those are woken by that hold no connection.
 *
 * Not here: what it would be told (model/checkin.h), how it is woken (device/apple_wake.h, device/windows_push.h).
 */
#ifndef MODEL_DUE_H
#define MODEL_DUE_H

#include "store/device.h"

/* It is due something that it does not know of: something was assigned to it, or taken away, since it last came by; what
 * was got for it lies ready and was not offered yet; or it is to be wiped. Expects a reading transaction. */
err_t device_is_due(struct tx *tx, struct arena *a, struct id device, bool *ret);

#endif

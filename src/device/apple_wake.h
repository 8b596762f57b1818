/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an Apple device is woken: token and magic of each of its channels, as it sent them last.
 */
#ifndef DEVICE_APPLE_WAKE_H
#define DEVICE_APPLE_WAKE_H

#include "store/device.h"

struct apple_wake {
	const char *channel, *magic;
	struct str token;
};

/* Of a device that was enrolled for this topic; other devices have none. Expects a transaction. */
err_t apple_wake_list(struct tx *tx, struct arena *a, struct id device, const char *topic,
    struct apple_wake **ret, size_t *retn);
/* Whether it is due something that it does not know of: something was assigned to it, or taken away, since it last came by.
 * Expects a reading transaction. */
err_t apple_wake_due(
    struct tx *tx, struct arena *a, struct id device, const char *topic, bool *ret);
/* The push service does not know the token any more: it is not used again until the device sends another. */
err_t apple_wake_failed(
    struct tx *tx, struct arena *a, struct id device, const struct apple_wake *w);

#endif

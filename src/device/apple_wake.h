/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an Apple device is woken: token and magic of each of its channels, as it sent them last.
 */
#ifndef DEVICE_APPLE_WAKE_H
#define DEVICE_APPLE_WAKE_H

#include "model/due.h"
#include "store/device.h"

struct apple_wake {
	const char *channel, *magic;
	struct str token;
};

/* Of a device that was enrolled for this topic; other devices have none. Expects a transaction. */
err_t apple_wake_list(struct tx *tx, struct arena *a, struct id device, const char *topic,
    struct apple_wake **ret, size_t *retn);
/* What it is due: as model/due.h has it, and waiting are its lists when they are to be read again, and an identity that ends
 * within renew_before seconds. Nothing else lets such a device come by. Expects a reading transaction. */
err_t apple_wake_due(struct tx *tx, struct arena *a, struct id device, const char *topic,
    int64_t renew_before, enum due_kind *ret);
/* The push service does not know the token any more, since gone_ms (0: it did not say): it is not used again until the device
 * sends one. *ret false: the device has sent this token since, or another. */
err_t apple_wake_failed(struct tx *tx, struct arena *a, struct id device,
    const struct apple_wake *w, when_ms_t gone_ms, bool *ret);

#endif

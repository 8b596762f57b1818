/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a platform keeps of a device between two messages: push token, session, position in a queue. A small blob for
 * each channel (the device's own is ""; a user's is the platform's name for him), which only the platform reads. It goes
 * with the device. Every function expects a transaction.
 *
 * Not here: anything that the model decides by. A blob that is lost costs a message or a session, never a certificate.
 */
#ifndef STORE_DEVICE_STATE_H
#define STORE_DEVICE_STATE_H

#include "store/device.h"

struct channel_state {
	struct id device;
	const char *channel; /* at most LIMIT_TEXT bytes */
	struct str state;    /* at most LIMIT_DEVICE_STATE bytes */
	when_t updated;
	struct str report; /* the same; written by store_device_report_put() alone */
};

/* Sets all but the report. ERR_TOO_LARGE; ERR_NOT_FOUND: no such device. */
err_t store_device_state_put(struct tx *tx, const struct channel_state *s);
/* Sets what the device told beside its session, which may be under way. ERR_TOO_LARGE; ERR_NOT_FOUND: no such channel. */
err_t store_device_report_put(
    struct tx *tx, struct id device, const char *channel, struct str report);
/* None: *ret has an empty state and `updated` 0. */
err_t store_device_state_get(struct tx *tx, struct arena *a, struct id device, const char *channel,
    struct channel_state *ret);
/* Of all channels, by their names. */
err_t store_device_state_list(
    struct tx *tx, struct arena *a, struct id device, struct channel_state **ret, size_t *retn);
/* Devices' own channels, of those after this device, by id. Nothing else of them is read: states may be large, and the devices
 * many. */
err_t store_device_state_after(struct tx *tx, struct arena *a, struct id after, size_t limit,
    struct channel_state **ret, size_t *retn);
/* Of one channel; none is fine. */
err_t store_device_state_delete(struct tx *tx, struct id device, const char *channel);

#endif

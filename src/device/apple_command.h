/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to Apple devices (Apple's "Mobile Device Management Protocol Reference"), as property lists: what the model
 * wants done, and the few that the management itself has.
 *
 * Not here: which is sent when (device/apple_session.h), profiles (device/apple_profile.h).
 */
#ifndef DEVICE_APPLE_COMMAND_H
#define DEVICE_APPLE_COMMAND_H

#include "codec/plist.h"
#include "device/device.h"

/* Ids of those that no check-in knows of. */
#define APPLE_RENEW_ID "chancery-renew"     /* the enrolment profile again */
#define APPLE_LEAVE_ID "chancery-leave"     /* the management goes */
#define APPLE_DECLARE_ID "chancery-declare" /* there are declarations to be fetched */

/* One of this RequestType; *ret_body takes what else belongs to it. */
struct pl *apple_command(struct arena *a, const char *id, const char *type, struct pl **ret_body);
/* What a check-in wants this device to do. ERR_APPLE_SCEP and its like: it cannot be said to an Apple device. */
err_t apple_command_print(const struct device_edge *edge, struct arena *a, const struct device *d,
    const struct command *c, struct str *ret);
/* The command by which a device drops its management. */
err_t apple_leave_print(struct arena *a, struct str *ret);

#endif

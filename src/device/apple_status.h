/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes of an Apple device's status report.
 *
 *   certificate of ours gone, nothing under way   its slot says so at once, and what is due again is prepared
 *   the same, while commands are on their way     nothing but the next row
 *   in both cases                                 the device is woken, and its lists are read before anything is sent
 *   another version of the system                 is on record
 *
 * A report never makes a certificate "installed": that is what the lists show (device/apple_session.h). It comes by itself,
 * beside a session that may be under way: nothing that a session keeps is written here.
 */
#ifndef DEVICE_APPLE_STATUS_H
#define DEVICE_APPLE_STATUS_H

#include "device/apple_heard.h"
#include "device/device.h"

/* m: DeclarativeManagement with Endpoint "status". What is wrong with the report: apple_report_read(). */
err_t apple_status_take(
    struct device_edge *edge, struct arena *a, const struct device *d, const struct apple_msg *m);
/* How the device tells of its certificates, as struct device has it. */
const char *apple_status_word(const struct device_edge *edge, struct arena *a,
    const struct device *d, const struct apple_state *st, const struct apple_heard *h);

#endif

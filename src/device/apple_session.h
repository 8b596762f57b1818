/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command channel of an Apple device: the device says how it stands or what became of a command, the answer is one more
 * command or nothing.
 *
 *   Idle ──► DeviceInformation ──► ProfileList ──► CertificateList     where these are due
 *        ──► InstallProfile, RemoveProfile: one after the other, as model/checkin.h has them
 *        ──► ProfileList, CertificateList: what became of it ──► a next round, or nothing
 *        ──► DeclarativeManagement: once, and when the declarations are others
 *
 * The lists are due every six hours; once a day where the device tells by itself which certificates it holds
 * (device/apple_heard.h); and as soon as it told something that they must settle.
 *
 * No queue is kept: what is due is computed anew with every message, less what the device answered already. "Installed" is
 * what the lists show. What the device puts off (NotNow) is not sent again in the same session. A session that breaks off
 * anywhere begins anew with the next Idle.
 *
 * Each channel is by itself: the device's own, and that of the managed user of a Mac. The inventory is that of both.
 */
#ifndef DEVICE_APPLE_SESSION_H
#define DEVICE_APPLE_SESSION_H

#include "device/apple_msg.h"
#include "device/device.h"

/* *ret: the answer, a property list; empty: nothing more to do. */
err_t apple_session_step(struct device_edge *edge, struct arena *a, const struct device *d,
    const struct apple_msg *m, struct str *ret);

#endif

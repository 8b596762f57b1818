/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check-in out of what a Windows device answered: what it holds, and what became of the commands that it was told.
 *
 * "Holds" is what the nodes show: the thumbprint of an identity, the bytes of a trusted certificate. What lies in the
 * store of a user who is not signed in cannot be seen; there the last word counts.
 */
#ifndef DEVICE_WINDOWS_REPORT_H
#define DEVICE_WINDOWS_REPORT_H

#include "device/windows_ask.h"
#include "model/checkin.h"

/* Fills inventory and results. st->sent keeps what is not settled: requests that run on in the device, and nodes that
 * nothing needs any more, to be removed. */
void windows_report(
    struct arena *a, const struct holdings *has, struct windows_state *st, struct report *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Declarative management of Apple devices: what a device is asked to tell by itself. Two declarations, the same for every
 * device: a subscription to the list of managed certificates and to the version of the system, and the activation that
 * puts it to work. Certificates themselves go on coming by profiles.
 *
 * A device fetches them by the endpoints of the check-in message DeclarativeManagement, after the command of the same name
 * told it their token. The token is a hash of them: it changes when they do, and never else.
 *
 * Not here: what the device reports then (device/apple_report.h), what comes of it (device/apple_status.h).
 */
#ifndef DEVICE_APPLE_DECLARE_H
#define DEVICE_APPLE_DECLARE_H

#include "device/apple_state.h"

/* Whether its system lists certificates in reports: iOS, iPadOS and tvOS 17, macOS 14. */
bool apple_declare_can(const struct device *d);
/* Of the declarations; on false: of none at all, by which a device drops those that it has. */
const char *apple_declare_token(struct arena *a, bool on);
/* JSON. endpoint: "tokens", "declaration-items", "declaration/<kind>/<identifier>". ERR_NOT_FOUND: there is none such. */
err_t apple_declare_answer(struct arena *a, bool on, const char *endpoint, struct str *ret);
/* The command that tells a device of the declarations, if it is due: the device was told others last, did not take them a
 * day ago, or has not been told at all; else *ret stays as it is. With the tokens in it, so that a device that has the
 * declarations already asks for nothing. on: as configured; of a device that cannot report it is as if it were not. */
err_t apple_declare_offer(struct arena *a, bool on, const struct device *d,
    const struct apple_state *st, struct str *ret);
/* The device's answer to it, into its state. */
void apple_declare_taken(struct arena *a, bool on, const struct device *d,
    const struct apple_msg *m, struct apple_state *st);
/* The declaration whose state a report tells. */
#define APPLE_SUBSCRIPTION "chancery.status"

#endif

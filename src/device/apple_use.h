/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of Apple's configuration profiles that use a certificate: Wi-Fi, VPN, Exchange accounts. They name it by the
 * UUID of its payload, which lies in the same profile (struct use of model/use.h says why), and bring the roots that they
 * believe with them. Wi-Fi networks without certificates are written by the same.
 */
#ifndef DEVICE_APPLE_USE_H
#define DEVICE_APPLE_USE_H

#include "codec/plist.h"
#include "model/use.h"

/* Adds the payloads to `content`, behind that of the certificate. key: of a network that is joined by one, opened; else "".
 * alias: of the profile; certificate_uuid: "" where none is used; user: it is for a user's channel. */
err_t apple_use_print(struct arena *a, const struct use *u, const char *key, const char *alias,
    const char *certificate_uuid, bool user, struct pl *content);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys with their certificates as commands of the ClientCertificateInstall CSP: a PFX file to import, or a request by SCEP
 * that the device makes itself. What belongs to one is one Atomic, and the node is cleared before.
 *
 * Not here: what becomes of them (device/windows_report.h).
 */
#ifndef DEVICE_WINDOWS_KEY_H
#define DEVICE_WINDOWS_KEY_H

#include "device/windows_tell.h"

/* uri: the node of the key. ERR_TOO_LARGE: the message is full; else what keeps the device from being told. */
err_t windows_key_pfx(struct windows_telling *t, const struct command *c, const char *uri);
err_t windows_key_scep(struct windows_telling *t, const struct command *c, const char *uri);

#endif

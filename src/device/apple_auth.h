/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sends a message of Apple's management: by the client certificate of the TLS connection, or by the signature over the
 * body in the header Mdm-Signature (behind a proxy that ends TLS). Either names an identity certificate; which device that
 * is, and whether it still is one, device_known() says.
 *
 * An identity that ran out is still the device's, if it is the one on record: a device that was away for a year can sign,
 * and gets a new one.
 */
#ifndef DEVICE_APPLE_AUTH_H
#define DEVICE_APPLE_AUTH_H

#include "device/device.h"

/* ERR_DEVICE_UNKNOWN, ERR_DEVICE_RETIRED, ERR_DEVICE_WIPED (there is nothing left to remove), ERR_CMS, ERR_CHAIN. */
err_t apple_caller(struct http_req *r, struct device **ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment of Apple devices by a person: a page that takes a one-time code and gives the enrolment profile. The profile
 * holds a SCEP challenge for the device's identity; only with that identity does management begin.
 */
#ifndef DEVICE_APPLE_ENROL_H
#define DEVICE_APPLE_ENROL_H

#include "device/device.h"

err_t apple_enrol_page(struct http_req *r);
err_t apple_enrol_post(struct http_req *r);

/* The same profile again, with a challenge for a new identity: for a device whose identity is about to end. topic: that it
 * enrolled under, as a device takes no other one; it may be another than that of the push certificate is now. */
err_t apple_enrol_again(const struct device_edge *edge, struct arena *a, const struct device *d,
    const char *topic, struct str *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's identity from a PKCS#10 request, by whatever message it came: a one-time code, or the identity that it has,
 * against a certificate for a new key.
 *
 * Not here: identities that a device fetches itself by SCEP.
 */
#ifndef DEVICE_IDENTITY_H
#define DEVICE_IDENTITY_H

#include "device/device.h"

struct identity_issued {
	struct id device;
	struct str der;
	struct str *chain; /* DER, without the certificate itself */
	size_t nchain;
};

/* A new device. facts: what it says of itself. ERR_CODE, ERR_KEY_SIZE, ERR_ORDER_SUBJECT, ERR_CSR...; ERR_ENROL_OVERTAKEN. */
err_t identity_enrol(const struct device_edge *edge, struct arena *a, const char *code,
    struct str csr_der, const struct device *facts, struct identity_issued *ret);
/* The same device with a new key; its certificate takes over when it is first used (model/renew.h). So many a
 * day: ERR_RENEWALS. */
err_t identity_again(const struct device_edge *edge, struct arena *a, const struct device *device,
    struct str csr_der, struct identity_issued *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A status report of an Apple device (declarative management, StatusReport), read from its JSON; nothing is decided here.
 *
 * It is whole (FullReport) or of what changed since the last one. Certificates are told by an identifier of the device's
 * own, with their DER, or as removed by the identifier alone. They are not parsed: their hash is enough.
 */
#ifndef DEVICE_APPLE_REPORT_H
#define DEVICE_APPLE_REPORT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Bytes of a hash that are kept: of what a device says of itself. */
enum { APPLE_MARK = 16 };

struct apple_told {
	uint8_t id[APPLE_MARK];     /* of the identifier */
	uint8_t sha256[APPLE_MARK]; /* of the certificate; not if it was removed */
	bool removed;
};

struct apple_report {
	bool full;
	bool lists; /* it speaks of certificates */
	struct apple_told *v;
	size_t n;
	const char *os_version; /* "": it does not say */
	const char
	    *refused;  /* the device's own code, if it does not report certificates at all; "" */
	bool accepted; /* the subscription is valid, as it says */
};

/* ERR_JSON, ERR_BAD_REQUEST naming the member, ERR_TOO_LARGE. */
err_t apple_report_read(struct arena *a, struct str in, struct apple_report *ret);

#endif

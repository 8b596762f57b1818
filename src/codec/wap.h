/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document that a Windows device is set up by at the end of its enrolment: wap-provisioningdoc 1.1 (MS-MDE2
 * 2.2.9.1).
 * It holds what the device trusts, its own certificate, where its management is, and how often it asks there.
 */
#ifndef CODEC_WAP_H
#define CODEC_WAP_H

#include "base/arena.h"
#include "base/str.h"

struct wap_cert {
	const char *sha1; /* upper-case hex */
	struct str der;
};

struct wap_doc {
	bool of_machine; /* the certificate goes to the machine's store, else to the user's */
	struct wap_cert root, intermediate; /* der empty: none */
	struct wap_cert own;
	int64_t renew_days, renew_every; /* before its end, and how often it tries; days, 1..1000 */
	/* A renewal says no more than the certificate: the rest empty. */
	bool renewal;
	const char *provider, *name, *addr;
	const char *
	    subject; /* of the certificate, in the order in which it stands there: the device finds it by that */
	const char *upn, *device_id, *device_name;
	int64_t poll_minutes; /* of the schedule without end */
};

err_t wap_print(struct arena *a, const struct wap_doc *d, struct buf *out);

#endif

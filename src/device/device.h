/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge towards devices: one file a platform, each with its routes; what they share is here.
 *
 * A device is known by the SHA-256 of the client certificate that the TLS layer verified against the device-identity CA.
 * A certificate that is not on record, or whose device is not active, is refused before any work; one that was retired
 * may still check in until it said that everything is removed. Enrolment is the one thing that needs no certificate: it
 * takes a one-time code.
 *
 * Not here: what a device should have (model/desired.h), what becomes of a report (model/checkin.h).
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include "codec/order.h"
#include "model/calm.h"
#include "net/http.h"
#include "store/device.h"

struct device_edge {
	struct store *store;
	/* Has the order sealed and the identity CA issue for it; see daemon. Certificates in DER, in the arena. */
	err_t (*identity_issue)(void *ctx, struct arena *a, const struct order *o, struct str csr,
	    struct str *ret_cert, struct str **ret_chain, size_t *retn);
	void *identity_ctx;
	const char *identity_ca; /* its name */
	struct str holder; /* SHA-256 of the certificate that the service presents to the CA */
	const struct str
	    *roots; /* DER: what an enrolled device trusts for talking to the service */
	size_t nroots;
	int64_t poll_seconds; /* told to devices that do not wait */
	struct calm *calm;
};

/* Permissions on the device port. */
enum {
	DEVICE_ANYONE = 1,
	DEVICE_ENROLLED = 2,
	DEVICE_LEAVING = 3 /* enrolled, or retired and not clean yet */
};

struct platform {
	const char *name;
	const struct http_route *routes;
};
extern const struct platform *const platform_table[];
extern const size_t platform_count;

/* For http_mount: */
err_t device_gate(struct http_req *r, unsigned perm);
void device_error(struct http_req *r, err_t e); /* {"error":{"id","message","detail","hint"}} */

/* The device of this request, after the gate. If device_calm(), of the record only its id is there. */
const struct device *device_caller(const struct http_req *r);
/* Of a check-in: whether the same message under the same certificate found nothing to do and would again (model/calm.h).
 * *ret: what it is remembered by, in any case. */
bool device_calm(const struct http_req *r, const struct calm_hit **ret);

#endif

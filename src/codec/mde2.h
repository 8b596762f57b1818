/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment messages of Windows devices (MS-MDE2; SOAP 1.2): discovery, policy, and the request for the device's own
 * certificate. Reads requests, writes answers and faults.
 *
 * Not here: the document that an enrolled device is set up by (codec/wap.h).
 */
#ifndef CODEC_MDE2_H
#define CODEC_MDE2_H

#include "codec/soap.h"

#define MDE2_CONTENT_TYPE "application/soap+xml; charset=utf-8"

/* Ways to say who one is, MS-MDE2 3.1.4.1. */
enum { MDE2_ON_PREMISE = 1, MDE2_FEDERATED = 2 };

struct mde2_discover {
	const char *message_id, *email;
	unsigned
	    auth; /* MDE2_*: what the device can do; one that says nothing can do MDE2_ON_PREMISE */
};

struct mde2_services {
	const char *relates_to, *activity; /* a GUID */
	unsigned auth;                     /* one of MDE2_* */
	const char *policy_url, *enrol_url, *auth_url;
};

/* Who asks, by name and password or by the token of a web page. */
struct mde2_caller {
	const char *message_id;
	struct soap_user user; /* name "": none */
	const char *token;     /* "": none */
};

struct mde2_request {
	struct mde2_caller who;
	bool renewal;
	struct str token; /* PKCS#10; in a renewal a CMS SignedData over it */
	bool of_machine;  /* EnrollmentType is Device */
	/* What the device says of itself; "" if it does not. */
	const char *device_name, *device_id, *os_version, *os_edition, *mac, *imei;
};

/* Failures as the enrolment client tells them apart, MS-MDE2 2.2.9.1. */
enum mde2_fault {
	MDE2_MESSAGE_FORMAT,
	MDE2_AUTHENTICATION,
	MDE2_AUTHORIZATION,
	MDE2_CERTIFICATE_REQUEST,
	MDE2_ENROLMENT_SERVER,
	MDE2_INTERNAL
};

/* ERR_XML, ERR_MALFORMED (not such a message), ERR_TOO_LARGE, ERR_BASE64. */
err_t mde2_discover_parse(struct arena *a, struct str xml, struct mde2_discover *ret);
err_t mde2_policy_parse(struct arena *a, struct str xml, struct mde2_caller *ret);
err_t mde2_request_parse(struct arena *a, struct str xml, struct mde2_request *ret);

err_t mde2_discover_print(const struct mde2_services *s, struct buf *out);
/* The one policy: RSA keys of 2048 bits, requests signed with SHA-256. */
err_t mde2_policy_print(const char *relates_to, struct buf *out);
err_t mde2_response_print(
    struct arena *a, const char *relates_to, when_t now, struct str document, struct buf *out);
/* type: what the client shows in place of the kind, "NotEligibleToRenew" and its like (MS-MDE2 2.2.10); "": nothing. */
err_t mde2_fault_print(enum mde2_fault kind, const char *type, const char *relates_to,
    const char *reason, struct buf *out);

#endif

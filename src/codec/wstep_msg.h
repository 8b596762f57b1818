/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MS-WSTEP messages (SOAP 1.2): build and read, both sides. MS-WSTEP 3.1.4.1, and MS-XCEP's SOAP conventions.
 */
#ifndef CODEC_WSTEP_MSG_H
#define CODEC_WSTEP_MSG_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"
#include "codec/soap.h"

#define WSTEP_CONTENT_TYPE "application/soap+xml; charset=utf-8"

struct wstep_item {
	const char *name, *value;
};

enum wstep_request_type { WSTEP_ISSUE, WSTEP_QUERY };

struct wstep_request {
	enum wstep_request_type type;
	const char *message_id; /* "" if none */
	const char *to;
	struct soap_user user;  /* of the WS-Security header */
	struct str token;       /* PKCS#10 or CMS bytes; WSTEP_ISSUE */
	const char *request_id; /* WSTEP_QUERY */
	struct wstep_item *items;
	size_t nitems;
};

struct wstep_response {
	const char *message_id, *relates_to;
	const char *disposition; /* "Issued", "Taken Under Submission" */
	struct str pkcs7;        /* certs-only CMS; may be empty */
	struct str leaf;         /* empty: pending */
	const char *service_url; /* for the reference of a pending answer */
	const char *request_id;
};

struct wstep_fault {
	const char *relates_to;
	const char *reason;
	uint32_t hresult;
	bool invalid_request;
	const char *request_id; /* "" if none */
};

/* ERR_XML, ERR_MALFORMED (not such a message). */
err_t wstep_request_parse(struct arena *a, struct str xml, struct wstep_request *ret);
err_t wstep_request_print(struct arena *a, const struct wstep_request *r, struct buf *out);
err_t wstep_response_print(struct arena *a, const struct wstep_response *r, struct buf *out);
err_t wstep_fault_print(struct arena *a, const struct wstep_fault *f, struct buf *out);
/* Either *is_fault and *fault, or *ret. */
err_t wstep_answer_parse(struct arena *a, struct str xml, bool *is_fault,
    struct wstep_response *ret, struct wstep_fault *fault);

#endif

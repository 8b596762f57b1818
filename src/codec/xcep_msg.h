/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MS-XCEP messages (SOAP 1.2): reads GetPolicies, writes its answer and faults. MS-XCEP 3.1.4.1.
 *
 * Every number in the answer is unsigned. Reference ids count from 0 in the order of first use and are good within one
 * answer only.
 */
#ifndef CODEC_XCEP_MSG_H
#define CODEC_XCEP_MSG_H

#include "codec/policies_ipc.h"
#include "codec/soap.h"

struct xcep_request {
	const char *message_id; /* "" if none */
	struct soap_user user;
	when_t last_update;      /* 0: the client has nothing yet */
	const char *const *oids; /* only templates of these; none: all */
	size_t noids;
	int64_t client_version, server_version; /* -1: any. MS-XCEP 3.1.4.1.3.24 */
};

struct xcep_uri {
	unsigned
	    authentication; /* MS-XCEP 3.1.4.1.3.5: 4 name and password, 8 client certificate */
	const char *url;
};

struct xcep_response {
	const char *message_id, *relates_to;
	const struct policies_rep *policies;
	bool unchanged;
	uint32_t next_update_hours;
	/* Addresses of each CA, in the order of policies->cas: nuris for each. */
	const struct xcep_uri *uris;
	size_t nuris;
};

/* ERR_XML, ERR_MALFORMED (not such a message), ERR_TOO_LARGE. */
err_t xcep_request_parse(struct arena *a, struct str xml, struct xcep_request *ret);
/* MS-XCEP 3.1.4.1.3.24: does the filter let this template through? */
bool xcep_wanted(const struct xcep_request *q, const struct policy_template *t);
/* Writes the templates that q wants. */
err_t xcep_response_print(
    struct arena *a, const struct xcep_request *q, const struct xcep_response *r, struct buf *out);

#endif

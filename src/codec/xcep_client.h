/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MS-XCEP from the asker's side: writes GetPolicies for everything, and reads from the answer what the asker may enrol for.
 * MS-XCEP 3.1.4.1.
 *
 * Not here: what a client that builds requests by itself needs beyond that (keys, extensions, flags).
 */
#ifndef CODEC_XCEP_CLIENT_H
#define CODEC_XCEP_CLIENT_H

#include "codec/soap.h"

struct xcep_may {
	const char *name; /* of the template: commonName */
	bool enrol;
};

struct xcep_answer {
	struct xcep_may *templates;
	size_t ntemplates;
	size_t cas; /* how many of the CAs let the asker request at all */
};

/* user: who asks; name "": who the connection shows. */
err_t xcep_ask_print(struct arena *a, const char *message_id, const char *to,
    const struct soap_user *user, struct buf *out);
/* At most LIMIT_PAGE templates. ERR_XML, ERR_MALFORMED (not such a message), ERR_TOO_LARGE. */
err_t xcep_answer_parse(struct arena *a, struct str xml, struct xcep_answer *ret);

#endif

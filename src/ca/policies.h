/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a caller sees of the CA's policy: the published templates that it may read, whether it may enrol for each,
 * and the CAs that issue them. MS-XCEP 3.1.4.1, RFC 7030 4.5.
 *
 * Nothing is decided here: whatever this says, a request goes through the gates of policy.h.
 */
#ifndef CA_POLICIES_H
#define CA_POLICIES_H

#include "codec/policies_ipc.h"

struct issuer;

/* ERR_CALLER_*, ERR_CREDENTIALS, ERR_LOGIN_LIMIT, ERR_FORBIDDEN. */
err_t policies_of(
    struct issuer *is, struct arena *a, const struct policies_req *q, struct policies_rep *ret);

#endif

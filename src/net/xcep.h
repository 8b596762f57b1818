/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of MS-XCEP: which templates of a CA the asker may enrol for. Authentication is that of the fetch it is given.
 */
#ifndef NET_XCEP_H
#define NET_XCEP_H

#include "codec/xcep_client.h"
#include "net/fetch.h"

/* base: "https://ca.example:9443"; the policy is that of <base>/ADPolicyProvider_CEP_Certificate/service.svc/CEP.
 * ERR_CA_DENIED: the asker is not known there. ERR_HTTP_STATUS: nothing of the kind at this address. */
err_t xcep_ask(struct fetch *f, struct arena *a, const char *base, int64_t timeout_ms,
    struct xcep_answer *ret);

#endif

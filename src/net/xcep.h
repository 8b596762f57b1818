/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of MS-XCEP: which templates of a CA the asker may enrol for. A client
 * certificate or a Kerberos ticket is that of the fetch it is given; name and password go into the message.
 */
#ifndef NET_XCEP_H
#define NET_XCEP_H

#include "codec/xcep_client.h"
#include "net/wstep.h"

/* base: "https://ca.example:9443"; the policy is that of <base>/ADPolicyProvider_CEP_<way>/service.svc/CEP. user: name and
 * password; name "": not in the message.
 * ERR_CA_ACCESS, ERR_CA_DENIED: the asker is not known there, or may not. ERR_HTTP_STATUS: nothing of the kind at this address. */
err_t xcep_ask(struct fetch *f, struct arena *a, const char *base, enum wstep_way way,
    const struct soap_user *user, int64_t timeout_ms, struct xcep_answer *ret);

#endif

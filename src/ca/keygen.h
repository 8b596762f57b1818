/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that the CA makes for a client (RFC 7030 4.4). The key is made after the gates are passed, certified like
 * any other request, given out once and wiped; no copy of it is kept, so an answer that is lost is a certificate
 * to revoke.
 *
 * Demands beside Enrol a template that allows its keys to be exported, as the key leaves the place where it was
 * made, and one that issues at once, as a key cannot wait for an approval.
 */
#ifndef CA_KEYGEN_H
#define CA_KEYGEN_H

#include "codec/ca_ipc.h"

struct issuer;

/* The request's key and signature are ignored (RFC 7030 4.4.1). Denials as in submit.h. The caller wipes ret->key. */
err_t keygen(
    struct issuer *is, struct arena *a, const struct ca_submit_req *q, struct ca_keygen_rep *ret);

#endif

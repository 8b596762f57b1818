/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ca/front asks for a caller: a certificate, or what became of a request. A refusal by policy is an answer
 * (CA_DENIED with HRESULT and a line for people), kept as a record and in the journal; anything else that fails is an
 * error, and the caller may try again.
 */
#ifndef CA_SUBMIT_H
#define CA_SUBMIT_H

#include "ca/hierarchy.h"

err_t submit(
    struct issuer *is, struct arena *a, const struct ca_submit_req *q, struct ca_submit_rep *ret);
/* By the principal who asked, or an officer; ERR_REQUEST_UNKNOWN for everybody else. */
err_t submit_query(
    struct issuer *is, struct arena *a, const struct ca_query_req *q, struct ca_submit_rep *ret);

#endif

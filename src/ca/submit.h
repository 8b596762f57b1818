/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ca/front asks for a caller: a certificate, or what became of a request. A refusal by policy is an answer
 * (CA_DENIED with HRESULT and a line for people), kept as a record and in the journal; anything else that fails is an
 * error, and the caller may try again.
 */
#ifndef CA_SUBMIT_H
#define CA_SUBMIT_H

#include "ca/caller.h"

err_t submit(
    struct issuer *is, struct arena *a, const struct ca_submit_req *q, struct ca_submit_rep *ret);
/* The same by somebody who has shown who it is. */
err_t submit_by(struct issuer *is, struct arena *a, const struct ca_submit_req *q,
    const struct proof *who, struct ca_submit_rep *ret);
/* Who a request comes from. Borrows from q. */
struct caller_claim submit_claim(const struct ca_submit_req *q);
/* The answer to a request that failed: a denial with its record when it is the caller who must change something, else
 * `why` itself. who: NULL when the caller has not shown who it is. */
err_t submit_deny(struct issuer *is, struct arena *a, const struct ca_submit_req *q,
    const struct proof *who, err_t why, struct ca_submit_rep *ret);
/* By the principal who asked, or an officer; ERR_REQUEST_UNKNOWN for everybody else. */
err_t submit_query(
    struct issuer *is, struct arena *a, const struct ca_query_req *q, struct ca_submit_rep *ret);

#endif

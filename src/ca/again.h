/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same request once more, from a client that has no number to ask by (RFC 7030 4.2.3): as long as it waits, it
 * is one request; when it was approved, the answer is its certificate; when it was denied, it stays so for this key
 * and these names. Under an order, its fence decides that (mint.h); the renewal of a certificate is a request of its own.
 */
#ifndef CA_AGAIN_H
#define CA_AGAIN_H

#include "ca/policy.h"

/* For an approval that says `pend`. ERR_REQUEST_DENIED, and what pending_put() says for a request that is new. */
err_t again(struct issuer *is, struct arena *a, const struct ca_submit_req *q,
    const struct proof *who, const struct approval *ap, struct ca_submit_rep *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that wait for a manager (templates with manager approval).
 *
 *   (asked) -- pending_put() --> ISSUED_PENDING -- pending_approve() --> ISSUED_INTENT --> ISSUED_VALID   (mint.h)
 *                                      |
 *                                      +-- pending_deny(), an order for something else or a closing one --> ISSUED_DENIED
 *
 * What was asked is kept whole, without passwords. Approving decides on it anew, with the rights, the template and the
 * CA as they are then: a manager lets a request go on, he does not overrule the policy. Only the order is judged by the
 * time at which it was shown, as it may well expire while it waits; one that a newer one replaced, or that was closed,
 * is refused. The request keeps its number, and the certificate is to be had under it from then on.
 *
 * A connector does not wait: it asks again by the same order, each time with a new key and a higher fence. Its request
 * keeps its number and waits on; once it was approved, the next asking is issued at once (policy_order_approved()).
 */
#ifndef CA_PENDING_H
#define CA_PENDING_H

#include "ca/policy.h"

/* What a manager denied has this code: CERTSRV_E_ADMIN_DENIED_REQUEST. */
#define HRESULT_MANAGER_DENIED 0x80094014u

/* Writes down a request whose approval says `pend`; `after` as in mint_pend(). The same order and key again: the same
 * request. ERR_REQUEST_LIMIT, ERR_REQUEST_DENIED, ERR_ORDER_STALE, ERR_ORDER_CLOSED, ERR_KEY_COMPROMISED, ERR_BUSY. */
err_t pending_put(struct issuer *is, struct arena *a, const struct ca_submit_req *q,
    const struct proof *who, const struct approval *ap, const int64_t *after,
    struct ca_submit_rep *ret);

/* ERR_NOT_FOUND, ERR_REQUEST_STATE; any refusal of the policy: it goes on waiting. */
err_t pending_approve(struct issuer *is, struct arena *a, int64_t id, struct str *ret_der);
err_t pending_deny(struct issuer *is, struct arena *a, int64_t id, const char *reason);

/* What was asked, for the manager to look at. ERR_NOT_FOUND. */
err_t pending_request(struct tx *tx, struct arena *a, int64_t id, struct ca_submit_req *ret);

#endif

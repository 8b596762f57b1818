/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: a client certificate becomes a principal of the CA. Deny by default: the certificate must be one of our
 * own, valid now, not revoked, for client authentication, and bound to a principal that is enabled.
 */
#ifndef CA_CALLER_H
#define CA_CALLER_H

#include "ca/hierarchy.h"
#include "store/ca.h"

/* Rights on the CA, as the store keeps them. */
enum { CA_RIGHT_REQUEST = 1, CA_RIGHT_OFFICER = 2, CA_RIGHT_MANAGE = 4 };

struct caller {
	struct principal who;
	uint8_t sha256[32]; /* of its certificate */
};

/* Everything but the records: parses, chains to one of our CAs, valid now, client authentication. ERR_CALLER_EXPIRED. */
err_t caller_certificate(const struct hierarchy *h, struct str der, uint8_t ret_sha256[32]);
/* The records: ERR_CALLER_UNKNOWN, ERR_CALLER_REVOKED, ERR_CALLER_DISABLED. Expects a transaction. */
err_t caller_principal(
    struct tx *tx, struct arena *a, const uint8_t sha256[32], struct caller *ret);

#endif

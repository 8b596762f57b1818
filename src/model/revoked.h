/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an authority revoked by itself: service and CA hold one truth about it.
 *
 * A certificate on its way is withdrawn, so that it is not delivered; one that a device holds is no longer what its slot
 * wants, and a new one is asked for. What the service had revoked, or knows to be over, is passed over, so that saying
 * it again does nothing.
 */
#ifndef MODEL_REVOKED_H
#define MODEL_REVOKED_H

#include "model/kind.h"

struct revoked_item {
	struct id request;
	const char *serial; /* hex, as in the certificate */
	int reason;         /* RFC 5280 5.3.1 */
};

/* c: whose word it is; believed for the CAs that it reaches. *ret: how many changed something. */
err_t revoked_take(struct store *s, struct arena *a, const struct connector *c,
    const struct revoked_item *v, size_t n, size_t *ret);

#endif

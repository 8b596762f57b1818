/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity certificates that were issued to take the place of one in use, and were not used yet: at most one of each
 * device and connector. Every function expects a transaction.
 *
 * Not here: when one takes its place (model/renew.h).
 */
#ifndef STORE_RENEWAL_H
#define STORE_RENEWAL_H

#include "store/device.h"

struct renewal {
	struct id id; /* the device or connector */
	enum code_kind kind;
	struct str identity; /* the new certificate, DER */
	struct str identity_sha256;
	when_t not_after;
	uint64_t fence; /* of the order that it was issued under */
};

/* In place of an earlier one; ERR_STATE_MOVED: the one there is of a later order. */
err_t store_renewal_put(struct tx *tx, const struct renewal *n);
/* ERR_NOT_FOUND. */
err_t store_renewal_by_identity(
    struct tx *tx, struct arena *a, struct str sha256, struct renewal *ret);
/* One more for this device on this day. ERR_RENEWALS: it has `most` already. */
err_t store_renewal_count(struct tx *tx, struct id device, int64_t day, int64_t most);
/* One less: nothing came of it. */
err_t store_renewal_uncount(struct tx *tx, struct id device, int64_t day);
err_t store_renewal_delete(struct tx *tx, struct id id); /* absent is success */

#endif

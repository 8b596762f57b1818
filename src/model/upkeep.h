/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks after devices that are away. Whatever takes a certificate from somebody (unassigned, left a group, group or
 * profile deleted, person disabled or deleted) is noticed when the device checks in; one that is switched off does not,
 * and its certificate must not stay valid for that. So each device that nobody compared with what it should have since
 * such a change is compared here, at a set pace, and what it should not have any more is withdrawn and revoked.
 *
 *   change ──► the store's number of changes grows (in the same transaction, by the store itself)
 *   device whose number is lower ──► upkeep_run ──► diff_leaving ──► its number is that of the look
 *
 * No period is waited for, and nothing is fanned out when something changes: one number makes every device due at once,
 * and the pace alone says how long it takes until the last had its look. A check-in that writes counts as a look. With
 * nothing changed it is one read through an index. It asks for nothing new: a certificate for a device that is away can
 * wait until it is back.
 *
 * Guarantees: each device is a transaction of its own if something is to be done for it; those with nothing to do are
 * marked together. Ended at any point it goes on with what is still due. A device for which the comparison fails is
 * reported and passed over until the next change, so that it cannot hold up the others; if the store itself fails,
 * nothing is marked and all is tried again.
 */
#ifndef MODEL_UPKEEP_H
#define MODEL_UPKEEP_H

#include "store/store.h"

/* At most `max` devices. *ret: how many were looked at, 0 if none is due. The error is that of the first device that
 * failed; the others were seen to. */
err_t upkeep_run(struct store *s, size_t max, size_t *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a device between enrolment and retirement.
 *
 *   device_lost     its certificates are withdrawn and revoked at once, and removed when it comes; it stays enrolled
 *   device_found    it is as it was: everything is issued anew
 *   life_replace    the same hardware was enrolled anew for the same person: the older record is gone with its identity, at
 *                   once. For somebody else, both stay, and the audit log says so: a device is what its owner says that it
 *                   is, and nobody shall end a colleague's by saying so
 *   life_elsewhere  an identity that shows up on other hardware than it was enrolled on is refused
 *
 * What is the same hardware: the same udid (Apple), or the same machine_id and name. A serial number alone says nothing:
 * makers leave them out, and machines that were copied share them; two such devices live side by side. Copies of a
 * machine that share the machine_id, too, are told apart by their names.
 *
 * A key that was stolen together with what the device says of itself cannot be told from the device. What such a thief
 * gets is in the threat model (doc/threats.md).
 */
#ifndef MODEL_LIFE_H
#define MODEL_LIFE_H

#include "store/device_life.h"

/* Who may, asked about the device as it is in the transaction. */
struct life_actor {
	const char *name;
	err_t (*may)(void *ctx, const struct device *now);
	void *ctx;
};
/* Nothing to do is no error; ERR_DEVICE_RETIRED: it is not active. */
err_t device_lost(struct store *s, struct arena *a, const struct life_actor *by, struct id device);
err_t device_found(struct store *s, struct arena *a, const struct life_actor *by, struct id device);

/* After d enrolled, or said for the first time what hardware it is. Expects a writing transaction. */
err_t life_replace(struct tx *tx, struct arena *a, const struct device *d);

/* Is `by`, on what is said to be the same hardware, of the same person (or both of nobody)? */
bool life_may_replace(const struct device *was, const struct device *by);

/* Is it known what hardware it is? */
bool life_says_hardware(const struct device *d);
/* Does what it says now speak of other hardware than what is on record? Empty says nothing. */
bool life_is_elsewhere(const struct device *on_record, const struct device *says);
/* That an identity was refused for it, in the audit log: once an hour for each device. */
err_t life_note_elsewhere(struct store *s, struct arena *a, struct id device);

/* Why the identity of a device that is gone is refused: ERR_DEVICE_REPLACED, ERR_DEVICE_WIPED or
 * ERR_DEVICE_RETIRED. */
err_t life_refuse(struct store *s, struct arena *a, struct id device);

#endif

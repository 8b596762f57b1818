/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device should have: device and user -> groups -> assigned profiles -> primitives. Computed
 * when it is asked for, never stored; the same directory and profiles give the same answer, with
 * the same content hashes.
 *
 * A device that is not active or is lost, or whose user is disabled or deleted, should have nothing.
 *
 * Not here: comparing it with what was reached (model/diff.h).
 */
#ifndef MODEL_DESIRED_H
#define MODEL_DESIRED_H

#include "model/kind.h"

/* One profile on this device, or one of the things that it brings: a primitive, or the fault that keeps it from being made. */
struct desired {
	struct profile profile;
	const struct kind *kind;
	struct id user; /* whose slot it is; zero: the device's alone */
	struct id item; /* which of several things that the profile brings; zero: there is one */
	when_ms_t assigned; /* when the assignment was made */
	/* Newest change of profile or user: what failed before it is worth another try. */
	when_ms_t changed;
	const char *fault; /* id of the catalogue; NULL: none, and `what` holds */
	const char *detail;
	struct primitive what;
};

/* Expects a transaction. Sorted: trusted roots first. */
err_t desired_for(
    struct tx *tx, struct arena *a, const struct device *d, struct desired **ret, size_t *retn);

/* The same, of one profile alone. */
err_t desired_of_profile(struct tx *tx, struct arena *a, const struct device *d, struct id profile,
    struct desired **ret, size_t *retn);
/* The same as desired_for() once all roll-outs are over. */
err_t desired_in_the_end(
    struct tx *tx, struct arena *a, const struct device *d, struct desired **ret, size_t *retn);

/* By which of these targets a profile would reach the device and its user: the first inclusion that lets it pass, as
 * store_profiles_for() picks; NULL: by none, or excluded. Expects a transaction. */
err_t desired_by(struct tx *tx, struct arena *a, const struct subject_of *who,
    const struct assignment *v, size_t n, const struct assignment **ret);
/* What one profile, as a draft, would bring the device by these targets: *ret_wanted, and then what and with which fault. A
 * trusted root that it refers to and that would not reach the device is a fault. Expects a transaction. */
err_t desired_draft(struct tx *tx, struct arena *a, const struct device *d, const struct profile *p,
    const struct assignment *targets, size_t n, bool *ret_wanted, struct desired *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an edit of a profile would do, before it is made: other targets, other settings, or both, compared with where the
 * slots stand now.
 *
 *   issue     should have it and has not            reissue   has it, with other content
 *   withdraw  has it or waits for it and should not  revoke   certificates that end with that, or by being replaced
 *   fault     should have it, and it cannot be made (a variable without a value ...)
 *
 * Each device is computed as a check-in would compute it, so the numbers are what happens, not an estimate. It takes time
 * in proportion to the number of devices; it stops at `max` devices and says so (complete is false then). Nothing is
 * written.
 *
 * Not here: making the edit (model/assign.h, model/profile.h).
 */
#ifndef MODEL_EFFECT_H
#define MODEL_EFFECT_H

#include "model/assign.h"
#include "model/secret.h"

struct effect {
	size_t devices; /* looked at */
	bool complete;
	size_t issue, reissue, withdraw, revoke, unchanged, fault;
	const char *first_fault, *first_detail; /* of the first fault; NULL: none */
	struct warnings warn;
};

/* profile zero: one that is not there yet, made from settings, which are a POST body then; without targets it goes to
 * nobody. targets NULL: those it has. settings NULL: those it has; else a PATCH body, and secrets what its secrets come
 * to. ERR_NOT_FOUND, and what saving would refuse. */
err_t effect_of(struct store *s, struct arena *a, struct id profile, const json *settings,
    const struct secrets *secrets, const struct assignment *targets, size_t ntargets, size_t max,
    struct effect *ret);
/* The same of a profile that is there, if it were as `draft`. */
err_t effect_of_draft(struct store *s, struct arena *a, const struct profile *draft,
    const struct assignment *targets, size_t ntargets, size_t max, struct effect *ret);

#endif

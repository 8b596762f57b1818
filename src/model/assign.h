/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To whom profiles go. An assignment names groups, all devices or all users; exclusions win over inclusions, whatever kind
 * of member they reach; a filter on an inclusion lets only some of its devices pass (or all but those).
 *
 * Saving is one transaction that replaces all targets of a profile, whatever the size of the groups: nothing is fanned
 * out, each device is compared when it asks or when model/upkeep.h comes to it.
 *
 * Not here: what a device gets in the end (model/desired.h), what a change would do (model/effect.h).
 */
#ifndef MODEL_ASSIGN_H
#define MODEL_ASSIGN_H

#include "model/profile.h"

/* Replaces the assignments; those that were there before keep their time. ERR_ASSIGNMENT: same group included and
 * excluded, unknown group or filter, filter on an exclusion. Warns as assign_warn(). Nudges connected devices. */
err_t profile_assign(struct store *s, struct arena *a, const char *actor, struct id id,
    const struct assignment *v, size_t n, struct warnings *warn);

/* The same, with terms of the roll-out that it may become (NULL: those of the installation), if check (NULL: none) agrees
 * with the profile as it is in the transaction that assigns it, and if the targets are those of which if_match (NULL:
 * whatever they are) is the ETag: ERR_PRECONDITION. */
err_t profile_assign_at(struct store *s, struct arena *a, const char *actor, struct id id,
    const struct assignment *v, size_t n, const json *terms, const char *if_match,
    profile_check check, void *ctx, struct warnings *warn);
/* Changes when the targets do: what if_match is compared with (RFC 9110 8.8.3). Expects a transaction. */
err_t assign_tag(struct tx *tx, struct arena *a, struct id profile, const char **ret);

/* One target alone, the others as they are: without `drop`, with `put`; either may be NULL. ERR_NOT_FOUND: `drop` is not
 * there (any more); ERR_CONFLICT: `put` is there already. */
err_t profile_assign_one(struct store *s, struct arena *a, const char *actor, struct id id,
    const struct assignment *drop, const struct assignment *put, profile_check check, void *ctx,
    struct warnings *warn);

/* The same checks alone. Expects a transaction. */
err_t assign_check(struct tx *tx, struct arena *a, const struct assignment *v, size_t n);
/* What was saved but deserves a look: root not assigned to the same targets, or to people where the certificate goes to
 * devices; inclusion and exclusion of different kinds; a filter of another platform; a profile for users on devices.
 * Expects a transaction. */
err_t assign_warn(struct tx *tx, struct arena *a, const struct profile *p, struct warnings *warn);

#endif

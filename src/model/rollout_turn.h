/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of model/rollout*.c. */
#ifndef MODEL_ROLLOUT_TURN_H
#define MODEL_ROLLOUT_TURN_H

#include "model/rollout.h"

/* Of whom is a target, not of the profile: members of a group, a group's deletion, a filter's rule. What such a roll-out
 * holds keeps its place whoever is a target by now, and devices come in the same order in all of them, so that a certificate
 * and its root leave together. */
bool rollout_regroups(const char *change);
/* Whether the turn of the device's slots has come. */
bool rollout_turn(struct id rollout, const char *change, unsigned share, struct id device);
/* Makes one; `now` is the profile before the change, `before` the number of its version. */
err_t rollout_make(struct tx *tx, struct arena *a, const char *actor, const char *change,
    const struct rollout_plan *plan, const struct profile *now, int64_t before, struct warnings *w);
/* Goes on counting what the change takes, by so many slots at most; *r: with what was counted, `counted` once it is all. */
err_t rollout_count(struct store *s, struct rollout *r, size_t max);
/* Withdrawals that do not stop it: people leave meanwhile as well. */
int64_t rollout_allowance(int64_t withdraw, int64_t total);
/* Targets as text, and back: those whose filter is gone are left out. */
err_t rollout_targets_text(struct arena *a, const struct assignment *v, size_t n, const char **ret);
err_t rollout_targets_read(struct tx *tx, struct arena *a, const char *text, struct id profile,
    struct assignment **ret, size_t *retn);
/* Those of a version that can be targets still: neither group nor filter is gone. */
err_t rollout_targets_of(
    struct tx *tx, struct arena *a, const struct version *v, struct assignment **ret, size_t *retn);
/* The percent at which it waits now; 100: at none. */
unsigned rollout_step(const struct rollout *r);
const char *rollout_state_name(enum rollout_state s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of model/rollout*.c. */
#ifndef MODEL_ROLLOUT_TURN_H
#define MODEL_ROLLOUT_TURN_H

#include "model/rollout.h"

/* Whether the turn of the device's slots has come. */
bool rollout_turn(struct id rollout, unsigned share, struct id device);
/* Targets as text, and back: those whose filter is gone are left out. */
err_t rollout_targets_text(struct arena *a, const struct assignment *v, size_t n, const char **ret);
err_t rollout_targets_read(struct tx *tx, struct arena *a, const char *text, struct id profile,
    struct assignment **ret, size_t *retn);
/* The percent at which it waits now; 100: at none. */
unsigned rollout_step(const struct rollout *r);
const char *rollout_state_name(enum rollout_state s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/policy.h"

#include "store/row.h"

static const struct col policy_cols[] = {
	COL(struct policy_state, id),
	COL(struct policy_state, changed),
};
static const struct shape policy_shape = SHAPE("policy", struct policy_state, policy_cols);

err_t
store_policy_state(struct tx *tx, struct policy_state *ret)
{
	auto_arena struct arena *a = arena_new();

	return row_one(tx, a, STMT_POLICY_STATE, &policy_shape, NO_VALS, ret);
}

err_t
store_gate_generation(struct tx *tx, int64_t *ret)
{
	return row_number(tx, STMT_GATE_GENERATION, NO_VALS, ret);
}

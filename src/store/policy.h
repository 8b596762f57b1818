/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the set of policies of an installation is known by, and when something that callers see of it changed last: a
 * template, a right, a principal's rights, a CA. The database keeps both by itself. Expects a transaction of a
 * store opened with STORE_CA.
 */
#ifndef STORE_POLICY_H
#define STORE_POLICY_H

#include "base/text.h"
#include "store/store.h"

struct policy_state {
	struct id id;
	when_t changed;
};
err_t store_policy_state(struct tx *tx, struct policy_state *ret);

/* A number that grows with every change of what decides who may ask for what: templates, rights, principals, groups,
 * settings, CAs, order keys, and certificates that stop being valid. The same number: nothing of it changed. */
err_t store_gate_generation(struct tx *tx, int64_t *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assignment filters against devices: what a device says of itself as the facts of a rule, and whether a target lets it
 * pass. Filters are looked at for devices only, and only on targets that include.
 *
 * Not here: the grammar (codec/rule.h), the records (store/filter.h).
 */
#ifndef MODEL_FILTER_H
#define MODEL_FILTER_H

#include "codec/rule.h"
#include "store/device.h"
#include "store/filter.h"
#include "store/profile.h"

/* Lent by the device. */
void filter_facts(const struct device *d, struct rule_facts *ret);
/* No filter: yes. One for another platform than the device's never matches. Expects a transaction. */
err_t filter_passes(
    struct tx *tx, struct arena *a, const struct assignment *by, const struct device *d, bool *ret);
/* Whether a filter's platform ("windows10AndLater", "linux") is that of a device or profile ("windows", "linux"). */
bool filter_is_for(const char *filter_platform, const char *platform);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applicability rules of a profile: edition and version of Windows that it is for, or not for (Graph
 * deviceManagementApplicabilityRuleOsEdition and ...OsVersion). A device that does not say its edition or version is held
 * back by a rule that includes, and let through by one that excludes. Other platforms have none.
 */
#ifndef MODEL_APPLIES_H
#define MODEL_APPLIES_H

#include "store/device.h"
#include "store/profile.h"

err_t applies_to(struct arena *a, const struct profile *p, const struct device *d, bool *ret);

#endif

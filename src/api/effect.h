/* SPDX-License-Identifier: Apache-2.0 */
/* Effects as JSON, for the files that show one before a profile is changed. */
#ifndef API_EFFECT_H
#define API_EFFECT_H

#include "api/reply.h"
#include "model/effect.h"

/* Devices that one answer looks at: "maxDevices" of a body. */
err_t effect_max(const json *body, int64_t *ret);
/* {"issue", "reissue", "withdraw", "revoke", "unchanged", "fault", "devices", "complete", "firstFault"}; the caller's. */
json *effect_json(const struct effect *x);

#endif

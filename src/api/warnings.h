/* SPDX-License-Identifier: Apache-2.0 */
/* What was saved but deserves a look, as answers show it: [{code, message, hint}]. */
#ifndef API_WARNINGS_H
#define API_WARNINGS_H

#include "codec/json.h"
#include "model/profile.h"

json *warnings_json(const struct warnings *w); /* the caller's */
/* "@chancery.warnings" of an answer; nothing, if there are none. */
void warnings_put(json *j, const struct warnings *w);

#endif

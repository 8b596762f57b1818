/* SPDX-License-Identifier: Apache-2.0 */
/* Assignments of profiles as Graph writes them (deviceConfigurationAssignment and its targets). */
#ifndef API_ASSIGNMENTS_H
#define API_ASSIGNMENTS_H

#include "api/reply.h"
#include "model/profile.h"

json *assignment_json(struct arena *a, const struct assignment *x);
/* {"value":[...]}'s array. Expects a transaction. */
err_t assignments_json(struct tx *tx, struct arena *a, struct id profile, json **ret);
/* The body of `assign`: "assignments" and the older "deviceConfigurationGroupAssignments", either or both. */
err_t assignments_read(struct arena *a, const json *body, struct assignment **ret, size_t *retn);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Assignments of profiles as Graph writes them (deviceConfigurationAssignment and its targets). */
#ifndef API_ASSIGNMENTS_H
#define API_ASSIGNMENTS_H

#include "api/reply.h"
#include "model/assign.h"

/* <profile>_<group>: the identifier of an assignment. */
const char *assignment_key(struct arena *a, const struct assignment *x);
json *assignment_json(struct arena *a, const struct assignment *x);
/* The older form of one to a group. */
json *group_assignment_json(struct arena *a, const struct assignment *x);
/* One assignment with its target; one of the older form. ERR_ASSIGNMENT, ERR_JSON. */
err_t assignment_read(struct arena *a, const json *x, struct assignment *ret);
err_t group_assignment_read(const json *x, struct assignment *ret);
/* {"value":[...]}'s array. Expects a transaction. */
err_t assignments_json(struct tx *tx, struct arena *a, struct id profile, json **ret);
/* The older view of the same: groups alone, with excludeGroup. */
err_t group_assignments_json(struct tx *tx, struct arena *a, struct id profile, json **ret);
/* The body of `assign`: "assignments" and the older "deviceConfigurationGroupAssignments", either or both. */
err_t assignments_read(struct arena *a, const json *body, struct assignment **ret, size_t *retn);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom roles, and assignments of roles to members. Every function expects a transaction.
 *
 * A member is a text: "id:" and the identifier of a user, group, application or administrator, or "issuer:" and the name of
 * a group at the outside issuer of tokens. The two never match each other.
 *
 * Not here: the built-in roles, and what a role allows (api/rights.h).
 */
#ifndef STORE_ROLE_H
#define STORE_ROLE_H

#include "store/directory.h"

struct role {
	struct id id;
	const char *display_name; /* unique, case ignored */
	const char *description;
	const char *permissions; /* blank-separated names of api/perm.h */
	const char *scope_tags;  /* JSON array of text; "": ["0"] */
	when_t created, modified;
};
err_t store_role_insert(struct tx *tx, const struct role *x); /* ERR_CONFLICT: name taken */
err_t store_role_update(struct tx *tx, const struct role *x);
err_t store_role_delete(
    struct tx *tx, struct id id); /* the caller looks at its assignments first */
err_t store_role_get(struct tx *tx, struct arena *a, struct id id, struct role *ret);
err_t store_role_list(struct tx *tx, struct arena *a, struct role **ret, size_t *retn);

struct role_assignment {
	struct id id, role;
	const char *display_name, *description;
	const char *members;    /* JSON array of member texts */
	const char *scope_tags; /* JSON array of text; "[]": everything */
	when_t created, modified;
};
/* With its members, in the same transaction; n of them. */
err_t store_role_assignment_insert(
    struct tx *tx, const struct role_assignment *x, const char *const *members, size_t n);
err_t store_role_assignment_update(
    struct tx *tx, const struct role_assignment *x, const char *const *members, size_t n);
err_t store_role_assignment_delete(struct tx *tx, struct id id);
err_t store_role_assignment_get(
    struct tx *tx, struct arena *a, struct id id, struct role_assignment *ret);
/* role zero: all. */
err_t store_role_assignment_list(
    struct tx *tx, struct arena *a, struct id role, struct role_assignment **ret, size_t *retn);
/* Those that this text is a member of. */
err_t store_role_assignments_of(
    struct tx *tx, struct arena *a, const char *member, struct role_assignment **ret, size_t *retn);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a caller may do, and to what: its own permissions, and those of the roles that it, its directory user, a group of
 * that user, or a group that the outside issuer named are assigned.
 *
 * An assignment without scope tags reaches everything; one with scope tags reaches the objects that have one of them
 * (profiles, assignment filters, devices; a slot is reached through its profile). Reading of users, groups and the
 * organisation is not limited by tags, as these have none.
 *
 * Denied unless allowed: a route is open to who is limited by tags only if its row says PERM_SCOPED, which is the promise
 * that its handler asks rights_reach() of every object that it shows or changes. Every other route wants rights to everything.
 *
 * Not here: the table of permissions (api/perm.h), tokens (api/token.h).
 */
#ifndef API_RIGHTS_H
#define API_RIGHTS_H

#include "api/perm.h"
#include "store/role.h"

/* By whom an assignment may be held. */
struct holder {
	struct id id;        /* of the application or administrator; zero: none */
	const char *upn;     /* of the directory user that it is; NULL: none */
	const char **groups; /* at the outside issuer */
	size_t ngroups;
};

/* What one assignment gives. */
struct role_grant {
	const char *role, *permissions;
	unsigned perms;
	const char *const *tags;
	size_t ntags; /* 0: everything */
};
struct rights {
	const struct role_grant *v;
	size_t n;
	const char *permissions; /* the names of all, blank-separated */
	bool disabled;           /* the directory user is disabled */
};
err_t rights_of(struct tx *tx, struct arena *a, const struct holder *h, struct rights *ret);

/* A role that the program has. Ended by name NULL. */
struct role_builtin {
	const char *id, *name, *description, *permissions;
};
extern const struct role_builtin roles_builtin[];
/* Built-in or custom; *ret_builtin says which. ERR_NOT_FOUND. */
err_t role_find(struct tx *tx, struct arena *a, struct id id, struct role *ret, bool *ret_builtin);

struct caller;
/* May the caller do one of `perms` to an object with these scope tags (as the store has them)? */
bool rights_reach(const struct caller *who, unsigned perms, const char *tags);
/* ERR_NOT_FOUND when it may not even read it (`read`), else ERR_OUTSIDE_SCOPE when not one of `perms`. noun: "profile". */
err_t rights_demand(
    const struct caller *who, unsigned read, unsigned perms, const char *tags, const char *noun);
/* Whoever changes the members of a group that holds a role, directly or through a group above it, or the name or state of a
 * user who does, changes who may do what: that takes PERM_RBAC_WRITE. ERR_FORBIDDEN. */
err_t rights_guard_member(
    struct tx *tx, struct arena *a, const struct caller *who, struct id group_or_user);

/* The object with this record that the path names as {id}, before the handler goes on: ERR_NOT_FOUND, ERR_OUTSIDE_SCOPE.
 * Costs nothing for who is not limited by tags. */
struct http_req;
err_t rights_profile(struct http_req *r, unsigned perms);
err_t rights_device(struct http_req *r, unsigned perms);
err_t rights_filter(struct http_req *r, unsigned perms);
/* The tags in a body: a new object without any gets the caller's own; one that the caller does not reach is refused. */
err_t rights_body(const struct caller *who, struct arena *a, unsigned perms, json *body,
    const char *member, bool creating);
/* Those of every grant that has one of `perms`; the caller's own array. */
json *rights_own_tags(const struct caller *who, unsigned perms);
err_t rights_tags(const struct caller *who, struct arena *a, unsigned perms, const json *body,
    const char *member);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles, their assignments, and who they are for. */
#include "store/profile.h"
#include "store/row.h"

static const struct col profile_cols[] = {
	COL(struct profile, id),
	COL(struct profile, type),
	COL(struct profile, platform),
	COL(struct profile, display_name),
	COL(struct profile, description),
	COL(struct profile, settings),
	COL(struct profile, scope_tags),
	COL(struct profile, root),
	COL(struct profile, version),
	COL(struct profile, created),
	COL(struct profile, modified),
};
static const struct shape profile_shape = SHAPE("profile", struct profile, profile_cols);

static const struct col assignment_cols[] = {
	COL(struct assignment, profile),
	COL(struct assignment, kind),
	COL(struct assignment, group),
	REF(struct assignment, filter),
	COL(struct assignment, filter_mode),
	COL(struct assignment, created),
};
static const struct shape assignment_shape =
    SHAPE("assignment", struct assignment, assignment_cols);

/* A row of PROFILES_FOR. */
struct match {
	struct profile profile;
	struct assignment by;
};
static const struct col match_cols[] = {
	COL(struct match, profile.id),
	COL(struct match, profile.type),
	COL(struct match, profile.platform),
	COL(struct match, profile.display_name),
	COL(struct match, profile.description),
	COL(struct match, profile.settings),
	COL(struct match, profile.scope_tags),
	COL(struct match, profile.root),
	COL(struct match, profile.version),
	COL(struct match, profile.created),
	COL(struct match, profile.modified),
	COL(struct match, by.profile),
	COL(struct match, by.kind),
	COL(struct match, by.group),
	REF(struct match, by.filter),
	COL(struct match, by.filter_mode),
	COL(struct match, by.created),
};
static const struct shape match_shape = SHAPE("profile", struct match, match_cols);

err_t
store_profile_insert(struct tx *tx, const struct profile *p)
{
	return row_insert(tx, STMT_PROFILE_INSERT, &profile_shape, p);
}

err_t
store_profile_update(struct tx *tx, const struct profile *p)
{
	return row_update(tx, STMT_PROFILE_UPDATE, &profile_shape, p);
}

err_t
store_profile_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_PROFILE_DELETE, &profile_shape, VALS(val_id(id)));
}

err_t
store_profile_get(struct tx *tx, struct arena *a, struct id id, struct profile *ret)
{
	return row_one(tx, a, STMT_PROFILE_GET, &profile_shape, VALS(val_id(id)), ret);
}

err_t
store_profile_list(
    struct tx *tx, struct arena *a, struct page p, struct profile **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_PROFILE_LIST, &profile_shape, NO_VALS, p, ret, retn, more);
}

err_t
store_profile_by_root(struct tx *tx, struct arena *a, struct id root, size_t limit,
    struct profile **ret, size_t *retn)
{
	return row_all(tx, a, STMT_PROFILE_BY_ROOT, &profile_shape,
	    VALS(val_id(root), val_i64((int64_t)limit)), ret, retn);
}

err_t
store_profile_by_reference(struct tx *tx, struct arena *a, const char *text, size_t limit,
    struct profile **ret, size_t *retn)
{
	return row_all(tx, a, STMT_PROFILE_BY_REFERENCE, &profile_shape,
	    VALS(val_text(text), val_i64((int64_t)limit)), ret, retn);
}

err_t
store_assign(struct tx *tx, struct id profile, const struct assignment *v, size_t n)
{
	TRY(row_run(tx, STMT_ASSIGN_CLEAR, VALS(val_id(profile)), NULL));
	for (size_t i = 0; i < n; i++) {
		struct assignment x = v[i];

		x.profile = profile;
		TRY(row_insert(tx, STMT_ASSIGN_ADD, &assignment_shape, &x));
	}
	return OK;
}

err_t
store_assignments(
    struct tx *tx, struct arena *a, struct id profile, struct assignment **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_ASSIGN_LIST, &assignment_shape, VALS(val_id(profile)), ret, retn);
}

err_t
store_profiles_for(struct tx *tx, struct arena *a, const char *platform, const struct id *groups,
    size_t ngroups, bool has_user, struct profile **ret, struct assignment **ret_by, size_t *retn)
{
	struct str ids = str_of(groups, ngroups * sizeof(*groups));
	struct profile *profiles;
	struct assignment *by;
	struct match *m;
	size_t n;

	TRY(row_all(tx, a, STMT_PROFILES_FOR, &match_shape,
	    VALS(val_text(platform), val_bytes(ids), val_i64(has_user)), &m, &n));
	profiles = arena_array(a, n + 1, sizeof(*profiles));
	by = arena_array(a, n + 1, sizeof(*by));
	for (size_t i = 0; i < n; i++) {
		profiles[i] = m[i].profile;
		by[i] = m[i].by;
	}
	*ret = profiles;
	*ret_by = by;
	*retn = n;
	return OK;
}

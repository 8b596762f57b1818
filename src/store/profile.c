/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles, their assignments, and who they are for. */
#include "store/profile.h"

#include <string.h>

#include "base/memo.h"
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

/* All profiles for whoever is in these groups: the same for many devices. */
struct profiles_for {
	struct profile *profiles;
	struct assignment *by;
	size_t n;
};

struct asked_for {
	struct tx *tx;
	const char *platform;
	struct str groups;
	bool has_user;
};

static err_t
profiles_for(struct arena *a, struct str key, const void *arg, void **ret)
{
	const struct asked_for *q = arg;
	struct profiles_for *v = ARENA_NEW(a, struct profiles_for);
	struct match *m;

	(void)key;
	TRY(row_all(q->tx, a, STMT_PROFILES_FOR, &match_shape,
	    VALS(val_text(q->platform), val_bytes(q->groups), val_i64(q->has_user)), &m, &v->n));
	v->profiles = arena_array(a, v->n + 1, sizeof(*v->profiles));
	v->by = arena_array(a, v->n + 1, sizeof(*v->by));
	for (size_t i = 0; i < v->n; i++) {
		v->profiles[i] = m[i].profile;
		v->by[i] = m[i].by;
	}
	*ret = v;
	return OK;
}

/* Everything that the list depends on, the present state of profiles and targets first; one of before gives its place up to
 * that of now. */
static struct str
list_key(struct arena *a, const struct asked_for *q, struct str *ret_hint)
{
	size_t np = strlen(q->platform);
	uint8_t *key = arena_alloc(a, sizeof(q->tx->all) + 1 + np + 1 + q->groups.n);
	uint8_t *p = key;

	memcpy(p, &q->tx->all, sizeof(q->tx->all));
	p += sizeof(q->tx->all);
	*p++ = q->has_user;
	memcpy(p, q->platform, np + 1);
	p += np + 1;
	if (q->groups.n > 0)
		memcpy(p, q->groups.p, q->groups.n);
	p += q->groups.n;
	*ret_hint = str_of(key + sizeof(q->tx->all), (size_t)(p - key) - sizeof(q->tx->all));
	return str_of(key, (size_t)(p - key));
}

err_t
store_profiles_for(struct tx *tx, struct arena *a, const char *platform, const struct id *groups,
    size_t ngroups, bool has_user, struct profile **ret, struct assignment **ret_by, size_t *retn)
{
	struct str ids = str_of(groups, ngroups * sizeof(*groups)), hint, key;
	const struct asked_for q = { tx, platform, ids, has_user };
	const void *found;
	const struct profiles_for *v;

	key = list_key(a, &q, &hint);
	TRY(memo_get(tx->lists, a, hint, &match_shape, key, profiles_for, &q, &found));
	v = found;
	*ret = arena_copy(a, v->profiles, (v->n + 1) * sizeof(*v->profiles));
	*ret_by = arena_copy(a, v->by, (v->n + 1) * sizeof(*v->by));
	*retn = v->n;
	return OK;
}

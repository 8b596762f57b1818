/* SPDX-License-Identifier: Apache-2.0 */
/* What a device should have: see desired.h. */
#include "model/desired.h"
#include "model/applies.h"
#include "model/filter.h"
#include "model/refs.h"
#include "model/rollout.h"
#include "model/wipe.h"
#include "store/device_life.h"
#include "store/user_pfx.h"

/* Groups of device and user, each once is not needed: the store takes them as a set. */
static err_t
groups_of(struct tx *tx, struct arena *a, const struct device *d, const struct user *u,
    struct id **ret, size_t *retn)
{
	struct id *of_device, *of_user = NULL, *all;
	size_t nd, nu = 0;

	TRY(store_groups_of(tx, a, d->id, &of_device, &nd));
	if (u != NULL)
		TRY(store_groups_of(tx, a, u->id, &of_user, &nu));
	all = arena_array(a, nd + nu + 1, sizeof(*all));
	for (size_t i = 0; i < nd; i++)
		all[i] = of_device[i];
	for (size_t i = 0; i < nu; i++)
		all[nd + i] = of_user[i];
	*ret = all;
	*retn = nd + nu;
	return OK;
}

static err_t
reduce(struct tx *tx, struct arena *a, const struct profile *p, const struct profile_type *t,
    const struct subject_of *who, struct primitive *ret)
{
	const void *settings;

	TRY(profile_settings_shared(tx, a, t, p, &settings));
	return t->kind->reduce(a, p, settings, who, ret);
}

/* Platforms whose edge has devices request by SCEP; CA certificates, and what connectors make or open, all of them bring. */
static const char *const enrolling[] = { "ios", "macos", "windows", "linux", "android",
	"androidWorkProfile", "androidDeviceOwner", "androidAOSP" };

static err_t
deliverable(const struct desired *d)
{
	if (d->what.kind != PRIM_ENROL)
		return OK;
	for (size_t i = 0; i < COUNT(enrolling); i++)
		if (strcmp(d->profile.platform, enrolling[i]) == 0)
			return OK;
	FAIL(ERR_KIND_UNDELIVERED, "\"%s\" is a %s profile, and the device's platform is %s",
	    d->profile.display_name, d->kind->name, d->profile.platform);
}

/* What was imported for the user, when the profile is about that. */
static err_t
pfx_of(struct tx *tx, struct arena *a, const struct kind *k, struct subject_of *who)
{
	struct user_pfx *v;

	if (!k->needs_pfx || who->user == NULL || who->pfx != NULL)
		return OK;
	TRY(store_pfx_of_user(tx, a, who->user->id, &v, &who->npfx));
	who->pfx = v;
	return OK;
}

/* What the profile names, when it is about that. An older version or a draft may name what is not there: then it names
 * nothing, which is the slot's fault. */
static err_t
used_of(struct tx *tx, struct arena *a, const struct profile *p, const struct profile_type *t,
    struct subject_of *who)
{
	struct used *v = NULL;
	err_t e = OK;

	who->nused = 0;
	if (t->kind->refs != NULL)
		e = refs_load(tx, a, p, &v, &who->nused);
	who->used = v;
	if (!err_is(e, ERR_MODEL_INVALID))
		return e;
	err_forget(e);
	who->nused = 0;
	return OK;
}

static err_t
desire(struct tx *tx, struct arena *a, const struct profile *p, const struct profile_type *t,
    const struct assignment *by, const struct subject_of *who, struct desired *ret)
{
	struct desired d = { .profile = *p, .kind = t->kind };
	struct err_report rep;
	err_t e;

	if (d.kind->needs_user && who->user != NULL)
		d.user = who->user->id;
	d.assigned = by->created;
	d.changed = p->modified;
	if (who->user != NULL && who->user->modified > d.changed)
		d.changed = who->user->modified;
	for (size_t i = 0; i < who->nused; i++)
		if (who->used[i].profile.modified > d.changed)
			d.changed = who->used[i].profile.modified;
	d.changed *= 1000;

	e = reduce(tx, a, p, t, who, &d.what);
	if (err_ok(e))
		e = deliverable(&d);
	if (!err_ok(e)) {
		err_take(e, &rep);
		d.fault = err_info(rep.code)->id;
		d.detail = arena_strdup(a, rep.detail);
	}
	*ret = d;
	return OK;
}

/* A profile that brings several things is desired once for each. Adds to v[*n]. */
static err_t
desire_each(struct tx *tx, struct arena *a, const struct profile *p, const struct profile_type *t,
    const struct assignment *by, const struct subject_of *who, struct desired *v, size_t *n)
{
	struct desired d;

	TRY(desire(tx, a, p, t, by, who, &d));
	if (d.fault != NULL || d.kind->item == NULL) {
		v[(*n)++] = d;
		return OK;
	}
	for (size_t i = 0; i < d.what.npfx; i++) {
		struct desired *one = &v[(*n)++];

		*one = d;
		TRY(d.kind->item(a, &d.what, i, &one->what));
		one->item = d.what.pfx[i].id;
		if (d.what.pfx[i].modified * 1000 > one->changed)
			one->changed = d.what.pfx[i].modified * 1000;
	}
	return OK;
}

/* *ret NULL: the device has none. *ret_due false: it has one who is disabled or gone. */
static err_t
user_of(struct tx *tx, struct arena *a, const struct device *d, struct user **ret, bool *ret_due)
{
	struct user *u = ARENA_NEW(a, struct user);
	err_t e;

	if (id_is_zero(d->user)) {
		*ret = NULL;
		*ret_due = true;
		return OK;
	}
	e = store_user_get(tx, a, d->user, u);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		*ret = NULL;
		*ret_due = false;
		return OK;
	}
	TRY(e);
	*ret = u;
	*ret_due = u->enabled;
	return OK;
}

/* Of the targets that bring the device a profile, the first whose filter lets it pass; and of those profiles, the ones
 * that apply to it. Shrinks both arrays in place. */
static err_t
narrow(struct tx *tx, struct arena *a, const struct device *d, struct profile *profiles,
    struct assignment *by, size_t *n)
{
	size_t at = 0;

	for (size_t i = 0; i < *n; i++) {
		bool yes = at == 0 || !id_eq(profiles[at - 1].id, profiles[i].id);

		if (yes)
			TRY(filter_passes(tx, a, &by[i], d, &yes));
		if (yes)
			TRY(applies_to(a, &profiles[i], d, &yes));
		if (!yes)
			continue;
		profiles[at] = profiles[i];
		by[at++] = by[i];
	}
	*n = at;
	return OK;
}

static size_t
keep_one(struct profile *profiles, struct assignment *by, size_t n, struct id only)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (!id_eq(profiles[i].id, only))
			continue;
		profiles[at] = profiles[i];
		by[at++] = by[i];
	}
	return at;
}

static err_t
desired_all(struct tx *tx, struct arena *a, const struct device *d, bool held,
    const struct id *only, struct desired **ret, size_t *retn)
{
	struct subject_of who = { .device = d };
	const struct profile_type **types;
	struct profile *profiles;
	struct assignment *by;
	struct desired *out;
	struct user *user;
	struct device_life life;
	struct id *groups;
	size_t ngroups, n, at = 0;
	bool due;

	TRY(user_of(tx, a, d, &user, &due));
	TRY(store_device_life_get(tx, a, d->id, &life));
	if (!due || d->state != DEVICE_ACTIVE || life.lost != 0 || wipe_withholds(&life)) {
		*ret = NULL;
		*retn = 0;
		return OK;
	}
	who.user = user;
	TRY(groups_of(tx, a, d, user, &groups, &ngroups));
	TRY(store_profiles_for(
	    tx, a, d->platform, groups, ngroups, user != NULL, &profiles, &by, &n));
	if (only != NULL)
		n = keep_one(profiles, by, n, *only);
	TRY(narrow(tx, a, d, profiles, by, &n));
	if (held)
		TRY(rollout_hold(tx, a, &who, &profiles, &by, &n));
	types = arena_array(a, n + 1, sizeof(*types));
	for (size_t i = 0; i < n; i++) {
		TRY(profile_type_find(profiles[i].type, &types[i]));
		TRY(pfx_of(tx, a, types[i]->kind, &who));
	}
	out = arena_array(a, n * (who.npfx + 1) + 1, sizeof(*out));
	/* Roots first: what refers to them comes after in every answer to the device. */
	for (int rank = 0; rank < KIND_RANKS; rank++)
		for (size_t i = 0; i < n; i++) {
			if (kind_rank(types[i]->kind) != rank ||
			    (only != NULL && !id_eq(profiles[i].id, *only)))
				continue;
			TRY(used_of(tx, a, &profiles[i], types[i], &who));
			TRY(desire_each(tx, a, &profiles[i], types[i], &by[i], &who, out, &at));
		}
	*ret = out;
	*retn = at;
	return OK;
}

err_t
desired_for(
    struct tx *tx, struct arena *a, const struct device *d, struct desired **ret, size_t *retn)
{
	return desired_all(tx, a, d, true, NULL, ret, retn);
}

err_t
desired_in_the_end(
    struct tx *tx, struct arena *a, const struct device *d, struct desired **ret, size_t *retn)
{
	return desired_all(tx, a, d, false, NULL, ret, retn);
}

err_t
desired_of_profile(struct tx *tx, struct arena *a, const struct device *d, struct id profile,
    struct desired **ret, size_t *retn)
{
	return desired_all(tx, a, d, true, &profile, ret, retn);
}

static bool
reaches(const struct assignment *t, const struct id *groups, size_t n, bool has_user)
{
	if (t->kind == TARGET_ALL_DEVICES)
		return true;
	if (t->kind == TARGET_ALL_USERS)
		return has_user;
	for (size_t i = 0; i < n; i++)
		if (id_eq(groups[i], t->group))
			return true;
	return false;
}

err_t
desired_by(struct tx *tx, struct arena *a, const struct subject_of *who, const struct assignment *v,
    size_t n, const struct assignment **ret)
{
	const struct assignment *found = NULL;
	struct id *groups;
	size_t ngroups;
	bool yes;

	TRY(groups_of(tx, a, who->device, who->user, &groups, &ngroups));
	for (size_t i = 0; i < n; i++) {
		if (!reaches(&v[i], groups, ngroups, who->user != NULL))
			continue;
		if (v[i].kind == TARGET_EXCLUDE_GROUP) {
			*ret = NULL;
			return OK;
		}
		if (found != NULL)
			continue;
		TRY(filter_passes(tx, a, &v[i], who->device, &yes));
		found = yes ? &v[i] : NULL;
	}
	*ret = found;
	return OK;
}

static err_t
root_reaches(struct tx *tx, struct arena *a, const struct subject_of *who, const struct profile *p,
    bool *ret)
{
	const struct assignment *by;
	struct assignment *v;
	size_t n;

	*ret = true;
	if (id_is_zero(p->root))
		return OK;
	TRY(store_assignments(tx, a, p->root, &v, &n));
	TRY(desired_by(tx, a, who, v, n, &by));
	*ret = by != NULL;
	return OK;
}

err_t
desired_draft(struct tx *tx, struct arena *a, const struct device *d, const struct profile *p,
    const struct assignment *targets, size_t n, bool *ret_wanted, struct desired *ret)
{
	struct subject_of who = { .device = d };
	const struct assignment *by = NULL;
	const struct profile_type *type;
	struct user *user;
	bool due, applies, rooted;

	*ret_wanted = false;
	TRY(user_of(tx, a, d, &user, &due));
	if (!due || d->state != DEVICE_ACTIVE || strcmp(d->platform, p->platform) != 0)
		return OK;
	who.user = user;
	TRY(desired_by(tx, a, &who, targets, n, &by));
	TRY(applies_to(a, p, d, &applies));
	if (by == NULL || !applies)
		return OK;
	TRY(profile_type_find(p->type, &type));
	TRY(pfx_of(tx, a, type->kind, &who));
	TRY(used_of(tx, a, p, type, &who));
	TRY(desire(tx, a, p, type, by, &who, ret));
	TRY(root_reaches(tx, a, &who, p, &rooted));
	if (ret->fault == NULL && !rooted) {
		ret->fault = err_info(ERR_ROOT_NOT_ASSIGNED)->id;
		ret->detail = "";
	}
	*ret_wanted = true;
	return OK;
}

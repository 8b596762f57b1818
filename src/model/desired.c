/* SPDX-License-Identifier: Apache-2.0 */
/* What a device should have: see desired.h. */
#include "model/desired.h"
#include "model/profile.h"

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
reduce(struct arena *a, const struct profile *p, const struct kind *k, const struct subject_of *who,
    struct primitive *ret)
{
	void *settings;

	TRY(profile_settings(a, k, p, &settings));
	return k->reduce(a, p, settings, who, ret);
}

static err_t
desire(struct arena *a, const struct profile *p, const struct assignment *by,
    const struct subject_of *who, struct desired *ret)
{
	const struct profile_type *type;
	struct desired d = { .profile = *p };
	struct err_report rep;
	err_t e;

	TRY(profile_type_find(p->type, &type));
	d.kind = type->kind;
	if (d.kind->needs_user && who->user != NULL)
		d.user = who->user->id;
	d.assigned = by->created;
	d.changed = p->modified;
	if (who->user != NULL && who->user->modified > d.changed)
		d.changed = who->user->modified;
	d.changed *= 1000;

	e = reduce(a, p, d.kind, who, &d.what);
	if (!err_ok(e)) {
		err_take(e, &rep);
		d.fault = err_info(rep.code)->id;
		d.detail = arena_strdup(a, rep.detail);
	}
	*ret = d;
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

err_t
desired_for(
    struct tx *tx, struct arena *a, const struct device *d, struct desired **ret, size_t *retn)
{
	struct subject_of who = { .device = d };
	struct profile *profiles;
	struct assignment *by;
	struct desired *out;
	struct user *user;
	struct id *groups;
	size_t ngroups, n, at = 0;
	bool due;

	TRY(user_of(tx, a, d, &user, &due));
	if (!due || d->state != DEVICE_ACTIVE) {
		*ret = NULL;
		*retn = 0;
		return OK;
	}
	who.user = user;
	TRY(groups_of(tx, a, d, user, &groups, &ngroups));
	TRY(store_profiles_for(
	    tx, a, d->platform, groups, ngroups, user != NULL, &profiles, &by, &n));
	out = arena_array(a, n + 1, sizeof(*out));
	/* Roots first: what refers to them comes after in every answer to the device. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++) {
			const struct profile_type *type;

			TRY(profile_type_find(profiles[i].type, &type));
			if (type->kind->needs_root == (pass == 1))
				TRY(desire(a, &profiles[i], &by[i], &who, &out[at++]));
		}
	*ret = out;
	*retn = at;
	return OK;
}

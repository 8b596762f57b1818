/* SPDX-License-Identifier: Apache-2.0 */
/* Slots whose turn has not come: see rollout.h. */
#include "model/applies.h"
#include "model/desired.h"
#include "model/rollout_turn.h"
#include "store/filter.h"

bool
rollout_regroups(const char *change)
{
	static const char *const all[] = { "members", "group", "filter" };

	for (size_t i = 0; i < COUNT(all); i++)
		if (strcmp(change, all[i]) == 0)
			return true;
	return false;
}

bool
rollout_turn(struct id rollout, const char *change, unsigned share, struct id device)
{
	uint8_t both[32] = { 0 };

	if (!rollout_regroups(change))
		memcpy(both, rollout.b, 16);
	memcpy(both + 16, device.b, 16);
	return str_hash(str_of(both, sizeof(both))) % ROLLOUT_WHOLE < share;
}

err_t
rollout_targets_text(struct arena *a, const struct assignment *v, size_t n, const char **ret)
{
	auto_json json *list = json_array_new();
	struct str text;

	for (size_t i = 0; i < n; i++) {
		json *j = json_object_new();

		json_add(list, j);
		json_set_int(j, "kind", v[i].kind);
		json_set_id(a, j, "group", v[i].group);
		json_set_id(a, j, "filter", v[i].filter);
		json_set_int(j, "mode", v[i].filter_mode);
		json_set_int(j, "created", v[i].created);
	}
	TRY(json_print(a, list, &text));
	return text_cstr(a, text, ret);
}

static err_t
id_or_zero(const json *j, const char *key, struct id *ret)
{
	*ret = (struct id){ { 0 } };
	return json_is_null(json_get(j, key)) ? OK : json_need_id(j, key, ret);
}

/* A filter that is gone lets nobody pass any more. */
static err_t
filter_is_there(struct tx *tx, struct arena *a, const struct assignment *t, bool *ret)
{
	struct filter f;
	err_t e;

	*ret = true;
	if (t->filter_mode == FILTER_NONE)
		return OK;
	e = store_filter_get(tx, a, t->filter, &f);
	*ret = err_ok(e);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

err_t
rollout_targets_read(struct tx *tx, struct arena *a, const char *text, struct id profile,
    struct assignment **ret, size_t *retn)
{
	auto_json json *list = NULL;
	struct assignment *v;
	size_t n = 0;

	TRY(json_parse(str_c(text), LIMIT_HTTP_BODY, &list));
	v = arena_array(a, json_count(list) + 1, sizeof(*v));
	for (size_t i = 0; i < json_count(list); i++) {
		const json *j = json_at(list, i);
		struct assignment *t = &v[n];
		int64_t kind, mode;
		bool there;

		*t = (struct assignment){ .profile = profile };
		TRY(json_need_int(j, "kind", TARGET_GROUP, TARGET_ALL_USERS, &kind));
		TRY(json_need_int(j, "mode", FILTER_NONE, FILTER_EXCLUDE, &mode));
		TRY(json_need_int(j, "created", 0, INT64_MAX, &t->created));
		TRY(id_or_zero(j, "group", &t->group));
		TRY(id_or_zero(j, "filter", &t->filter));
		t->kind = (enum target_kind)kind;
		t->filter_mode = (enum filter_mode)mode;
		TRY(filter_is_there(tx, a, t, &there));
		n += there;
	}
	*ret = v;
	*retn = n;
	return OK;
}

/* Whether the roll-out holds what the device has of the profile: one slot or several, all alike. */
static err_t
held(struct tx *tx, struct arena *a, const struct subject_of *who, const struct rollout_open *r,
    bool *ret)
{
	const struct profile_type *type;
	struct id user = { { 0 } };
	struct slot *v;
	size_t n;

	*ret = false;
	if (rollout_turn(r->id, r->change, r->share, who->device->id))
		return OK;
	TRY(profile_type_find(r->profile.type, &type));
	if (type->kind->needs_user && who->user != NULL)
		user = who->user->id;
	TRY(store_slots_of_device(tx, a, who->device->id, &v, &n));
	for (size_t i = 0; i < n && !*ret; i++)
		*ret = v[i].wanted && id_eq(v[i].profile, r->profile.id) && id_eq(v[i].user, user);
	return OK;
}

static const struct assignment *
first_target(const struct assignment *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind != TARGET_EXCLUDE_GROUP)
			return &v[i];
	return NULL;
}

/* By the targets and settings of before; *ret_by NULL: not even then. */
static err_t
wanted_before(struct tx *tx, struct arena *a, const struct subject_of *who,
    const struct rollout_open *r, const struct assignment **ret_by)
{
	struct assignment *v;
	bool yes;
	size_t n;

	TRY(rollout_targets_read(tx, a, r->targets, r->profile.id, &v, &n));
	if (rollout_regroups(r->change))
		*ret_by = first_target(v, n);
	else
		TRY(desired_by(tx, a, who, v, n, ret_by));
	TRY(applies_to(a, &r->profile, who->device, &yes));
	if (!yes)
		*ret_by = NULL;
	return OK;
}

static void
put(struct profile *profiles, struct assignment *by, size_t *n, const struct profile *p,
    const struct assignment *t)
{
	size_t at = 0;

	while (at < *n && !id_eq(profiles[at].id, p->id))
		at++;
	profiles[at] = *p;
	by[at] = *t;
	if (at == *n)
		++*n;
}

/* The root that a held certificate refers to stays as long as it does. */
static err_t
put_root(struct tx *tx, struct arena *a, const struct subject_of *who, struct profile *profiles,
    struct assignment *by, size_t *n, const struct profile *of, const struct assignment *t)
{
	struct profile root;
	struct slot slot;
	err_t e;

	for (size_t i = 0; i < *n; i++)
		if (id_eq(profiles[i].id, of->root))
			return OK;
	e = store_profile_get(tx, a, of->root, &root);
	if (err_ok(e))
		e = store_slot_find(tx, a, who->device->id, (struct id){ { 0 } }, root.id, &slot);
	if (err_ok(e) && slot.wanted)
		put(profiles, by, n, &root, t);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

err_t
rollout_hold(struct tx *tx, struct arena *a, const struct subject_of *who,
    struct profile **profiles, struct assignment **by, size_t *n)
{
	struct assignment *b;
	struct rollout_open *v;
	struct profile *p;
	size_t nv;

	TRY(store_rollout_holding(tx, a, who->device->platform, &v, &nv));
	if (nv == 0)
		return OK;
	p = arena_array(a, *n + 2 * nv, sizeof(*p)); /* each with its root */
	b = arena_array(a, *n + 2 * nv, sizeof(*b));
	for (size_t i = 0; i < *n; i++) {
		p[i] = (*profiles)[i];
		b[i] = (*by)[i];
	}
	for (size_t i = 0; i < nv; i++) {
		const struct assignment *t = NULL;
		bool yes;

		TRY(held(tx, a, who, &v[i], &yes));
		if (yes)
			TRY(wanted_before(tx, a, who, &v[i], &t));
		if (t != NULL)
			put(p, b, n, &v[i].profile, t);
		if (t != NULL && rollout_regroups(v[i].change) && !id_is_zero(v[i].profile.root))
			TRY(put_root(tx, a, who, p, b, n, &v[i].profile, t));
	}
	*profiles = p;
	*by = b;
	return OK;
}

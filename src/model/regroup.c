/* SPDX-License-Identifier: Apache-2.0 */
#include "model/regroup.h"
#include "model/desired.h"
#include "model/rollout_turn.h"
#include "store/access.h"
#include "store/filter.h"

#define SETTING "regroup"
#define HOUR_MS 3600000ll

enum { PAGE = 200, VERSIONS = 20, PROFILES_MAX = 1000 };

/* ---- before ---- */

static err_t
profile_add(struct tx *tx, struct arena *a, struct regroup *g, struct id id)
{
	struct regroup_profile *p;
	struct assignment *was;
	size_t n;

	for (size_t i = 0; i < g->n; i++)
		if (id_eq(g->v[i].profile.id, id))
			return OK;
	if (g->n == g->room) {
		struct regroup_profile *v = arena_array(a, 2 * g->room + 8, sizeof(*v));

		for (size_t i = 0; i < g->n; i++)
			v[i] = g->v[i];
		g->v = v;
		g->room = 2 * g->room + 8;
	}
	if (g->n == PROFILES_MAX)
		FAIL(ERR_TOO_LARGE, "more than %d profiles are assigned through it", PROFILES_MAX);
	p = &g->v[g->n++];
	*p = (struct regroup_profile){ .targets = "" };
	TRY(store_profile_get(tx, a, id, &p->profile));
	TRY(store_assignments(tx, a, id, &was, &n));
	return rollout_targets_text(a, was, n, &p->targets);
}

/* Those with a target of this kind at the group or at one above it. */
static err_t
profiles_of_group(
    struct tx *tx, struct arena *a, struct regroup *g, struct id group, enum target_kind kind)
{
	struct id *up, *v;
	size_t nup, n;

	TRY(store_groups_of(tx, a, group, &up, &nup));
	for (size_t i = 0; i <= nup; i++) {
		TRY(store_assigned_to(tx, a, i == nup ? group : up[i], kind, &v, &n));
		for (size_t k = 0; k < n; k++)
			TRY(profile_add(tx, a, g, v[k]));
	}
	return OK;
}

static void
device_add(struct arena *a, struct regroup *g, struct id id)
{
	for (size_t i = 0; i < g->ndevices; i++)
		if (id_eq(g->devices[i], id))
			return;
	if (g->ndevices == g->devices_room) {
		struct id *v = arena_array(a, 2 * g->devices_room + 8, sizeof(*v));

		for (size_t i = 0; i < g->ndevices; i++)
			v[i] = g->devices[i];
		g->devices = v;
		g->devices_room = 2 * g->devices_room + 8;
	}
	if (g->ndevices == REGROUP_LOOK_MAX)
		g->more = true;
	else
		g->devices[g->ndevices++] = id;
}

static err_t
devices_of(struct tx *tx, struct arena *a, struct regroup *g, const struct member *m)
{
	auto_arena struct arena *one = arena_new();
	struct device *v;
	size_t n;

	if (m->kind == MEMBER_DEVICE)
		device_add(a, g, m->id);
	if (m->kind != MEMBER_USER)
		return OK;
	TRY(store_device_of_user(tx, one, m->id, &v, &n));
	for (size_t i = 0; i < n; i++)
		device_add(a, g, v[i].id);
	return OK;
}

static err_t
devices_below(struct tx *tx, struct arena *a, struct regroup *g, struct id group)
{
	struct page p = { .limit = PAGE };
	bool more = true;

	while (more && !g->more) {
		auto_arena struct arena *page = arena_new();
		struct member *v;
		size_t n;

		TRY(store_member_list_all(tx, page, group, p, &v, &n, &more));
		for (size_t i = 0; i < n && !g->more; i++)
			TRY(devices_of(tx, a, g, &v[i]));
		if (n > 0)
			p.after = v[n - 1].id;
	}
	return OK;
}

err_t
regroup_member(
    struct tx *tx, struct arena *a, struct id group, struct member m, bool joins, struct regroup *g)
{
	TRY(profiles_of_group(tx, a, g, group, joins ? TARGET_EXCLUDE_GROUP : TARGET_GROUP));
	if (g->shows)
		TRY(profiles_of_group(
		    tx, a, g, group, joins ? TARGET_GROUP : TARGET_EXCLUDE_GROUP));
	if (g->n == 0)
		return OK;
	return m.kind == MEMBER_GROUP ? devices_below(tx, a, g, m.id) : devices_of(tx, a, g, &m);
}

err_t
regroup_group(struct tx *tx, struct arena *a, struct id group, struct regroup *g)
{
	TRY(profiles_of_group(tx, a, g, group, TARGET_GROUP));
	if (g->shows)
		TRY(profiles_of_group(tx, a, g, group, TARGET_EXCLUDE_GROUP));
	return g->n == 0 ? OK : devices_below(tx, a, g, group);
}

static err_t
devices_with(struct tx *tx, struct arena *of, struct regroup *g, struct id profile)
{
	struct page p = { .limit = PAGE };
	bool more = true;

	while (more && !g->more) {
		auto_arena struct arena *a = arena_new();
		struct slot *v;
		size_t n;

		TRY(store_slot_list(tx, a, profile, (struct id){ { 0 } }, p, &v, &n, &more));
		for (size_t i = 0; i < n && !g->more; i++)
			if (v[i].wanted)
				device_add(of, g, v[i].device);
		if (n > 0)
			p.after = v[n - 1].id;
	}
	return OK;
}

static err_t
devices_all(struct tx *tx, struct arena *of, struct regroup *g)
{
	struct page p = { .limit = PAGE };
	bool more = true;

	while (more && !g->more) {
		auto_arena struct arena *a = arena_new();
		struct device *v;
		size_t n;

		TRY(store_device_list(tx, a, p, &v, &n, &more));
		for (size_t i = 0; i < n && !g->more; i++)
			if (v[i].state == DEVICE_ACTIVE)
				device_add(of, g, v[i].id);
		if (n > 0)
			p.after = v[n - 1].id;
	}
	return OK;
}

err_t
regroup_filter(struct tx *tx, struct arena *a, struct id filter, struct regroup *g)
{
	struct id *v;
	size_t n;

	TRY(store_filter_use(tx, a, filter, PROFILES_MAX, &v, &n));
	for (size_t i = 0; i < n; i++)
		TRY(profile_add(tx, a, g, v[i]));
	if (g->shows)
		return n == 0 ? OK : devices_all(tx, a, g);
	for (size_t i = 0; i < g->n; i++)
		TRY(devices_with(tx, a, g, g->v[i].profile.id));
	return OK;
}

/* ---- after ---- */

static struct regroup_profile *
profile_of(struct regroup *g, struct id id)
{
	for (size_t i = 0; i < g->n; i++)
		if (id_eq(g->v[i].profile.id, id))
			return &g->v[i];
	return NULL;
}

static bool
is_desired(const struct desired *v, size_t n, const struct slot *s)
{
	for (size_t i = 0; i < n; i++)
		if (id_eq(v[i].profile.id, s->profile))
			return true;
	return false;
}

static bool
has_slot(const struct slot *v, size_t n, const struct desired *d)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].wanted && id_eq(v[i].profile, d->profile.id))
			return true;
	return false;
}

static err_t
device_look(struct tx *tx, struct regroup *g, struct id id, struct regroup_effect *e)
{
	auto_arena struct arena *a = arena_new();
	struct desired *want;
	struct device d;
	struct slot *v;
	size_t nwant, n;

	TRY(store_device_get(tx, a, id, &d));
	e->devices++;
	if (d.state != DEVICE_ACTIVE)
		return OK;
	TRY(desired_in_the_end(tx, a, &d, &want, &nwant));
	TRY(store_slots_of_device(tx, a, id, &v, &n));
	for (size_t i = 0; i < n; i++) {
		struct regroup_profile *p = profile_of(g, v[i].profile);

		if (p == NULL || !v[i].wanted || is_desired(want, nwant, &v[i]))
			continue;
		p->withdraw++;
		e->withdraw++;
		e->revoke += kind_has_certificate(v[i].kind) && v[i].serial != NULL &&
		    v[i].serial[0] != '\0';
	}
	for (size_t i = 0; i < nwant; i++)
		e->issue += profile_of(g, want[i].profile.id) != NULL && !has_slot(v, n, &want[i]);
	return OK;
}

/* What small changes took within the hour, with this one; *ret: whether that is more than the threshold. */
static err_t
hour_full(struct tx *tx, struct arena *a, int64_t add, int64_t threshold, bool *ret)
{
	auto_json json *j = NULL, *now = json_object_new();
	when_ms_t since = 0;
	int64_t n = 0;
	struct str text;
	err_t e = store_setting_get(tx, a, SETTING, &text);

	if (err_ok(e)) {
		TRY(json_parse(text, LIMIT_LONG_TEXT, &j));
		TRY(json_need_int(j, "since", 0, INT64_MAX, &since));
		TRY(json_need_int(j, "slots", 0, INT64_MAX / 2, &n));
	} else if (!err_is(e, ERR_NOT_FOUND)) {
		return e;
	}
	err_forget(e);
	if (when_now_ms() - since >= HOUR_MS || when_now_ms() < since) {
		since = when_now_ms();
		n = 0;
	}
	*ret = n + add > threshold;
	json_set_int(now, "since", since);
	json_set_int(now, "slots", *ret ? n : n + add);
	TRY(json_print(a, now, &text));
	return store_setting_put(tx, SETTING, text);
}

err_t
regroup_hour(struct tx *tx, struct arena *a, int64_t add, bool *ret_full)
{
	struct rollout_terms t;

	TRY(rollout_terms(tx, a, &t));
	return hour_full(tx, a, add, t.threshold, ret_full);
}

err_t
regroup_device(struct tx *tx, struct id device, struct regroup_due *ret)
{
	auto_arena struct arena *a = arena_new();
	struct regroup_due due = { 0 };
	struct slot *v;
	size_t n;

	TRY(store_slots_of_device(tx, a, device, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (!v[i].wanted || v[i].reached_hash.n == 0)
			continue;
		due.held++;
		due.again += v[i].wanted_hash.n > 0 && !str_eq(v[i].wanted_hash, v[i].reached_hash);
	}
	*ret = due;
	return OK;
}

err_t
regroup_user(struct tx *tx, struct id user, struct regroup_due *ret)
{
	auto_arena struct arena *a = arena_new();
	struct regroup_due due = { 0 }, one;
	struct device *v;
	size_t n;

	TRY(store_device_of_user(tx, a, user, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (v[i].state != DEVICE_ACTIVE)
			continue;
		TRY(regroup_device(tx, v[i].id, &one));
		due.again += one.again;
	}
	*ret = due;
	return OK;
}

int64_t
regroup_moved(const struct regroup_due *before, const struct regroup_due *after)
{
	int64_t n = 0;

	if (after->again > before->again)
		n += after->again - before->again;
	if (after->held < before->held)
		n += before->held - after->held;
	return n;
}

err_t
regroup_names(struct tx *tx, struct arena *a, const json *terms, int64_t count)
{
	struct rollout_terms t;
	bool full;

	TRY(rollout_terms(tx, a, &t));
	TRY(rollout_terms_read(a, terms, true, &t));
	if (t.now || count == 0)
		return OK;
	TRY(hour_full(tx, a, count, t.threshold, &full));
	if (full)
		FAIL(ERR_IMPORT_LARGE, "%lld of this change", (long long)count);
	return OK;
}

/* The roll-out that the profile has takes this change in, too: what is left begins anew. */
static err_t
join(struct tx *tx, struct arena *a, const char *actor, struct rollout *r,
    const struct rollout_plan *plan, struct warnings *w)
{
	r->share = r->passed = 0;
	r->total = plan->total;
	r->planned = plan->withdraw;
	r->allowed = rollout_allowance(plan->withdraw, plan->total);
	r->counted = plan->exact;
	r->cursor = (struct id){ { 0 } };
	r->forgiven = 0;
	r->created = r->since = r->ticked = when_now_ms();
	TRY(store_rollout_update(tx, r));
	warn(w, ERR_ROLLOUT_BEGUN,
	    arena_printf(a, "roll-out %s of \"%s\" takes it in", id_text(a, r->id), r->name));
	return store_audit_add(tx, actor, "rollout.join", id_text(a, r->id), "",
	    arena_printf(a, "{\"slots\":%lld}", (long long)r->total));
}

static err_t
pace(struct tx *tx, struct arena *a, const char *actor, const struct regroup *g,
    const struct regroup_profile *p, const struct rollout_terms *terms, struct warnings *w)
{
	struct rollout_plan plan = { .terms = *terms,
		.paced = true,
		.affected = p->withdraw,
		.withdraw = p->withdraw,
		.total = p->withdraw,
		/* An open roll-out holds slots of earlier changes as well. */
		.exact = false };
	struct version v = { .profile = p->profile,
		.targets = p->targets,
		.actor = actor,
		.change = g->change,
		.at = when_now_ms() };
	struct rollout r;
	int64_t before;
	err_t e = store_rollout_of(tx, a, p->profile.id, &r);

	if (err_ok(e) && rollout_regroups(r.change))
		return join(tx, a, actor, &r, &plan, w);
	if (err_ok(e) && r.share < ROLLOUT_WHOLE)
		FAIL(ERR_ROLLOUT_OPEN, "\"%s\" has roll-out %s, which holds slots back",
		    p->profile.display_name, id_text(a, r.id));
	if (err_ok(e)) {
		r.state = ROLLOUT_DONE;
		r.since = when_now_ms();
		TRY(store_rollout_update(tx, &r));
	} else if (!err_is(e, ERR_NOT_FOUND)) {
		return e;
	}
	err_forget(e);
	TRY(store_version_add(tx, &v, VERSIONS, &before));
	return rollout_make(tx, a, actor, g->change, &plan, &p->profile, before, w);
}

err_t
regroup_after(struct tx *tx, struct arena *a, const char *actor, struct regroup *g,
    const json *terms, struct regroup_effect *ret, struct warnings *w)
{
	struct regroup_effect e = { .complete = !g->more };
	struct rollout_terms t;
	bool large;

	if (ret != NULL)
		*ret = e;
	if (g->n == 0)
		return OK;
	TRY(rollout_terms(tx, a, &t));
	TRY(rollout_terms_read(a, terms, true, &t));
	for (size_t i = 0; i < g->ndevices; i++)
		TRY(device_look(tx, g, g->devices[i], &e));
	large = !t.now && (g->more || (int64_t)e.withdraw > t.threshold);
	if (!large && !t.now && e.withdraw > 0)
		TRY(hour_full(tx, a, (int64_t)e.withdraw, t.threshold, &large));
	e.paced = large;
	for (size_t i = 0; i < g->n && large && !g->shows; i++)
		if (g->more || g->v[i].withdraw > 0)
			TRY(pace(tx, a, actor, g, &g->v[i], &t, w));
	if (ret != NULL)
		*ret = e;
	return OK;
}

json *
regroup_json(struct arena *a, const struct regroup *g, const struct regroup_effect *e)
{
	json *j = json_object_new(), *list = json_array_new();

	json_set_int(j, "issue", (int64_t)e->issue);
	json_set_int(j, "withdraw", (int64_t)e->withdraw);
	json_set_int(j, "revoke", (int64_t)e->revoke);
	json_set_int(j, "devices", (int64_t)e->devices);
	json_set_bool(j, "complete", e->complete);
	json_set_bool(j, "paced", e->paced);
	json_set(j, "profiles", list);
	for (size_t i = 0; i < g->n; i++) {
		json *one = json_object_new();

		json_set_id(a, one, "id", g->v[i].profile.id);
		json_set_text(one, "displayName", g->v[i].profile.display_name);
		json_set_int(one, "withdraw", g->v[i].withdraw);
		json_add(list, one);
	}
	return j;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a change is paced: see rollout.h. */
#include "model/desired.h"
#include "model/rollout_turn.h"
#include "store/access.h"

enum { LOOK = 2000, PAGE = 200, VERSIONS = 20, ALLOWANCE = 10 };

#define KEPT_MS (365ll * 86400000)

struct looking {
	const struct rollout_change *c;
	const struct assignment *targets;
	size_t ntargets;
	int64_t stop;
	int64_t seen, affected, withdraw;
	struct page page;
	bool more;
};

/* Nobody loses anything: every target that was there is there still, and none excludes more. */
static bool
only_adds(const struct assignment *was, size_t nwas, const struct assignment *now, size_t nnow)
{
	for (size_t i = 0; i < nwas; i++) {
		bool same = was[i].kind == TARGET_EXCLUDE_GROUP;

		for (size_t k = 0; k < nnow; k++)
			same = same ||
			    (was[i].kind == now[k].kind && id_eq(was[i].group, now[k].group) &&
				was[i].filter_mode == now[k].filter_mode &&
				id_eq(was[i].filter, now[k].filter));
		if (!same)
			return false;
	}
	for (size_t k = 0; k < nnow; k++) {
		bool had = now[k].kind != TARGET_EXCLUDE_GROUP;

		for (size_t i = 0; i < nwas; i++)
			had = had ||
			    (was[i].kind == TARGET_EXCLUDE_GROUP &&
				id_eq(was[i].group, now[k].group));
		if (!had)
			return false;
	}
	return true;
}

/* A slot of somebody who is leaving anyway is no slot that the change touches. */
static err_t
slot_look(struct tx *tx, struct looking *l, const struct profile *p, const struct slot *s)
{
	auto_arena struct arena *a = arena_new();
	struct desired want = { 0 };
	struct device d;
	bool wanted;

	TRY(store_device_get(tx, a, s->device, &d));
	if (d.state != DEVICE_ACTIVE)
		return OK;
	TRY(desired_draft(tx, a, &d, p, l->targets, l->ntargets, &wanted, &want));
	l->withdraw += !wanted;
	l->affected += !wanted ||
	    (want.fault != NULL ? s->wanted_hash.n > 0 : !str_eq(want.what.hash, s->wanted_hash));
	return OK;
}

static err_t
page_look(struct tx *tx, struct looking *l, const struct profile *p)
{
	auto_arena struct arena *a = arena_new();
	struct slot *v;
	size_t n;

	TRY(store_slot_list(tx, a, p->id, (struct id){ { 0 } }, l->page, &v, &n, &l->more));
	for (size_t i = 0; i < n && l->affected <= l->stop; i++, l->seen++)
		if (v[i].wanted)
			TRY(slot_look(tx, l, p, &v[i]));
	if (n > 0)
		l->page.after = v[n - 1].id;
	return OK;
}

static err_t
all_look(struct tx *tx, struct looking *l, const struct profile *p, struct rollout_plan *ret)
{
	bool deletes = strcmp(l->c->name, "delete") == 0;

	l->stop = ret->terms.threshold;
	l->page.limit = PAGE;
	l->more = !deletes;
	while (l->more && l->seen < LOOK && l->affected <= l->stop)
		TRY(page_look(tx, l, p));
	ret->affected = deletes ? ret->total : l->affected;
	ret->exact = deletes || (!l->more && l->affected <= l->stop);
	ret->paced = deletes || l->affected > l->stop || l->more;
	/* What was seen stands for the rest. */
	ret->withdraw = deletes ? ret->total :
	    l->seen == 0        ? 0 :
				  l->withdraw * ret->total / l->seen + 1;
	if (!deletes && l->withdraw == 0 && !l->c->assigns)
		ret->withdraw = 0;
	return OK;
}

err_t
rollout_plan(
    struct tx *tx, struct arena *a, const struct rollout_change *c, struct rollout_plan *ret)
{
	struct looking l = { .c = c, .targets = c->targets, .ntargets = c->ntargets };
	struct rollout_plan p = { .paced = false };
	struct assignment *was;
	struct profile now;
	size_t nwas;
	bool same;

	TRY(store_profile_get(tx, a, c->profile, &now));
	TRY(store_assignments(tx, a, c->profile, &was, &nwas));
	TRY(rollout_terms(tx, a, &p.terms));
	TRY(rollout_terms_read(a, c->terms, true, &p.terms));
	if (!c->assigns) {
		l.targets = was;
		l.ntargets = nwas;
	}
	same = c->draft != NULL && strcmp(c->draft->settings, now.settings) == 0 &&
	    id_eq(c->draft->root, now.root);
	*ret = p;
	if (p.terms.now || same || (c->assigns && only_adds(was, nwas, c->targets, c->ntargets)))
		return OK;
	TRY(store_rollout_slots(tx, c->profile, p.terms.threshold + 1, &p.total));
	if (p.total > p.terms.threshold) {
		TRY(store_rollout_slots(tx, c->profile, INT64_MAX, &p.total));
		TRY(all_look(tx, &l, c->draft != NULL ? c->draft : &now, &p));
	}
	*ret = p;
	return OK;
}

static err_t
none_open(struct tx *tx, struct arena *a, const struct profile *p)
{
	struct rollout r;
	err_t e = store_rollout_of(tx, a, p->id, &r);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if (r.share < ROLLOUT_WHOLE)
		FAIL(ERR_ROLLOUT_OPEN, "\"%s\" has roll-out %s, which holds slots back",
		    p->display_name, id_text(a, r.id));
	r.state = ROLLOUT_DONE;
	r.since = when_now_ms();
	return store_rollout_update(tx, &r);
}

int64_t
rollout_allowance(int64_t withdraw, int64_t total)
{
	return withdraw + withdraw / 10 + total / 100 + ALLOWANCE;
}

err_t
rollout_make(struct tx *tx, struct arena *a, const char *actor, const char *change,
    const struct rollout_plan *plan, const struct profile *now, int64_t before, struct warnings *w)
{
	struct rollout r = {
		.id = id_new(),
		.profile = now->id,
		.name = now->display_name,
		.platform = now->platform,
		.change = change,
		.actor = actor,
		.state = ROLLOUT_RUNNING,
		.before = before,
		.pace = (unsigned)plan->terms.pace,
		.limit = (unsigned)plan->terms.limit,
		.steps = plan->terms.steps,
		.total = plan->total,
		.planned = plan->withdraw,
		.allowed = rollout_allowance(plan->withdraw, plan->total),
		.counted = plan->exact,
		.created = when_now_ms(),
		.since = when_now_ms(),
		.ticked = when_now_ms(),
	};

	TRY(store_rollout_forget(tx, when_now_ms() - KEPT_MS));
	TRY(store_rollout_insert(tx, &r));
	warn(w, ERR_ROLLOUT_BEGUN,
	    arena_printf(a, "roll-out %s: %lld slots of \"%s\", %u an hour", id_text(a, r.id),
		(long long)r.total, r.name, r.pace));
	return store_audit_add(tx, actor, "rollout.begin", id_text(a, r.id), "",
	    arena_printf(a,
		"{\"profile\":\"%s\",\"change\":\"%s\",\"slots\":%lld,\"slotsPerHour\":%u}",
		id_text(a, now->id), change, (long long)r.total, r.pace));
}

err_t
rollout_begin(struct tx *tx, struct arena *a, const char *actor, const struct rollout_change *c,
    const struct rollout_plan *plan, bool content, struct warnings *w)
{
	struct version v = { .actor = actor, .change = c->name, .at = when_now_ms() };
	struct assignment *was;
	int64_t before;
	size_t n;

	if (!content)
		return OK;
	TRY(store_profile_get(tx, a, c->profile, &v.profile));
	TRY(none_open(tx, a, &v.profile));
	TRY(store_assignments(tx, a, c->profile, &was, &n));
	TRY(rollout_targets_text(a, was, n, &v.targets));
	TRY(store_version_add(tx, &v, VERSIONS, &before));
	if (!plan->paced)
		return OK;
	return rollout_make(tx, a, actor, c->name, plan, &v.profile, before, w);
}

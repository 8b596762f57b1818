/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators do with a roll-out: see rollout.h. */
#include "model/rollout_turn.h"
#include "model/scope.h"
#include "store/access.h"

struct act {
	struct arena *a;
	const char *actor, *action;
	struct id id;
	const json *body;
	profile_check check; /* NULL: none */
	void *ctx;
	struct rollout r;
};

err_t
rollout_profile(struct tx *tx, struct arena *a, const struct rollout *r, struct profile *ret)
{
	struct version v;
	err_t e = store_profile_get(tx, a, r->profile, ret);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	TRY(store_version_get(tx, a, r->before, &v));
	*ret = v.profile;
	return OK;
}

static err_t
fetch(struct tx *tx, struct act *x)
{
	struct profile p;

	TRY(store_rollout_get(tx, x->a, x->id, &x->r));
	if (x->check != NULL) {
		TRY(rollout_profile(tx, x->a, &x->r, &p));
		TRY(x->check(x->ctx, x->a, &p));
	}
	if (x->r.state == ROLLOUT_DONE || x->r.state == ROLLOUT_BACK)
		FAIL(ERR_ROLLOUT_OVER, "roll-out of \"%s\" is %s", x->r.name,
		    rollout_state_name(x->r.state));
	return OK;
}

static err_t
save(struct tx *tx, struct act *x, const char *before)
{
	auto_json json *j = rollout_json(x->a, &x->r);
	struct str text;
	const char *after;

	TRY(json_print(x->a, j, &text));
	TRY(text_cstr(x->a, text, &after));
	TRY(store_rollout_update(tx, &x->r));
	return store_audit_add(tx, x->actor, x->action, id_text(x->a, x->id), before, after);
}

static err_t
was(struct act *x, const char **ret)
{
	auto_json json *j = rollout_json(x->a, &x->r);
	struct str text;

	TRY(json_print(x->a, j, &text));
	return text_cstr(x->a, text, ret);
}

static void
set_state(struct rollout *r, enum rollout_state to)
{
	r->state = to;
	r->since = when_now_ms();
	r->fault = r->detail = "";
}

static err_t
pause(struct tx *tx, void *arg)
{
	struct act *x = arg;
	const char *before;

	TRY(fetch(tx, x));
	TRY(was(x, &before));
	if (x->r.state == ROLLOUT_RUNNING)
		set_state(&x->r, ROLLOUT_PAUSED);
	return save(tx, x, before);
}

static bool
waits(const struct rollout *r)
{
	return r->share >= rollout_step(r) * (ROLLOUT_WHOLE / 100) && r->share < ROLLOUT_WHOLE;
}

/* Of one that waits at a step: goes past it. */
static err_t
resume(struct tx *tx, void *arg)
{
	struct act *x = arg;
	struct rollout *r = &x->r;
	const char *before;

	TRY(fetch(tx, x));
	TRY(was(x, &before));
	if (r->state == ROLLOUT_RUNNING) {
		r->passed += waits(r);
		return save(tx, x, before);
	}
	r->forgiven = r->failed;
	if (r->withdrawn > r->allowed)
		r->allowed = r->total > r->withdrawn ? r->total : INT64_MAX;
	r->ticked = when_now_ms();
	set_state(r, ROLLOUT_RUNNING);
	return save(tx, x, before);
}

static err_t
finish(struct tx *tx, void *arg)
{
	struct act *x = arg;
	const char *before;

	TRY(fetch(tx, x));
	TRY(was(x, &before));
	x->r.share = ROLLOUT_WHOLE;
	set_state(&x->r, ROLLOUT_RUNNING);
	TRY(store_rollout_look_again(tx));
	TRY(save(tx, x, before));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

static err_t
adjust(struct tx *tx, void *arg)
{
	struct act *x = arg;
	struct rollout *r = &x->r;
	struct rollout_terms t;
	const char *before;

	TRY(fetch(tx, x));
	TRY(was(x, &before));
	t = (struct rollout_terms){ .pace = r->pace, .limit = r->limit, .steps = r->steps };
	TRY(rollout_terms_read(x->a, x->body, false, &t));
	if (json_get(x->body, "threshold") != NULL)
		FAIL(ERR_ROLLOUT_TERMS,
		    "\"threshold\" is of the installation; this roll-out has begun");
	if (strcmp(t.steps, r->steps) != 0) /* those that it went past are behind it */
		for (r->steps = t.steps, r->passed = 0;
		     rollout_step(r) < 100 && r->share >= rollout_step(r) * (ROLLOUT_WHOLE / 100);)
			r->passed++;
	r->pace = (unsigned)t.pace;
	r->limit = (unsigned)t.limit;
	return save(tx, x, before);
}

/* ERR_NOT_FOUND becomes false. */
static err_t
group_is_there(struct tx *tx, struct arena *a, const struct assignment *t, bool *ret)
{
	struct group g;
	err_t e;

	*ret = true;
	if (t->kind != TARGET_GROUP && t->kind != TARGET_EXCLUDE_GROUP)
		return OK;
	e = store_group_get(tx, a, t->group, &g);
	*ret = err_ok(e);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

err_t
rollout_targets_of(
    struct tx *tx, struct arena *a, const struct version *v, struct assignment **ret, size_t *retn)
{
	struct assignment *t;
	size_t n, at = 0;
	bool there;

	TRY(rollout_targets_read(tx, a, v->targets, v->profile.id, &t, &n));
	for (size_t i = 0; i < n; i++) {
		TRY(group_is_there(tx, a, &t[i], &there));
		t[at] = t[i];
		at += there;
	}
	*ret = t;
	*retn = at;
	return OK;
}

static err_t
profile_restore(struct tx *tx, struct act *x, const struct version *v)
{
	struct profile p = v->profile, now, root;
	err_t e = store_profile_get(tx, x->a, p.id, &now);
	bool gone = err_is(e, ERR_NOT_FOUND);
	struct assignment *t;
	size_t n;

	if (!gone)
		TRY(e);
	err_forget(e);
	if (!id_is_zero(p.root))
		TRY_CTX(store_profile_get(tx, x->a, p.root, &root),
		    "the trusted root that \"%s\" had", p.display_name);
	if (!gone)
		p.scope_tags = now.scope_tags; /* who may see it is no content */
	p.version = (gone ? p.version : now.version) + 1;
	p.modified = when_now();
	TRY(gone ? store_profile_insert(tx, &p) : store_profile_update(tx, &p));
	TRY(rollout_targets_of(tx, x->a, v, &t, &n));
	return store_assign(tx, p.id, t, n);
}

static err_t
back(struct tx *tx, void *arg)
{
	struct act *x = arg;
	struct version v;
	const char *before;

	TRY(fetch(tx, x));
	if (rollout_regroups(x->r.change))
		FAIL(ERR_ROLLOUT_NO_BACK, "\"%s\"", x->r.name);
	TRY(was(x, &before));
	TRY(store_version_get(tx, x->a, x->r.before, &v));
	TRY(profile_restore(tx, x, &v));
	set_state(&x->r, ROLLOUT_BACK);
	TRY(store_rollout_look_again(tx));
	TRY(save(tx, x, before));
	TRY(store_audit_add(tx, x->actor, "profile.rollback", id_text(x->a, x->r.profile), "",
	    arena_printf(x->a, "{\"rollout\":\"%s\"}", id_text(x->a, x->id))));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

/* What every act begins with; action and body are the act's own. */
static err_t
act(struct store *s, struct act x, store_fn fn, struct rollout *ret)
{
	TRY(store_write(s, fn, &x));
	*ret = x.r;
	return OK;
}

#define ACT(action_) \
	(struct act) \
	{ \
		.a = a, .actor = actor, .id = id, .check = check, .ctx = ctx, .action = action_ \
	}

err_t
rollout_pause(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct rollout *ret)
{
	return act(s, ACT("rollout.pause"), pause, ret);
}

err_t
rollout_resume(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct rollout *ret)
{
	return act(s, ACT("rollout.resume"), resume, ret);
}

err_t
rollout_finish(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct rollout *ret)
{
	return act(s, ACT("rollout.finish"), finish, ret);
}

err_t
rollout_back(struct store *s, struct arena *a, const char *actor, struct id id, profile_check check,
    void *ctx, struct rollout *ret)
{
	return act(s, ACT("rollout.rollback"), back, ret);
}

err_t
rollout_adjust(struct store *s, struct arena *a, const char *actor, struct id id, const json *body,
    profile_check check, void *ctx, struct rollout *ret)
{
	struct act x = ACT("rollout.update");

	x.body = body;
	return act(s, x, adjust, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/rollouts: changes of profiles that reach their slots at a pace; looked at, paused, resumed, finished, rolled
 * back. /chancery/v1/rolloutSettings: from how many slots on a change is paced, and how. What it does: model/rollout.h.
 */
#include "api/reach.h"
#include "api/reply.h"
#include "model/rollout.h"

#define SET "rollouts"

/* ERR_NOT_FOUND: it is none of those that the caller sees. */
static err_t
reached(struct tx *tx, struct arena *a, const struct caller *who, const struct rollout *r)
{
	struct profile p;

	if ((who->perms & PERM_CONFIG_READ) != 0)
		return OK;
	TRY(rollout_profile(tx, a, r, &p));
	if (!rights_reach(who, PERM_CONFIG_READ, p.scope_tags))
		FAIL(ERR_NOT_FOUND, "no such roll-out");
	return OK;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct rollout *v;
	size_t n;

	(void)q;
	TRY(store_rollout_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		err_t e = reached(tx, a, arg, &v[i]);

		if (err_ok(e))
			rows_add(rows, v[i].id, rollout_json(a, &v[i]));
		else if (!err_is(e, ERR_NOT_FOUND))
			return e;
		else
			rows_pass(rows, v[i].id);
		err_forget(e);
	}
	return OK;
}

static err_t
list(struct http_req *r)
{
	static const struct collection rollouts = {
		.set = SET, .page = LIMIT_PAGE, .read = read_page, .by_caller = true
	};

	return reply_collection(r, &rollouts, 0);
}

struct look {
	struct arena *a;
	const struct caller *who;
	struct id id;
	struct rollout r;
	struct rollout_terms terms;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(store_rollout_get(tx, l->a, l->id, &l->r));
	return reached(tx, l->a, l->who, &l->r);
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .who = http_caller(r) };
	struct query q;

	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	return reply_entity(r, 200, SET, NULL, &q, rollout_json(l.a, &l.r));
}

static err_t
patch(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct rollout now;
	struct id id;

	TRY(param_id(r, "id", &id));
	TRY(body_object(r, &body));
	TRY(rollout_adjust(api_of(r)->store, a, who->actor, id, body, reach_guard_check,
	    reach_guard_of(r, PERM_CONFIG_WRITE), &now));
	return reply_entity(r, 200, SET, NULL, NULL, rollout_json(a, &now));
}

typedef err_t (*action)(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct rollout *ret);

static err_t
act(struct http_req *r, action fn)
{
	const struct caller *who = http_caller(r);
	struct arena *a = http_arena(r);
	struct rollout now;
	struct id id;

	TRY(param_id(r, "id", &id));
	TRY(fn(api_of(r)->store, a, who->actor, id, reach_guard_check,
	    reach_guard_of(r, PERM_CONFIG_WRITE), &now));
	return reply_entity(r, 200, SET, NULL, NULL, rollout_json(a, &now));
}

static err_t
post_pause(struct http_req *r)
{
	return act(r, rollout_pause);
}

static err_t
post_resume(struct http_req *r)
{
	return act(r, rollout_resume);
}

static err_t
post_finish(struct http_req *r)
{
	return act(r, rollout_finish);
}

static err_t
post_back(struct http_req *r)
{
	return act(r, rollout_back);
}

static err_t
look_terms(struct tx *tx, void *arg)
{
	struct look *l = arg;

	return rollout_terms(tx, l->a, &l->terms);
}

static err_t
get_settings(struct http_req *r)
{
	struct look l = { .a = http_arena(r) };
	auto_json json *j = NULL;

	TRY(store_read(api_of(r)->store, look_terms, &l));
	j = rollout_terms_json(&l.terms);
	return reply_json(r, 200, j);
}

static err_t
patch_settings(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct arena *a = http_arena(r);
	auto_json json *body = NULL, *j = NULL;
	struct rollout_terms t;

	TRY(body_object(r, &body));
	TRY(rollout_terms_set(api_of(r)->store, a, who->actor, body, &t));
	j = rollout_terms_json(&t);
	return reply_json(r, 200, j);
}

#define ONE "/chancery/v1/" SET "/{id}"

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/" SET, PERM_CONFIG_READ | PERM_SCOPED, list),
	ROUTE(GET, ONE, PERM_CONFIG_READ | PERM_SCOPED, get),
	ROUTE(PATCH, ONE, PERM_CONFIG_WRITE | PERM_SCOPED, patch),
	ROUTE(POST, ONE "/pause", PERM_CONFIG_WRITE | PERM_SCOPED, post_pause),
	ROUTE(POST, ONE "/resume", PERM_CONFIG_WRITE | PERM_SCOPED, post_resume),
	ROUTE(POST, ONE "/finish", PERM_CONFIG_WRITE | PERM_SCOPED, post_finish),
	ROUTE(POST, ONE "/rollback", PERM_CONFIG_WRITE | PERM_SCOPED, post_back),
	ROUTE(GET, "/chancery/v1/rolloutSettings", PERM_CONFIG_READ, get_settings),
	ROUTE(PATCH, "/chancery/v1/rolloutSettings", PERM_CONFIG_WRITE, patch_settings),
	{ 0 },
};

const struct resource resource_rollouts = { "rollouts", routes };

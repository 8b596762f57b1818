/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/profiles/{id}/versions: what a profile was before each of its changes, newest first.
 *
 *   .../versions                     [{"id", "version", "displayName", "replacedDateTime", "replacedBy", "replacedByChange"}]
 *   .../versions/{version}           the same of one, with "profile" as it was and its "assignments"
 *   .../versions/{version}/effect    {"assignments": bool, "maxDevices": n} -> what restoring it would do (api/effect.h)
 *   .../versions/{version}/restore   {"assignments": bool, "@chancery.rollout": {...}} -> the profile as it is then; If-Match
 *                                    against the profile
 *
 * assignments: its targets as well; otherwise these stay as they are. Which versions are kept, and what is restored:
 * model/profile.h. They are reached as the profile is.
 */
#include "api/assignments.h"
#include "api/effect.h"
#include "api/reach.h"
#include "api/warnings.h"
#include "model/rollout_turn.h"

#define SET "profiles/versions"

struct look {
	struct arena *a;
	const struct caller *who;
	struct id profile;
	int64_t number; /* 0: all */
	struct version *v;
	size_t n;
	struct profile now; /* of the profile */
	struct assignment *targets;
	size_t ntargets;
};

/* The path's profile and version; what is no number is none that exists. */
static err_t
look_of(struct http_req *r, struct look *ret)
{
	const char *number = http_param(r, "version");

	*ret = (struct look){ .a = http_arena(r), .who = http_caller(r) };
	TRY(param_id(r, "id", &ret->profile));
	if (number != NULL && !err_ok(text_i64(str_c(number), 1, INT64_MAX, &ret->number)))
		FAIL(ERR_NOT_FOUND, "the profile has no version '%s'",
		    text_safe(ret->a, str_c(number)));
	return OK;
}

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(reach_profile(tx, l->a, l->who, PERM_CONFIG_READ, l->profile));
	TRY(store_profile_get(tx, l->a, l->profile, &l->now));
	if (l->number == 0)
		return store_version_list(tx, l->a, l->profile, &l->v, &l->n);
	l->v = ARENA_NEW(l->a, struct version);
	TRY(profile_version(tx, l->a, l->profile, l->number, l->v));
	return rollout_targets_of(tx, l->a, l->v, &l->targets, &l->ntargets);
}

static json *
version_json(struct arena *a, const struct version *v)
{
	json *j = json_object_new();

	json_set_text(j, "id", arena_printf(a, "%lld", (long long)v->seq));
	json_set_int(j, "version", v->profile.version);
	json_set_text(j, "displayName", v->profile.display_name);
	json_set_text(j, "replacedDateTime", when_text_ms(a, v->at));
	json_set_text(j, "replacedBy", v->actor);
	json_set_text(j, "replacedByChange", v->change);
	return j;
}

static err_t
list(struct http_req *r)
{
	auto_json json *out = json_object_new();
	json *value = json_array_new();
	struct look l;
	struct query q;

	json_set(out, "value", value);
	TRY(query_read(r, QUERY_ENTITY, &q));
	if (q.o.nselect > 0)
		FAIL(ERR_BAD_REQUEST, "$select is not supported here");
	TRY(look_of(r, &l));
	TRY(store_read(api_of(r)->store, look, &l));
	for (size_t i = 0; i < l.n; i++)
		json_add(value, version_json(l.a, &l.v[i]));
	return reply_json(r, 200, out);
}

static err_t
get(struct http_req *r)
{
	auto_json json *j = NULL;
	json *assignments = json_array_new(), *profile;
	struct look l;
	struct query q;
	err_t e = query_read(r, QUERY_ENTITY, &q);

	if (err_ok(e))
		e = look_of(r, &l);
	if (err_ok(e))
		e = store_read(api_of(r)->store, look, &l);
	if (err_ok(e))
		e = profile_json(l.a, &l.v->profile, &profile);
	if (!err_ok(e)) {
		json_free(assignments);
		return e;
	}
	j = version_json(l.a, l.v);
	json_set(j, "profile", profile);
	json_set(j, "assignments", assignments);
	for (size_t i = 0; i < l.ntargets; i++)
		json_add(assignments, assignment_json(l.a, &l.targets[i]));
	return reply_entity(r, 200, SET, NULL, &q, steal(j));
}

/* Members that a body may have. */
static err_t
body_check(struct arena *a, const json *body, const char *other)
{
	const json *assignments = json_get(body, "assignments");

	for (void *it = json_iter(body); it != NULL; it = json_iter_next(body, it))
		if (strcmp(json_iter_key(it), "assignments") != 0 &&
		    strcmp(json_iter_key(it), other) != 0)
			FAIL(ERR_BAD_REQUEST, "\"%.64s\" is not known here",
			    text_safe(a, str_c(json_iter_key(it))));
	if (assignments != NULL && !json_is_bool(assignments))
		FAIL(ERR_BAD_REQUEST, "\"assignments\" must be true or false");
	return OK;
}

static err_t
post_effect(struct http_req *r)
{
	auto_json json *body = NULL, *out = NULL;
	struct profile draft;
	struct effect x;
	struct look l;
	int64_t max;
	bool with;

	TRY(look_of(r, &l));
	TRY(body_object(r, &body));
	TRY(body_check(l.a, body, "maxDevices"));
	TRY(effect_max(body, &max));
	TRY(store_read(api_of(r)->store, look, &l));
	with = json_true(json_get(body, "assignments"));
	draft = l.now;
	draft.settings = l.v->profile.settings;
	draft.root = l.v->profile.root;
	TRY(effect_of_draft(api_of(r)->store, l.a, &draft, with ? l.targets : NULL,
	    with ? l.ntargets : 0, (size_t)max, &x));
	out = effect_json(&x);
	return reply_json(r, 200, out);
}

static err_t
post_restore(struct http_req *r)
{
	struct reach_guard *guard = reach_guard_of(r, PERM_CONFIG_WRITE);
	const char *if_match = http_header(r, "If-Match");
	auto_json json *body = NULL;
	struct warnings w = { .n = 0 };
	struct profile p;
	struct look l;
	json *j;

	TRY(look_of(r, &l));
	TRY(body_object(r, &body));
	TRY(body_check(l.a, body, ROLLOUT_MEMBER));
	guard->if_match = if_match == NULL ? NULL : arena_strdup(l.a, if_match);
	TRY(profile_restore_if(api_of(r)->store, l.a, l.who->actor, l.profile, l.number,
	    json_true(json_get(body, "assignments")), json_get(body, ROLLOUT_MEMBER),
	    reach_guard_check, guard, &p, &w));
	TRY(profile_json(l.a, &p, &j));
	warnings_put(j, &w);
	return reply_entity(r, 200, "deviceManagement/deviceConfigurations", NULL, NULL, j);
}

#define VERSIONS "/chancery/v1/profiles/{id}/versions"

static const struct http_route routes[] = {
	ROUTE(GET, VERSIONS, PERM_CONFIG_READ | PERM_SCOPED, list),
	ROUTE(GET, VERSIONS "/{version}", PERM_CONFIG_READ | PERM_SCOPED, get),
	ROUTE(POST, VERSIONS "/{version}/effect", PERM_CONFIG_READ | PERM_SCOPED, post_effect),
	ROUTE(POST, VERSIONS "/{version}/restore", PERM_CONFIG_WRITE | PERM_SCOPED, post_restore),
	{ 0 },
};

const struct resource resource_profile_versions = { "profile_versions", routes };

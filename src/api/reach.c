/* SPDX-License-Identifier: Apache-2.0 */
/* Reach inside transactions: see reach.h. */
#include "api/reach.h"

#include "api/reply.h"

struct gather {
	struct id *v;
	size_t n, cap;
};

static void
gather_add(struct arena *a, struct gather *g, struct id id)
{
	if (g->n == g->cap) {
		struct id *old = g->v;

		g->cap = g->cap == 0 ? 64 : g->cap * 2;
		g->v = arena_array(a, g->cap, sizeof(*g->v));
		for (size_t i = 0; i < g->n; i++)
			g->v[i] = old[i];
	}
	g->v[g->n++] = id;
}

err_t
reach_profiles(struct tx *tx, struct arena *a, const struct caller *who, unsigned perms,
    const struct slot_profiles **ret)
{
	struct page p = { .limit = LIMIT_PAGE };
	struct gather g = { 0 };
	struct slot_profiles *out;
	bool more = (who->perms & perms) == 0;

	*ret = NULL;
	if (!more)
		return OK;
	while (more) { /* in order of id, as the list is paged by it */
		auto_arena struct arena *one = arena_new();
		struct profile *v;
		size_t n;

		TRY(store_profile_list(tx, one, p, &v, &n, &more));
		for (size_t i = 0; i < n; i++) {
			p.after = v[i].id;
			if (rights_reach(who, perms, v[i].scope_tags))
				gather_add(a, &g, v[i].id);
		}
	}
	out = ARENA_NEW(a, struct slot_profiles);
	*out = (struct slot_profiles){ g.v, g.n };
	*ret = out;
	return OK;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id));
}

bool
reach_has(const struct slot_profiles *reach, struct id profile)
{
	return reach == NULL ||
	    (reach->n > 0 &&
		bsearch(&profile, reach->v, reach->n, sizeof(*reach->v), by_id) != NULL);
}

err_t
reach_profile(
    struct tx *tx, struct arena *a, const struct caller *who, unsigned perms, struct id profile)
{
	struct profile p;

	if ((who->perms & perms) != 0)
		return OK;
	TRY(store_profile_get(tx, a, profile, &p));
	return rights_demand(who, PERM_CONFIG_READ, perms, p.scope_tags, "profile");
}

err_t
reach_device(
    struct tx *tx, struct arena *a, const struct caller *who, unsigned perms, struct id device)
{
	struct device d;

	if ((who->perms & perms) != 0)
		return OK;
	TRY(store_device_get(tx, a, device, &d));
	return rights_demand(who, PERM_DEVICES_READ, perms, d.scope_tags, "device");
}

err_t
reach_slot(
    struct tx *tx, struct arena *a, const struct caller *who, unsigned perms, const struct slot *s)
{
	err_t e = reach_profile(tx, a, who, perms, s->profile);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	FAIL(ERR_NOT_FOUND, "no such slot");
}

err_t
reach_user_pfx(
    struct tx *tx, struct arena *a, const struct caller *who, unsigned perms, struct id user)
{
	size_t n, all = 0, seen = 0, reached = 0;
	struct device *v;

	if ((who->perms & perms) != 0)
		return OK;
	TRY(store_device_of_user(tx, a, user, &v, &n));
	for (size_t i = 0; i < n; i++) {
		bool active = v[i].state == DEVICE_ACTIVE;

		all += active;
		seen += active && rights_reach(who, PERM_CONFIG_READ, v[i].scope_tags);
		reached += active && rights_reach(who, perms, v[i].scope_tags);
	}
	if (seen == 0 && reached == 0)
		FAIL(ERR_NOT_FOUND, "no such imported certificate");
	if (reached == 0 || (perms != PERM_CONFIG_READ && reached < all))
		FAIL(ERR_OUTSIDE_SCOPE,
		    "%s changes imported certificates only of users all of whose devices it "
		    "reaches",
		    who->actor);
	return OK;
}

struct reach_guard *
reach_guard_of(struct http_req *r, unsigned perms)
{
	struct reach_guard *g = ARENA_NEW(http_arena(r), struct reach_guard);

	g->who = http_caller(r);
	g->perms = perms;
	g->if_match = NULL;
	return g;
}

err_t
reach_guard_check(void *guard, struct arena *a, const struct profile *now)
{
	const struct reach_guard *g = guard;
	const struct profile_type *t;
	auto_json json *j = NULL;

	TRY(rights_demand(g->who, PERM_CONFIG_READ, g->perms, now->scope_tags, "profile"));
	TRY(profile_type_find(now->type, &t));
	if (g->access_only && t->set != SET_ACCESS)
		FAIL(ERR_NOT_FOUND, "the profile is one of deviceConfigurations");
	if (g->if_match == NULL)
		return OK;
	TRY(profile_json(a, now, &j));
	return etag_check(a, g->if_match, j);
}

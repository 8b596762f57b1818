/* SPDX-License-Identifier: Apache-2.0 */
#include "model/assign.h"
#include "model/refs.h"
#include "model/rollout.h"
#include "pki/key.h"
#include "store/access.h"
#include "store/filter.h"

struct change {
	struct arena *a;
	const char *actor;
	struct id id;
	const struct assignment *v;
	size_t n;
	bool one; /* v and n come from what is there, without `drop` and with `put` */
	const struct assignment *drop, *put; /* either may be NULL */
	const json *terms;
	const char *if_match; /* NULL: whatever they are */
	profile_check check;  /* NULL: none */
	void *ctx;
	bool plans; /* reading, to see what the change would touch */
	struct rollout_plan plan;
	struct warnings warn;
};

static const char *
target_text(struct arena *a, const struct assignment *t)
{
	const char *who = "";

	switch (t->kind) {
	case TARGET_GROUP:
		who = arena_printf(a, "group %s", id_text(a, t->group));
		break;
	case TARGET_EXCLUDE_GROUP:
		who = arena_printf(a, "not group %s", id_text(a, t->group));
		break;
	case TARGET_ALL_DEVICES:
		who = "all devices";
		break;
	case TARGET_ALL_USERS:
		who = "all users";
		break;
	}
	if (t->filter_mode == FILTER_NONE)
		return who;
	return arena_printf(a, "%s %s filter %s", who,
	    t->filter_mode == FILTER_INCLUDE ? "with" : "without", id_text(a, t->filter));
}

static err_t
targets_text(struct arena *a, const struct assignment *v, size_t n, const char **ret)
{
	auto_json json *list = json_array_new();
	struct str text;

	for (size_t i = 0; i < n; i++)
		json_add(list, json_text_new(target_text(a, &v[i])));
	TRY(json_print(a, list, &text));
	return text_cstr(a, text, ret);
}

static bool
has_target(const struct assignment *v, size_t n, enum target_kind kind, struct id group)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == kind && id_eq(v[i].group, group))
			return true;
	return false;
}

/* ERR_NOT_FOUND becomes what was asked for. */
static err_t
group_check(struct tx *tx, struct arena *a, const struct assignment *x, const struct assignment *v,
    size_t n)
{
	struct group g;
	err_t e;

	if (x->kind != TARGET_GROUP && x->kind != TARGET_EXCLUDE_GROUP)
		return OK;
	e = store_group_get(tx, a, x->group, &g);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_ASSIGNMENT, "there is no group %s", id_text(a, x->group));
	}
	TRY(e);
	if (x->kind == TARGET_GROUP && has_target(v, n, TARGET_EXCLUDE_GROUP, x->group))
		FAIL(ERR_ASSIGNMENT, "group \"%s\" is included and excluded", g.display_name);
	return OK;
}

static err_t
filter_check(struct tx *tx, struct arena *a, const struct assignment *x)
{
	struct filter f;
	err_t e;

	if (x->filter_mode == FILTER_NONE)
		return OK;
	if (x->kind == TARGET_EXCLUDE_GROUP)
		FAIL(ERR_ASSIGNMENT, "an exclusion takes no filter");
	e = store_filter_get(tx, a, x->filter, &f);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_ASSIGNMENT, "there is no assignment filter %s", id_text(a, x->filter));
	}
	return e;
}

err_t
assign_check(struct tx *tx, struct arena *a, const struct assignment *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		TRY(group_check(tx, a, &v[i], v, n));
		TRY(filter_check(tx, a, &v[i]));
	}
	return OK;
}

static bool
same_target(const struct assignment *a, const struct assignment *b)
{
	return b != NULL && a->kind == b->kind && id_eq(a->group, b->group);
}

/* What is there, but for one target. */
static err_t
one_target(struct change *c, const struct assignment *was, size_t nwas)
{
	struct assignment *v = arena_array(c->a, nwas + 1, sizeof(*v));
	bool dropped = c->drop == NULL;
	size_t n = 0;

	for (size_t i = 0; i < nwas; i++)
		if (same_target(&was[i], c->drop))
			dropped = true;
		else
			v[n++] = was[i];
	if (!dropped)
		FAIL(ERR_NOT_FOUND, "the profile has no such assignment any more");
	if (c->put != NULL && has_target(v, n, c->put->kind, c->put->group))
		FAIL(ERR_CONFLICT, "the profile has an assignment to this target already");
	if (c->put != NULL)
		v[n++] = *c->put;
	c->v = v;
	c->n = n;
	return OK;
}

/* The targets, each once; one that was there before keeps its time. */
static void
merge(struct arena *a, const struct change *c, const struct assignment *was, size_t nwas,
    struct assignment **ret, size_t *retn)
{
	struct assignment *out = arena_array(a, c->n + 1, sizeof(*out));
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (has_target(out, n, c->v[i].kind, c->v[i].group))
			continue;
		out[n] = c->v[i];
		out[n].profile = c->id;
		out[n].created = when_now_ms();
		for (size_t k = 0; k < nwas; k++)
			if (was[k].kind == out[n].kind && id_eq(was[k].group, out[n].group))
				out[n].created = was[k].created;
		n++;
	}
	*ret = out;
	*retn = n;
}

static bool
same_targets(const struct assignment *was, size_t nwas, const struct assignment *now, size_t nnow)
{
	size_t same = 0;

	for (size_t i = 0; i < nwas; i++)
		for (size_t k = 0; k < nnow; k++)
			same += was[i].kind == now[k].kind && id_eq(was[i].group, now[k].group) &&
			    was[i].filter_mode == now[k].filter_mode &&
			    id_eq(was[i].filter, now[k].filter);
	return same == nwas && nwas == nnow;
}

static err_t
tag_of(struct arena *a, const struct assignment *v, size_t n, const char **ret)
{
	const char *text;
	uint8_t hash[32];

	TRY(targets_text(a, v, n, &text));
	hash_sha256(str_c(text), hash);
	*ret = arena_printf(a, "W/\"%s\"", text_hex(a, str_of(hash, 12)));
	return OK;
}

err_t
assign_tag(struct tx *tx, struct arena *a, struct id profile, const char **ret)
{
	struct assignment *v;
	size_t n;

	TRY(store_assignments(tx, a, profile, &v, &n));
	return tag_of(a, v, n, ret);
}

/* The hash is found by its quotes: it is the same whether the tag is given as weak or strong, alone or in a list. */
static err_t
tag_check(struct change *c, const struct assignment *v, size_t n)
{
	const char *tag;

	if (c->if_match == NULL || str_eq_c(str_trim(str_c(c->if_match)), "*"))
		return OK;
	TRY(tag_of(c->a, v, n, &tag));
	if (strstr(c->if_match, tag + 2) == NULL)
		FAIL(ERR_PRECONDITION, "the ETag of its assignments is %s now", tag);
	return OK;
}

static err_t
assign(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct assignment *was, *now;
	struct profile profile, *by;
	const char *before, *after;
	size_t nwas, nnow, nby;

	c->warn.n = 0;
	TRY(store_profile_get(tx, c->a, c->id, &profile));
	if (c->check != NULL)
		TRY(c->check(c->ctx, c->a, &profile));
	TRY(store_assignments(tx, c->a, c->id, &was, &nwas));
	TRY(tag_check(c, was, nwas));
	if (c->one)
		TRY(one_target(c, was, nwas));
	TRY(assign_check(tx, c->a, c->v, c->n));
	merge(c->a, c, was, nwas, &now, &nnow);
	if (c->plans)
		return rollout_plan(tx, c->a,
		    &(struct rollout_change){ .profile = c->id,
			.name = "assign",
			.targets = now,
			.ntargets = nnow,
			.assigns = true,
			.terms = c->terms },
		    &c->plan);
	TRY(rollout_begin(tx, c->a, c->actor,
	    &(struct rollout_change){ .profile = c->id, .name = "assign" }, &c->plan,
	    !same_targets(was, nwas, now, nnow), &c->warn));
	TRY(store_assign(tx, c->id, now, nnow));
	TRY(assign_warn(tx, c->a, &profile, &c->warn));
	TRY(store_profile_by_root(tx, c->a, c->id, COUNT(c->warn.v), &by, &nby));
	for (size_t i = 0; i < nby; i++)
		TRY(assign_warn(tx, c->a, &by[i], &c->warn));
	TRY(refs_users(tx, c->a, c->id, COUNT(c->warn.v), &by, &nby));
	for (size_t i = 0; i < nby; i++)
		TRY(assign_warn(tx, c->a, &by[i], &c->warn));
	TRY(targets_text(c->a, was, nwas, &before));
	TRY(targets_text(c->a, now, nnow, &after));
	TRY(store_audit_add(tx, c->actor, "profile.assign", id_text(c->a, c->id), before, after));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

err_t
profile_assign_at(struct store *s, struct arena *a, const char *actor, struct id id,
    const struct assignment *v, size_t n, const json *terms, const char *if_match,
    profile_check check, void *ctx, struct warnings *w)
{
	struct change c = { .a = a,
		.actor = actor,
		.id = id,
		.v = v,
		.n = n,
		.terms = terms,
		.if_match = if_match,
		.check = check,
		.ctx = ctx,
		.plans = true };

	TRY(store_read(s, assign, &c));
	c.plans = false;
	TRY(store_write(s, assign, &c));
	*w = c.warn;
	return OK;
}

err_t
profile_assign(struct store *s, struct arena *a, const char *actor, struct id id,
    const struct assignment *v, size_t n, struct warnings *w)
{
	return profile_assign_at(s, a, actor, id, v, n, NULL, NULL, NULL, NULL, w);
}

err_t
profile_assign_one(struct store *s, struct arena *a, const char *actor, struct id id,
    const struct assignment *drop, const struct assignment *put, profile_check check, void *ctx,
    struct warnings *w)
{
	struct change c = { .a = a,
		.actor = actor,
		.id = id,
		.one = true,
		.drop = drop,
		.put = put,
		.check = check,
		.ctx = ctx,
		.plans = true };

	TRY(store_read(s, assign, &c));
	c.plans = false;
	TRY(store_write(s, assign, &c));
	*w = c.warn;
	return OK;
}

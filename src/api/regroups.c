/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change of members, of a group or of a filter would do, before it is made.
 *
 *   POST /chancery/v1/groups/{id}/effect              {"add": [ids], "remove": [ids]} or {"delete": true}
 *   POST /chancery/v1/assignmentFilters/{id}/effect   {"rule": "..."}
 *   -> {"issue", "withdraw", "revoke", "devices", "complete", "paced", "profiles": [{"id", "displayName", "withdraw"}]}
 *
 * The change is made and taken back in one transaction, so the numbers are what would happen. At most REGROUP_LOOK_MAX
 * devices are looked at ("complete" is false then). "paced": it would be one or more roll-outs.
 */
#include "api/regroups.h"
#include "api/rights.h"
#include "api/users.h"
#include "codec/rule.h"
#include "store/filter.h"

#define MEMBERS_MAX 1000

void
warned(struct http_req *r, const struct warnings *w)
{
	for (size_t i = 0; i < w->n; i++) {
		char *text = arena_strdup(http_arena(r),
		    arena_printf(http_arena(r), "%s; %s", w->v[i].fault, w->v[i].detail));

		for (char *p = text; *p != '\0'; p++)
			if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
				*p = '?';
		http_reply_header(r, "Chancery-Warning", text);
	}
}

err_t
reply_warned(struct http_req *r, const struct warnings *w)
{
	warned(r, w);
	return reply_empty(r, 204);
}

struct showing {
	struct arena *a;
	const struct caller *who;
	struct id id;
	const json *body, *add, *drop;
	struct regroup g;
	struct regroup_effect effect;
	bool shown;
};

/* Ends the transaction without a trace. */
static err_t
show(struct tx *tx, struct showing *s)
{
	struct warnings none = { .n = 0 };

	TRY(regroup_after(tx, s->a, s->who->actor, &s->g, NULL, &s->effect, &none));
	s->shown = true;
	FAIL(ERR_READ_ONLY, "it was only to be shown");
}

static err_t
member_of(struct tx *tx, struct showing *s, const json *j, struct member *ret)
{
	struct object o;

	TRY(id_parse(str_c(json_text(j)), &ret->id));
	TRY_CTX(object_find(tx, s->a, 0, ret->id, &o), "member %.64s",
	    text_safe(s->a, str_c(json_text(j))));
	json_free(o.entity);
	ret->kind = o.kind;
	return OK;
}

/* first: what it can concern is gathered; then it is done. Who is a member already, or is none, changes nothing. */
static err_t
members(struct tx *tx, struct showing *s, const json *list, bool joins, bool first)
{
	for (size_t i = 0; i < json_count(list); i++) {
		struct member m;
		err_t e;

		TRY(member_of(tx, s, json_at(list, i), &m));
		if (first)
			e = regroup_member(tx, s->a, s->id, m, joins, &s->g);
		else if (joins)
			e = store_member_add(tx, s->id, m);
		else
			e = store_member_remove(tx, s->id, m.id);
		if (!err_is(e, ERR_CONFLICT) && !err_is(e, ERR_NOT_FOUND))
			TRY(e);
		err_forget(e);
	}
	return OK;
}

static err_t
show_group(struct tx *tx, void *arg)
{
	struct showing *s = arg;
	struct group group;

	TRY(store_group_get(tx, s->a, s->id, &group));
	if (json_true(json_get(s->body, "delete"))) {
		s->g.change = "group";
		TRY(regroup_group(tx, s->a, s->id, &s->g));
		TRY(store_group_delete(tx, s->id));
		return show(tx, s);
	}
	TRY(members(tx, s, s->drop, false, true));
	TRY(members(tx, s, s->add, true, true));
	TRY(members(tx, s, s->drop, false, false));
	TRY(members(tx, s, s->add, true, false));
	return show(tx, s);
}

static err_t
show_filter(struct tx *tx, void *arg)
{
	struct showing *s = arg;
	struct filter f;
	struct rule *rule;

	TRY(store_filter_get(tx, s->a, s->id, &f));
	TRY(rights_demand(
	    s->who, PERM_FILTERS_READ, PERM_FILTERS_READ, f.scope_tags, "assignment filter"));
	TRY(json_need_text(s->body, "rule", LIMIT_RULE, &f.rule));
	TRY(rule_parse(s->a, f.rule, rule_platform(f.platform), &rule));
	TRY(regroup_filter(tx, s->a, s->id, &s->g));
	TRY(store_filter_update(tx, &f));
	return show(tx, s);
}

static err_t
answer(struct http_req *r, struct showing *s, store_fn fn)
{
	auto_json json *out = NULL;
	err_t e = store_write(api_of(r)->store, fn, s);

	if (!s->shown || !err_is(e, ERR_READ_ONLY))
		return e;
	err_forget(e);
	/* Which profiles there are is for who may see them. */
	if ((s->who->perms & PERM_CONFIG_READ) == 0)
		s->g.n = 0;
	out = regroup_json(s->a, &s->g, &s->effect);
	return reply_json(r, 200, out);
}

static err_t
post_group(struct http_req *r)
{
	auto_json json *body = NULL;
	json *add = NULL, *drop = NULL;
	struct showing s = { .a = http_arena(r),
		.who = http_caller(r),
		.g = { .change = "members", .shows = true } };

	TRY(param_id(r, "id", &s.id));
	TRY(body_object(r, &body));
	TRY(json_want_array(body, "add", MEMBERS_MAX, &add));
	TRY(json_want_array(body, "remove", MEMBERS_MAX, &drop));
	if (json_count(add) + json_count(drop) == 0 && !json_true(json_get(body, "delete")))
		FAIL(ERR_BAD_REQUEST, "\"add\", \"remove\" or \"delete\" is missing");
	s.body = body;
	s.add = add;
	s.drop = drop;
	return answer(r, &s, show_group);
}

static err_t
post_filter(struct http_req *r)
{
	auto_json json *body = NULL;
	struct showing s = { .a = http_arena(r),
		.who = http_caller(r),
		.g = { .change = "filter", .shows = true } };

	TRY(param_id(r, "id", &s.id));
	TRY(body_object(r, &body));
	s.body = body;
	return answer(r, &s, show_filter);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/chancery/v1/groups/{id}/effect", PERM_GROUPS_READ | PERM_MEMBERS_READ,
	    post_group),
	ROUTE(POST, "/chancery/v1/assignmentFilters/{id}/effect", PERM_FILTERS_READ | PERM_SCOPED,
	    post_filter),
	{ 0 },
};

const struct resource resource_regroups = { "regroups", routes };

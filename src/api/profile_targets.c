/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .../deviceConfigurations/{id}/assignments/{assignment} and groupAssignments: the targets of a profile one at a time,
 * beside `assign`, which replaces them all. Each is one transaction with the checks of `assign`, so that two people who add
 * a group each both find it there.
 *
 * An assignment's key is <profile>_<group>; all devices and all users have group identifiers of their own.
 */
#include "api/assignments.h"
#include "api/reach.h"

#define SET "deviceManagement/deviceConfigurations"
#define ACCESS "deviceManagement/resourceAccessProfiles"

static const char *
set_of(const struct http_req *r)
{
	return strcasestr(http_path(r), "/resourceAccessProfiles") != NULL ? ACCESS : SET;
}

static struct reach_guard *
guard_of(struct http_req *r)
{
	struct reach_guard *g = reach_guard_of(r, PERM_CONFIG_WRITE);

	g->access_only = strcmp(set_of(r), ACCESS) == 0;
	return g;
}

struct one {
	struct arena *a;
	struct id profile;
	const char *key;
	bool access_only; /* another profile is not there */
	struct assignment found;
};

static err_t
one_of(struct http_req *r, unsigned perms, struct one *ret)
{
	const char *key = http_param(r, "assignment");

	*ret = (struct one){
		.a = http_arena(r), .key = key, .access_only = strcmp(set_of(r), ACCESS) == 0
	};
	TRY(rights_profile(r, perms));
	return param_id(r, "id", &ret->profile);
}

static err_t
find(struct tx *tx, void *arg)
{
	struct one *o = arg;
	struct assignment *v;
	const struct profile_type *t;
	struct profile p;
	size_t n;

	TRY(store_profile_get(tx, o->a, o->profile, &p));
	TRY(profile_type_find(p.type, &t));
	if (o->access_only && t->set != SET_ACCESS)
		FAIL(ERR_NOT_FOUND, "the profile is one of deviceConfigurations");
	TRY(store_assignments(tx, o->a, o->profile, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (str_ieq_c(str_c(o->key), assignment_key(o->a, &v[i]))) {
			o->found = v[i];
			return OK;
		}
	FAIL(ERR_NOT_FOUND, "the profile has no assignment '%s'", text_safe(o->a, str_c(o->key)));
}

static err_t
reply_one(struct http_req *r, int status, const struct assignment *x, bool group)
{
	struct arena *a = http_arena(r);
	const char *below = group ? "groupAssignments" : "assignments";
	const char *set = arena_printf(a, "%s('%s')/%s", set_of(r), id_text(a, x->profile), below);
	const char *location = arena_printf(
	    a, "/%s/%s/%s/%s", set_of(r), id_text(a, x->profile), below, assignment_key(a, x));

	return reply_entity(r, status, set, status == 201 ? location : NULL, NULL,
	    group ? group_assignment_json(a, x) : assignment_json(a, x));
}

static err_t
get_as(struct http_req *r, bool group)
{
	struct query q;
	struct one o;

	TRY(one_of(r, PERM_CONFIG_READ, &o));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, find, &o));
	if (group && o.found.kind != TARGET_GROUP && o.found.kind != TARGET_EXCLUDE_GROUP)
		FAIL(ERR_NOT_FOUND, "the assignment is not to a group");
	return reply_one(r, 200, &o.found, group);
}

static err_t
get(struct http_req *r)
{
	return get_as(r, false);
}

static err_t
get_group(struct http_req *r)
{
	return get_as(r, true);
}

static err_t
add(struct http_req *r, bool group)
{
	const struct caller *who = http_caller(r);
	auto_json json *body = NULL;
	struct warnings w = { .n = 0 };
	struct assignment x = { 0 };
	struct one o;

	TRY(one_of(r, PERM_CONFIG_WRITE, &o));
	TRY(body_object(r, &body));
	if (group)
		TRY(group_assignment_read(body, &x));
	else
		TRY(assignment_read(o.a, body, &x));
	x.profile = o.profile;
	TRY(profile_assign_one(api_of(r)->store, o.a, who->actor, o.profile, NULL, &x,
	    reach_guard_check, guard_of(r), &w));
	return reply_one(r, 201, &x, group);
}

static err_t
post(struct http_req *r)
{
	return add(r, false);
}

static err_t
post_group(struct http_req *r)
{
	return add(r, true);
}

/* Another target in the place of this one: another filter, or another group and so another key. */
static err_t
patch(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	auto_json json *body = NULL;
	struct warnings w = { .n = 0 };
	struct assignment x = { 0 };
	struct one o;

	TRY(one_of(r, PERM_CONFIG_WRITE, &o));
	TRY(body_object(r, &body));
	TRY(assignment_read(o.a, body, &x));
	x.profile = o.profile;
	TRY(store_read(api_of(r)->store, find, &o));
	TRY(profile_assign_one(api_of(r)->store, o.a, who->actor, o.profile, &o.found, &x,
	    reach_guard_check, guard_of(r), &w));
	return reply_one(r, 200, &x, false);
}

static err_t delete (struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct warnings w = { .n = 0 };
	struct one o;

	TRY(one_of(r, PERM_CONFIG_WRITE, &o));
	TRY(store_read(api_of(r)->store, find, &o));
	TRY(profile_assign_one(api_of(r)->store, o.a, who->actor, o.profile, &o.found, NULL,
	    reach_guard_check, guard_of(r), &w));
	return reply_empty(r, 204);
}

struct group_list {
	struct one one;
	json *value;
};

static err_t
read_groups(struct tx *tx, void *arg)
{
	struct group_list *l = arg;
	struct profile p;

	json_free(l->value);
	l->value = NULL;
	TRY(store_profile_get(tx, l->one.a, l->one.profile, &p));
	return group_assignments_json(tx, l->one.a, l->one.profile, &l->value);
}

static err_t
list_groups(struct http_req *r)
{
	auto_json json *out = json_object_new();
	struct group_list l = { .value = NULL };
	struct query q;
	err_t e;

	TRY(one_of(r, PERM_CONFIG_READ, &l.one));
	TRY(query_read(r, QUERY_ENTITY, &q));
	if (q.o.nselect > 0)
		FAIL(ERR_BAD_REQUEST, "$select is not supported here");
	e = store_read(api_of(r)->store, read_groups, &l);
	json_set_text(out, "@odata.context",
	    arena_printf(l.one.a, "%s/%s/$metadata#" SET "('%s')/groupAssignments", reply_root(r),
		reply_version(r), id_text(l.one.a, l.one.profile)));
	if (l.value != NULL)
		json_set(out, "value", l.value);
	TRY(e);
	return reply_json(r, 200, out);
}

#define ONE "/" SET "/{id}"

static const struct http_route routes[] = {
	GRAPH(POST, ONE "/assignments", PERM_CONFIG_WRITE | PERM_SCOPED, post),
	GRAPH(GET, ONE "/assignments/{assignment}", PERM_CONFIG_READ | PERM_SCOPED, get),
	GRAPH(PATCH, ONE "/assignments/{assignment}", PERM_CONFIG_WRITE | PERM_SCOPED, patch),
	GRAPH(DELETE, ONE "/assignments/{assignment}", PERM_CONFIG_WRITE | PERM_SCOPED, delete),
	GRAPH(POST, "/" ACCESS "/{id}/assignments", PERM_CONFIG_WRITE | PERM_SCOPED, post),
	GRAPH(
	    GET, "/" ACCESS "/{id}/assignments/{assignment}", PERM_CONFIG_READ | PERM_SCOPED, get),
	GRAPH(PATCH, "/" ACCESS "/{id}/assignments/{assignment}", PERM_CONFIG_WRITE | PERM_SCOPED,
	    patch),
	GRAPH(DELETE, "/" ACCESS "/{id}/assignments/{assignment}", PERM_CONFIG_WRITE | PERM_SCOPED,
	    delete),
	GRAPH(GET, ONE "/groupAssignments", PERM_CONFIG_READ | PERM_SCOPED, list_groups),
	GRAPH(POST, ONE "/groupAssignments", PERM_CONFIG_WRITE | PERM_SCOPED, post_group),
	GRAPH(GET, ONE "/groupAssignments/{assignment}", PERM_CONFIG_READ | PERM_SCOPED, get_group),
	GRAPH(
	    DELETE, ONE "/groupAssignments/{assignment}", PERM_CONFIG_WRITE | PERM_SCOPED, delete),
	{ 0 },
};

const struct resource resource_profile_targets = { "profile_targets", routes };

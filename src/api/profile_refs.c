/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .../deviceConfigurations/{id}[/{type}]/<reference>: the profiles that a Wi-Fi, VPN or mail profile names, read and changed
 * one at a time as Graph does: GET of one or of the list, PUT and DELETE of one, POST and DELETE of an element of a list.
 *
 * Which names there are is a column of the kinds (model/kind.h, struct reference); what none has is no path at all.
 *
 * Not here: the one trusted root of a certificate profile (device_configurations.c), what a reference must be to
 * (model/refs.h).
 */
#include "api/reach.h"
#include "api/reply.h"
#include "model/refs.h"

#define SET "deviceManagement/deviceConfigurations"

struct look {
	struct arena *a;
	struct id id;
	struct profile profile;
	struct used *used;
	size_t n;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(store_profile_get(tx, l->a, l->id, &l->profile));
	return refs_load(tx, l->a, &l->profile, &l->used, &l->n);
}

/* The reference of that name, of a profile that the caller may see; a type in the path must be its own. */
static err_t
find(struct http_req *r, const char *cast, const char *name, struct look *l,
    const struct reference **ret)
{
	const struct profile_type *t;
	const char *own, *asked = cast == NULL ? NULL : strrchr(cast, '.');

	l->a = http_arena(r);
	TRY(param_id(r, "id", &l->id));
	TRY(store_read(api_of(r)->store, look, l));
	TRY(rights_demand(
	    http_caller(r), PERM_CONFIG_READ, PERM_CONFIG_READ, l->profile.scope_tags, "profile"));
	TRY(profile_type_find(l->profile.type, &t));
	own = strrchr(t->name, '.');
	if (cast != NULL && (asked == NULL || !str_ieq_c(str_c(asked), own)))
		FAIL(ERR_NO_SEGMENT, "the profile is not of type '%s'",
		    text_safe(l->a, str_c(cast)));
	*ret = refs_named(t, name);
	if (*ret == NULL)
		FAIL(
		    ERR_NO_SEGMENT, "type '%s' has no '%s'", own + 1, text_safe(l->a, str_c(name)));
	return OK;
}

static err_t
reply_many(struct http_req *r, const struct look *l, const struct reference *ref)
{
	auto_json json *out = json_object_new();
	json *value = json_array_new(), *one;

	json_set(out, "value", value);
	json_set_text(out, "@odata.context",
	    arena_printf(l->a, "%s/%s/$metadata#" SET, reply_root(r), reply_version(r)));
	for (size_t i = 0; i < l->n; i++) {
		const struct profile *p = &l->used[i].profile;

		if (l->used[i].as != ref ||
		    !rights_reach(http_caller(r), PERM_CONFIG_READ, p->scope_tags))
			continue;
		TRY(profile_json(l->a, p, &one));
		json_add(value, one);
	}
	return reply_json(r, 200, out);
}

static err_t
get(struct http_req *r)
{
	const struct reference *ref;
	struct look l = { 0 };
	struct query q;
	json *j;

	TRY(rights_profile(r, PERM_CONFIG_READ));
	TRY(find(r, http_param(r, "cast"), http_param(r, "reference"), &l, &ref));
	TRY(query_read(r, QUERY_ENTITY, &q));
	if (ref->many && q.o.nselect > 0)
		FAIL(ERR_BAD_REQUEST, "$select is not supported here");
	if (ref->many)
		return reply_many(r, &l, ref);
	for (size_t i = 0; i < l.n; i++) {
		if (l.used[i].as != ref)
			continue;
		TRY(rights_demand(http_caller(r), PERM_CONFIG_READ, PERM_CONFIG_READ,
		    l.used[i].profile.scope_tags, "profile"));
		TRY(profile_json(l.a, &l.used[i].profile, &j));
		return reply_entity(r, 200, SET, NULL, &q, j);
	}
	FAIL(ERR_NOT_FOUND, "the profile has no %s", ref->name);
}

static err_t
change(struct http_req *r, const char *cast, const char *name, enum refs_op op, struct id to)
{
	const struct caller *who = http_caller(r);
	const struct reference *ref;
	struct warnings w = { .n = 0 };
	struct look l = { 0 };
	bool of_many = op == REFS_ADD || op == REFS_REMOVE;

	TRY(rights_profile(r, PERM_CONFIG_WRITE));
	TRY(find(r, cast, name, &l, &ref));
	if (ref->many != of_many)
		FAIL(ERR_NO_SEGMENT, "'%s' is %s", ref->name,
		    ref->many ? "a list: POST adds to it, DELETE .../{id}/$ref takes one away" :
				"a single one: PUT sets it, DELETE takes it away");
	TRY(profile_refer(api_of(r)->store, l.a, who->actor, l.id, ref->name, op, to,
	    reach_guard_check, reach_guard_of(r, PERM_CONFIG_WRITE), &w));
	return reply_empty(r, 204);
}

/* {"@odata.id": ".../deviceConfigurations('<id>')"} */
static err_t
target(struct http_req *r, struct id *ret)
{
	auto_json json *body = NULL;
	const json *url;

	TRY(body_object(r, &body));
	url = json_get(body, "@odata.id");
	if (url == NULL)
		FAIL(ERR_BAD_REQUEST, "the body must have \"@odata.id\"");
	return refs_url("@odata.id", url, ret);
}

static err_t
put(struct http_req *r)
{
	struct id to;

	TRY(target(r, &to));
	return change(r, http_param(r, "cast"), http_param(r, "reference"), REFS_SET, to);
}

static err_t
post(struct http_req *r)
{
	struct id to;

	TRY(target(r, &to));
	return change(r, http_param(r, "cast"), http_param(r, "reference"), REFS_ADD, to);
}

static err_t
delete_one(struct http_req *r)
{
	return change(r, NULL, http_param(r, "reference"), REFS_CLEAR, (struct id){ { 0 } });
}

/* {type}/{reference}, or {reference}/{id of an element}. */
static err_t
delete_either(struct http_req *r)
{
	const char *first = http_param(r, "cast"), *second = http_param(r, "reference");
	struct id id;
	err_t e = id_parse(str_c(second), &id);

	if (err_ok(e))
		return change(r, NULL, first, REFS_REMOVE, id);
	err_forget(e);
	return change(r, first, second, REFS_CLEAR, (struct id){ { 0 } });
}

static err_t
delete_element(struct http_req *r)
{
	struct id id;

	TRY(param_id(r, "element", &id));
	return change(r, http_param(r, "cast"), http_param(r, "reference"), REFS_REMOVE, id);
}

#define ONE "/" SET "/{id}"
#define READS PERM_CONFIG_READ | PERM_SCOPED
#define WRITES PERM_CONFIG_WRITE | PERM_SCOPED

static const struct http_route routes[] = {
	GRAPH(GET, ONE "/{reference}", READS, get),
	GRAPH(GET, ONE "/{cast}/{reference}", READS, get),
	GRAPH(PUT, ONE "/{reference}/$ref", WRITES, put),
	GRAPH(PUT, ONE "/{cast}/{reference}/$ref", WRITES, put),
	GRAPH(POST, ONE "/{reference}/$ref", WRITES, post),
	GRAPH(POST, ONE "/{cast}/{reference}/$ref", WRITES, post),
	GRAPH(DELETE, ONE "/{reference}/$ref", WRITES, delete_one),
	GRAPH(DELETE, ONE "/{cast}/{reference}/$ref", WRITES, delete_either),
	GRAPH(DELETE, ONE "/{cast}/{reference}/{element}/$ref", WRITES, delete_element),
	{ 0 },
};

const struct resource resource_profile_refs = { "profile_refs", routes };

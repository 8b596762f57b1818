/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which groups something is in: memberOf and transitiveMemberOf of users, groups and devices, checkMemberGroups,
 * getMemberGroups and getMemberObjects (Graph 1.0). One recursive statement through an index answers, whatever the size of
 * the groups.
 */
#include "api/users.h"

struct of_object {
	struct arena *a;
	const char *key; /* a user may be named by UPN */
	bool direct;
	struct id *groups;
	size_t n;
};

static err_t
groups_of(struct tx *tx, void *arg)
{
	struct of_object *o = arg;
	struct object found;
	struct user u;
	struct id id;

	if (strchr(o->key, '@') != NULL) {
		TRY(store_user_by_upn(tx, o->a, o->key, &u));
		id = u.id;
	} else {
		if (!err_ok(id_parse(str_c(o->key), &id)))
			FAIL(ERR_NOT_FOUND, "'%s'", text_safe(o->a, str_c(o->key)));
		TRY(object_find(tx, o->a, 0, id, &found));
		json_free(found.entity);
	}
	if (o->direct)
		return store_groups_direct(tx, o->a, id, &o->groups, &o->n);
	return store_groups_of(tx, o->a, id, &o->groups, &o->n);
}

struct shown {
	struct of_object of;
	unsigned perms;
};

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id));
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct shown *s = arg;
	struct of_object of = s->of;

	(void)q;
	TRY(groups_of(tx, &of));
	if (of.n > 0)
		qsort(of.groups, of.n, sizeof(*of.groups), by_id);
	*more = false;
	for (size_t i = 0; i < of.n; i++) {
		struct object o;

		if (by_id(&of.groups[i], &p.after) <= 0)
			continue;
		if (rows->n == p.limit) {
			*more = true;
			return OK;
		}
		TRY(object_find(tx, a, s->perms, of.groups[i], &o));
		rows_add(rows, of.groups[i], o.entity);
	}
	return OK;
}

static struct of_object
of_request(struct http_req *r)
{
	return (struct of_object){ .a = http_arena(r),
		.key = http_param(r, "id"),
		.direct = strcasestr(http_path(r), "/memberOf") != NULL };
}

static err_t
list(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct shown s = { .of = of_request(r), .perms = who->perms };
	struct collection c = { .set = "directoryObjects", .read = read_page, .arg = &s };

	return reply_collection(r, &c, 0);
}

static err_t
reply_ids(struct http_req *r, const struct id *v, size_t n)
{
	struct arena *a = http_arena(r);
	auto_json json *out = json_object_new();
	json *value = json_array_new();

	json_set_text(out, "@odata.context",
	    arena_printf(
		a, "%s/%s/$metadata#Collection(Edm.String)", reply_root(r), reply_version(r)));
	json_set(out, "value", value);
	for (size_t i = 0; i < n; i++)
		json_add(value, json_text_new(id_text(a, v[i])));
	return reply_json(r, 200, out);
}

/* Those of the groups asked for that it is in. */
static err_t
check(struct http_req *r)
{
	struct of_object o = of_request(r);
	auto_json json *body = NULL;
	struct id *hits;
	size_t n = 0;
	json *ids;

	TRY(body_object(r, &body));
	TRY(json_need_array(body, "groupIds", 20, &ids));
	TRY(store_read(api_of(r)->store, groups_of, &o));
	hits = arena_array(o.a, json_count(ids) + 1, sizeof(*hits));
	for (size_t i = 0; i < json_count(ids); i++) {
		struct id id;

		if (!err_ok(id_parse(str_c(json_text(json_at(ids, i))), &id)))
			FAIL(ERR_BAD_REQUEST, "\"groupIds\" holds something that is no identifier");
		for (size_t k = 0; k < o.n; k++)
			if (id_eq(o.groups[k], id)) {
				hits[n++] = id;
				break;
			}
	}
	return reply_ids(r, hits, n);
}

/* Every group here is a security group, so "securityEnabledOnly" changes nothing. */
static err_t
all(struct http_req *r)
{
	struct of_object o = of_request(r);

	TRY(store_read(api_of(r)->store, groups_of, &o));
	return reply_ids(r, o.groups, o.n);
}

#define ANY_READ (PERM_USERS_READ | PERM_GROUPS_READ | PERM_MEMBERS_READ | PERM_DEVICES_READ)
#define OF(set, perm) \
	GRAPH(GET, set "/{id}/memberOf", perm, list), \
	    GRAPH(GET, set "/{id}/transitiveMemberOf", perm, list), \
	    GRAPH(POST, set "/{id}/checkMemberGroups", perm, check), \
	    GRAPH(POST, set "/{id}/getMemberGroups", perm, all), \
	    GRAPH(POST, set "/{id}/getMemberObjects", perm, all)

static const struct http_route routes[] = {
	OF("/users", PERM_USERS_READ | PERM_MEMBERS_READ),
	OF("/groups", PERM_GROUPS_READ | PERM_MEMBERS_READ),
	OF("/devices", PERM_DEVICES_READ | PERM_MEMBERS_READ),
	OF("/directoryObjects", ANY_READ),
	{ 0 },
};

const struct resource resource_member_of = { "member_of", routes };

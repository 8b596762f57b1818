/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of groups: users, devices and groups, added and removed by reference (Graph 1.0, OData $ref). And
 * directoryObjects/getByIds, which resolves identifiers of any of the three.
 */
#include "api/regroups.h"
#include "api/users.h"

/* Of what the caller may not read, only type and identifier are shown, as Graph does. */
err_t
object_find(struct tx *tx, struct arena *a, unsigned perms, struct id id, struct object *ret)
{
	struct user u, owner;
	struct group g;
	struct device d;
	const struct user *of;
	struct object o = { .kind = MEMBER_USER };
	const char *type = "#microsoft.graph.user";
	unsigned need = PERM_USERS_READ;
	json *j;
	err_t e = store_user_get(tx, a, id, &u);

	if (err_ok(e)) {
		TRY(user_json(a, &u, &j));
	} else if (!err_is(e, ERR_NOT_FOUND)) {
		return e;
	} else if (err_forget(e), err_ok(e = store_group_get(tx, a, id, &g))) {
		o.kind = MEMBER_GROUP;
		need = PERM_GROUPS_READ;
		type = "#microsoft.graph.group";
		TRY(group_json(a, &g, &j));
	} else if (!err_is(e, ERR_NOT_FOUND)) {
		return e;
	} else {
		err_forget(e);
		TRY(store_device_get(tx, a, id, &d));
		o.kind = MEMBER_DEVICE;
		need = PERM_DEVICES_READ;
		type = "#microsoft.graph.device";
		TRY(device_user(tx, a, &d, &owner, &of));
		TRY(device_json(a, &d, of, &j));
	}
	o.entity = json_object_new();
	json_set_text(o.entity, "@odata.type", type);
	for (void *it = json_iter(j); it != NULL; it = json_iter_next(j, it))
		if ((perms & need) != 0 || strcmp(json_iter_key(it), "id") == 0)
			json_set(o.entity, json_iter_key(it), json_ref(json_iter_value(it)));
	json_free(j);
	*ret = o;
	return OK;
}

struct change {
	struct arena *a;
	const struct caller *who;
	struct id group, member;
	struct warnings warn;
};

static err_t
audit(struct tx *tx, const struct change *c, const char *action)
{
	const char *member = arena_printf(c->a, "{\"member\":\"%s\"}", id_text(c->a, c->member));
	bool added = strcmp(action, "group.member.add") == 0;

	return store_audit_add(tx, c->who->actor, action, target_text(c->a, "group", c->group),
	    added ? "" : member, added ? member : "");
}

static err_t
group_owned(struct tx *tx, struct arena *a, struct id group)
{
	struct group g;

	TRY_CTX(store_group_get(tx, a, group, &g), "group");
	return owned_check(g.source, g.display_name);
}

static err_t
add(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct regroup g = { .change = "members" };
	struct object o;
	struct member m;
	err_t e;

	TRY(group_owned(tx, c->a, c->group));
	TRY(rights_guard_member(tx, c->a, c->who, c->group));
	TRY_CTX(object_find(tx, c->a, 0, c->member, &o), "member");
	json_free(o.entity);
	m = (struct member){ .id = c->member, .kind = o.kind };
	TRY(regroup_member(tx, c->a, c->group, m, true, &g));
	e = store_member_add(tx, c->group, m);
	if (err_is(e, ERR_CONFLICT))
		FAIL(ERR_REFERENCE_EXISTS, "%s", id_text(c->a, c->member));
	TRY(e);
	TRY(regroup_after(tx, c->a, c->who->actor, &g, NULL, NULL, &c->warn));
	TRY(nudge_member(tx, c->a, c->member, o.kind));
	return audit(tx, c, "group.member.add");
}

err_t
member_add(
    struct tx *tx, struct arena *a, const struct caller *who, struct id group, struct id member)
{
	return add(tx, &(struct change){ .a = a, .who = who, .group = group, .member = member });
}

err_t
members_bind(
    struct tx *tx, struct arena *a, const struct caller *who, struct id group, const json *body)
{
	json *list = NULL;

	TRY(json_want_array(body, "members@odata.bind", 20, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		struct id id;

		TRY(reference_id(json_text(json_at(list, i)), &id));
		TRY(member_add(tx, a, who, group, id));
	}
	return OK;
}

static err_t
drop(struct tx *tx, void *arg)
{
	struct change *c = arg;
	/* What is not in the directory any more is treated as a group: everybody looks. */
	struct object o = { .kind = MEMBER_GROUP };
	struct regroup g = { .change = "members" };
	err_t e;

	TRY(group_owned(tx, c->a, c->group));
	TRY(rights_guard_member(tx, c->a, c->who, c->group));
	e = object_find(tx, c->a, 0, c->member, &o);
	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	json_free(o.entity);
	TRY(regroup_member(tx, c->a, c->group, (struct member){ c->member, o.kind }, false, &g));
	TRY(store_member_remove(tx, c->group, c->member));
	TRY(regroup_after(tx, c->a, c->who->actor, &g, NULL, NULL, &c->warn));
	TRY(nudge_member(tx, c->a, c->member, o.kind));
	return audit(tx, c, "group.member.remove");
}

static err_t
post_ref(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .who = who };
	auto_json json *body = NULL;
	const char *url;

	TRY(param_id(r, "id", &c.group));
	TRY(body_object(r, &body));
	TRY(json_need_text(body, "@odata.id", LIMIT_LONG_TEXT, &url));
	TRY(reference_id(url, &c.member));
	TRY(store_write(api_of(r)->store, add, &c));
	return reply_warned(r, &c.warn);
}

static err_t
delete_ref(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .who = who };

	TRY(param_id(r, "id", &c.group));
	TRY(param_id(r, "member", &c.member));
	TRY(store_write(api_of(r)->store, drop, &c));
	return reply_warned(r, &c.warn);
}

err_t
members_json(struct tx *tx, struct arena *a, unsigned perms, struct id group, json **ret)
{
	auto_json json *list = json_array_new();
	struct member *v;
	bool more;
	size_t n;

	TRY(store_member_list(tx, a, group, (struct page){ .limit = 20 }, &v, &n, &more));
	for (size_t i = 0; i < n; i++) {
		struct object o;
		err_t e = object_find(tx, a, perms, v[i].id, &o);

		if (err_ok(e))
			json_add(list, o.entity);
		else if (!err_is(e, ERR_NOT_FOUND))
			return e;
		else
			err_forget(e);
	}
	*ret = steal(list);
	return OK;
}

struct of_group {
	struct id group;
	unsigned perms;
	bool transitive;
	enum member_kind only; /* 0: all */
};

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct of_group *of = arg;
	struct group g;
	struct member *v;
	size_t n;

	(void)q;
	TRY(store_group_get(tx, a, of->group, &g));
	if (of->transitive)
		TRY(store_member_list_all(tx, a, of->group, p, &v, &n, more));
	else
		TRY(store_member_list(tx, a, of->group, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		struct object o;
		err_t e;

		if (of->only != 0 && v[i].kind != of->only) {
			rows_pass(rows, v[i].id);
			continue;
		}
		e = object_find(tx, a, of->perms, v[i].id, &o);
		/* A device that is gone may still stand in a group. */
		if (err_is(e, ERR_NOT_FOUND)) {
			err_forget(e);
			rows_pass(rows, v[i].id);
			continue;
		}
		TRY(e);
		rows_add(rows, v[i].id, o.entity);
	}
	return OK;
}

/* members/microsoft.graph.user: only those. */
static err_t
read_cast(struct http_req *r, enum member_kind *ret)
{
	static const struct {
		const char *name;
		enum member_kind kind;
	} casts[] = { { "microsoft.graph.user", MEMBER_USER },
		{ "microsoft.graph.device", MEMBER_DEVICE },
		{ "microsoft.graph.group", MEMBER_GROUP } };
	const char *cast = http_param(r, "cast");

	*ret = 0;
	if (cast == NULL)
		return OK;
	for (size_t i = 0; i < COUNT(casts); i++)
		if (str_ieq_c(str_c(cast), casts[i].name)) {
			*ret = casts[i].kind;
			return OK;
		}
	FAIL(ERR_NO_SEGMENT, "'%s'", text_safe(http_arena(r), str_c(cast)));
}

static err_t
of_request(struct http_req *r, struct of_group *ret)
{
	const struct caller *who = http_caller(r);

	*ret = (struct of_group){ .perms = who->perms,
		.transitive = strcasestr(http_path(r), "/transitiveMembers") != NULL };
	TRY(read_cast(r, &ret->only));
	return param_id(r, "id", &ret->group);
}

static err_t
list(struct http_req *r)
{
	struct of_group of;
	struct collection c = { .set = "directoryObjects", .read = read_page, .arg = &of };

	TRY(of_request(r, &of));
	return reply_collection(r, &c, 0);
}

static err_t
count(struct http_req *r)
{
	struct of_group of;
	struct collection c = { .set = "directoryObjects", .read = read_page, .arg = &of };

	TRY(of_request(r, &of));
	return reply_count(r, &c);
}

struct resolve {
	struct arena *a;
	unsigned perms;
	const json *ids;
	struct rows rows;
};

static err_t
resolve(struct tx *tx, void *arg)
{
	struct resolve *x = arg;

	for (size_t i = 0; i < json_count(x->ids); i++) {
		struct object o;
		struct id id;
		err_t e;

		if (!err_ok(id_parse(str_c(json_text(json_at(x->ids, i))), &id)))
			FAIL(ERR_BAD_REQUEST, "\"ids\" holds something that is no identifier");
		e = object_find(tx, x->a, x->perms, id, &o);
		if (err_is(e, ERR_NOT_FOUND)) {
			err_forget(e);
			continue;
		}
		TRY(e);
		rows_add(&x->rows, id, o.entity);
	}
	return OK;
}

static err_t
get_by_ids(struct http_req *r)
{
	auto_json json *body = NULL;
	auto_json json *out = json_object_new();
	const struct caller *who = http_caller(r);
	struct resolve x = { .a = http_arena(r), .perms = who->perms };
	struct query q;
	json *ids, *value = json_array_new();
	err_t e;

	json_set_text(out, "@odata.context", reply_context(r, "directoryObjects", NULL, false));
	json_set(out, "value", value);
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(body_object(r, &body));
	TRY(json_need_array(body, "ids", LIMIT_PAGE, &ids));
	x.ids = ids;
	e = store_read(api_of(r)->store, resolve, &x);
	for (size_t i = 0; i < x.rows.n && err_ok(e); i++) {
		e = reply_narrow(&q, x.rows.v[i].entity);
		json_add(value, steal(x.rows.v[i].entity));
	}
	rows_free(&x.rows);
	TRY(e);
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/groups/{id}/members", PERM_MEMBERS_READ, list),
	GRAPH(GET, "/groups/{id}/members/$count", PERM_MEMBERS_READ, count),
	GRAPH(GET, "/groups/{id}/members/{cast}", PERM_MEMBERS_READ, list),
	GRAPH(GET, "/groups/{id}/members/{cast}/$count", PERM_MEMBERS_READ, count),
	GRAPH(GET, "/groups/{id}/transitiveMembers", PERM_MEMBERS_READ, list),
	GRAPH(GET, "/groups/{id}/transitiveMembers/$count", PERM_MEMBERS_READ, count),
	GRAPH(GET, "/groups/{id}/transitiveMembers/{cast}", PERM_MEMBERS_READ, list),
	GRAPH(POST, "/groups/{id}/members/$ref", PERM_MEMBERS_WRITE, post_ref),
	GRAPH(DELETE, "/groups/{id}/members/{member}/$ref", PERM_MEMBERS_WRITE, delete_ref),
	GRAPH(POST, "/directoryObjects/getByIds",
	    PERM_USERS_READ | PERM_GROUPS_READ | PERM_DEVICES_READ, get_by_ids),
	{ 0 },
};

const struct resource resource_members = { "members", routes };

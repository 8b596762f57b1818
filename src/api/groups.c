/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /groups: security groups that profiles are assigned to. Graph 1.0 group without mail, Microsoft 365 and dynamic
 * membership, which are refused by name. Members: api/members.c.
 */
#include "api/users.h"

static const struct field fields[] = {
	FIELD(struct group, id, FIELD_ID, .name = "id", .flags = FIELD_READONLY,
	    .help = "Identifier."),
	FIELD(struct group, display_name, FIELD_TEXT, .name = "displayName",
	    .flags = FIELD_REQUIRED, .help = "Name for people."),
	FIELD(struct group, description, FIELD_TEXT, .name = "description", .max = LIMIT_LONG_TEXT,
	    .help = "What it is for."),
	FIELD(
	    struct group, mail_nickname, FIELD_TEXT, .name = "mailNickname", .help = "Short name."),
	FIELD(struct group, created, FIELD_WHEN, .name = "createdDateTime", .flags = FIELD_READONLY,
	    .help = "When it was made."),
};
static const char *const known[] = { "mailEnabled", "securityEnabled", "groupTypes", NULL };

err_t
group_json(struct arena *a, const struct group *g, json **ret)
{
	auto_json json *j = json_object_new();

	TRY(field_write(a, fields, COUNT(fields), g, j));
	json_set_bool(j, "mailEnabled", false);
	json_set_bool(j, "securityEnabled", true);
	json_set(j, "groupTypes", json_array_new());
	*ret = steal(j);
	return OK;
}

/* Properties that have one value here: what is asked for must be that. */
static err_t
check_constants(const json *body)
{
	const json *types = json_get(body, "groupTypes");
	const json *security = json_get(body, "securityEnabled");

	if (json_true(json_get(body, "mailEnabled")))
		FAIL(ERR_MODEL_INVALID, "\"mailEnabled\" can only be false");
	if (json_is_bool(security) && !json_true(security))
		FAIL(ERR_MODEL_INVALID, "\"securityEnabled\" can only be true");
	if (json_count(types) != 0)
		FAIL(ERR_MODEL_INVALID, "\"groupTypes\" can only be []");
	return OK;
}

struct change {
	struct arena *a;
	const char *actor;
	struct id id;
	const json *body;
	struct group group;
};

static err_t
text_of(struct change *c, const char **ret)
{
	json *j;

	TRY(group_json(c->a, &c->group, &j));
	return entity_text(c->a, j, ret);
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *after;

	TRY(store_group_insert(tx, &c->group));
	TRY(text_of(c, &after));
	return store_audit_add(
	    tx, c->actor, "group.create", target_text(c->a, "group", c->group.id), "", after);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before, *after;

	TRY(store_group_get(tx, c->a, c->id, &c->group));
	TRY(text_of(c, &before));
	TRY(field_read(c->a, fields, COUNT(fields), c->body, FIELD_UPDATE, known, &c->group));
	c->group.modified = when_now();
	TRY(store_group_update(tx, &c->group));
	TRY(text_of(c, &after));
	return store_audit_add(
	    tx, c->actor, "group.update", target_text(c->a, "group", c->group.id), before, after);
}

static err_t
remove_group(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before;

	TRY(store_group_get(tx, c->a, c->id, &c->group));
	TRY(text_of(c, &before));
	TRY(store_group_delete(tx, c->id));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return store_audit_add(
	    tx, c->actor, "group.delete", target_text(c->a, "group", c->id), before, "");
}

static err_t
change_of(struct http_req *r, bool named, struct change *ret)
{
	const struct caller *who = http_caller(r);

	*ret = (struct change){ .a = http_arena(r), .actor = who->actor };
	return named ? param_id(r, "id", &ret->id) : OK;
}

static err_t
post(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct change c;
	json *j;

	TRY(change_of(r, false, &c));
	TRY(body_object(r, &body));
	TRY(field_read(a, fields, COUNT(fields), body, FIELD_CREATE, known, &c.group));
	TRY(check_constants(body));
	if (json_get(body, "members@odata.bind") != NULL)
		FAIL(ERR_MODEL_INVALID, "add members with POST to members/$ref");
	c.group.id = id_new();
	c.group.source = "api";
	c.group.created = c.group.modified = when_now();
	TRY(store_write(api_of(r)->store, insert, &c));
	TRY(group_json(a, &c.group, &j));
	return reply_entity(
	    r, 201, "groups", arena_printf(a, "/groups/%s", id_text(a, c.group.id)), NULL, j);
}

static err_t
patch(struct http_req *r)
{
	auto_json json *body = NULL;
	struct change c;

	TRY(change_of(r, true, &c));
	TRY(body_object(r, &body));
	TRY(check_constants(body));
	if (json_get(body, "members@odata.bind") != NULL)
		FAIL(ERR_MODEL_INVALID, "add members with POST to members/$ref");
	c.body = body;
	TRY(store_write(api_of(r)->store, update, &c));
	return reply_empty(r, 204);
}

static err_t delete (struct http_req *r)
{
	struct change c;

	TRY(change_of(r, true, &c));
	TRY(store_write(api_of(r)->store, remove_group, &c));
	return reply_empty(r, 204);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return store_group_get(tx, c->a, c->id, &c->group);
}

static err_t
get(struct http_req *r)
{
	struct change c;
	struct query q;
	json *j;

	TRY(change_of(r, true, &c));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	TRY(group_json(c.a, &c.group, &j));
	return reply_entity(r, 200, "groups", NULL, &q, j);
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct group *v;
	size_t n;

	(void)arg;
	(void)q;
	TRY(store_group_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		json *j;

		TRY(group_json(a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static const struct collection groups = { .set = "groups", .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &groups, 0);
}

static err_t
count(struct http_req *r)
{
	return reply_count(r, &groups);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/groups", PERM_GROUPS_READ, list),
	GRAPH(POST, "/groups", PERM_GROUPS_WRITE, post),
	GRAPH(GET, "/groups/$count", PERM_GROUPS_READ, count),
	GRAPH(GET, "/groups/{id}", PERM_GROUPS_READ, get),
	GRAPH(PATCH, "/groups/{id}", PERM_GROUPS_WRITE, patch),
	GRAPH(DELETE, "/groups/{id}", PERM_GROUPS_WRITE, delete),
	{ 0 },
};

const struct resource resource_groups = { "groups", routes };

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /groups: security groups that profiles are assigned to. Graph 1.0 group without mail, Microsoft 365 and dynamic
 * membership, which are refused by name. Members: api/members.c.
 */
#include "api/regroups.h"
#include "api/users.h"

const struct field group_fields[] = {
	FIELD(struct group, id, FIELD_ID, .name = "id", .flags = FIELD_READONLY,
	    .help = "Identifier."),
	FIELD(struct group, display_name, FIELD_TEXT, .name = "displayName",
	    .flags = FIELD_REQUIRED, .help = "Name for people."),
	FIELD(struct group, description, FIELD_TEXT, .name = "description", .max = LIMIT_LONG_TEXT,
	    .help = "What it is for."),
	FIELD(
	    struct group, mail_nickname, FIELD_TEXT, .name = "mailNickname", .help = "Short name."),
	FIELD(struct group, sid, FIELD_TEXT, .name = "onPremisesSecurityIdentifier",
	    .check = check_sid, .help = "SID in Active Directory; unique."),
	FIELD(struct group, sam_account, FIELD_TEXT, .name = "onPremisesSamAccountName",
	    .help = "Short name in Active Directory."),
	FIELD(struct group, op_domain, FIELD_TEXT, .name = "onPremisesDomainName",
	    .help = "DNS name of the domain."),
	FIELD(struct group, cloud_sid, FIELD_TEXT, .name = "securityIdentifier", .check = check_sid,
	    .help = "SID in the cloud."),
	FIELD(struct group, source, FIELD_TEXT, .name = "@chancery.source", .flags = FIELD_READONLY,
	    .help = "Who owns the record: cloud (made here), file (imported), directory (synced)."),
	FIELD(struct group, created, FIELD_WHEN, .name = "createdDateTime", .flags = FIELD_READONLY,
	    .help = "When it was made."),
};
const size_t group_nfields = COUNT(group_fields);
static const char *const known[] = { "mailEnabled", "securityEnabled", "groupTypes", "members",
	"onPremisesSyncEnabled", "membershipRule", "membershipRuleProcessingState", "visibility",
	"isAssignableToRole", NULL };

err_t
group_json(struct arena *a, const struct group *g, json **ret)
{
	auto_json json *j = json_object_new();

	TRY(field_write(a, group_fields, group_nfields, g, j));
	texts_to_null(j);
	json_set_bool(j, "mailEnabled", false);
	json_set_bool(j, "securityEnabled", true);
	json_set(j, "groupTypes", json_array_new());
	json_set_bool(j, "onPremisesSyncEnabled", strcmp(g->source, SOURCE_DIRECTORY) == 0);
	*ret = steal(j);
	return OK;
}

/* Properties that have one value here: what is asked for must be that. */
static err_t
check_constants(const json *body)
{
	static const char *const empty[] = { "membershipRule", "membershipRuleProcessingState",
		"visibility" };
	const json *types = json_get(body, "groupTypes");
	const json *security = json_get(body, "securityEnabled");

	if (json_true(json_get(body, "mailEnabled")))
		FAIL(ERR_MODEL_INVALID, "\"mailEnabled\" can only be false");
	if (json_is_bool(security) && !json_true(security))
		FAIL(ERR_MODEL_INVALID, "\"securityEnabled\" can only be true");
	if (json_count(types) != 0)
		FAIL(ERR_MODEL_INVALID, "\"groupTypes\" can only be []");
	for (size_t i = 0; i < COUNT(empty); i++)
		if (!json_is_null(json_get(body, empty[i])))
			FAIL(ERR_MODEL_INVALID, "\"%s\" can only be null", empty[i]);
	if (json_true(json_get(body, "isAssignableToRole")))
		FAIL(ERR_MODEL_INVALID, "\"isAssignableToRole\" can only be false");
	return OK;
}

struct change {
	struct arena *a;
	const struct caller *who;
	const char *if_match;
	struct id id;
	const json *body;
	struct group group;
	unsigned perms;
	bool expand;
	json *members; /* the caller's */
	struct warnings warn;
};

static err_t
group_text(struct arena *a, const struct group *g, const char **ret)
{
	json *j;

	TRY(group_json(a, g, &j));
	return entity_text(a, j, ret);
}

static err_t
unless_taken(const struct group *g, err_t e)
{
	if (!err_is(e, ERR_CONFLICT))
		return e;
	err_forget(e);
	FAIL(ERR_CONFLICT, "another group has the onPremisesSecurityIdentifier %s", g->sid);
}

static err_t
group_insert(
    struct tx *tx, struct arena *a, const struct caller *who, const json *body, struct group *g)
{
	const char *after, *source = g->source;

	TRY(field_read(a, group_fields, group_nfields, body, FIELD_CREATE, known, g));
	g->source = source;
	TRY(check_constants(body));
	g->id = id_new();
	g->created = g->modified = when_now();
	TRY(unless_taken(g, store_group_insert(tx, g)));
	TRY(group_text(a, g, &after));
	TRY(store_audit_add(
	    tx, who->actor, "group.create", target_text(a, "group", g->id), "", after));
	return members_bind(tx, a, who, g->id, body);
}

static err_t
group_change(struct tx *tx, struct arena *a, const struct caller *who, const json *body,
    struct group *g, bool *ret_changed)
{
	const char *before, *after;

	TRY(owned_check(g->source, g->display_name));
	TRY(check_constants(body));
	TRY(group_text(a, g, &before));
	TRY(field_read(a, group_fields, group_nfields, body, FIELD_UPDATE, known, g));
	TRY(group_text(a, g, &after));
	*ret_changed = strcmp(before, after) != 0;
	if (*ret_changed) {
		g->modified = when_now();
		TRY(unless_taken(g, store_group_update(tx, g)));
		TRY(store_audit_add(
		    tx, who->actor, "group.update", target_text(a, "group", g->id), before, after));
	}
	return members_bind(tx, a, who, g->id, body);
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return group_insert(tx, c->a, c->who, c->body, &c->group);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	auto_json json *now = NULL;
	bool changed;

	TRY(store_group_get(tx, c->a, c->id, &c->group));
	TRY(group_json(c->a, &c->group, &now));
	TRY(etag_check(c->a, c->if_match, now));
	return group_change(tx, c->a, c->who, c->body, &c->group, &changed);
}

/* Of a file: principal names of people, names or serial numbers of devices, names of groups. */
static err_t
import_member(struct tx *tx, struct arena *a, const char *name, struct id *ret)
{
	struct group *g;
	struct device d;
	struct user u;
	size_t n;
	err_t e;

	if (err_ok(e = id_parse(str_c(name), ret)))
		return OK;
	err_forget(e);
	if (strchr(name, '@') != NULL) {
		TRY_CTX(store_user_by_upn(tx, a, name, &u), "member %.128s", name);
		*ret = u.id;
		return OK;
	}
	TRY(store_group_by_name(tx, a, name, &g, &n));
	if (n > 1)
		FAIL(ERR_AMBIGUOUS, "member %.128s", name);
	if (n == 1) {
		*ret = g[0].id;
		return OK;
	}
	TRY_CTX(store_device_by_serial(tx, a, name, &d), "member %.128s", name);
	*ret = d.id;
	return OK;
}

/* Those who are not members yet are added; nobody is taken out. */
static err_t
import_members(struct tx *tx, struct arena *a, const struct caller *who, struct id group,
    const json *members, bool *changed)
{
	for (size_t i = 0; i < json_count(members); i++) {
		struct id id;
		err_t e;

		TRY(import_member(tx, a, json_text(json_at(members, i)), &id));
		e = member_add(tx, a, who, group, id);
		if (err_ok(e))
			*changed = true;
		else if (!err_is(e, ERR_REFERENCE_EXISTS))
			return e;
		else
			err_forget(e);
	}
	return OK;
}

err_t
group_import(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
    enum import_outcome *ret, int64_t *again)
{
	const char *sid = json_text(json_get(row, "onPremisesSecurityIdentifier"));
	const char *name = json_text(json_get(row, "displayName"));
	struct group g = { .source = SOURCE_FILE }, *named;
	bool changed = false;
	size_t n = 0;
	err_t e = *sid == '\0' ? ERROR(ERR_NOT_FOUND, "group") : store_group_by_sid(tx, a, sid, &g);

	(void)again;
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		TRY(store_group_by_name(tx, a, name, &named, &n));
		if (n > 1)
			FAIL(ERR_AMBIGUOUS, "several groups are named \"%.128s\"", name);
		if (n == 1)
			g = named[0];
	} else {
		TRY(e);
		n = 1;
	}
	if (n == 1)
		TRY(group_change(tx, a, who, row, &g, &changed));
	else
		TRY(group_insert(tx, a, who, row, &g));
	TRY(import_members(tx, a, who, g.id, json_get(row, "members"), &changed));
	*ret = n == 0 ? IMPORT_CREATED : changed ? IMPORT_UPDATED : IMPORT_UNCHANGED;
	return OK;
}

static err_t
remove_group(struct tx *tx, void *arg)
{
	struct change *c = arg;
	auto_json json *now = NULL;
	struct regroup g = { .change = "group" };
	const char *before;

	TRY(store_group_get(tx, c->a, c->id, &c->group));
	TRY(group_json(c->a, &c->group, &now));
	TRY(etag_check(c->a, c->if_match, now));
	TRY(owned_check(c->group.source, c->group.display_name));
	TRY(group_text(c->a, &c->group, &before));
	TRY(regroup_group(tx, c->a, c->id, &g));
	TRY(store_group_delete(tx, c->id));
	TRY(regroup_after(tx, c->a, c->who->actor, &g, NULL, NULL, &c->warn));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return store_audit_add(
	    tx, c->who->actor, "group.delete", target_text(c->a, "group", c->id), before, "");
}

static err_t
change_of(struct http_req *r, bool named, struct change *ret)
{
	const struct caller *who = http_caller(r);

	*ret = (struct change){ .a = http_arena(r),
		.who = who,
		.perms = who->perms,
		.if_match = http_header(r, "If-Match"),
		.group = { .source = SOURCE_CLOUD } };
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
	c.body = body;
	TRY(store_write(api_of(r)->store, insert, &c));
	TRY(group_json(a, &c.group, &j));
	return reply_entity(
	    r, 201, "groups", arena_printf(a, "/groups/%s", id_text(a, c.group.id)), NULL, j);
}

static err_t get(struct http_req *r);

static err_t
patch(struct http_req *r)
{
	auto_json json *body = NULL;
	struct change c;

	TRY(change_of(r, true, &c));
	TRY(body_object(r, &body));
	c.body = body;
	TRY(store_write(api_of(r)->store, update, &c));
	return reply_prefers(r, "return=representation") ? get(r) : reply_empty(r, 204);
}

static err_t delete (struct http_req *r)
{
	struct change c;

	TRY(change_of(r, true, &c));
	TRY(store_write(api_of(r)->store, remove_group, &c));
	return reply_warned(r, &c.warn);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	TRY(store_group_get(tx, c->a, c->id, &c->group));
	return c->expand ? members_json(tx, c->a, c->perms, c->id, &c->members) : OK;
}

static err_t
get(struct http_req *r)
{
	struct change c;
	struct query q;
	json *j;

	TRY(change_of(r, true, &c));
	TRY(query_read(r, QUERY_EXPAND_MEMBERS, &q));
	c.expand = q.expand_members;
	TRY(store_read(api_of(r)->store, look, &c));

	auto_json json *members = c.members;

	TRY(group_json(c.a, &c.group, &j));
	if (members != NULL)
		json_set(j, "members", steal(members));
	return reply_entity(r, 200, "groups", NULL, &q, j);
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const unsigned *perms = arg;
	struct group *v;
	size_t n;

	TRY(store_group_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		json *j, *members;

		TRY(group_json(a, &v[i], &j));
		rows_add(rows, v[i].id, j);
		if (!q->expand_members)
			continue;
		TRY(members_json(tx, a, *perms, v[i].id, &members));
		json_set(j, "members", members);
	}
	return OK;
}

static const char *const searched[] = { "displayName", "description", NULL };
static err_t
list(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct collection c = {
		.set = "groups", .read = read_page, .arg = &who->perms, .search = searched
	};

	/* Members that the caller may not see are shown by type and identifier only. */
	return reply_collection(r, &c, QUERY_EXPAND_MEMBERS);
}

static err_t
count(struct http_req *r)
{
	struct collection c = { .set = "groups", .read = read_page, .search = searched };

	return reply_count(r, &c);
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

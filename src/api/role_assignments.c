/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/roleAssignments: who has which role, and how far it reaches (Graph beta
 * deviceAndAppManagementRoleAssignment).
 *
 * members are identifiers of groups, users, applications and administrators; "issuer:NAME" is a group at the outside issuer.
 * roleScopeTagIds limit the role to objects with one of these tags; none: everything. Limits by group (resourceScopes,
 * scopeMembers) are refused, as nothing here would hold them.
 */
#include "api/users.h"
#include "model/scope.h"

#define SET "deviceManagement/roleAssignments"

struct edit {
	const char *name, *description;
	struct field_texts members, tags;
};

const struct field role_assignment_fields[] = {
	FIELD(struct edit, name, FIELD_TEXT, .name = "displayName", .flags = FIELD_REQUIRED,
	    .max = 128, .help = "Name."),
	FIELD(struct edit, description, FIELD_TEXT, .name = "description", .max = 1024,
	    .help = "For people."),
	FIELD(struct edit, members, FIELD_TEXTS, .name = "members", .max = LIMIT_ROLE_MEMBERS,
	    .help = "Identifiers of groups, users, applications, administrators; issuer:NAME."),
	FIELD(struct edit, tags, FIELD_TEXTS, .name = "roleScopeTagIds", .max = 100,
	    .help = "Scope tags that it is limited to; none: everything."),
};
const size_t role_assignment_nfields = COUNT(role_assignment_fields);
static const char *const known[] = { "id", "scopeType", "scopeMembers", "resourceScopes",
	"roleDefinition@odata.bind", "roleScopeTags@odata.bind", "@odata.type", NULL };

static err_t
texts_read(const char *text, struct arena *a, struct field_texts *ret)
{
	auto_json json *list = NULL;

	*ret = (struct field_texts){ 0 };
	TRY(json_parse(str_c(text), LIMIT_CONF_BYTES, &list));
	ret->v = arena_array(a, json_count(list) + 1, sizeof(*ret->v));
	for (size_t i = 0; i < json_count(list); i++)
		ret->v[ret->n++] = arena_strdup(a, json_text(json_at(list, i)));
	return OK;
}

static err_t
texts_print(struct arena *a, const struct field_texts *t, const char **ret)
{
	auto_json json *list = json_array_new();
	struct str text;

	for (size_t i = 0; i < t->n; i++)
		json_add(list, json_text_new(t->v[i]));
	TRY(json_print(a, list, &text));
	return text_cstr(a, text, ret);
}

static err_t
assignment_json(struct arena *a, const struct role_assignment *x, json **ret)
{
	auto_json json *j = json_object_new();
	struct edit e = { .name = x->display_name, .description = x->description };

	TRY(texts_read(x->members, a, &e.members));
	TRY(texts_read(x->scope_tags, a, &e.tags));
	json_set_text(j, "@odata.type", "#microsoft.graph.deviceAndAppManagementRoleAssignment");
	json_set_id(a, j, "id", x->id);
	TRY(field_write(a, role_assignment_fields, role_assignment_nfields, &e, j));
	json_set(j, "scopeMembers", json_array_new());
	json_set(j, "resourceScopes", json_array_new());
	json_set_text(j, "scopeType", "allDevicesAndLicensedUsers");
	json_set_id(a, j, "roleDefinitionId", x->role);
	*ret = steal(j);
	return OK;
}

struct change {
	struct arena *a;
	const char *actor, *if_match;
	struct id id, role; /* role: of the path; zero: none there */
	const json *body;
	struct role_assignment x;
	const char **members; /* as the store has them */
	size_t nmembers;
};

static err_t
change_of(struct http_req *r, struct change *ret)
{
	const struct caller *who = http_caller(r);

	*ret = (struct change){
		.a = http_arena(r), .actor = who->actor, .if_match = http_header(r, "If-Match")
	};
	if (http_param(r, "role") != NULL)
		TRY(param_id(r, "role", &ret->role));
	return http_param(r, "id") == NULL ? OK : param_id(r, "id", &ret->id);
}

/* An identifier must be of somebody. */
static err_t
check_somebody(struct tx *tx, struct arena *a, struct id id)
{
	struct user u;
	struct group g;
	struct app p;
	struct admin m;
	err_t e = store_group_get(tx, a, id, &g);

	if (err_is(e, ERR_NOT_FOUND))
		e = store_user_get(tx, a, id, &u);
	if (err_is(e, ERR_NOT_FOUND))
		e = store_app_get(tx, a, id, &p);
	if (err_is(e, ERR_NOT_FOUND))
		e = store_admin_get(tx, a, id, &m);
	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_ROLE, "\"members\": %s is no group, user, application or administrator",
		    id_text(a, id));
	return e;
}

static err_t
read_member(struct tx *tx, struct change *c, const char *text)
{
	struct id id;

	if (str_starts(str_c(text), LIT("issuer:")) && text[7] != '\0') {
		c->members[c->nmembers++] = text;
		return OK;
	}
	if (!err_ok(id_parse(str_c(text), &id)))
		FAIL(ERR_ROLE, "\"members\": '%s' is neither an identifier nor issuer:NAME",
		    text_safe(c->a, str_c(text)));
	TRY(check_somebody(tx, c->a, id));
	c->members[c->nmembers++] = arena_printf(c->a, "id:%s", id_text(c->a, id));
	return OK;
}

/* roleScopeTags('1'), roleScopeTags/1 */
static err_t
read_tag_links(struct change *c, const json *list, struct field_texts *ret)
{
	struct field_texts t = { .v = arena_array(c->a, json_count(list) + 1, sizeof(*t.v)) };

	if (!json_is_array(list))
		FAIL(ERR_ROLE, "\"roleScopeTags@odata.bind\" must be a list");
	for (size_t i = 0; i < json_count(list); i++) {
		const char *url = json_text(json_at(list, i));
		size_t end = strlen(url), start;

		while (end > 0 && (url[end - 1] < '0' || url[end - 1] > '9'))
			end--;
		for (start = end; start > 0 && url[start - 1] >= '0' && url[start - 1] <= '9';)
			start--;
		if (start == end)
			FAIL(ERR_ROLE, "\"roleScopeTags@odata.bind\" names no scope tag");
		t.v[t.n++] = arena_printf(c->a, "%.*s", (int)(end - start), url + start);
	}
	*ret = t;
	return OK;
}

static err_t
check_role(struct tx *tx, struct change *c, enum field_mode mode)
{
	const json *bind = json_get(c->body, "roleDefinition@odata.bind");
	struct role role;
	bool builtin;
	err_t e;

	if (bind != NULL)
		TRY(reference_id(json_text(bind), &c->x.role));
	else if (mode == FIELD_CREATE)
		c->x.role = c->role;
	if (id_is_zero(c->x.role))
		FAIL(ERR_ROLE, "\"roleDefinition@odata.bind\" must name the role");
	e = role_find(tx, c->a, c->x.role, &role, &builtin);
	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_ROLE, "\"roleDefinition@odata.bind\": there is no such role");
	return e;
}

static err_t
refuse_groups(const json *body, const char *name)
{
	if (json_count(json_get(body, name)) > 0)
		FAIL(ERR_ROLE, "\"%s\": limits by group are not supported; use scope tags", name);
	return OK;
}

static err_t
read_body(struct tx *tx, struct change *c, enum field_mode mode)
{
	struct edit e = { .name = c->x.display_name, .description = c->x.description };
	const json *links = json_get(c->body, "roleScopeTags@odata.bind");
	const json *type = json_get(c->body, "scopeType");

	if (mode == FIELD_UPDATE) {
		TRY(texts_read(c->x.members, c->a, &e.members));
		TRY(texts_read(c->x.scope_tags, c->a, &e.tags));
	}
	TRY(refuse_groups(c->body, "resourceScopes"));
	TRY(refuse_groups(c->body, "scopeMembers"));
	if (type != NULL && strcmp(json_text(type), "allDevicesAndLicensedUsers") != 0 &&
	    strcmp(json_text(type), "resourceScope") != 0)
		FAIL(ERR_ROLE, "\"scopeType\": only allDevicesAndLicensedUsers is supported");
	TRY(field_read(
	    c->a, role_assignment_fields, role_assignment_nfields, c->body, mode, known, &e));
	if (links != NULL)
		TRY(read_tag_links(c, links, &e.tags));
	TRY(check_role(tx, c, mode));
	c->members = arena_array(c->a, e.members.n + 1, sizeof(*c->members));
	c->nmembers = 0;
	for (size_t i = 0; i < e.members.n; i++)
		TRY(read_member(tx, c, e.members.v[i]));
	c->x.display_name = e.name;
	c->x.description = e.description;
	c->x.modified = when_now();
	TRY(texts_print(c->a, &e.members, &c->x.members));
	TRY(texts_print(c->a, &e.tags, &c->x.scope_tags));
	return scope_check(tx, c->a, c->x.scope_tags);
}

static err_t
assignment_text(struct change *c, const char **ret)
{
	json *j;

	TRY(assignment_json(c->a, &c->x, &j));
	return entity_text(c->a, j, ret);
}

static err_t
audit(struct tx *tx, struct change *c, const char *action, const char *before, const char *after)
{
	return store_audit_add(
	    tx, c->actor, action, target_text(c->a, "role-assignment", c->x.id), before, after);
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *after;

	TRY(read_body(tx, c, FIELD_CREATE));
	c->x.id = id_new();
	c->x.created = c->x.modified;
	TRY(store_role_assignment_insert(tx, &c->x, c->members, c->nmembers));
	TRY(assignment_text(c, &after));
	return audit(tx, c, "role-assignment.create", "", after);
}

static err_t
fetch(struct tx *tx, struct change *c, const char **ret_before)
{
	auto_json json *now = NULL;

	TRY(store_role_assignment_get(tx, c->a, c->id, &c->x));
	TRY(assignment_json(c->a, &c->x, &now));
	TRY(etag_check(c->a, c->if_match, now));
	return assignment_text(c, ret_before);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before, *after;

	TRY(fetch(tx, c, &before));
	TRY(read_body(tx, c, FIELD_UPDATE));
	TRY(store_role_assignment_update(tx, &c->x, c->members, c->nmembers));
	TRY(assignment_text(c, &after));
	return audit(tx, c, "role-assignment.update", before, after);
}

static err_t
remove_assignment(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before;

	TRY(fetch(tx, c, &before));
	TRY(store_role_assignment_delete(tx, c->id));
	return audit(tx, c, "role-assignment.delete", before, "");
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct id *role = arg;
	struct role_assignment *v;
	size_t n;

	(void)q;
	TRY(store_role_assignment_list(tx, a, *role, &v, &n));
	*more = false;
	for (size_t i = 0; i < n; i++) {
		json *j;

		if (memcmp(v[i].id.b, p.after.b, sizeof(p.after.b)) <= 0)
			continue;
		TRY(assignment_json(a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static err_t
list(struct http_req *r)
{
	struct change c;
	struct collection all = { .set = SET, .page = LIMIT_PAGE, .read = read_page };

	TRY(change_of(r, &c));
	all.arg = &c.role;
	return reply_collection(r, &all, 0);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return store_role_assignment_get(tx, c->a, c->id, &c->x);
}

static err_t
reply_assignment(struct http_req *r, int status, const struct query *q, const struct change *c)
{
	json *j;

	TRY(assignment_json(c->a, &c->x, &j));
	return reply_entity(r, status, SET,
	    status == 201 ? arena_printf(c->a, "/" SET "/%s", id_text(c->a, c->x.id)) : NULL, q, j);
}

static err_t
get(struct http_req *r)
{
	struct change c;
	struct query q;

	TRY(change_of(r, &c));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_assignment(r, 200, &q, &c);
}

static err_t
write_body(struct http_req *r, store_fn fn, int status)
{
	struct change c;
	auto_json json *body = NULL;

	TRY(change_of(r, &c));
	TRY(body_object(r, &body));
	json_del(body, "roleDefinitionId"); /* what a client read and sends back */
	c.body = body;
	TRY(store_write(api_of(r)->store, fn, &c));
	return reply_assignment(r, status, NULL, &c);
}

static err_t
post(struct http_req *r)
{
	return write_body(r, insert, 201);
}

static err_t
patch(struct http_req *r)
{
	return write_body(r, update, 200);
}

static err_t delete (struct http_req *r)
{
	struct change c;

	TRY(change_of(r, &c));
	TRY(store_write(api_of(r)->store, remove_assignment, &c));
	return reply_empty(r, 204);
}

#define OF_ROLE "/deviceManagement/roleDefinitions/{role}/roleAssignments"

static const struct http_route routes[] = {
	GRAPH(GET, "/" SET, PERM_RBAC_READ, list),
	GRAPH(POST, "/" SET, PERM_RBAC_WRITE, post),
	GRAPH(GET, "/" SET "/{id}", PERM_RBAC_READ, get),
	GRAPH(PATCH, "/" SET "/{id}", PERM_RBAC_WRITE, patch),
	GRAPH(DELETE, "/" SET "/{id}", PERM_RBAC_WRITE, delete),
	GRAPH(GET, OF_ROLE, PERM_RBAC_READ, list),
	GRAPH(POST, OF_ROLE, PERM_RBAC_WRITE, post),
	{ 0 },
};

const struct resource resource_role_assignments = { "role_assignments", routes };

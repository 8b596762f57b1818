/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/roleAssignments: who has which role, and how far it reaches (Graph beta
 * deviceAndAppManagementRoleAssignment).
 *
 * members are identifiers of groups, users, applications and administrators; "issuer:NAME" is a group at the outside issuer.
 * roleScopeTagIds limit the role to objects with one of these tags; none: everything. Limits by group (resourceScopes,
 * scopeMembers) are refused, as nothing here would hold them.
 */
#include "api/record.h"
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
	struct record r;
	struct id role; /* of the path; zero: none there */
	struct role_assignment x;
	const char **members; /* as the store has them */
	size_t nmembers;
};

static err_t
begin(struct http_req *r, struct record *x)
{
	struct change *c = (struct change *)x;

	return http_param(r, "role") == NULL ? OK : param_id(r, "role", &c->role);
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
		    text_safe(c->r.a, str_c(text)));
	TRY(check_somebody(tx, c->r.a, id));
	c->members[c->nmembers++] = arena_printf(c->r.a, "id:%s", id_text(c->r.a, id));
	return OK;
}

/* roleScopeTags('1'), roleScopeTags/1 */
static err_t
read_tag_links(struct change *c, const json *list, struct field_texts *ret)
{
	struct field_texts t = { .v = arena_array(c->r.a, json_count(list) + 1, sizeof(*t.v)) };

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
		t.v[t.n++] = arena_printf(c->r.a, "%.*s", (int)(end - start), url + start);
	}
	*ret = t;
	return OK;
}

static err_t
check_role(struct tx *tx, struct change *c, enum field_mode mode)
{
	const json *bind = json_get(c->r.body, "roleDefinition@odata.bind");
	struct role role;
	bool builtin;
	err_t e;

	if (bind != NULL)
		TRY(reference_id(json_text(bind), &c->x.role));
	else if (mode == FIELD_CREATE)
		c->x.role = c->role;
	if (id_is_zero(c->x.role))
		FAIL(ERR_ROLE, "\"roleDefinition@odata.bind\" must name the role");
	e = role_find(tx, c->r.a, c->x.role, &role, &builtin);
	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_ROLE, "\"roleDefinition@odata.bind\": there is no such role");
	return e;
}

static err_t
refuse_groups(const json *body, const char *name)
{
	if (json_count(json_get(body, name)) > 0)
		FAIL(ERR_ROLE,
		    "\"%s\": limits by group are not supported; give profiles, filters and devices a scope tag "
		    "(roleScopeTagIds of each) and name it in \"roleScopeTagIds\" here",
		    name);
	return OK;
}

static err_t
read_body(struct tx *tx, struct record *r, enum field_mode mode)
{
	struct change *c = (struct change *)r;
	struct edit e = { .name = c->x.display_name, .description = c->x.description };
	const json *links = json_get(c->r.body, "roleScopeTags@odata.bind");
	const json *type = json_get(c->r.body, "scopeType");

	if (mode == FIELD_UPDATE) {
		TRY(texts_read(c->x.members, c->r.a, &e.members));
		TRY(texts_read(c->x.scope_tags, c->r.a, &e.tags));
	}
	TRY(refuse_groups(c->r.body, "resourceScopes"));
	TRY(refuse_groups(c->r.body, "scopeMembers"));
	if (type != NULL && strcmp(json_text(type), "allDevicesAndLicensedUsers") != 0 &&
	    strcmp(json_text(type), "resourceScope") != 0)
		FAIL(ERR_ROLE, "\"scopeType\": only allDevicesAndLicensedUsers is supported");
	TRY(field_read(
	    c->r.a, role_assignment_fields, role_assignment_nfields, c->r.body, mode, known, &e));
	if (links != NULL)
		TRY(read_tag_links(c, links, &e.tags));
	TRY(check_role(tx, c, mode));
	c->members = arena_array(c->r.a, e.members.n + 1, sizeof(*c->members));
	c->nmembers = 0;
	for (size_t i = 0; i < e.members.n; i++)
		TRY(read_member(tx, c, e.members.v[i]));
	if (mode == FIELD_CREATE) {
		c->x.id = r->id;
		c->x.created = when_now();
	}
	c->x.display_name = e.name;
	c->x.description = e.description;
	c->x.modified = when_now();
	TRY(texts_print(c->r.a, &e.members, &c->x.members));
	TRY(texts_print(c->r.a, &e.tags, &c->x.scope_tags));
	return scope_check(tx, c->r.a, c->x.scope_tags);
}

static err_t
find(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	return store_role_assignment_get(tx, r->a, r->id, &c->x);
}

static err_t
insert(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	return store_role_assignment_insert(tx, &c->x, c->members, c->nmembers);
}

static err_t
update(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	return store_role_assignment_update(tx, &c->x, c->members, c->nmembers);
}

static err_t
remove_assignment(struct tx *tx, struct record *r)
{
	return store_role_assignment_delete(tx, r->id);
}

static err_t
shown(struct record *r, json **ret)
{
	struct change *c = (struct change *)r;

	return assignment_json(r->a, &c->x, ret);
}

static const struct record_kind kind = { .set = SET,
	.noun = "role-assignment",
	.size = sizeof(struct change),
	.begin = begin,
	.find = find,
	.read = read_body,
	.insert = insert,
	.update = update,
	.remove = remove_assignment,
	.json = shown };

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

		if (!row_follows(p, v[i].id))
			continue;
		TRY(assignment_json(a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static err_t
list(struct http_req *r)
{
	struct collection all = { .set = SET, .page = LIMIT_PAGE, .read = read_page };
	struct id role = { { 0 } };

	if (http_param(r, "role") != NULL)
		TRY(param_id(r, "role", &role));
	all.arg = &role;
	return reply_collection(r, &all, 0);
}

RECORD_HANDLERS(kind)

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

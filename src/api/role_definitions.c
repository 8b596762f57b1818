/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/roleDefinitions: built-in roles and those made here (Graph beta deviceAndAppManagementRoleDefinition),
 * with resourceOperations, what a role may allow, and getEffectivePermissions, what the caller's roles allow.
 *
 * What a role allows are names of the permission table, or Microsoft's (api/action.h), in
 * rolePermissions[].resourceActions[].allowedResourceActions; other names are refused, not dropped. permissions[] is the same once more, as Graph has it.
 */
#include "api/action.h"
#include "api/record.h"
#include "api/users.h"
#include "model/scope.h"

#define SET "deviceManagement/roleDefinitions"

struct edit {
	const char *name, *description;
	struct field_texts tags;
};

const struct field role_fields[] = {
	FIELD(struct edit, name, FIELD_TEXT, .name = "displayName", .flags = FIELD_REQUIRED,
	    .max = 128, .help = "Name; unique."),
	FIELD(struct edit, description, FIELD_TEXT, .name = "description", .max = 1024,
	    .help = "For people."),
	FIELD(struct edit, tags, FIELD_TEXTS, .name = "roleScopeTagIds", .max = 100,
	    .help = "Scope tags."),
};
const size_t role_nfields = COUNT(role_fields);
static const char *const known[] = { "id", "isBuiltIn", "isBuiltInRoleDefinition", "permissions",
	"rolePermissions", "roleAssignments", "@odata.type", NULL };

static json *
permissions_json(const char *list)
{
	json *permissions = json_array_new(), *one = json_object_new();
	json *actions = json_array_new(), *pair = json_object_new(), *allowed = json_array_new();
	struct str rest = str_c(list);

	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');

		if (word.n > 0)
			json_add(allowed, json_str_new(word));
	}
	json_add(permissions, one);
	json_set(one, "actions", json_ref(allowed));
	json_set(one, "resourceActions", actions);
	json_add(actions, pair);
	json_set(pair, "allowedResourceActions", allowed);
	json_set(pair, "notAllowedResourceActions", json_array_new());
	return permissions;
}

static err_t
role_json(struct arena *a, const struct role *x, bool builtin, json **ret)
{
	auto_json json *j = json_object_new();
	struct edit e = { .name = x->display_name, .description = x->description };
	json *permissions = permissions_json(x->permissions);

	TRY(scope_read(a, x->scope_tags, &e.tags));
	json_set_text(j, "@odata.type", "#microsoft.graph.deviceAndAppManagementRoleDefinition");
	json_set_id(a, j, "id", x->id);
	TRY(field_write(a, role_fields, role_nfields, &e, j));
	json_set_bool(j, "isBuiltIn", builtin);
	json_set_bool(j, "isBuiltInRoleDefinition", builtin);
	json_set(j, "permissions", json_ref(permissions));
	json_set(j, "rolePermissions", permissions);
	*ret = steal(j);
	return OK;
}

struct change {
	struct record r;
	struct role role;
	bool builtin;
};

static err_t
read_actions(struct arena *a, const json *list, const char **all)
{
	if (!json_is_array(list) || json_count(list) > LIMIT_SANS)
		FAIL(ERR_ROLE, "\"allowedResourceActions\" must be a list of permissions");
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_at(list, i));
		err_t e = *name == '\0' || strchr(name, ' ') != NULL ?
		    ERROR(ERR_ROLE, "an empty name, or one with a blank") :
		    action_is(str_c(name)) ? OK :
					     perm_list_check(a, name);

		if (!err_ok(e))
			FAIL(ERR_ROLE, "\"allowedResourceActions\": %s",
			    arena_strdup(a, err_detail()));
		*all = arena_printf(a, "%s%s%s", *all, **all == '\0' ? "" : " ", name);
	}
	return OK;
}

/* NULL: the body says nothing of them. */
static err_t
read_permissions(struct arena *a, const json *body, const char **ret)
{
	const json *list = json_get(body, "rolePermissions");
	const char *all = "";

	if (list == NULL)
		list = json_get(body, "permissions");
	*ret = NULL;
	if (list == NULL)
		return OK;
	if (!json_is_array(list))
		FAIL(ERR_ROLE, "\"rolePermissions\" must be a list");
	for (size_t i = 0; i < json_count(list); i++) {
		const json *pairs = json_get(json_at(list, i), "resourceActions");

		if (!json_is_array(pairs))
			FAIL(ERR_ROLE, "\"resourceActions\" must be a list");
		for (size_t k = 0; k < json_count(pairs); k++) {
			const json *pair = json_at(pairs, k);

			TRY(read_actions(a, json_get(pair, "allowedResourceActions"), &all));
			if (json_count(json_get(pair, "notAllowedResourceActions")) > 0)
				FAIL(ERR_ROLE,
				    "\"notAllowedResourceActions\" must be empty: what is not "
				    "allowed is denied");
		}
	}
	TRY_CTX(action_list_check(a, all), "\"allowedResourceActions\"");
	*ret = all;
	return OK;
}

static err_t
read_body(struct tx *tx, struct record *r, enum field_mode mode)
{
	struct change *c = (struct change *)r;
	struct role *x = &c->role;
	struct edit e = { .name = x->display_name, .description = x->description };
	const char *permissions;

	if (mode == FIELD_UPDATE)
		TRY(scope_read(r->a, x->scope_tags, &e.tags));
	TRY(field_read(r->a, role_fields, role_nfields, r->body, mode, known, &e));
	TRY(read_permissions(r->a, r->body, &permissions));
	if (permissions == NULL)
		permissions = mode == FIELD_UPDATE ? x->permissions : "";
	if (mode == FIELD_CREATE) {
		x->id = r->id;
		x->created = when_now();
	}
	x->display_name = e.name;
	x->description = e.description;
	x->permissions = permissions;
	x->modified = when_now();
	for (const struct role_builtin *b = roles_builtin; b->name != NULL; b++)
		if (str_ieq_c(str_c(x->display_name), b->name))
			FAIL(ERR_CONFLICT, "a built-in role is named %s", b->name);
	TRY(scope_print(r->a, &e.tags, &x->scope_tags));
	return scope_check(tx, r->a, x->scope_tags);
}

static err_t
find(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	return role_find(tx, r->a, r->id, &c->role, &c->builtin);
}

static err_t
may_change(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	(void)tx;
	if (c->builtin)
		FAIL(ERR_ROLE_IN_USE, "'%s' is built in", c->role.display_name);
	return OK;
}

static err_t
insert(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	return record_unless_taken(store_role_insert(tx, &c->role), "role", c->role.display_name);
}

static err_t
update(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	return record_unless_taken(store_role_update(tx, &c->role), "role", c->role.display_name);
}

static err_t
remove_role(struct tx *tx, struct record *r)
{
	struct role_assignment *v;
	size_t n;

	TRY(store_role_assignment_list(tx, r->a, r->id, &v, &n));
	if (n > 0)
		FAIL(ERR_ROLE_IN_USE, "by '%s' and %zu more", v[0].display_name, n - 1);
	return store_role_delete(tx, r->id);
}

static err_t
shown(struct record *r, json **ret)
{
	struct change *c = (struct change *)r;

	return role_json(r->a, &c->role, c->builtin, ret);
}

static const struct record_kind kind = { .set = SET,
	.noun = "role",
	.size = sizeof(struct change),
	.find = find,
	.may_change = may_change,
	.read = read_body,
	.insert = insert,
	.update = update,
	.remove = remove_role,
	.json = shown };

/* Built-in and custom ones together, in order of their keys. */
static err_t
all_roles(struct tx *tx, struct arena *a, struct role **ret, size_t *retn)
{
	struct role *custom, *v;
	size_t n, nbuiltin = 0, all = 0;
	bool builtin;

	TRY(store_role_list(tx, a, &custom, &n));
	while (roles_builtin[nbuiltin].name != NULL)
		nbuiltin++;
	v = arena_array(a, n + nbuiltin, sizeof(*v));
	for (const struct role_builtin *b = roles_builtin; b->name != NULL; b++) {
		struct id id;

		TRY(id_parse(str_c(b->id), &id));
		TRY(role_find(tx, a, id, &v[all++], &builtin));
	}
	for (size_t i = 0; i < n; i++)
		v[all++] = custom[i];
	for (size_t i = 1; i < all; i++)
		for (size_t k = i; k > 0 && memcmp(v[k].id.b, v[k - 1].id.b, 16) < 0; k--) {
			struct role x = v[k];

			v[k] = v[k - 1];
			v[k - 1] = x;
		}
	*ret = v;
	*retn = all;
	return OK;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct role *v;
	size_t n;

	(void)arg;
	(void)q;
	TRY(all_roles(tx, a, &v, &n));
	*more = false;
	for (size_t i = 0; i < n; i++) {
		json *j;

		if (!row_follows(p, v[i].id))
			continue;
		TRY(role_json(a, &v[i], v[i].created == 0, &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static const struct collection roles = { .set = SET, .page = LIMIT_PAGE, .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &roles, 0);
}

RECORD_HANDLERS(kind)

/* What is not of profiles, filters or devices has no tags to be limited by. */
static void
add_operation(json *list, const char *id, const char *resource, const char *action,
    const char *help, unsigned perms)
{
	json *j = json_object_new();

	json_add(list, j);
	json_set_text(j, "id", id);
	json_set_text(j, "resource", resource);
	json_set_text(j, "resourceName", resource);
	json_set_text(j, "actionName", action);
	json_set_text(j, "description", help);
	json_set_bool(j, "enabledForScopeValidation",
	    (perms &
		(PERM_CONFIG_READ | PERM_CONFIG_WRITE | PERM_FILTERS_READ | PERM_FILTERS_WRITE |
		    PERM_DEVICES_READ | PERM_DEVICES_WRITE | PERM_DEVICES_ACT)) != 0);
}

static err_t
operations(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *out = json_object_new();
	json *value = json_array_new();

	json_set_text(out, "@odata.context",
	    reply_context(r, "deviceManagement/resourceOperations", NULL, false));
	json_set(out, "value", value);
	for (const struct perm_name *p = perm_names; p->name != NULL; p++) {
		const char *dot = strchr(p->name, '.');

		add_operation(value, p->name,
		    arena_printf(a, "%.*s", (int)(dot - p->name), p->name), dot + 1, p->help,
		    p->grants);
	}
	for (const struct action_group *g = action_groups; g->perms != 0; g++)
		for (const char *const *v = g->needed; *v != NULL; v++)
			add_operation(value,
			    arena_printf(a, "Microsoft.Intune_%s_%s", g->resource, *v), g->resource,
			    *v, g->help, g->perms);
	return reply_json(r, 200, out);
}

/* Of the caller's own, all scopes together. */
static err_t
effective(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct arena *a = http_arena(r);
	auto_json json *out = json_object_new();
	const char *names = "";

	for (const struct perm_name *p = perm_names; p->name != NULL; p++)
		if ((p->grants & ~(who->perms | who->scoped)) == 0)
			names = arena_printf(a, "%s %s", names, p->name);
	names = arena_printf(a, "%s %s", names, action_names(a, who->perms | who->scoped));
	json_set_text(out, "@odata.context",
	    arena_printf(a, "%s/%s/$metadata#Collection(microsoft.graph.rolePermission)",
		reply_root(r), reply_version(r)));
	json_set(out, "value", permissions_json(names));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/" SET, PERM_RBAC_READ, list),
	GRAPH(POST, "/" SET, PERM_RBAC_WRITE, post),
	GRAPH(GET, "/" SET "/{id}", PERM_RBAC_READ, get),
	GRAPH(PATCH, "/" SET "/{id}", PERM_RBAC_WRITE, patch),
	GRAPH(DELETE, "/" SET "/{id}", PERM_RBAC_WRITE, delete),
	GRAPH(GET, "/deviceManagement/resourceOperations", PERM_RBAC_READ, operations),
	GRAPH(GET, "/deviceManagement/getEffectivePermissions", PERM_SIGNED_IN, effective),
	GRAPH(GET, "/deviceManagement/getEffectivePermissions/{scope}", PERM_SIGNED_IN, effective),
	{ 0 },
};

const struct resource resource_role_definitions = { "role_definitions", routes };

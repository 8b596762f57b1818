/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_set.h"

#include "base/limits.h"
#include "cli/api.h"
#include "cli/config_refs.h"
#include "cli/config_secrets.h"

static const char *const plain[] = { "displayName", "description", NULL };
static const char *const of_group[] = { "displayName", "description", "mailNickname", NULL };
static const char *const of_filter[] = { "displayName", "description", "platform", "rule", NULL };
static const char *const of_notification[] = { "displayName", "address", "expiry", "failure",
	"periodSeconds", "enabled", NULL };
static const char *const channel[] = { "channel", NULL };
static const char *const none[] = { NULL };
static const char *const tags[] = { "scopeTags", NULL };
static const char *const of_role[] = { "permissions", "scopeTags", NULL };
static const char *const of_role_assignment[] = { "role", "members", "scopeTags", NULL };
static const char *const of_profile[] = { "rootCertificate", "references", "secrets", "scopeTags",
	"assignments", NULL };
/* Of profiles: what the service keeps, and what has another form. */
static const char *const hidden[] = { "id", "createdDateTime", "creationDateTime",
	"lastModifiedDateTime", "version", "supportsScopeTags", "roleScopeTagIds", "assignments",
	"groupAssignments", "@chancery.rootCertificateId", "rootCertificateId",
	"@chancery.references", "@chancery.secrets", "preSharedKey", "preSharedKeyIsSet",
	"@chancery.warnings", "@odata.context", "@odata.etag", NULL };

#define MANAGEMENT "/beta/deviceManagement/"

const struct config_set config_sets[CONFIG_KINDS] = {
	[CONFIG_SCOPE_TAG] = { "scopeTag", "scope-tags.json", MANAGEMENT "roleScopeTags",
	    MANAGEMENT "roleScopeTags", plain, none, none },
	[CONFIG_GROUP] = { "group", "groups.json", "/v1.0/groups", "/v1.0/groups", of_group, none,
	    none },
	[CONFIG_FILTER] = { "filter", "filters.json", MANAGEMENT "assignmentFilters",
	    MANAGEMENT "assignmentFilters", of_filter, tags, none },
	[CONFIG_ROLE] = { "role", "roles.json", MANAGEMENT "roleDefinitions",
	    MANAGEMENT "roleDefinitions", plain, of_role, none },
	[CONFIG_ROLE_ASSIGNMENT] = { "roleAssignment", "role-assignments.json",
	    MANAGEMENT "roleAssignments", MANAGEMENT "roleAssignments", plain, of_role_assignment,
	    none },
	[CONFIG_PROFILE] = { "profile", "profiles.json", MANAGEMENT "deviceConfigurations",
	    "/chancery/v1/profiles?$expand=assignments", NULL, of_profile, hidden },
	[CONFIG_NOTIFICATION] = { "notification", "notifications.json",
	    "/chancery/v1/notifications", "/chancery/v1/notifications", of_notification, channel,
	    none },
};

static bool
listed(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

bool
config_has(enum config_kind k, const char *property)
{
	const struct config_set *s = &config_sets[k];

	/* What OData says about members is not the object's. */
	if (strstr(property, "@odata.") != NULL && strcmp(property, "@odata.type") != 0)
		return false;
	return listed(s->references, property) ||
	    (s->properties == NULL ? !listed(s->hidden, property) :
				     listed(s->properties, property));
}

static const char *
text_of(const json *j, const char *key)
{
	return json_text(json_get(j, key));
}

/* Built in, or owned by a directory: files neither hold nor change it. */
static bool
is_ours(enum config_kind k, const json *row)
{
	if (k == CONFIG_GROUP)
		return strcmp(text_of(row, "@chancery.source"), "directory") != 0;
	return !json_true(json_get(row, "isBuiltIn"));
}

static err_t
set_read(struct cli *c, enum config_kind k, struct config_world *w)
{
	auto_json json *all = NULL;
	err_t e;

	w->rows[k] = json_array_new();
	w->ids[k] = json_object_new();
	e = api_list(c, config_sets[k].list, &all);
	if (err_is(e, ERR_FORBIDDEN) &&
	    (k == CONFIG_ROLE || k == CONFIG_ROLE_ASSIGNMENT || k == CONFIG_NOTIFICATION)) {
		err_forget(e);
		w->closed[k] = true;
		return OK;
	}
	TRY(e);
	for (size_t i = 0; i < json_count(all); i++) {
		json *row = json_at(all, i);
		const char *name = text_of(row, "displayName");

		json_set_text(
		    w->ids[k], name, json_get(w->ids[k], name) == NULL ? text_of(row, "id") : "");
		if (is_ours(k, row))
			json_add(w->rows[k], json_ref(row));
	}
	return OK;
}

err_t
config_world_read(struct cli *c, struct config_world *ret)
{
	for (unsigned k = 0; k < CONFIG_KINDS; k++)
		TRY(set_read(c, (enum config_kind)k, ret));
	return OK;
}

void
config_world_free(struct config_world *w)
{
	for (unsigned k = 0; k < CONFIG_KINDS; k++) {
		json_free(w->rows[k]);
		json_free(w->ids[k]);
	}
}

const char *
config_id(const struct config_world *w, enum config_kind k, const char *name)
{
	const json *id = json_get(w->ids[k], name);

	return id == NULL ? NULL : json_text(id);
}

void
config_made(struct config_world *w, enum config_kind k, const char *name, const char *id)
{
	json_set_text(w->ids[k], name, id);
}

/* ERR_NOT_FOUND: it is of something that the API did not list. */
err_t
config_name_of(const struct config_world *w, enum config_kind k, const char *id, const char **ret)
{
	const json *ids = w->ids[k];

	for (void *it = json_iter(ids); it != NULL; it = json_iter_next(ids, it))
		if (strcmp(json_text(json_iter_value(it)), id) == 0) {
			*ret = json_iter_key(it);
			return OK;
		}
	FAIL(ERR_AMBIGUOUS,
	    "the %s %s has a name that others have too; files need names of their own",
	    config_sets[k].kind, id);
}

err_t
config_names_of(const struct config_world *w, enum config_kind k, const json *ids, json **ret)
{
	auto_json json *list = json_array_new();
	const char *name;

	for (size_t i = 0; i < json_count(ids); i++) {
		TRY(config_name_of(w, k, json_text(json_at(ids, i)), &name));
		json_add(list, json_text_new(name));
	}
	*ret = steal(list);
	return OK;
}

static const struct {
	const char *type, *member, *value; /* value: of "all" */
} targets[] = {
	{ "#microsoft.graph.groupAssignmentTarget", "group", NULL },
	{ "#microsoft.graph.exclusionGroupAssignmentTarget", "excludeGroup", NULL },
	{ "#microsoft.graph.allDevicesAssignmentTarget", "all", "devices" },
	{ "#microsoft.graph.allLicensedUsersAssignmentTarget", "all", "users" },
};

static err_t
target_to_file(const struct config_world *w, const json *target, json *out)
{
	const char *filter = text_of(target, "deviceAndAppManagementAssignmentFilterId");
	const char *name;

	for (size_t i = 0; i < COUNT(targets); i++) {
		if (strcmp(targets[i].type, text_of(target, "@odata.type")) != 0)
			continue;
		name = targets[i].value;
		if (name == NULL)
			TRY(config_name_of(w, CONFIG_GROUP, text_of(target, "groupId"), &name));
		json_set_text(out, targets[i].member, name);
	}
	if (*filter == '\0')
		return OK;
	TRY(config_name_of(w, CONFIG_FILTER, filter, &name));
	json_set_text(out, "filter", name);
	json_set_text(
	    out, "filterMode", text_of(target, "deviceAndAppManagementAssignmentFilterType"));
	return OK;
}

static err_t
targets_to_file(const struct config_world *w, const json *list, json **ret)
{
	auto_json json *out = json_array_new();

	for (size_t i = 0; i < json_count(list); i++) {
		json *one = json_object_new();

		json_add(out, one);
		TRY(target_to_file(w, json_get(json_at(list, i), "target"), one));
	}
	*ret = steal(out);
	return OK;
}

/* "group:NAME", "user:UPN"; applications and administrators are of the installation: "id:..." */
static err_t
members_to_file(struct cli *c, const struct config_world *w, const json *list, json **ret)
{
	auto_json json *out = json_array_new();

	for (size_t i = 0; i < json_count(list); i++) {
		const char *id = json_text(json_at(list, i)), *name;
		auto_json json *user = NULL;
		err_t e;

		if (strncmp(id, "issuer:", 7) == 0) {
			json_add(out, json_text_new(id));
			continue;
		}
		e = config_name_of(w, CONFIG_GROUP, id, &name);
		if (err_ok(e)) {
			json_add(out, json_text_new(arena_printf(c->arena, "group:%s", name)));
			continue;
		}
		err_forget(e);
		e = api_get(c, arena_printf(c->arena, "/v1.0/users/%s", id), &user);
		if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
			return e;
		err_forget(e);
		json_add(out,
		    json_text_new(user == NULL ?
			    arena_printf(c->arena, "id:%s", id) :
			    arena_printf(c->arena, "user:%s", text_of(user, "userPrincipalName"))));
	}
	*ret = steal(out);
	return OK;
}

static err_t
reference_to_file(struct cli *c, const struct config_world *w, enum config_kind k,
    const char *property, const json *row, json **ret)
{
	const char *name;

	if (strcmp(property, "scopeTags") == 0)
		return config_names_of(w, CONFIG_SCOPE_TAG,
		    json_get(row, k == CONFIG_FILTER ? "roleScopeTags" : "roleScopeTagIds"), ret);
	if (strcmp(property, "references") == 0)
		return config_refs_to_file(w, json_get(row, "@chancery.references"), ret);
	if (strcmp(property, "secrets") == 0)
		return config_secrets_to_file(json_get(row, "@chancery.secrets"), ret);
	if (strcmp(property, "assignments") == 0)
		return targets_to_file(w, json_get(row, "assignments"), ret);
	if (strcmp(property, "members") == 0)
		return members_to_file(c, w, json_get(row, "members"), ret);
	if (strcmp(property, "permissions") == 0) {
		const json *actions =
		    json_get(json_at(json_get(row, "rolePermissions"), 0), "resourceActions");

		*ret = json_ref(json_get(json_at(actions, 0), "allowedResourceActions"));
		return OK;
	}
	if (strcmp(property, "channel") == 0) {
		*ret = json_text_new(text_of(row, "kind"));
		return OK;
	}
	name = text_of(row,
	    strcmp(property, "role") == 0 ? "roleDefinitionId" : "@chancery.rootCertificateId");
	if (*name != '\0')
		TRY(config_name_of(
		    w, strcmp(property, "role") == 0 ? CONFIG_ROLE : CONFIG_PROFILE, name, &name));
	*ret = *name == '\0' ? NULL : json_text_new(name);
	return OK;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static err_t
sorted(struct arena *a, const json *list, json **ret)
{
	const char **v = arena_array(a, json_count(list) + 1, sizeof(*v));
	auto_json json *out = json_array_new();
	size_t n = json_count(list);

	for (size_t i = 0; i < n; i++) {
		auto_json json *one = json_array_new();
		struct str text;

		json_add(one, json_ref(json_at(list, i)));
		TRY(json_print(a, one, &text));
		TRY(text_cstr(a, text, &v[i]));
	}
	qsort(v, n, sizeof(*v), by_text);
	for (size_t i = 0; i < n; i++) {
		auto_json json *one = NULL;

		TRY(json_parse(str_c(v[i]), LIMIT_HTTP_BODY, &one));
		json_add(out, json_ref(json_at(one, 0)));
	}
	*ret = steal(out);
	return OK;
}

err_t
config_normal(struct arena *a, const char *property, const json *value, json **ret)
{
	static const char *const unordered[] = { "scopeTags", "assignments", "members",
		"permissions", NULL };

	if (listed(unordered, property) && json_is_array(value))
		return sorted(a, value, ret);
	*ret = json_is_null(value) ? json_null_new() : json_ref((json *)(uintptr_t)value);
	return OK;
}

err_t
config_to_file(
    struct cli *c, const struct config_world *w, enum config_kind k, const json *row, json **ret)
{
	const struct config_set *s = &config_sets[k];
	auto_json json *out = json_object_new();

	json_set_text(out, "kind", s->kind);
	json_set_text(out, "displayName", text_of(row, "displayName"));
	for (void *it = json_iter(row); it != NULL; it = json_iter_next(row, it)) {
		const char *key = json_iter_key(it);

		if (config_has(k, key) && !listed(s->references, key) &&
		    !json_is_null(json_iter_value(it)))
			json_set(out, key, json_ref(json_iter_value(it)));
	}
	for (const char *const *p = s->references; *p != NULL; p++) {
		auto_json json *value = NULL;
		json *normal;

		TRY_CTX(reference_to_file(c, w, k, *p, row, &value), "%s \"%s\": %s", s->kind,
		    text_of(row, "displayName"), *p);
		if (value == NULL)
			continue;
		TRY(config_normal(c->arena, *p, value, &normal));
		json_set(out, *p, normal);
	}
	*ret = steal(out);
	return OK;
}

/* An identifier, or NULL and a line in `missing`. */
err_t
config_resolve(struct cli *c, const struct config_world *w, enum config_kind k,
    const char *property, const char *name, json *missing, const char **ret)
{
	*ret = config_id(w, k, name);
	if (*ret != NULL && **ret == '\0')
		FAIL(ERR_AMBIGUOUS, "several %ss are named \"%.128s\"", config_sets[k].kind, name);
	if (*ret == NULL) {
		json *m = json_object_new();

		json_set_text(m, "property", property);
		json_set_text(m, "kind", config_sets[k].kind);
		json_set_text(m, "name", arena_strdup(c->arena, name));
		json_add(missing, m);
	}
	return OK;
}

static err_t
need_texts(const char *property, const json *list)
{
	if (!json_is_array(list))
		FAIL(ERR_USAGE, "\"%s\" must be a list of names", property);
	for (size_t i = 0; i < json_count(list); i++)
		if (!json_is_text(json_at(list, i)))
			FAIL(ERR_USAGE, "\"%s\" must be a list of names", property);
	return OK;
}

static err_t
member_id(struct cli *c, const struct config_world *w, const char *member, json *missing,
    const char **ret)
{
	auto_json json *user = NULL;

	*ret = member;
	if (strncmp(member, "issuer:", 7) == 0)
		return OK;
	if (strncmp(member, "group:", 6) == 0)
		return config_resolve(c, w, CONFIG_GROUP, "members", member + 6, missing, ret);
	if (strncmp(member, "id:", 3) == 0) {
		*ret = member + 3;
		return OK;
	}
	if (strncmp(member, "user:", 5) != 0)
		FAIL(ERR_USAGE,
		    "\"members\": \"%.128s\" must begin with group:, user:, issuer: or id:",
		    member);
	TRY_CTX(api_get(c, arena_printf(c->arena, "/v1.0/users/%s", member + 5), &user),
	    "\"members\": %s", member);
	*ret = arena_strdup(c->arena, text_of(user, "id"));
	return OK;
}

static err_t
ids_to_api(struct cli *c, const struct config_world *w, const char *property, const json *list,
    json *missing, json **ret)
{
	auto_json json *out = json_array_new();
	bool tag = strcmp(property, "scopeTags") == 0;

	TRY(need_texts(property, list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_at(list, i)), *id;

		if (tag)
			TRY(config_resolve(c, w, CONFIG_SCOPE_TAG, property, name, missing, &id));
		else
			TRY(member_id(c, w, name, missing, &id));
		if (id != NULL)
			json_add(out, json_text_new(id));
	}
	*ret = steal(out);
	return OK;
}

static json *
permissions_to_api(const json *list)
{
	json *out = json_array_new(), *one = json_object_new(), *actions = json_array_new(),
	     *pair = json_object_new();

	json_add(out, one);
	json_set(one, "resourceActions", actions);
	json_add(actions, pair);
	json_set(pair, "allowedResourceActions", json_ref((json *)(uintptr_t)list));
	return out;
}

static err_t
reference_to_api(struct cli *c, const struct config_world *w, enum config_kind k,
    const char *property, const json *value, json *out, json *missing)
{
	bool role = strcmp(property, "role") == 0;
	const char *id, *path;
	json *list = NULL;

	if (strcmp(property, "assignments") == 0 || json_is_null(value))
		return OK;
	if (strcmp(property, "references") == 0)
		return config_refs_to_api(c, w, value, out, missing);
	if (strcmp(property, "secrets") == 0)
		return config_secrets_to_api(c, value, out);
	if (strcmp(property, "channel") == 0) {
		json_set(out, "kind", json_ref((json *)(uintptr_t)value));
		return OK;
	}
	if (strcmp(property, "permissions") == 0) {
		TRY(need_texts(property, value));
		json_set(out, "rolePermissions", permissions_to_api(value));
		return OK;
	}
	if (strcmp(property, "scopeTags") == 0 || strcmp(property, "members") == 0) {
		TRY(ids_to_api(c, w, property, value, missing, &list));
		json_set(out,
		    strcmp(property, "members") == 0 ? "members" :
			k == CONFIG_FILTER           ? "roleScopeTags" :
						       "roleScopeTagIds",
		    list);
		return OK;
	}
	if (!json_is_text(value))
		FAIL(ERR_USAGE, "\"%s\" must be a name", property);
	TRY(config_resolve(
	    c, w, role ? CONFIG_ROLE : CONFIG_PROFILE, property, json_text(value), missing, &id));
	path = config_sets[role ? CONFIG_ROLE : CONFIG_PROFILE].path;
	if (id != NULL)
		json_set_text(out,
		    role ? "roleDefinition@odata.bind" : "rootCertificate@odata.bind",
		    arena_printf(c->arena, "%s('%s')", path, id));
	return OK;
}

err_t
config_to_api(struct cli *c, const struct config_world *w, enum config_kind k, const json *want,
    const json *only, json **ret, json *missing)
{
	const struct config_set *s = &config_sets[k];
	auto_json json *out = json_object_new();

	for (void *it = json_iter(want); it != NULL; it = json_iter_next(want, it)) {
		const char *key = json_iter_key(it);

		if (strcmp(key, "kind") == 0 || (only != NULL && json_get(only, key) == NULL))
			continue;
		if (listed(s->references, key))
			TRY(reference_to_api(c, w, k, key, json_iter_value(it), out, missing));
		else
			json_set(out, key, json_ref(json_iter_value(it)));
	}
	if (k == CONFIG_GROUP && only == NULL) {
		json_set_bool(out, "mailEnabled", false);
		json_set_bool(out, "securityEnabled", true);
	}
	*ret = steal(out);
	return OK;
}

static err_t
target_to_api(
    struct cli *c, const struct config_world *w, const json *x, json *target, json *missing)
{
	const char *id, *filter = text_of(x, "filter"), *type = NULL;

	for (size_t i = 0; i < COUNT(targets); i++) {
		const char *name = text_of(x, targets[i].member);

		if (*name == '\0' ||
		    (targets[i].value != NULL && strcmp(name, targets[i].value) != 0))
			continue;
		if (type != NULL)
			FAIL(ERR_USAGE,
			    "\"assignments\": one of group, excludeGroup and all for each");
		type = targets[i].type;
		if (targets[i].value != NULL)
			continue;
		TRY(config_resolve(c, w, CONFIG_GROUP, "assignments", name, missing, &id));
		if (id != NULL)
			json_set_text(target, "groupId", id);
	}
	if (type == NULL)
		FAIL(ERR_USAGE,
		    "\"assignments\": each is {\"group\": NAME}, {\"excludeGroup\": NAME}, {\"all\": \"devices\"} or "
		    "{\"all\": \"users\"}, with \"filter\" and \"filterMode\"");
	json_set_text(target, "@odata.type", type);
	if (*filter == '\0')
		return OK;
	TRY(config_resolve(c, w, CONFIG_FILTER, "assignments", filter, missing, &id));
	if (id != NULL)
		json_set_text(target, "deviceAndAppManagementAssignmentFilterId", id);
	json_set_text(
	    target, "deviceAndAppManagementAssignmentFilterType", text_of(x, "filterMode"));
	return OK;
}

err_t
config_assignments(
    struct cli *c, const struct config_world *w, const json *want, json **ret, json *missing)
{
	const json *list = json_get(want, "assignments");
	auto_json json *body = json_object_new();
	json *out = json_array_new();

	json_set(body, "assignments", out);
	if (!json_is_array(list))
		FAIL(ERR_USAGE, "\"assignments\" must be a list");
	for (size_t i = 0; i < json_count(list); i++) {
		auto_json json *target = json_object_new();
		size_t before = json_count(missing);
		json *one;

		TRY(target_to_api(c, w, json_at(list, i), target, missing));
		if (json_count(missing) > before)
			continue;
		one = json_object_new();
		json_set(one, "target", steal(target));
		json_add(out, one);
	}
	*ret = steal(body);
	return OK;
}

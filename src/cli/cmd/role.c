/* SPDX-License-Identifier: Apache-2.0 */
/* chancery role: what people and applications may do, and to what. */
#include "cli/api.h"
#include "cli/args.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/out.h"

#define ROLES "/beta/deviceManagement/roleDefinitions"
#define ASSIGNMENTS "/beta/deviceManagement/roleAssignments"

static const struct column columns[] = {
	{ .head = "ROLE", .key = "displayName" },
	{ .head = "BUILT IN", .key = "isBuiltIn" },
	{ .head = "DESCRIPTION", .key = "description", .wrap = true },
	{ .head = "ID", .key = "id" },
	{ 0 },
};
static const struct column assignment_columns[] = {
	{ .head = "ASSIGNMENT", .key = "displayName" },
	{ .head = "ROLE", .key = "role" },
	{ .head = "MEMBERS", .key = "memberList", .wrap = true },
	{ .head = "SCOPE TAGS", .key = "tagList" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};
static const struct column permission_columns[] = {
	{ .head = "PERMISSION", .key = "id" },
	{ .head = "BY SCOPE TAGS", .key = "enabledForScopeValidation" },
	{ .head = "ALLOWS", .key = "description", .wrap = true },
	{ 0 },
};

static err_t
find_role(struct cli *c, const char *name, const char **ret)
{
	return find_row(c, ROLES, "role", name, ret);
}

static err_t
find_assignment(struct cli *c, const char *name, const char **ret)
{
	return find_row(c, ASSIGNMENTS, "role assignment", name, ret);
}

static const struct entity definitions = { ROLES, .columns = columns, .find = find_role };
static const struct entity given = { ASSIGNMENTS, .find = find_assignment, .gone = "taken away" };

static err_t
permissions(struct cli *c)
{
	auto_json json *answer = NULL;

	TRY(api_get(c, "/beta/deviceManagement/resourceOperations", &answer));
	return out_list(c, permission_columns, answer, "value");
}

static err_t
show(struct cli *c)
{
	auto_json json *answer = NULL;
	const char *path;
	const json *pair;

	TRY(entity_path(c, &definitions, "", &path));
	TRY(api_get(c, path, &answer));
	TRY(out_object(c, answer));
	pair = json_at(
	    json_get(json_at(json_get(answer, "rolePermissions"), 0), "resourceActions"), 0);
	pair = json_get(pair, "allowedResourceActions");
	for (size_t i = 0; i < json_count(pair); i++)
		out_say(c, "allows %s", json_text(json_at(pair, i)));
	return OK;
}

static void
put_permissions(struct cli *c, json *body)
{
	json *list, *one, *pairs, *pair;

	if (!args_has(c->args, "permission"))
		return;
	list = json_array_new();
	one = json_object_new();
	pairs = json_array_new();
	pair = json_object_new();
	json_set(body, "rolePermissions", list);
	json_add(list, one);
	json_set(one, "resourceActions", pairs);
	json_add(pairs, pair);
	json_set(pair, "allowedResourceActions", args_json_list(c->arena, c->args, "permission"));
}

static err_t
create(struct cli *c)
{
	auto_json json *body = json_object_new();

	json_set_text(body, "displayName", c->args->operands[0]);
	TRY(args_body(c->arena, c->args, body));
	put_permissions(c, body);
	return entity_create(c, &definitions, body);
}

static err_t
update(struct cli *c)
{
	auto_json json *body = json_object_new();

	TRY(args_body(c->arena, c->args, body));
	put_permissions(c, body);
	return entity_update(c, &definitions, body);
}

/* An identifier, issuer:NAME, a user by UPN or a group by name. */
static err_t
member_of(struct cli *c, const char *name, const char **ret)
{
	struct id id;

	*ret = name;
	if (str_starts(str_c(name), LIT("issuer:")) || err_ok(id_parse(str_c(name), &id)))
		return OK;
	return strchr(name, '@') != NULL ? find_user(c, name, ret) : find_group(c, name, ret);
}

static err_t
put_tags(struct cli *c, json *body)
{
	const char **tags;
	size_t n = args_list(c->arena, c->args, "tag", &tags);
	json *list = json_array_new();

	json_set(body, "roleScopeTagIds", list);
	if ((n > 0) == args_has(c->args, "everything"))
		FAIL(ERR_USAGE, "how far does it reach? Either --tag TAG or --everything");
	for (size_t i = 0; i < n; i++) {
		const char *id;

		TRY(find_row(c, "/beta/deviceManagement/roleScopeTags", "scope tag", tags[i], &id));
		json_add(list, json_text_new(id));
	}
	return OK;
}

static err_t
assign(struct cli *c)
{
	auto_json json *body = json_object_new();
	const char **to, *role;
	size_t n = args_list(c->arena, c->args, "to", &to);
	json *members = json_array_new();

	json_set(body, "members", members);
	json_set_text(body, "displayName", args_or(c->args, "name", c->args->operands[0]));
	TRY(find_role(c, c->args->operands[0], &role));
	json_set_text(body, "roleDefinition@odata.bind",
	    arena_printf(c->arena, "roleDefinitions('%s')", role));
	for (size_t i = 0; i < n; i++) {
		const char *id;

		TRY(member_of(c, to[i], &id));
		json_add(members, json_text_new(id));
	}
	TRY(put_tags(c, body));
	return entity_create(c, &given, body);
}

static const char *
joined(struct cli *c, const json *list)
{
	const char *out = "";

	for (size_t i = 0; i < json_count(list); i++)
		out = arena_printf(
		    c->arena, "%s%s%s", out, i == 0 ? "" : " ", json_text(json_at(list, i)));
	return out;
}

static err_t
assignments(struct cli *c)
{
	auto_json json *rows = NULL, *roles = NULL;

	TRY(api_list(c, ASSIGNMENTS, &rows));
	if (c->json)
		return out_rows(c, assignment_columns, rows);
	TRY(api_list(c, ROLES, &roles));
	for (size_t i = 0; i < json_count(rows); i++) {
		json *x = json_at(rows, i);
		const char *tags = joined(c, json_get(x, "roleScopeTagIds"));

		json_set_text(x, "memberList", joined(c, json_get(x, "members")));
		json_set_text(x, "tagList", *tags == '\0' ? "everything" : tags);
		for (size_t k = 0; k < json_count(roles); k++)
			if (json_equal(
				json_get(json_at(roles, k), "id"), json_get(x, "roleDefinitionId")))
				json_set(x, "role",
				    json_ref(json_get(json_at(roles, k), "displayName")));
	}
	return out_rows(c, assignment_columns, rows);
}

#define PERMISSION_OPT \
	{ \
		.name = "permission", .value = "PERMISSION", .many = true, \
		.help = "What it allows; chancery role permissions lists them." \
	}
#define DESCRIPTION_OPT \
	{ \
		.name = "description", .value = "TEXT", .property = "description", \
		.help = "For people." \
	}

static const struct opt create_opts[] = { PERMISSION_OPT, DESCRIPTION_OPT, { 0 } };
static const struct opt update_opts[] = {
	{ .name = "name", .value = "NAME", .property = "displayName", .help = "Its new name." },
	PERMISSION_OPT,
	DESCRIPTION_OPT,
	{ 0 },
};
static const struct opt assign_opts[] = {
	{ .name = "to",
	    .value = "MEMBER",
	    .required = true,
	    .many = true,
	    .help = "Group, user (UPN), identifier of an application or administrator, or "
		    "issuer:NAME for a group at the outside issuer." },
	{ .name = "tag",
	    .value = "TAG",
	    .many = true,
	    .help = "Reaches only what has this scope tag." },
	{ .name = "everything", .help = "Reaches everything." },
	{ .name = "name",
	    .value = "NAME",
	    .help = "Name of the assignment; else that of the role." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Built-in and own roles.", NULL, NULL, entity_list, &definitions },
	{ "permissions", "What a role can allow.", NULL, NULL, permissions },
	{ "show", "A role with what it allows.", "ROLE", NULL, show },
	{ "create", "Make a role.", "NAME", create_opts, create },
	{ "update", "Change a role of one's own.", "ROLE", update_opts, update },
	{ "delete", "Delete a role that is not assigned any more.", "ROLE", NULL, entity_delete,
	    &definitions },
	{ "assign", "Give a role to people, groups or applications.", "ROLE", assign_opts, assign },
	{ "assignments", "Who has which role, and how far it reaches.", NULL, NULL, assignments },
	{ "unassign", "Take an assignment away.", "ASSIGNMENT", NULL, entity_delete, &given },
	{ 0 },
};

const struct command command_role = { "role", "What people and applications may do.", verbs };

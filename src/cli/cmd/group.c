/* SPDX-License-Identifier: Apache-2.0 */
/* chancery group: groups of users and devices that profiles are assigned to. */
#include "cli/api.h"
#include "cli/args.h"
#include "cli/effect.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/import.h"
#include "cli/out.h"

static const struct column columns[] = {
	{ .head = "GROUP", .key = "displayName" },
	{ .head = "DESCRIPTION", .key = "description", .wrap = true },
	{ .head = "ID", .key = "id" },
	{ 0 },
};
static const struct column member_columns[] = {
	{ .head = "KIND", .key = "kind" },
	{ .head = "NAME", .key = "name" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static const struct entity groups = { "/v1.0/groups", .columns = columns, .find = find_group };

static err_t
create(struct cli *c)
{
	auto_json json *body = json_object_new();
	const char *name = args_text(c->args, "name");

	if (name == NULL && c->args->noperands == 1)
		name = c->args->operands[0];
	if (name == NULL)
		FAIL(ERR_USAGE, "NAME is missing");
	json_set_text(body, "displayName", name);
	json_set_bool(body, "mailEnabled", false);
	json_set_bool(body, "securityEnabled", true);
	TRY(args_body(c->arena, c->args, body));
	return entity_create(c, &groups, body);
}

/* One line a member, whatever it is. */
static json *
member_row(const json *m)
{
	static const char *const names[] = { "userPrincipalName", "deviceName", "displayName" };
	json *row = json_object_new();
	const char *type = strrchr(json_text(json_get(m, "@odata.type")), '.');
	bool device = type != NULL && str_eq_c(str_c(type), ".device");

	json_set_text(row, "kind", type == NULL ? "" : type + 1);
	json_set_text(row, "id", json_text(json_get(m, "id")));
	for (size_t i = device ? 1 : 0; i < COUNT(names); i++) {
		if (json_get(row, "name") == NULL && json_is_text(json_get(m, names[i])))
			json_set_text(row, "name", json_text(json_get(m, names[i])));
	}
	return row;
}

static err_t
show(struct cli *c)
{
	auto_json json *group = NULL, *members = NULL, *rows = json_array_new();
	const char *id;

	TRY(find_group(c, c->args->operands[0], &id));
	TRY(api_get(c, arena_printf(c->arena, "/v1.0/groups/%s", id), &group));
	TRY(api_list(c, arena_printf(c->arena, "/v1.0/groups/%s/members", id), &members));
	if (c->json) {
		json_set(group, "members", steal(members));
		return out_json(c, group);
	}
	for (size_t i = 0; i < json_count(members); i++)
		json_add(rows, member_row(json_at(members, i)));
	TRY(out_object(c, group));
	out_say(c, "members:");
	return out_table(c, member_columns, rows);
}

static err_t delete (struct cli *c)
{
	auto_json json *body = json_object_new();
	const char *id;

	TRY(find_group(c, c->args->operands[0], &id));
	json_set_bool(body, "delete", true);
	if (args_has(c->args, "dry-run"))
		return effect_show_of(c, "groups", id, body);
	TRY(effect_warn_of(c, "groups", id, body));
	TRY(api_send(c, "DELETE", arena_printf(c->arena, "/v1.0/groups/%s", id), NULL, NULL));
	out_say(c, "deleted");
	return OK;
}

/* The members named, as the effect of adding or removing them is asked for. */
static err_t
members_body(struct cli *c, const char *what, json *body)
{
	json *list = json_array_new();
	const char *member;

	json_set(body, what, list);
	for (size_t i = 1; i < c->args->noperands; i++) {
		TRY(find_member(c, c->args->operands[i], &member));
		json_add(list, json_text_new(member));
	}
	return OK;
}

static err_t
add_member(struct cli *c)
{
	auto_json json *effect = json_object_new();
	const char *group, *member, *url;

	TRY(find_group(c, c->args->operands[0], &group));
	TRY(members_body(c, "add", effect));
	if (args_has(c->args, "dry-run"))
		return effect_show_of(c, "groups", group, effect);
	TRY(effect_warn_of(c, "groups", group, effect));
	TRY(api_url(c, &url));
	for (size_t i = 1; i < c->args->noperands; i++) {
		auto_json json *body = json_object_new();

		TRY(find_member(c, c->args->operands[i], &member));
		json_set_text(body, "@odata.id",
		    arena_printf(c->arena, "%s/v1.0/directoryObjects/%s", url, member));
		TRY_CTX(
		    api_send(c, "POST",
			arena_printf(c->arena, "/v1.0/groups/%s/members/$ref", group), body, NULL),
		    "%.128s", c->args->operands[i]);
		out_say(c, "%s is a member of %s", c->args->operands[i], c->args->operands[0]);
	}
	return OK;
}

static err_t
remove_member(struct cli *c)
{
	auto_json json *effect = json_object_new();
	const char *group, *member;

	TRY(find_group(c, c->args->operands[0], &group));
	TRY(members_body(c, "remove", effect));
	if (args_has(c->args, "dry-run"))
		return effect_show_of(c, "groups", group, effect);
	TRY(effect_warn_of(c, "groups", group, effect));
	for (size_t i = 1; i < c->args->noperands; i++) {
		TRY(find_member(c, c->args->operands[i], &member));
		TRY_CTX(
		    api_send(c, "DELETE",
			arena_printf(c->arena, "/v1.0/groups/%s/members/%s/$ref", group, member),
			NULL, NULL),
		    "%.128s", c->args->operands[i]);
		out_say(c, "%s is no member of %s any more", c->args->operands[i],
		    c->args->operands[0]);
	}
	return OK;
}

static const struct opt create_opts[] = {
	{ .name = "name", .value = "NAME", .property = "displayName", .help = "The same as NAME." },
	{ .name = "description",
	    .value = "TEXT",
	    .property = "description",
	    .help = "What it is for." },
	{ .name = "mail-nickname",
	    .value = "TEXT",
	    .property = "mailNickname",
	    .help = "Short name." },
	{ .name = "sid",
	    .value = "SID",
	    .property = "onPremisesSecurityIdentifier",
	    .help = "Security identifier in Active Directory." },
	{ 0 },
};
static const struct opt effect_opts[] = {
	{ .name = "dry-run",
	    .help = "Say how many would be issued, withdrawn, revoked; do nothing." },
	{ 0 },
};
static const struct opt import_opts[] = { IMPORT_OPTS, { 0 } };

static err_t
import_groups(struct cli *c)
{
	return import_run(c, "groups", create_opts);
}

static const struct verb verbs[] = {
	{ "create", "Make a group.", "[NAME]", create_opts, create },
	{ "list", "The groups.", NULL, NULL, entity_list, &groups },
	{ "show", "One group and its members.", "GROUP", NULL, show },
	{ "delete", "Delete a group; what was assigned through it is removed.", "GROUP",
	    effect_opts, delete },
	{ "add-member", "Add users, devices or groups.", "GROUP MEMBER...", effect_opts,
	    add_member },
	{ "remove-member", "Take members out.", "GROUP MEMBER...", effect_opts, remove_member },
	{ "import", "Groups of a CSV or JSON file, with a column members; nobody is taken out.",
	    "FILE", import_opts, import_groups },
	{ 0 },
};

const struct command command_group = { "group", "Groups that profiles are assigned to.", verbs };

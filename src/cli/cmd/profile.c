/* SPDX-License-Identifier: Apache-2.0 */
/* chancery profile: what is to be delivered, to whom. */
#include "base/file.h"
#include "base/limits.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/effect.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/out.h"
#include "cli/preview.h"
#include "cli/settings.h"

#define PROFILES "/beta/deviceManagement/deviceConfigurations"
#define ALL_PROFILES "/chancery/v1/profiles" /* whatever their type's own path */

static const struct column columns[] = {
	{ .head = "PROFILE", .key = "displayName" },
	{ .head = "TYPE", .key = "@odata.type" },
	{ .head = "VERSION", .key = "version" },
	{ .head = "CHANGED", .key = "lastModifiedDateTime" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};
static const struct column version_columns[] = {
	{ .head = "VERSION", .key = "id" },
	{ .head = "PROFILE", .key = "displayName" },
	{ .head = "REPLACED", .key = "replacedDateTime" },
	{ .head = "BY", .key = "replacedBy" },
	{ .head = "CHANGE", .key = "replacedByChange" },
	{ 0 },
};
static const struct column status_columns[] = {
	{ .head = "DEVICE", .key = "deviceDisplayName" },
	{ .head = "USER", .key = "userPrincipalName" },
	{ .head = "STATUS", .key = "status" },
	{ .head = "STATE", .key = "@chancery.state", .state = true },
	{ .head = "FAULT", .key = "@chancery.fault" },
	{ .head = "REASON", .key = "@chancery.reason", .wrap = true },
	{ .head = "SINCE", .key = "lastReportedDateTime" },
	{ 0 },
};

/* What was saved but deserves a look, on standard error. */
static void
put_warnings(struct cli *c, const json *answer)
{
	const json *list = json_get(answer, "@chancery.warnings");

	for (size_t i = 0; i < json_count(list); i++) {
		const json *w = json_at(list, i);

		fprintf(stderr, "warning: %s (%s)\n", out_value(c->arena, json_get(w, "message")),
		    out_value(c->arena, json_get(w, "code")));
		if (json_text(json_get(w, "hint"))[0] != '\0')
			fprintf(stderr, "hint: %s\n", out_value(c->arena, json_get(w, "hint")));
	}
}

/* --use NAME=PROFILE: the first of a name replaces what a file has, more of it make a list. */
static err_t
read_uses(struct cli *c, json *body)
{
	const char *last = "", *id;

	for (size_t i = 0; i < c->args->n; i++) {
		struct str rest = str_c(c->args->v[i].value == NULL ? "" : c->args->v[i].value),
			   name;

		if (!str_eq_c(str_c(c->args->v[i].opt->name), "use"))
			continue;
		name = str_cut(&rest, '=');
		if (name.n == 0 || rest.n == 0)
			FAIL(ERR_USAGE, "--use %s is not NAME=PROFILE", c->args->v[i].value);
		TRY(find_profile(c, arena_cstr(c->arena, rest), &id));
		settings_refer(
		    c->arena, body, arena_cstr(c->arena, name), id, str_eq_c(name, last));
		last = arena_cstr(c->arena, name);
	}
	return OK;
}

/* --file, --set, --secret and --certificate, in this order, into a body. */
static err_t
read_body(struct cli *c, json **ret)
{
	auto_json json *body = NULL;
	const char *root;

	TRY(settings_read(c, &body));
	if (args_has(c->args, "root")) {
		TRY(find_profile(c, args_text(c->args, "root"), &root));
		settings_set_root(c->arena, body, root);
	}
	TRY(read_uses(c, body));
	*ret = steal(body);
	return OK;
}

static err_t
create(struct cli *c)
{
	auto_json json *body = NULL, *answer = NULL;

	TRY(read_body(c, &body));
	if (c->args->noperands == 1)
		json_set_text(body, "displayName", c->args->operands[0]);
	if (json_get(body, "@odata.type") == NULL)
		FAIL(ERR_USAGE,
		    "--type is missing: one of trusted-root, pkcs, scep, imported-pfx, or a type of the API");
	if (json_get(body, "displayName") == NULL)
		FAIL(ERR_USAGE, "--name is missing");
	TRY(api_send(c, "POST", ALL_PROFILES, body, &answer));
	put_warnings(c, answer);
	return out_object(c, answer);
}

static const struct entity profiles = { PROFILES, .listed = ALL_PROFILES, .columns = columns,
	.find = find_profile };

static err_t
show(struct cli *c)
{
	auto_json json *answer = NULL;
	const char *path;

	TRY(entity_path(c, &profiles, "?$expand=assignments", &path));
	TRY(api_get(c, path, &answer));
	return c->json ? out_json(c, answer) : settings_print(c, answer);
}

static err_t
update(struct cli *c)
{
	auto_json json *body = NULL, *old = NULL, *answer = NULL;
	const char *path;

	TRY(entity_path(c, &profiles, "", &path));
	TRY(read_body(c, &body));
	if (json_count(body) == 0)
		FAIL(ERR_USAGE, "nothing to change was given");
	if (json_get(body, "@odata.type") == NULL) {
		TRY(api_get(c, path, &old));
		json_set_text(body, "@odata.type", json_text(json_get(old, "@odata.type")));
	}
	TRY(api_send(c, "PATCH", path, body, &answer));
	put_warnings(c, answer);
	return out_object(c, answer);
}

static void
add_target(json *list, const char *type, const char *group)
{
	json *x = json_object_new(), *target = json_object_new();

	json_add(list, x);
	json_set(x, "target", target);
	json_set_text(target, "@odata.type", type);
	if (group != NULL)
		json_set_text(target, "groupId", group);
}

static err_t
add_groups(struct cli *c, json *list, const char *opt, const char *type)
{
	const char **names, *id;
	size_t n = args_list(c->arena, c->args, opt, &names);

	for (size_t i = 0; i < n; i++) {
		TRY(find_group(c, names[i], &id));
		add_target(list, type, id);
	}
	return OK;
}

/* One filter for all targets that include. */
static err_t
add_filter(struct cli *c, json *list)
{
	bool exclude = args_has(c->args, "exclude-filter");
	const char *name = args_text(c->args, exclude ? "exclude-filter" : "filter"), *id;

	if (name == NULL)
		return OK;
	if (exclude && args_has(c->args, "filter"))
		FAIL(ERR_USAGE, "--filter and --exclude-filter exclude one another");
	TRY(find_filter(c, name, &id));
	for (size_t i = 0; i < json_count(list); i++) {
		json *target = json_get(json_at(list, i), "target");
		const char *type = json_text(json_get(target, "@odata.type"));

		if (strstr(type, "exclusion") != NULL)
			continue;
		json_set_text(target, "deviceAndAppManagementAssignmentFilterId", id);
		json_set_text(target, "deviceAndAppManagementAssignmentFilterType",
		    exclude ? "exclude" : "include");
	}
	return OK;
}

static err_t
assign(struct cli *c)
{
	auto_json json *body = json_object_new(), *answer = NULL;
	json *list = json_array_new();
	const char *path;

	json_set(body, "assignments", list);
	TRY(entity_path(c, &profiles, "/assign", &path));
	TRY(add_groups(c, list, "group", "#microsoft.graph.groupAssignmentTarget"));
	TRY(add_groups(
	    c, list, "exclude-group", "#microsoft.graph.exclusionGroupAssignmentTarget"));
	if (args_has(c->args, "all-users"))
		add_target(list, "#microsoft.graph.allLicensedUsersAssignmentTarget", NULL);
	if (args_has(c->args, "all-devices"))
		add_target(list, "#microsoft.graph.allDevicesAssignmentTarget", NULL);
	TRY(add_filter(c, list));
	if (json_count(list) == 0 && !args_has(c->args, "nobody"))
		FAIL(ERR_USAGE,
		    "to whom? --group, --all-users, --all-devices, or --nobody to take it from all");
	if (args_has(c->args, "dry-run")) {
		TRY(find_profile(c, c->args->operands[0], &path));
		return effect_show(c, path, body);
	}
	TRY(api_send(c, "POST", path, body, &answer));
	put_warnings(c, answer);
	if (c->json)
		return out_json(c, answer);
	out_say(c, "%s has %zu assignments", c->args->operands[0],
	    json_count(json_get(answer, "value")));
	return OK;
}

static err_t
status(struct cli *c)
{
	auto_json json *rows = NULL, *counts = NULL;
	const char *path;

	TRY(entity_path(c, &profiles, "/deviceStatuses", &path));
	TRY(api_list(c, path, &rows));
	if (c->json)
		return out_rows(c, status_columns, rows);
	TRY(entity_path(c, &profiles, "/deviceStatusOverview", &path));
	TRY(api_get(c, path, &counts));
	TRY(out_table(c, status_columns, rows));
	out_say(c, "%lld installed, %lld on the way, %lld failed",
	    (long long)json_int(json_get(counts, "successCount")),
	    (long long)json_int(json_get(counts, "pendingCount")),
	    (long long)json_int(json_get(counts, "errorCount")));
	return OK;
}

static err_t
versions(struct cli *c)
{
	auto_json json *rows = NULL;
	const char *id;

	TRY(find_profile(c, c->args->operands[0], &id));
	TRY(api_list(c, arena_printf(c->arena, "/chancery/v1/profiles/%s/versions", id), &rows));
	return out_rows(c, version_columns, rows);
}

/* Says what it would do, and asks. */
static err_t
may_restore(struct cli *c, const char *path, const json *body, bool *ret)
{
	auto_json json *x = NULL;

	*ret = args_has(c->args, "yes");
	if (*ret)
		return OK;
	TRY(api_send(c, "POST", arena_printf(c->arena, "%s/effect", path), body, &x));
	fprintf(stderr,
	    "%lld certificates or roots would be issued again, %lld withdrawn, %lld revoked%s\n",
	    (long long)json_int(json_get(x, "reissue")),
	    (long long)json_int(json_get(x, "withdraw")),
	    (long long)json_int(json_get(x, "revoke")),
	    json_true(json_get(x, "complete")) ? "" : ", and more that was not looked at");
	return ask_yes("Restore this version? [y/N] ", ret);
}

/* Only if the profile is still the one that the effect was said of. */
static err_t
restore(struct cli *c)
{
	auto_json json *body = json_object_new(), *now = NULL, *answer = NULL;
	const char *id, *version, *path, *etag;
	int64_t number;
	bool may;

	TRY(find_profile(c, c->args->operands[0], &id));
	TRY_CTX(text_i64(str_c(c->args->operands[1]), 1, INT64_MAX, &number), "VERSION");
	version = arena_printf(c->arena, "%s/versions/%lld", id, (long long)number);
	path = arena_printf(c->arena, "/chancery/v1/profiles/%s", version);
	json_set_bool(body, "assignments", args_has(c->args, "assignments"));
	if (args_has(c->args, "dry-run"))
		return effect_show(c, version, body);
	TRY(api_get_tagged(c, arena_printf(c->arena, PROFILES "/%s", id), &now, &etag));
	TRY(may_restore(c, path, body, &may));
	if (!may) {
		out_say(c, "nothing was changed");
		return OK;
	}
	TRY(api_send_if(
	    c, "POST", arena_printf(c->arena, "%s/restore", path), etag, body, &answer));
	put_warnings(c, answer);
	return out_object(c, answer);
}

static err_t
preview(struct cli *c)
{
	auto_json json *body = NULL;

	TRY(read_body(c, &body));
	/* A draft needs no name yet. */
	if (c->args->noperands == 0 && json_get(body, "@odata.type") != NULL &&
	    json_get(body, "displayName") == NULL)
		json_set_text(body, "displayName", "Draft");
	return preview_show(c, body);
}

#define BODY_OPTS \
	{ .name = "file", \
		.value = "FILE", \
		.help = "The profile as the API's JSON; other options change it." }, \
	    { .name = "name", \
		    .value = "NAME", \
		    .property = "displayName", \
		    .help = "Name of the profile." }, \
	    { .name = "description", \
		    .value = "TEXT", \
		    .property = "description", \
		    .help = "For people." }, \
	    { .name = "set", \
		    .value = "NAME=VALUE", \
		    .help = \
			"One setting; a VALUE that is JSON is taken as JSON, else as text. May be repeated.", \
		    .many = true }, \
	    { .name = "secret", \
		    .value = "NAME=FILE", \
		    .help = \
			"A secret, as preSharedKey=guests.key: the first line of that file. May be repeated.", \
		    .many = true }, \
	    { .name = "certificate", \
		    .value = "FILE", \
		    .help = "The CA certificate of a trusted root, PEM or DER." }, \
	    { .name = "root", \
		    .value = "PROFILE", \
		    .help = "The trusted-root profile that a certificate profile needs." }, \
	{ \
		.name = "use", .value = "NAME=PROFILE", .many = true, \
		.help = \
		    "A profile that a Wi-Fi, VPN or mail profile refers to, as identityCertificate=Ada. Several of one name stand one after the other." \
	}

static const struct opt create_opts[] = {
	{ .name = "type",
	    .value = "TYPE",
	    .help =
		"trusted-root, pkcs, scep or imported-pfx (of Linux), or a type of the API such as windows10PkcsCertificateProfile." },
	BODY_OPTS,
	{ 0 },
};
static const struct opt preview_opts[] = {
	{ .name = "device", .value = "DEVICE", .help = "For this device." },
	{ .name = "user",
	    .value = "USER",
	    .help = "For this user, in place of the one of the device." },
	{ .name = "type", .value = "TYPE", .help = "Type of a draft; see create." },
	BODY_OPTS,
	{ 0 },
};
static const struct opt update_opts[] = { BODY_OPTS, { 0 } };
static const struct opt assign_opts[] = {
	{ .name = "group", .value = "GROUP", .many = true, .help = "Members of these groups." },
	{ .name = "exclude-group",
	    .value = "GROUP",
	    .many = true,
	    .help = "But not members of these." },
	{ .name = "all-users", .help = "Everybody." },
	{ .name = "all-devices", .help = "Every device." },
	{ .name = "nobody", .help = "Take it from all: removed and revoked." },
	{ .name = "filter", .value = "FILTER", .help = "Of those, only devices that it matches." },
	{ .name = "exclude-filter",
	    .value = "FILTER",
	    .help = "Of those, not devices that it matches." },
	{ .name = "dry-run",
	    .help = "Say how many would be issued, withdrawn, revoked; do nothing." },
	{ 0 },
};

static const struct opt restore_opts[] = {
	{ .name = "assignments", .help = "Its targets, too; otherwise these stay as they are." },
	{ .name = "dry-run",
	    .help = "Say how many would be issued, withdrawn, revoked; do nothing." },
	{ .name = "yes", .help = "Do not ask." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "create", "Make a profile.", "[NAME]", create_opts, create },
	{ "list", "The profiles.", NULL, NULL, entity_list, &profiles },
	{ "show", "One profile with its settings and assignments.", "PROFILE", NULL, show },
	{ "update", "Change a profile.", "PROFILE", update_opts, update },
	{ "delete", "Delete a profile; what it delivered is removed and revoked.", "PROFILE", NULL,
	    entity_delete, &profiles },
	{ "assign", "Set to whom a profile goes, in place of what was set before.", "PROFILE",
	    assign_opts, assign },
	{ "preview",
	    "What a profile, changed or not, or a draft would bring: names, checks, lint. Nothing is issued.",
	    "[PROFILE]", preview_opts, preview },
	{ "types", "The types of profiles, or the settings of one.", "[TYPE]", NULL,
	    preview_types },
	{ "versions", "What a profile was before each of its changes, newest first.", "PROFILE",
	    NULL, versions },
	{ "restore",
	    "Make settings and names of a profile again what they were in a version. Scope tags stay.",
	    "PROFILE VERSION", restore_opts, restore },
	{ "status", "Where each device stands with a profile.", "PROFILE", NULL, status },
	{ 0 },
};

const struct command command_profile = { "profile", "What is to be delivered, and to whom.",
	verbs };

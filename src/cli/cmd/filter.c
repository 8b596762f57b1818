/* SPDX-License-Identifier: Apache-2.0 */
/* chancery filter: rules that narrow assignments to some devices. */
#include "cli/api.h"
#include "cli/args.h"
#include "cli/effect.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/out.h"

#define FILTERS "/beta/deviceManagement/assignmentFilters"

static const struct column columns[] = {
	{ .head = "FILTER", .key = "displayName" },
	{ .head = "PLATFORM", .key = "platform" },
	{ .head = "RULE", .key = "rule", .wrap = true },
	{ .head = "ID", .key = "id" },
	{ 0 },
};
static const struct column device_columns[] = {
	{ .head = "DEVICE", .key = "deviceName" },
	{ .head = "USER", .key = "userPrincipalName" },
	{ .head = "OS", .key = "operatingSystem" },
	{ .head = "VERSION", .key = "osVersion" },
	{ .head = "MODEL", .key = "model" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static const struct entity filters = { FILTERS, .columns = columns, .find = find_filter };

static err_t
create(struct cli *c)
{
	auto_json json *body = json_object_new();

	json_set_text(body, "displayName", c->args->operands[0]);
	TRY(args_body(c->arena, c->args, body));
	return entity_create(c, &filters, body);
}

static err_t
update(struct cli *c)
{
	auto_json json *body = json_object_new();
	const char *id;

	TRY(args_body(c->arena, c->args, body));
	if (json_count(body) > 0 && args_has(c->args, "dry-run")) {
		TRY(find_filter(c, c->args->operands[0], &id));
		return effect_show_of(c, "assignmentFilters", id, body);
	}
	return entity_update(c, &filters, body);
}

/* The devices that a rule, or the rule of a filter, matches now. */
static err_t
test(struct cli *c)
{
	auto_json json *body = json_object_new(), *answer = NULL, *filter = NULL;
	json *data = json_object_new();
	const char *path;

	json_set(body, "data", data);
	if (c->args->noperands == 1) {
		TRY(entity_path(c, &filters, "", &path));
		TRY(api_get(c, path, &filter));
		json_set_text(data, "platform", json_text(json_get(filter, "platform")));
		json_set_text(data, "rule", json_text(json_get(filter, "rule")));
	}
	TRY(args_body(c->arena, c->args, data));
	if (json_get(data, "platform") == NULL || json_get(data, "rule") == NULL)
		FAIL(ERR_USAGE, "which rule? FILTER, or --platform and --rule");
	TRY(api_send(c, "POST", "/beta/deviceManagement/evaluateAssignmentFilter", body, &answer));
	if (c->json)
		return out_json(c, answer);
	TRY(out_table(c, device_columns, json_get(answer, "value")));
	out_say(c, "%lld of %lld devices match%s",
	    (long long)json_int(json_get(answer, "totalRowCount")),
	    (long long)json_int(json_get(answer, "@chancery.devicesLookedAt")),
	    json_true(json_get(answer, "@chancery.complete")) ? "" : "; not all were looked at");
	return OK;
}

#define RULE_OPT \
	{ \
		.name = "rule", .value = "RULE", .property = "rule", \
		.help = \
		    "The rule: (device.model -eq \"X1\") and (device.osVersion -startsWith \"12\")." \
	}
#define PLATFORM_OPT(needed) \
	{ \
		.name = "platform", .value = "PLATFORM", .property = "platform", \
		.required = needed, \
		.help = "linux, windows10AndLater, iOS, macOS, androidForWork, androidAOSP ..." \
	}
#define DESCRIPTION_OPT \
	{ \
		.name = "description", .value = "TEXT", .property = "description", \
		.help = "For people." \
	}

static const struct opt create_opts[] = { PLATFORM_OPT(true), RULE_OPT, DESCRIPTION_OPT, { 0 } };
static const struct opt update_opts[] = { { .name = "name",
					      .value = "NAME",
					      .property = "displayName",
					      .help = "Name of the filter." },
	RULE_OPT, DESCRIPTION_OPT,
	{ .name = "dry-run",
	    .help = "Say how many the rule would take their slots from; do nothing." },
	{ 0 } };
static const struct opt test_opts[] = { PLATFORM_OPT(false), RULE_OPT, { 0 } };

static const struct verb verbs[] = {
	{ "create", "Make a filter.", "NAME", create_opts, create },
	{ "list", "The filters.", NULL, NULL, entity_list, &filters },
	{ "show", "One filter.", "FILTER", NULL, entity_show, &filters },
	{ "update", "Change a filter; assignments follow.", "FILTER", update_opts, update },
	{ "delete", "Delete a filter that no assignment uses.", "FILTER", NULL, entity_delete,
	    &filters },
	{ "test", "The devices that a filter or a rule matches.", "[FILTER]", test_opts, test },
	{ 0 },
};

const struct command command_filter = { "filter", "Rules that narrow assignments to some devices.",
	verbs };

/* SPDX-License-Identifier: Apache-2.0 */
/* chancery rollout: large changes of profiles, which reach their slots at a pace. */
#include "cli/api.h"
#include "cli/args.h"
#include "cli/entity.h"
#include "cli/out.h"

#define ROLLOUTS "/chancery/v1/rollouts"
#define SETTINGS "/chancery/v1/rolloutSettings"

static const struct column columns[] = {
	{ .head = "PROFILE", .key = "profileName" },
	{ .head = "CHANGE", .key = "change" },
	{ .head = "STATE", .key = "state", .state = true },
	{ .head = "RELEASED %", .key = "percentReleased" },
	{ .head = "SLOTS", .key = "slots" },
	{ .head = "REACHED", .key = "slotsReached" },
	{ .head = "FAILED", .key = "slotsFailed" },
	{ .head = "WITHDRAWN", .key = "slotsWithdrawn" },
	{ .head = "REASON", .key = "reason", .wrap = true },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static bool
is_open(const json *r)
{
	const char *state = json_text(json_get(r, "state"));

	return strcmp(state, "done") != 0 && strcmp(state, "rolled back") != 0;
}

/* By identifier, or by the profile that it changes: the open one of that name. */
static err_t
find_rollout(struct cli *c, const char *name, const char **ret)
{
	auto_json json *rows = NULL;
	const char *hit = NULL;

	TRY(api_list(c, ROLLOUTS, &rows));
	for (size_t i = 0; i < json_count(rows); i++) {
		const json *r = json_at(rows, i);
		const char *id = json_text(json_get(r, "id"));

		if (strcmp(id, name) != 0 &&
		    (!is_open(r) || strcmp(json_text(json_get(r, "profileName")), name) != 0))
			continue;
		if (hit != NULL)
			FAIL(ERR_AMBIGUOUS, "several roll-outs are of a profile named %s", name);
		hit = arena_strdup(c->arena, id);
	}
	if (hit == NULL)
		FAIL(ERR_NOT_FOUND, "no roll-out %s", name);
	*ret = hit;
	return OK;
}

static const struct entity rollouts = { ROLLOUTS, .columns = columns, .find = find_rollout };

/* The API calls its actions as the verbs are called here. */
static err_t
act(struct cli *c)
{
	auto_json json *body = json_object_new(), *answer = NULL;
	const char *path;

	TRY(entity_path(c, &rollouts, arena_printf(c->arena, "/%s", c->args->verb->name), &path));
	TRY(api_send(c, "POST", path, body, &answer));
	return out_object(c, answer);
}

static err_t
read_terms(struct cli *c, json **ret)
{
	static const struct {
		const char *option, *member;
	} numbers[] = {
		{ "threshold", "threshold" },
		{ "pace", "slotsPerHour" },
		{ "failures", "failureLimitPercent" },
	};
	auto_json json *body = json_object_new();

	for (size_t i = 0; i < COUNT(numbers); i++) {
		int64_t x;

		if (!args_has(c->args, numbers[i].option))
			continue;
		TRY(args_int(c->args, numbers[i].option, 0, 1000000000, 0, &x));
		json_set_int(body, numbers[i].member, x);
	}
	if (args_has(c->args, "steps"))
		json_set_text(body, "steps", args_text(c->args, "steps"));
	*ret = steal(body);
	return OK;
}

static err_t
update(struct cli *c)
{
	auto_json json *body = NULL;

	TRY(read_terms(c, &body));
	return entity_update(c, &rollouts, body);
}

static err_t
settings(struct cli *c)
{
	auto_json json *body = NULL, *answer = NULL;

	TRY(read_terms(c, &body));
	if (json_count(body) > 0)
		TRY(api_send(c, "PATCH", SETTINGS, body, &answer));
	else
		TRY(api_get(c, SETTINGS, &answer));
	return out_object(c, answer);
}

#define TERMS \
	{ .name = "pace", .value = "N", .help = "Slots an hour." }, \
	    { .name = "failures", \
		    .value = "PERCENT", \
		    .help = "Stop when more than this share of what settled has failed." }, \
	{ \
		.name = "steps", .value = "PERCENTS", \
		.help = "Percents at which it waits until what was released has settled: 1,10,50." \
	}

static const struct opt update_opts[] = { TERMS, { 0 } };
static const struct opt settings_opts[] = {
	{ .name = "threshold",
	    .value = "N",
	    .help = "Pace changes that touch more slots than this." },
	TERMS,
	{ 0 },
};

#define WHICH "ROLLOUT"

static const struct verb verbs[] = {
	{ "list", "Roll-outs, with how far they are.", NULL, NULL, entity_list, &rollouts },
	{ "show", "One roll-out, by identifier or by its profile's name.", WHICH, NULL, entity_show,
	    &rollouts },
	{ "pause", "Release no more slots for now.", WHICH, NULL, act },
	{ "resume", "Go on: after a pause, after it stopped by itself, or past a step.", WHICH,
	    NULL, act },
	{ "rollback", "Give the profile its earlier settings and targets again.", WHICH, NULL,
	    act },
	{ "finish", "Release all that is left at once.", WHICH, NULL, act },
	{ "update", "Change pace, limit or steps of one that is open.", WHICH, update_opts,
	    update },
	{ "settings", "Show or set from how many slots on changes are paced, and how.", NULL,
	    settings_opts, settings },
	{ 0 },
};

const struct command command_rollout = { "rollout",
	"Large changes of profiles, which reach their slots at a pace.", verbs };

/* SPDX-License-Identifier: Apache-2.0 */
/* chancery slot: every certificate that is due, and where it stands. */
#include <poll.h>

#include "cli/api.h"
#include "cli/args.h"
#include "cli/find.h"
#include "cli/out.h"
#include "cli/slots.h"
#include "cli/url.h"

#define SLOTS "/chancery/v1/slots"
#define EXPIRING "/chancery/v1/expiring"
#define DEVICES_MAX 256
#define LOOK_MS 300

static const struct column columns[] = {
	{ .head = "DEVICE", .key = "deviceName" },
	{ .head = "PROFILE", .key = "profileName" },
	{ .head = "KIND", .key = "kind" },
	{ .head = "STATE", .key = "state", .state = true },
	{ .head = "SERIAL", .key = "serialNumber" },
	{ .head = "SUBJECT", .key = "subjectName", .wrap = true },
	{ .head = "SINCE", .key = "since" },
	{ .head = "TOOK", .key = "took" },
	{ .head = "FAULT", .key = "fault" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};
static const struct column event_columns[] = {
	{ .head = "TIME", .key = "dateTime" },
	{ .head = "ACTOR", .key = "actor" },
	{ .head = "EVENT", .key = "event" },
	{ .head = "COUNT", .key = "count" },
	{ .head = "DETAIL", .key = "detail", .wrap = true },
	{ .head = "FAULT", .key = "fault" },
	{ 0 },
};

/* The devices that operands and --device name, as identifiers. None: *retn is 0. */
static err_t
devices(struct cli *c, const char ***ret, size_t *retn)
{
	const char **names, **ids;
	size_t n = args_list(c->arena, c->args, "device", &names);

	ids = arena_array(c->arena, n + c->args->noperands + 1, sizeof(*ids));
	if (n + c->args->noperands > DEVICES_MAX)
		FAIL(ERR_USAGE, "at most %d devices", DEVICES_MAX);
	for (size_t i = 0; i < n; i++)
		TRY(find_device(c, names[i], &ids[i]));
	for (size_t i = 0; i < c->args->noperands; i++)
		TRY(find_device(c, c->args->operands[i], &ids[n + i]));
	*ret = ids;
	*retn = n + c->args->noperands;
	return OK;
}

static err_t
profile(struct cli *c, const char **ret)
{
	*ret = NULL;
	if (!args_has(c->args, "profile"))
		return OK;
	return find_profile(c, args_text(c->args, "profile"), ret);
}

/* One more condition of $filter. */
static const char *
with(struct cli *c, const char *filter, const char *name, const char *op, const char *value)
{
	return arena_printf(
	    c->arena, "%s%s%s %s %s", filter, *filter == '\0' ? "" : " and ", name, op, value);
}

/* Text in quotes, as OData has it. */
static const char *
quoted(struct cli *c, const char *text)
{
	char *out = arena_alloc(c->arena, 2 * strlen(text) + 3);
	size_t n = 0;

	out[n++] = '\'';
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			out[n++] = '\'';
		out[n++] = *text;
	}
	out[n++] = '\'';
	out[n] = '\0';
	return out;
}

/* What list can be told to look for, as parts of its address; "" where nothing. */
static err_t
looked_for(struct cli *c, const char **ret_base, const char **ret_filter, const char **ret_search)
{
	static const struct {
		const char *opt, *property;
	} rows[] = { { "state", "state" }, { "fault", "fault" }, { "serial", "serialNumber" },
		{ "thumbprint", "thumbprint" } };
	const char *filter = "", *user;
	int64_t days;

	for (size_t i = 0; i < COUNT(rows); i++)
		if (args_has(c->args, rows[i].opt))
			filter = with(c, filter, rows[i].property, "eq",
			    quoted(c, args_text(c->args, rows[i].opt)));
	if (args_has(c->args, "user")) {
		TRY(find_user(c, args_text(c->args, "user"), &user));
		filter = with(c, filter, "userId", "eq", quoted(c, user));
	}
	*ret_base = SLOTS;
	TRY(args_int(c->args, "expiring", 0, 36500, -1, &days));
	if (days >= 0) {
		*ret_base = EXPIRING;
		filter = with(
		    c, filter, "notAfter", "le", when_text(c->arena, when_now() + days * 86400));
	}
	*ret_filter = filter;
	*ret_search = args_has(c->args, "search") ?
	    arena_printf(c->arena, "\"%s\"", args_text(c->args, "search")) :
	    "";
	return OK;
}

static err_t
add_slots(struct cli *c, const char *device, const char *of_profile, bool all, json *rows)
{
	auto_json json *found = NULL;
	const char *filter, *base, *search;

	TRY(looked_for(c, &base, &filter, &search));
	if (device != NULL)
		filter = with(c, filter, "deviceId", "eq", quoted(c, device));
	if (of_profile != NULL)
		filter = with(c, filter, "profileId", "eq", quoted(c, of_profile));
	TRY(api_list(c,
	    arena_printf(c->arena, "%s?$filter=%s&$search=%s", base, url_encode(c->arena, filter),
		url_encode(c->arena, search)),
	    &found));
	for (size_t i = 0; i < json_count(found); i++)
		if (all || !slot_is(json_at(found, i), "removed"))
			json_add(rows, json_ref(json_at(found, i)));
	return OK;
}

static err_t
collect(struct cli *c, const char **device, size_t n, const char *of_profile, bool all, json **ret)
{
	auto_json json *rows = json_array_new();

	if (n == 0)
		TRY(add_slots(c, NULL, of_profile, all, rows));
	for (size_t i = 0; i < n; i++)
		TRY(add_slots(c, device[i], of_profile, all, rows));
	slots_sort(c->arena, rows, ret);
	return OK;
}

static err_t
put_slots(struct cli *c, const json *rows)
{
	if (!c->json)
		for (size_t i = 0; i < json_count(rows); i++)
			json_set_text(
			    json_at(rows, i), "took", slot_took(c->arena, json_at(rows, i)));
	return out_rows(c, columns, rows);
}

static err_t
list(struct cli *c)
{
	auto_json json *rows = NULL;
	const char **device, *of_profile;
	size_t n;

	TRY(devices(c, &device, &n));
	TRY(profile(c, &of_profile));
	TRY(collect(c, device, n, of_profile,
	    args_has(c->args, "all") || args_has(c->args, "state"), &rows));
	return put_slots(c, rows);
}

static err_t
show(struct cli *c)
{
	auto_json json *answer = NULL;

	TRY(api_get(c,
	    arena_printf(c->arena, SLOTS "/%s", url_encode(c->arena, c->args->operands[0])),
	    &answer));
	if (!c->json)
		json_set_text(answer, "took", slot_took(c->arena, answer));
	return out_object(c, answer);
}

static err_t
timeline(struct cli *c)
{
	auto_json json *answer = NULL;

	TRY(api_get(c,
	    arena_printf(
		c->arena, SLOTS "/%s/timeline", url_encode(c->arena, c->args->operands[0])),
	    &answer));
	return c->json ? out_json(c, answer) :
			 out_table(c, event_columns, json_get(answer, "value"));
}

/* Waits until `goal` holds; *ret is how all stood at the end. */
static err_t
wait_for(struct cli *c, const struct slots_goal *goal, int64_t timeout_s, json **ret)
{
	int64_t end = when_mono_ms() + timeout_s * 1000;
	const char *of_profile, *why;

	TRY(profile(c, &of_profile));
	for (;;) {
		auto_json json *rows = NULL;

		TRY(collect(c, goal->device, goal->ndevices, of_profile, goal->removed, &rows));
		why = slots_missing(c->arena, goal, rows);
		if (why == NULL || when_mono_ms() >= end) {
			out_progress(c, "");
			*ret = steal(rows);
			if (why != NULL)
				FAIL(ERR_SLOT_WAIT, "%.900s", why);
			return OK;
		}
		out_progress(c, why);
		poll(NULL, 0, LOOK_MS);
	}
}

static err_t
wait_slots(struct cli *c)
{
	auto_json json *rows = NULL;
	struct slots_goal goal = { .removed = args_has(c->args, "removed") };
	struct err_report rep;
	int64_t timeout;
	err_t e;

	TRY(args_int(c->args, "timeout", 0, 86400, 300, &timeout));
	TRY(args_int(c->args, "count", 1, 1000, 1, &goal.count));
	TRY(devices(c, &goal.device, &goal.ndevices));
	e = wait_for(c, &goal, timeout, &rows);
	if (rows == NULL)
		return e;
	err_take(e, &rep);
	TRY(put_slots(c, rows));
	return rep.code == ERR_NONE ? OK : err_raise(&rep);
}

static err_t
revoked(struct cli *c)
{
	auto_json json *answer = NULL;

	TRY(api_send(c, "POST",
	    arena_printf(
		c->arena, SLOTS "/%s/revokedByHand", url_encode(c->arena, c->args->operands[0])),
	    NULL, &answer));
	return out_object(c, answer);
}

static const struct opt list_opts[] = {
	{ .name = "device", .value = "DEVICE", .many = true, .help = "Of these devices only." },
	{ .name = "profile", .value = "PROFILE", .help = "Of this profile only." },
	{ .name = "user", .value = "USER", .help = "Of this user only." },
	{ .name = "state",
	    .value = "STATE",
	    .help = "Those that stand there: failed, waiting ..." },
	{ .name = "fault", .value = "FAULT", .help = "Those with this fault." },
	{ .name = "serial", .value = "SERIAL", .help = "The certificate with this serial number." },
	{ .name = "thumbprint",
	    .value = "HEX",
	    .help = "The certificate with this thumbprint (SHA-1)." },
	{ .name = "search",
	    .value = "TEXT",
	    .help = "In subject, serial number, thumbprint, names of device and user." },
	{ .name = "expiring",
	    .value = "DAYS",
	    .help = "What devices hold and what ends within so many days." },
	{ .name = "all", .help = "Also those that were removed." },
	{ 0 },
};
static const struct opt wait_opts[] = {
	{ .name = "device",
	    .value = "DEVICE",
	    .many = true,
	    .help = "These devices; else all that have slots." },
	{ .name = "profile", .value = "PROFILE", .help = "Only this profile." },
	{ .name = "count",
	    .value = "N",
	    .help = "So many slots each device has at least; else 1." },
	{ .name = "removed", .help = "Wait until all are removed instead." },
	{ .name = "timeout", .value = "SECONDS", .help = "Give up then; else after 300." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Where each certificate stands.", NULL, list_opts, list },
	{ "show", "One slot: what it waits for, and the next step.", "ID", NULL, show },
	{ "timeline", "All that happened to one slot.", "ID", NULL, timeline },
	{ "wait", "Wait until every certificate is installed; fails with the faults if not.",
	    "[DEVICE...]", wait_opts, wait_slots },
	{ "revoked", "Say that you revoked at the authority what its protocol cannot revoke.", "ID",
	    NULL, revoked },
	{ 0 },
};

const struct command command_slot = { "slot", "Every certificate that is due, and where it stands.",
	verbs };

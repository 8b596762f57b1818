/* SPDX-License-Identifier: Apache-2.0 */
/* chancery notify: who is told of failures and of certificates near their end. */
#include <poll.h>

#include "cli/api.h"
#include "cli/args.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/out.h"

#define TARGETS "/chancery/v1/notifications"
#define TEST_S 30

static const struct column columns[] = {
	{ .head = "NOTIFICATION", .key = "displayName" },
	{ .head = "KIND", .key = "kind" },
	{ .head = "ADDRESS", .key = "address" },
	{ .head = "FAILURE", .key = "failure" },
	{ .head = "EXPIRY", .key = "expiry" },
	{ .head = "ENABLED", .key = "enabled" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};
static const struct column delivery_columns[] = {
	{ .head = "STATE", .key = "state", .state = true },
	{ .head = "CREATED", .key = "createdDateTime" },
	{ .head = "TRIES", .key = "tries" },
	{ .head = "SUBJECT", .key = "subject" },
	{ .head = "DETAIL", .key = "detail", .wrap = true },
	{ 0 },
};

static err_t
find_target(struct cli *c, const char *name, const char **ret)
{
	return find_row(c, TARGETS, "notification", name, ret);
}

static const struct entity targets = { TARGETS, .columns = columns, .find = find_target,
	.gone = "removed" };

static err_t
add(struct cli *c)
{
	auto_json json *body = json_object_new(), *answer = NULL;
	int64_t period;

	if (args_has(c->args, "webhook") == args_has(c->args, "mail"))
		FAIL(ERR_USAGE, "where to? Either --webhook URL or --mail ADDRESS");
	json_set_text(body, "displayName", c->args->operands[0]);
	json_set_text(body, "kind", args_has(c->args, "mail") ? "mail" : "webhook");
	json_set_text(body, "address",
	    args_has(c->args, "mail") ? args_text(c->args, "mail") : args_text(c->args, "webhook"));
	TRY(args_body(c->arena, c->args, body));
	TRY(args_int(c->args, "period", 1, 86400, 0, &period));
	if (period > 0)
		json_set_int(body, "periodSeconds", period);
	TRY(api_send(c, "POST", TARGETS, body, &answer));
	TRY(out_object(c, answer));
	if (json_get(answer, "secret") != NULL)
		out_say(c, "The secret is shown once; the receiver checks signatures with it.");
	return OK;
}

static err_t
update(struct cli *c)
{
	auto_json json *body = json_object_new();
	int64_t period;

	TRY(args_body(c->arena, c->args, body));
	TRY(args_int(c->args, "period", 1, 86400, 0, &period));
	if (period > 0)
		json_set_int(body, "periodSeconds", period);
	if (args_has(c->args, "new-secret"))
		json_set(body, "secret", json_null_new());
	return entity_update(c, &targets, body);
}

static err_t
deliveries(struct cli *c)
{
	auto_json json *answer = NULL;
	const char *path;

	TRY(entity_path(c, &targets, "/deliveries", &path));
	TRY(api_get(c, path, &answer));
	return out_list(c, delivery_columns, answer, "value");
}

/* What became of a delivery; state "" when it is not in the list. */
static err_t
delivery(struct cli *c, const char *path, const char *id, const char **state, const char **detail)
{
	auto_json json *answer = NULL;
	const json *value;

	TRY(api_get(c, arena_printf(c->arena, "%s/deliveries", path), &answer));
	value = json_get(answer, "value");
	*state = *detail = "";
	for (size_t i = 0; i < json_count(value); i++) {
		const json *x = json_at(value, i);

		if (strcmp(json_text(json_get(x, "id")), id) != 0)
			continue;
		*state = arena_strdup(c->arena, json_text(json_get(x, "state")));
		*detail = arena_strdup(c->arena, json_text(json_get(x, "detail")));
	}
	return OK;
}

/* Sends one and waits until the receiver took it or said no. */
static err_t
test(struct cli *c)
{
	auto_json json *answer = NULL, *out = json_object_new();
	const char *path, *id, *state = "", *detail = "";

	TRY(entity_path(c, &targets, "", &path));
	TRY(api_send(c, "POST", arena_printf(c->arena, "%s/test", path), NULL, &answer));
	id = json_text(json_get(answer, "id"));
	for (int i = 0; i < TEST_S * 2; i++) {
		TRY(delivery(c, path, id, &state, &detail));
		if (strcmp(state, "delivered") == 0) {
			json_set_text(out, "id", id);
			json_set_text(out, "state", state);
			return out_object(c, out);
		}
		if (*detail != '\0')
			FAIL(ERR_NOTICE_REFUSED, "%s", detail);
		out_progress(c, "waiting for the receiver");
		poll(NULL, 0, 500);
	}
	FAIL(ERR_NOTICE_REFUSED, "not within %d s", TEST_S);
}

#define SHARED_OPTS \
	{ .name = "failure", \
		.value = "BOOL", \
		.property = "failure", \
		.is_bool = true, \
		.help = "Whether to tell of failures." }, \
	    { .name = "expiry", \
		    .value = "BOOL", \
		    .property = "expiry", \
		    .is_bool = true, \
		    .help = "Whether to tell of certificates near their end." }, \
	{ \
		.name = "period", .value = "SECONDS", \
		.help = "Time between two messages about failures; else 900." \
	}

static const struct opt add_opts[] = {
	{ .name = "webhook", .value = "URL", .help = "POST there, signed; https://..." },
	{ .name = "mail", .value = "ADDRESS", .help = "Mail to this address." },
	SHARED_OPTS,
	{ 0 },
};
static const struct opt update_opts[] = {
	{ .name = "name", .value = "NAME", .property = "displayName", .help = "Its new name." },
	{ .name = "address", .value = "ADDRESS", .property = "address", .help = "Where to." },
	{ .name = "enabled",
	    .value = "BOOL",
	    .property = "enabled",
	    .is_bool = true,
	    .help = "Whether it is used." },
	{ .name = "new-secret", .help = "A new secret; the old one ends at once." },
	SHARED_OPTS,
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Who is told.", NULL, NULL, entity_list, &targets },
	{ "add", "Tell somebody: a webhook or a mail address.", "NAME", add_opts, add },
	{ "update", "Change where, when and of what.", "NOTIFICATION", update_opts, update },
	{ "remove", "Tell no more.", "NOTIFICATION", NULL, entity_delete, &targets },
	{ "test", "Send a message now and see whether it is taken.", "NOTIFICATION", NULL, test },
	{ "deliveries", "What became of each message.", "NOTIFICATION", NULL, deliveries },
	{ 0 },
};

const struct command command_notify = { "notify",
	"Who is told of failures and of certificates near their end.", verbs };

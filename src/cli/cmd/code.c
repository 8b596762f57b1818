/* SPDX-License-Identifier: Apache-2.0 */
/* chancery code: one-time codes with which devices and connectors enrol. */
#include "cli/args.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/out.h"

#define CODES "/chancery/v1/enrolmentCodes"
#define MINUTES_MAX 43200

static const struct column columns[] = {
	{ .head = "ID", .key = "id" },
	{ .head = "KIND", .key = "kind" },
	{ .head = "STATE", .key = "state" },
	{ .head = "USER", .key = "userPrincipalName" },
	{ .head = "EXPIRES", .key = "expirationDateTime" },
	{ .head = "USED", .key = "usedDateTime" },
	{ .head = "USED BY", .key = "usedBy" },
	{ 0 },
};

static const struct entity codes = { CODES, .columns = columns };

static err_t
create(struct cli *c)
{
	auto_json json *body = json_object_new();
	const char *user;
	int64_t minutes;

	TRY(args_body(c->arena, c->args, body));
	if (args_has(c->args, "user")) {
		TRY(find_user(c, args_text(c->args, "user"), &user));
		json_set_text(body, "userId", user);
	}
	TRY(args_int(c->args, "valid", 1, MINUTES_MAX, 0, &minutes));
	if (minutes != 0)
		json_set_int(body, "validMinutes", minutes);
	return entity_create(c, &codes, body);
}

static const struct opt create_opts[] = {
	{ .name = "user", .value = "USER", .help = "Whose device it becomes." },
	{ .name = "kind",
	    .value = "KIND",
	    .property = "kind",
	    .help = "device (default) or connector." },
	{ .name = "valid", .value = "MINUTES", .help = "Until it ends; else a day." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "create", "Make a code; it is shown once.", NULL, create_opts, create },
	{ "list", "The codes and whether they were used.", NULL, NULL, entity_list, &codes },
	{ "delete", "Withdraw a code.", "ID", NULL, entity_delete, &codes },
	{ 0 },
};

const struct command command_code = { "code", "One-time codes to enrol with.", verbs };

/* SPDX-License-Identifier: Apache-2.0 */
/* chancery device: what enrolled. */
#include "cli/api.h"
#include "cli/args.h"
#include "cli/find.h"
#include "cli/out.h"

#define DEVICES "/beta/deviceManagement/managedDevices"

static const struct column columns[] = {
	{ .head = "DEVICE", .key = "deviceName" },
	{ .head = "USER", .key = "userPrincipalName" },
	{ .head = "OS", .key = "operatingSystem" },
	{ .head = "VERSION", .key = "osVersion" },
	{ .head = "STATE", .key = "managementState", .state = true },
	{ .head = "LAST SEEN", .key = "lastSyncDateTime" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static err_t
list(struct cli *c)
{
	auto_json json *rows = NULL;

	TRY(api_list(c, DEVICES, &rows));
	return out_rows(c, columns, rows);
}

static err_t
show(struct cli *c)
{
	auto_json json *answer = NULL;
	const char *id;

	TRY(find_device(c, c->args->operands[0], &id));
	TRY(api_get(c, arena_printf(c->arena, DEVICES "/%s", id), &answer));
	return out_object(c, answer);
}

static err_t
act(struct cli *c, const char *action, const char *done)
{
	for (size_t i = 0; i < c->args->noperands; i++) {
		const char *id;

		TRY(find_device(c, c->args->operands[i], &id));
		TRY_CTX(api_send(c, "POST", arena_printf(c->arena, DEVICES "/%s/%s", id, action),
			    NULL, NULL),
		    "%.128s", c->args->operands[i]);
		out_say(c, "%s %s", c->args->operands[i], done);
	}
	return OK;
}

static err_t
sync_devices(struct cli *c)
{
	return act(c, "syncDevice", "is asked to check in");
}

static err_t
retire(struct cli *c)
{
	return act(c, "retire", "is retired");
}

static const struct verb verbs[] = {
	{ "list", "The devices.", NULL, NULL, list },
	{ "show", "One device.", "DEVICE", NULL, show },
	{ "sync", "Ask devices to check in now.", "DEVICE...", NULL, sync_devices },
	{ "retire", "Make devices leave: certificates are removed and revoked.", "DEVICE...", NULL,
	    retire },
	{ 0 },
};

const struct command command_device = { "device", "What enrolled.", verbs };

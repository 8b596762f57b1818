/* SPDX-License-Identifier: Apache-2.0 */
/* chancery status: how all certificates stand, and why those that do not. */
#include "cli/api.h"
#include "cli/args.h"
#include "cli/out.h"

static const struct column profile_columns[] = {
	{ .head = "PROFILE", .key = "profileName" },
	{ .head = "SUCCESS", .key = "success" },
	{ .head = "PENDING", .key = "pending" },
	{ .head = "ERROR", .key = "error" },
	{ .head = "CHANGED", .key = "lastUpdateDateTime" },
	{ 0 },
};
static const struct column fault_columns[] = {
	{ .head = "FAULT", .key = "fault" },
	{ .head = "COUNT", .key = "count" },
	{ .head = "TEXT", .key = "text", .wrap = true },
	{ .head = "NEXT STEP", .key = "nextStep", .wrap = true },
	{ 0 },
};
static const struct column warning_columns[] = {
	{ .head = "WARNING", .key = "code" },
	{ .head = "DETAIL", .key = "message", .wrap = true },
	{ .head = "NEXT STEP", .key = "hint", .wrap = true },
	{ 0 },
};
static const struct column revocation_columns[] = {
	{ .head = "DEVICE", .key = "deviceName" },
	{ .head = "USER", .key = "userPrincipalName" },
	{ .head = "ISSUER", .key = "issuerName" },
	{ .head = "SERIAL", .key = "serialNumber" },
	{ .head = "STATUS", .key = "status", .state = true },
	{ .head = "REQUESTED", .key = "requestedDateTime" },
	{ .head = "REVOKED", .key = "revokedDateTime" },
	{ .head = "FAULT", .key = "fault" },
	{ 0 },
};

static err_t
show(struct cli *c)
{
	auto_json json *answer = NULL;

	TRY(api_get(c, "/chancery/v1/status", &answer));
	if (c->json)
		return out_json(c, answer);
	TRY(out_object(c, json_get(answer, "states")));
	TRY(out_table(c, profile_columns, json_get(answer, "profiles")));
	if (json_count(json_get(answer, "faults")) > 0)
		TRY(out_table(c, fault_columns, json_get(answer, "faults")));
	if (json_count(json_get(answer, "warnings")) == 0)
		return OK;
	return out_table(c, warning_columns, json_get(answer, "warnings"));
}

static err_t
revocations(struct cli *c)
{
	auto_json json *rows = NULL;

	TRY(api_list(c, "/chancery/v1/revocations", &rows));
	return out_rows(c, revocation_columns, rows);
}

static const struct verb verbs[] = {
	{ "show", "How many certificates stand where, by profile, and the faults.", NULL, NULL,
	    show },
	{ "revocations", "What was revoked or is to be, newest first.", NULL, NULL, revocations },
	{ 0 },
};

const struct command command_status = { "status", "How all certificates stand.", verbs };

/* SPDX-License-Identifier: Apache-2.0 */
/* chancery device: what enrolled. */
#include "base/file.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/effect.h"
#include "cli/entity.h"
#include "cli/find.h"
#include "cli/import.h"
#include "cli/out.h"

#define DEVICES "/beta/deviceManagement/managedDevices"
#define OURS "/chancery/v1/devices"

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

static const struct entity devices = { DEVICES, .columns = columns, .find = find_device };

/* Each that is named: path/ID/action. */
static err_t
act(struct cli *c, const char *path, const char *action, const char *done)
{
	for (size_t i = 0; i < c->args->noperands; i++) {
		const char *id;

		TRY(find_device(c, c->args->operands[i], &id));
		TRY_CTX(api_send(c, "POST", arena_printf(c->arena, "%s/%s/%s", path, id, action),
			    NULL, NULL),
		    "%.128s", c->args->operands[i]);
		out_say(c, "%s %s", c->args->operands[i], done);
	}
	return OK;
}

static err_t
sync_devices(struct cli *c)
{
	return act(c, DEVICES, "syncDevice", "is asked to check in");
}

static err_t
lost(struct cli *c)
{
	return act(c, OURS, "lost", "is lost: its certificates are being revoked");
}

static err_t
found(struct cli *c)
{
	return act(c, OURS, "found", "is found: its certificates are issued anew");
}

static err_t
retire(struct cli *c)
{
	return act(c, DEVICES, "retire", "is retired");
}

static const struct opt wipe_opts[] = {
	{ .name = "keep-user-data",
	    .property = "keepUserData",
	    .help = "Windows: accounts and data of its users stay, and it stays enrolled." },
	{ .name = "keep-enrolment",
	    .property = "keepEnrollmentData",
	    .help = "Windows: it stays enrolled." },
	{ .name = "protected",
	    .property = "useProtectedWipe",
	    .help = "Windows: the disk is cleaned, even if the device does not start afterwards." },
	{ .name = "keep-data-plan",
	    .property = "persistEsimDataPlan",
	    .help = "iPhone and iPad: the data plan of an eSIM stays." },
	{ .name = "pin-file",
	    .value = "FILE",
	    .help = "Macs: its first line is the six digits that it asks for afterwards; needed." },
	{ .name = "pin", .help = "Macs: the six digits are typed at the terminal." },
	{ .name = "fallback",
	    .value = "HOW",
	    .property = "obliterationBehavior",
	    .help =
		"Macs that cannot erase quickly: default, doNotObliterate, obliterateWithWarning "
		"or always." },
	{ .name = "yes", .help = "Do not ask." },
	{ 0 },
};

static err_t
may_wipe(struct cli *c, bool *ret)
{
	const char *names = "";

	*ret = args_has(c->args, "yes");
	if (*ret)
		return OK;
	for (size_t i = 0; i < c->args->noperands; i++)
		names = arena_printf(
		    c->arena, "%s%s%.128s", names, i == 0 ? "" : ", ", c->args->operands[i]);
	return ask_yes(
	    arena_printf(c->arena,
		"Wipe %s? What is on it is lost, its certificates are revoked. [y/N] ", names),
	    ret);
}

/* Not on the command line, where every user of the machine reads it. */
static err_t
wipe_code(struct cli *c, json *body)
{
	const char *file = args_text(c->args, "pin-file"), *code;
	bool ask = args_has(c->args, "pin");

	if (file == NULL && !ask)
		return OK;
	if (file != NULL && ask)
		FAIL(ERR_USAGE, "give --pin-file or --pin, not both");
	if (ask)
		TRY(ask_new_secret(c->arena, "Six digits", "--pin-file", &code));
	else
		TRY_CTX(file_first_line(c->arena, file, &code), "--pin-file");
	json_set_text(body, "macOsUnlockCode", code);
	return OK;
}

static err_t
wipe(struct cli *c)
{
	auto_json json *body = json_object_new();
	bool yes;

	TRY(args_body(c->arena, c->args, body));
	TRY(wipe_code(c, body));
	TRY(may_wipe(c, &yes));
	if (!yes)
		FAIL(ERR_USAGE, "nothing was wiped");
	for (size_t i = 0; i < c->args->noperands; i++) {
		const char *id;

		TRY(find_device(c, c->args->operands[i], &id));
		TRY_CTX(
		    api_send(c, "POST", arena_printf(c->arena, DEVICES "/%s/wipe", id), body, NULL),
		    "%.128s", c->args->operands[i]);
		out_say(c, "%s is to be wiped with its next contact", c->args->operands[i]);
	}
	return OK;
}

static const char *
wipe_path(struct cli *c, const char *id)
{
	return arena_printf(c->arena, OURS "/%s/wipe", id);
}

static err_t
wipe_cancel(struct cli *c)
{
	for (size_t i = 0; i < c->args->noperands; i++) {
		const char *id;

		TRY(find_device(c, c->args->operands[i], &id));
		TRY_CTX(api_send(c, "DELETE", wipe_path(c, id), NULL, NULL), "%.128s",
		    c->args->operands[i]);
		out_say(c, "%s is not told to wipe itself any more", c->args->operands[i]);
	}
	return OK;
}

static err_t
wipe_show(struct cli *c)
{
	auto_json json *answer = NULL;
	const char *id;

	TRY(find_device(c, c->args->operands[0], &id));
	TRY(api_get(c, wipe_path(c, id), &answer));
	return out_object(c, answer);
}

#define SET_OPTS \
	{ .name = "owner", \
		.value = "WHOSE", \
		.property = "ownerType", \
		.help = "company, personal or unknown." }, \
	    { .name = "category", \
		    .value = "TEXT", \
		    .property = "deviceCategoryDisplayName", \
		    .help = "Category; filters ask for it." }, \
	    { .name = "notes", .value = "TEXT", .property = "notes", .help = "For people." }, \
	    { .name = "sid", \
		    .value = "SID", \
		    .property = "onPremisesSecurityIdentifier", \
		    .help = "Security identifier of the computer account." }, \
	{ \
		.name = "user", .value = "UPN", .help = "Primary user; \"\" for none." \
	}

static const struct opt set_opts[] = { SET_OPTS, { 0 } };
static const struct opt update_opts[] = { SET_OPTS, EFFECT_NOW_OPT, { 0 } };
static const struct opt import_opts[] = { IMPORT_OPTS,
	{ .name = "yes", .help = "Also where many certificates are issued again for it." }, { 0 } };

static err_t
set_user(struct cli *c, const char *device, const char *upn)
{
	auto_json json *body = json_object_new();
	const char *path = arena_printf(c->arena, DEVICES "/%s/users/$ref", device), *user, *url;

	if (*upn == '\0')
		return api_send(c, "DELETE", path, NULL, NULL);
	TRY(find_user(c, upn, &user));
	TRY(api_url(c, &url));
	json_set_text(body, "@odata.id", arena_printf(c->arena, "%s/v1.0/users/%s", url, user));
	return api_send(c, "POST", path, body, NULL);
}

static err_t
update(struct cli *c)
{
	auto_json json *body = json_object_new(), *answer = NULL;
	const char *id;

	TRY(args_body(c->arena, c->args, body));
	if (json_count(body) == 0 && !args_has(c->args, "user"))
		FAIL(ERR_USAGE, "nothing to change was given");
	TRY(find_device(c, c->args->operands[0], &id));
	if (args_has(c->args, "user"))
		TRY(set_user(c, id, args_text(c->args, "user")));
	if (json_count(body) > 0)
		effect_now(c, body);
	if (json_count(body) > 0)
		TRY(api_send(c, "PATCH", arena_printf(c->arena, DEVICES "/%s", id), body, &answer));
	else
		TRY(api_get(c, arena_printf(c->arena, DEVICES "/%s", id), &answer));
	return out_object(c, answer);
}

static err_t
import_devices(struct cli *c)
{
	return import_run(c, "devices", set_opts);
}

static const struct verb verbs[] = {
	{ "list", "The devices.", NULL, NULL, entity_list, &devices },
	{ "show", "One device.", "DEVICE", NULL, entity_show, &devices },
	{ "update", "Change what is known of a device.", "DEVICE", update_opts, update },
	{ "import",
	    "Facts about enrolled devices from a CSV or JSON file, found by serialNumber or id.",
	    "FILE", import_opts, import_devices },
	{ "sync", "Ask devices to check in now.", "DEVICE...", NULL, sync_devices },
	{ "lost",
	    "Devices are lost: their certificates are revoked at once, and removed when they come.",
	    "DEVICE...", NULL, lost },
	{ "found", "Lost devices are found: their certificates are issued anew.", "DEVICE...", NULL,
	    found },
	{ "retire", "Make devices leave: certificates are removed and revoked.", "DEVICE...", NULL,
	    retire },
	{ "wipe", "Have devices erase themselves; their certificates are revoked.", "DEVICE...",
	    wipe_opts, wipe },
	{ "wipe-cancel", "Devices are not to be wiped, as long as they have not said yes to it.",
	    "DEVICE...", NULL, wipe_cancel },
	{ "wipe-show", "Where the newest wipe of a device stands.", "DEVICE", NULL, wipe_show },
	{ 0 },
};

const struct command command_device = { "device", "What enrolled.", verbs };

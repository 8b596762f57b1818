/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/preview.h"

#include "cli/api.h"
#include "cli/args.h"
#include "cli/find.h"
#include "cli/out.h"

static const struct column check_columns[] = {
	{ .head = "CHECK", .key = "check" },
	{ .head = "RESULT", .key = "result", .state = true },
	{ .head = "FAULT", .key = "fault" },
	{ .head = "DETAIL", .key = "detail", .wrap = true },
	{ 0 },
};
static const struct column san_columns[] = {
	{ .head = "ALTERNATIVE NAME", .key = "type" },
	{ .head = "VALUE", .key = "value", .wrap = true },
	{ 0 },
};
static const struct column pfx_columns[] = {
	{ .head = "IMPORTED CERTIFICATE", .key = "thumbprint" },
	{ .head = "ENDS", .key = "expirationDateTime" },
	{ 0 },
};
static const struct column type_columns[] = {
	{ .head = "TYPE", .key = "type" },
	{ .head = "KIND", .key = "kind" },
	{ .head = "PLATFORM", .key = "platform" },
	{ .head = "ROOT", .key = "rootCertificate" },
	{ 0 },
};
static const struct column property_columns[] = {
	{ .head = "PROPERTY", .key = "name" },
	{ .head = "VALUE", .key = "type" },
	{ .head = "REQUIRED", .key = "required" },
	{ .head = "DEFAULT", .key = "default" },
	{ .head = "MEANING", .key = "help", .wrap = true },
	{ 0 },
};

static err_t
hints(struct cli *c, const json *checks)
{
	for (size_t i = 0; i < json_count(checks); i++) {
		const json *x = json_at(checks, i);

		if (strcmp(json_text(json_get(x, "result")), "error") == 0)
			out_say(c, "hint (%s): %s", json_text(json_get(x, "check")),
			    out_value(c->arena, json_get(x, "hint")));
	}
	return OK;
}

static err_t
print(struct cli *c, const json *answer)
{
	const json *certificate = json_get(answer, "certificate");
	const json *pfx = json_get(answer, "importedCertificates");

	if (json_is_object(certificate)) {
		TRY(out_object(c, certificate));
		TRY(out_table(c, san_columns, json_get(certificate, "subjectAlternativeNames")));
	}
	if (json_count(pfx) > 0)
		TRY(out_table(c, pfx_columns, pfx));
	TRY(out_table(c, check_columns, json_get(answer, "checks")));
	TRY(hints(c, json_get(answer, "checks")));
	out_say(c, "%s",
	    json_true(json_get(answer, "wouldIssue")) ? "nothing here stands in the way" :
							"this would not be issued");
	return OK;
}

err_t
preview_show(struct cli *c, const json *body)
{
	auto_json json *ask = json_object_new(), *answer = NULL;
	const char *id;

	if (c->args->noperands == 1) {
		TRY(find_profile(c, c->args->operands[0], &id));
		json_set_text(ask, "profileId", id);
	}
	if (json_count(body) > 0)
		json_set(ask, "profile", json_ref((json *)(uintptr_t)body));
	if (args_has(c->args, "device")) {
		TRY(find_device(c, args_text(c->args, "device"), &id));
		json_set_text(ask, "deviceId", id);
	}
	if (args_has(c->args, "user")) {
		TRY(find_user(c, args_text(c->args, "user"), &id));
		json_set_text(ask, "userId", id);
	}
	if (json_get(ask, "profileId") == NULL && json_get(ask, "profile") == NULL)
		FAIL(ERR_USAGE, "of which profile? Name one, or give a draft with --file");
	if (json_get(ask, "deviceId") == NULL && json_get(ask, "userId") == NULL)
		FAIL(ERR_USAGE, "for whom? --device, --user, or both");
	TRY(api_send(c, "POST", "/chancery/v1/preview", ask, &answer));
	return c->json ? out_json(c, answer) : print(c, answer);
}

/* By the whole name or its last part, case ignored. */
static bool
is_named(const char *type, const char *name)
{
	const char *last = strrchr(type, '.') + 1;

	return str_ieq_c(str_c(type), name) || str_ieq_c(str_c(type + 1), name) ||
	    str_ieq_c(str_c(last), name);
}

err_t
preview_types(struct cli *c)
{
	auto_json json *answer = NULL;
	const json *all;

	TRY(api_get(c, "/chancery/v1/profileTypes", &answer));
	all = json_get(answer, "value");
	if (c->args->noperands == 0)
		return out_rows(c, type_columns, all);
	for (size_t i = 0; i < json_count(all); i++) {
		const json *x = json_at(all, i);

		if (strrchr(json_text(json_get(x, "type")), '.') != NULL &&
		    is_named(json_text(json_get(x, "type")), c->args->operands[0]))
			return out_list(c, property_columns, x, "properties");
	}
	FAIL(ERR_PROFILE_TYPE, "\"%.128s\"", c->args->operands[0]);
}

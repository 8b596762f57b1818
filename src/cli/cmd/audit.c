/* SPDX-License-Identifier: Apache-2.0 */
/* chancery audit: who changed what. */
#include "base/limits.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/out.h"

static const struct column columns[] = {
	{ .head = "NO", .key = "sequence" },
	{ .head = "TIME", .key = "dateTime" },
	{ .head = "ACTOR", .key = "actor" },
	{ .head = "ACTION", .key = "action" },
	{ .head = "TARGET", .key = "target", .wrap = true },
	{ 0 },
};

static err_t
list(struct cli *c)
{
	auto_json json *page = NULL, *rows = NULL;
	int64_t after, limit;

	TRY(args_int(c->args, "after", 0, INT64_MAX, -1, &after));
	TRY(args_int(c->args, "limit", 1, LIMIT_PAGE, LIMIT_PAGE, &limit));
	if (after < 0 && !args_has(c->args, "limit")) {
		TRY(api_list(c, "/chancery/v1/audit?$top=1000", &rows));
		return out_rows(c, columns, rows);
	}
	TRY(api_get(c,
	    arena_printf(c->arena, "/chancery/v1/audit?after=%lld&$top=%lld",
		(long long)(after < 0 ? 0 : after), (long long)limit),
	    &page));
	return out_rows(c, columns, json_get(page, "value"));
}

static err_t
verify(struct cli *c)
{
	auto_json json *answer = NULL;

	TRY(api_get(c, "/chancery/v1/audit/verify", &answer));
	return out_object(c, answer);
}

static const struct opt list_opts[] = {
	{ .name = "after", .value = "NO", .help = "Only what follows this number." },
	{ .name = "limit", .value = "N", .help = "At most so many; else all." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "list", "Every change, oldest first.", NULL, list_opts, list },
	{ "verify", "Whether a line was removed or changed.", NULL, NULL, verify },
	{ 0 },
};

const struct command command_audit = { "audit", "Who changed what.", verbs };

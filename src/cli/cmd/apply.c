/* SPDX-License-Identifier: Apache-2.0 */
/* chancery apply: the configuration as files say. */
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/config_plan.h"
#include "cli/out.h"

/* What of one run may need the terms: --pace and --now. */
static err_t
terms_of(struct cli *c, json **ret)
{
	auto_json json *j = NULL;
	int64_t pace;

	if (args_has(c->args, "now") && args_has(c->args, "pace"))
		FAIL(ERR_USAGE, "--now or --pace, not both");
	if (args_has(c->args, "now") || args_has(c->args, "pace"))
		j = json_object_new();
	if (args_has(c->args, "now"))
		json_set_bool(j, "now", true);
	if (args_has(c->args, "pace")) {
		TRY(args_int(c->args, "pace", 1, 1000000000, 0, &pace));
		json_set_int(j, "slotsPerHour", pace);
	}
	*ret = steal(j);
	return OK;
}

static err_t
show(struct cli *c, const struct config_plan *p, bool applied)
{
	auto_json json *j = NULL;

	if (!c->json)
		return OK;
	j = config_plan_json(c, p);
	json_set_bool(j, "applied", applied);
	return out_json(c, j);
}

static err_t
carry_out(struct cli *c, struct config_plan *p)
{
	auto_json json *terms = NULL;
	bool yes = args_has(c->args, "yes");

	TRY(terms_of(c, &terms));
	config_plan_print(c, p);
	if (p->n == 0 || args_has(c->args, "dry-run"))
		return show(c, p, false);
	if (!yes)
		TRY(ask_yes("Apply this? [y/N] ", &yes));
	if (!yes) {
		out_say(c, "nothing was changed");
		return show(c, p, false);
	}
	TRY(config_plan_run(c, p, terms));
	out_say(c, "applied");
	return show(c, p, true);
}

static err_t
run(struct cli *c)
{
	struct config_errors errs = { 0 };
	struct config_plan plan = { .kept = NULL };
	struct config_item *items;
	auto_json json *docs = NULL;
	size_t n;
	err_t e;

	TRY(config_load(c, args_text(c->args, "folder"), &errs, &docs, &items, &n));
	if (n == 0 && errs.n == 0)
		FAIL(ERR_CONFIG_FILES, "%s holds no *.json", args_text(c->args, "folder"));
	e = config_plan_make(c, items, n, args_has(c->args, "prune"), &errs, &plan);
	if (err_ok(e) && errs.n > 0)
		e = ERROR(ERR_CONFIG_FILES, "%zu %s; %s%s", errs.n,
		    errs.n == 1 ? "error" : "errors", errs.n == 1 ? "" : "the first: ", errs.first);
	if (err_ok(e))
		e = carry_out(c, &plan);
	config_plan_free(&plan);
	return e;
}

static const struct opt opts[] = {
	{ .name = "folder",
	    .value = "DIR",
	    .letter = 'f',
	    .required = true,
	    .help = "The folder with the files, *.json." },
	{ .name = "dry-run",
	    .help = "Show what would be done, with what it does to certificates, and stop." },
	{ .name = "prune", .help = "Delete what no file names, of the kinds that the files name." },
	{ .name = "yes", .help = "Do not ask." },
	{ .name = "pace",
	    .value = "N",
	    .help = "Large changes reach so many certificates an hour." },
	{ .name = "now", .help = "Large changes work at once." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ NULL, "Make the configuration as files say: plan, effect, then all of it.", NULL, opts,
	    run },
	{ 0 },
};

const struct command command_apply = { "apply", "Configuration from files.", verbs };

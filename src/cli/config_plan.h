/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be done so that the installation is as files say: a step an object, each with the properties that change. Made
 * and checked whole, by the service as well, before the first change; the order follows the references. Run again after it
 * was cut short it does what is left; run again after it was done it has nothing to do.
 *
 * What a file does not say stays as it is. Every step changes what the plan saw and nothing else: what somebody changed
 * meanwhile is refused (ERR_PRECONDITION).
 */
#ifndef CLI_CONFIG_PLAN_H
#define CLI_CONFIG_PLAN_H

#include "cli/config_file.h"

enum config_action { CONFIG_CREATE, CONFIG_CHANGE, CONFIG_DELETE };

struct config_step {
	enum config_action action;
	enum config_kind kind;
	const char *name, *id;          /* id NULL: not there yet */
	const struct config_item *item; /* NULL: deleted */
	json *have;          /* in the form of files, lent by the plan; NULL: not there yet */
	const char *secret;  /* that the service made with it, shown once; NULL: none */
	json *diff;          /* property -> {"before", "after"}; lent by the plan */
	const char *targets; /* ETag of its assignments as the plan saw them; NULL: not known yet */
};

struct config_plan {
	struct config_world world;
	json *kept; /* owns what steps lend */
	struct config_step *v;
	size_t n;
	bool complete;
	int64_t issue, reissue, withdraw, revoke, fault;
};

/* prune: what no file names, of the kinds that files name, is deleted. */
err_t config_plan_make(struct cli *c, const struct config_item *items, size_t n, bool prune,
    struct config_errors *errs, struct config_plan *ret);
void config_plan_free(struct config_plan *p);
json *config_plan_json(struct cli *c, const struct config_plan *p);
void config_plan_print(struct cli *c, const struct config_plan *p);
/* terms: of the roll-outs that changes may become; NULL: those of the installation. */
err_t config_plan_run(struct cli *c, struct config_plan *p, const json *terms);

#endif

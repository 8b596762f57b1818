/* SPDX-License-Identifier: Apache-2.0 */
/* What an edit of a profile, a group or a filter would do, for --dry-run: /chancery/v1/.../effect in words. */
#ifndef CLI_EFFECT_H
#define CLI_EFFECT_H

#include "cli/command.h"

/* body: {"assignments"} and/or {"settings"}. */
err_t effect_show(struct cli *c, const char *profile, const json *body);
/* of: "groups" or "assignmentFilters"; body as that takes it. */
err_t effect_show_of(struct cli *c, const char *of, const char *id, const json *body);
/* Before it is done: how many would lose what they have, if any do, and whether that is paced. Nothing where --json was
 * asked for. */
err_t effect_warn_of(struct cli *c, const char *of, const char *id, const json *body);
/* --now of a change of one record: it does not wait for the hour's room (import-large). */
void effect_now(struct cli *c, json *body);
#define EFFECT_NOW_OPT \
	{ \
		.name = "now", \
		.help = \
		    "Also where more certificates follow than small changes of an hour may move." \
	}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft's names of what a role may allow ("Microsoft.Intune_DeviceConfigurations_Read"), for scripts that bring roles
 * from there.
 *
 * They are cut finer than the permissions here. A name is taken only where it gives no more than it says: those that are
 * one permission here are taken together or refused, and the refusal says what is missing. Names of things that are not
 * here are refused, too, so that nobody believes that something is allowed.
 *
 * The token of an administrator carries those of its roles, as far as they are whole; applications never have them.
 *
 * Not here: our own names (api/perm.h).
 */
#ifndef API_ACTION_H
#define API_ACTION_H

#include "base/arena.h"

/* What one permission is made of. */
struct action_group {
	unsigned perms;
	const char *resource;  /* "DeviceConfigurations" */
	const char *needed[5]; /* "Create": all of them; ended by NULL */
	const char *also
	    [3]; /* "DeviceConfigurations_ViewReports": may stand beside them, and give nothing more */
	const char *help;
};
extern const struct action_group action_groups[]; /* ended by perms 0 */

/* Whether it has the form of such a name. */
bool action_is(struct str name);
/* Bits of a blank-separated list; what is not whole, and all other names, grant nothing. */
unsigned action_list_bits(const char *list);
/* Those of the list that have the form. ERR_ROLE: not known, not here, or not whole. */
err_t action_list_check(struct arena *a, const char *list);
/* Full names, blank-separated, of all groups that lie in `perms`. */
const char *action_names(struct arena *a, unsigned perms);

#endif

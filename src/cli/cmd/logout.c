/* SPDX-License-Identifier: Apache-2.0 */
/* chancery logout: forgetting the sign-in. */
#include "cli/login.h"
#include "cli/out.h"

static err_t
logout(struct cli *c)
{
	TRY(login_remove(c->arena));
	out_say(c, "signed out");
	return OK;
}

static const struct verb verbs[] = {
	{ NULL, "Forget service, secret and token.", NULL, NULL, logout },
	{ 0 },
};

const struct command command_logout = { "logout", "Forget the sign-in.", verbs };

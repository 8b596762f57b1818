/* SPDX-License-Identifier: Apache-2.0 */
/* chancery logout: ending the sign-in at its issuer, and forgetting it. */
#include "cli/login.h"
#include "cli/out.h"
#include "cli/token.h"

static err_t
logout(struct cli *c)
{
	struct login l = { 0 };
	err_t told = login_load(c->arena, &l);

	/* What is not there or cannot be read has no sign-in to end. */
	if (err_ok(told) && l.kept)
		told = token_revoke(c->arena, &l);
	else
		err_forget(told);
	TRY(login_remove(c->arena));
	if (l.kept)
		TRY_CTX(told, "forgotten here, but the issuer could not be told");
	out_say(c, "signed out");
	return OK;
}

static const struct verb verbs[] = {
	{ NULL, "End a person's sign-in at its issuer, and forget service, secret and tokens.",
	    NULL, NULL, logout },
	{ 0 },
};

const struct command command_logout = { "logout", "Forget the sign-in.", verbs };

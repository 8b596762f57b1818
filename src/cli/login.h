/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are at which service: a file of mode 0600 ($CHANCERY_HOME/login.json, else ~/.config/chancery/login.json), or
 * CHANCERY_URL, CHANCERY_CLIENT_ID, CHANCERY_CLIENT_SECRET, CHANCERY_CA (a PEM file) and CHANCERY_TENANT, which go
 * before the file when CHANCERY_URL is set and are never written down.
 *
 * A person's sign-in goes on by itself with the refresh token, where the issuer gave one; it lies in the same file.
 *
 * Not here: getting tokens (cli/token.h).
 */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H

#include "base/arena.h"
#include "base/when.h"

struct login {
	const char *url;    /* without a slash at the end */
	const char *tenant; /* "common" when none was given */
	const char *client_id;
	const char *client_secret; /* "": a person signed in */
	const char *ca;            /* PEM; "": whom the system trusts */
	const char *token;         /* "": none yet */
	when_t expires;            /* of the token */
	const char *refresh;       /* "": none: the sign-in ends with its token */
	/* The issuer's endpoints for it, "": it has none; whom to trust for them, PEM. */
	const char *token_url, *revoke_url, *issuer_ca;
	bool kept; /* in the file, not from the environment */
};

/* ERR_NOT_LOGGED_IN. */
err_t login_load(struct arena *a, struct login *ret);
err_t login_save(struct arena *a, const struct login *l);
/* Success also when there was none. */
err_t login_remove(struct arena *a);
/* While *ret_fd is open no other command of this person renews the token. The file is read again then: it may have been
 * renewed already. */
err_t login_lock(struct arena *a, int *ret_fd);
/* url with scheme and host, http only for this host itself; the slash at its end is cut. ERR_USAGE. */
err_t login_url(struct arena *a, const char *url, const char **ret);

#endif

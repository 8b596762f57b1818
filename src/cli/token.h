/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens: by client secret (RFC 6749 4.4), by a code that a person enters in a browser anywhere (RFC 8628), by a
 * browser on this machine (RFC 8252, RFC 7636), and by a refresh token of the latter two.
 *
 * Not here: waiting for the browser (cli/browser.h), where tokens lie (cli/login.h).
 */
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

#include "cli/command.h"
#include "cli/login.h"
#include "net/fetch.h"

/* The command line's own application, which every service knows; for people. */
#define TOKEN_CLIENT "3f0c2e5a-7d51-4b0e-9a55-6368616e6372"

/* A connection to the service of this login, trusting what it names. */
err_t token_fetch(struct arena *a, const struct login *l, struct fetch **ret);
/* Fills token and expires from client id and secret. */
err_t token_by_secret(struct arena *a, struct fetch *f, struct login *l);

/* Where people sign in. */
struct token_issuer {
	const char *name;                                /* iss */
	const char *authorize, *device, *token, *revoke; /* endpoints; "": it has none */
	const char *client, *scope;
	bool names_itself; /* in its answers to browsers (RFC 9207) */
	const char *ca;    /* PEM of whom to trust for it; "": the system's */
};
/* The service's own. */
err_t token_issuer_own(
    struct cli *c, struct fetch *f, const struct login *l, struct token_issuer *ret);
/* The outside one that the service takes tokens of, by its discovery document. ca: as in the struct. ERR_SIGN_IN. */
err_t token_issuer_outside(struct cli *c, struct fetch *f, const struct login *l, const char *ca,
    struct token_issuer *ret);

/* Token, expiry and refresh token after somebody has signed in by a code: prints where and with which code, waits, shows
 * that it waits. ERR_OAUTH_EXPIRED: nobody did. */
err_t token_by_code(struct cli *c, struct fetch *f, const struct token_issuer *at, struct login *l);
/* The same with a browser on this machine, which is started or told of; waits so long. ERR_SIGN_IN. */
err_t token_by_browser(
    struct cli *c, struct fetch *f, const struct token_issuer *at, int64_t wait_s, struct login *l);
/* The next token of a person's sign-in. ERR_NOT_LOGGED_IN: it is over. */
err_t token_renew(struct arena *a, struct login *l);
/* Ends the sign-in at its issuer, if that can be told (RFC 7009). */
err_t token_revoke(struct arena *a, const struct login *l);
/* The claims of the token, unchecked: for showing. */
err_t token_claims(struct arena *a, const char *token, json **ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens from the service's token endpoint: by client secret (RFC 6749 4.4), or by a code that a person enters
 * in a browser (RFC 8628).
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
/* The same after somebody has signed in: prints where and with which code, waits, shows that it waits. */
err_t token_by_person(struct cli *c, struct fetch *f, struct login *l);
/* Where a person signs in by a code (RFC 8628). */
struct token_issuer {
	const char *device, *token; /* endpoints, https */
	const char *client, *scope;
};
/* As token_by_person, at any issuer; the answer of its token endpoint is the caller's. */
err_t token_by_code(struct cli *c, struct fetch *f, const struct token_issuer *at, json **ret);
/* The same at the outside issuer that the service takes tokens of. ca: PEM of whom to trust for it, "": the system's. */
err_t token_outside(struct cli *c, struct fetch *f, struct login *l, const char *ca);
/* The claims of the token, unchecked: for showing. */
err_t token_claims(struct arena *a, const char *token, json **ret);

#endif

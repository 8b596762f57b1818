/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back from a browser to this program: a port of 127.0.0.1 that listens for one answer (RFC 8252 7.3). What others
 * on this machine send to it is told apart by the state, and does not end the waiting.
 *
 * Not here: what is asked and what becomes of the code (cli/token.h).
 */
#ifndef CLI_BROWSER_H
#define CLI_BROWSER_H

#include "cli/command.h"

struct browser;

/* What the answer must say; borrowed until browser_free(). */
struct browser_ask {
	const char *state;     /* RFC 6749 10.12 */
	const char *issuer;    /* if it names one: this (RFC 9207) */
	bool must_name_issuer; /* the issuer says that it always does */
};

err_t browser_listen(struct arena *a, const struct browser_ask *ask, struct browser **ret);
/* "http://127.0.0.1:PORT/back": the redirect URI. */
const char *browser_address(const struct browser *b);
/* Says the address; where there is a desktop or $BROWSER a browser is started with it. */
void browser_open(struct cli *c, const char *url);
/* Waits for the answer. ERR_SIGN_IN: it is a refusal, of another issuer, or did not come in time. */
err_t browser_wait(struct browser *b, struct arena *a, int64_t seconds, const char **ret_code);
void browser_free(struct browser *b);

static inline void
browser_cleanup(struct browser **b)
{
	browser_free(*b);
}
#define auto_browser __attribute__((cleanup(browser_cleanup)))

#endif

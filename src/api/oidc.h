/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of an outside OpenID Connect issuer: discovery (OpenID Connect Discovery 1.0 4), its keys (RFC 7517), and the
 * checks of a token (OpenID Connect Core 1.0 3.1.3.7, RFC 7519 4.1) whose holder then is a person here.
 *
 * Keys come from the issuer's own jwks_uri by HTTPS and from nowhere else: what a token's header carries or points to (jwk,
 * jku, x5c, x5u) is never looked at. They are kept for an hour; a token with an unknown kid has them fetched again, at
 * most every 30 seconds, so that a new key works at once and strangers cannot make us hammer the issuer. An issuer that
 * does not answer costs nobody who holds a token of a known key anything for a day. Algorithms by the key: codec/jws.h.
 *
 * Guarantees: issuer, audience and client are those of the configuration, to the byte; exp is demanded, nbf and iat are
 * looked at. Safe from many threads.
 *
 * Not here: what the person may do (api/rights.h), our own tokens (api/token.h).
 */
#ifndef API_OIDC_H
#define API_OIDC_H

#include "base/metric.h"
#include "codec/json.h"
#include "net/tls.h"

struct oidc;

struct oidc_conf {
	const char *issuer;   /* "https://login.example", as its tokens have it in iss */
	const char *audience; /* what aud must hold */
	const char *client;   /* client id of the command line at the issuer */
	const char *const
	    *clients;      /* further clients whose tokens are taken; ended by NULL; may be NULL */
	const char *scope; /* what the command line asks the issuer for */
	const char *name_claim;     /* "preferred_username" */
	const char *groups_claim;   /* "groups" */
	bool directory;             /* the name is the userPrincipalName of a user here */
	struct tls_client_conf tls; /* whom to trust for the issuer */
	struct metrics *metrics;    /* may be NULL */
};

/* Everything is copied. No exchange takes place yet. ERR_CONF: the issuer is no HTTPS address (http only for this host). */
err_t oidc_new(const struct oidc_conf *conf, struct oidc **ret);
void oidc_free(struct oidc *o);
const struct oidc_conf *oidc_settings(const struct oidc *o);

/* Who holds a token; all in the arena. */
struct oidc_person {
	const char *subject, *name, *client; /* client "": the token names none */
	const char **groups;
	size_t ngroups;
};
/* ERR_TOKEN says what is wrong with it; ERR_ISSUER: there are no keys to check it with. */
err_t oidc_read(struct oidc *o, struct arena *a, struct str compact, struct oidc_person *ret);
/* The checks alone, of claims whose signature was good; now: when_now(). */
err_t oidc_claims(const struct oidc_conf *conf, struct arena *a, const json *claims, when_t now,
    struct oidc_person *ret);
/* The discovery document, checked: its issuer is the configured one. ERR_ISSUER. */
err_t oidc_discovery(const char *issuer, struct str text, json **ret);

#endif

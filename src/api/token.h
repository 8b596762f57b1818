/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens: made for an application or an administrator, signed by service/keys, read back from the Authorization
 * header. JWT (RFC 7519) in RS256 (RFC 7518 3.3); bearer use RFC 6750.
 *
 * A token is ours when its signature is by one of our keys (by kid, algorithm by the key), and issuer, audience and
 * tenant are ours, and now lies between nbf (5 minutes of grace) and exp (none). That those it names were not removed or
 * disabled meanwhile is the gate's to see, at each request.
 */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include "api/rights.h"
#include "api/service.h"

#define TOKEN_LIFE_S 3600
#define TOKEN_GRACE_S 300

/* Who calls, for permission and audit. In the arena of the request. */
struct caller {
	unsigned perms;  /* of the token; behind the gate: to everything */
	unsigned scoped; /* behind the gate: to what has the scope tags of one of the grants */
	const struct role_grant *grants;
	size_t ngrants;
	struct oidc_person *person; /* of an outside issuer; NULL: ours */
	const char *actor;          /* "app Name" or "admin name": for the audit */
	const char *upn;            /* "" for applications */
	struct id id;               /* of the application or administrator */
	struct id client;           /* the application that the token was given to */
	bool app;
	unsigned wait_s; /* ERR_THROTTLED: Retry-After */
};

struct token_spec {
	bool app;
	struct id subject, client;
	const char *name;        /* of the application or the administrator */
	const char *permissions; /* blank-separated */
};

/* now: when_now(). The compact form. */
err_t token_make(struct api *api, struct arena *a, const struct token_spec *spec, const char **ret);
/* ERR_TOKEN says what is wrong with it. */
err_t token_read(const struct api *api, struct arena *a, struct str compact, struct caller *ret);
/* https://host/<tenant>/v2.0 */
const char *token_issuer(const struct api *api, struct arena *a);

#endif

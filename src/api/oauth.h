/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the endpoints of the built-in OAuth issuer share: who the client is, which permissions a scope asks for, errors
 * in the form of RFC 6749 5.2 with the numbers that clients of Microsoft's endpoints look for.
 *
 * Paths: /{tenant}/oauth2/v2.0/token (and v1 /{tenant}/oauth2/token, with resource= for scope=), .../devicecode,
 * .../authorize, .../revoke, discovery in three styles, /device for people. {tenant} is ours, "common", "organizations", "consumers", "adfs" or a
 * domain name; another tenant's identifier is refused.
 */
#ifndef API_OAUTH_H
#define API_OAUTH_H

#include "api/reply.h"
#include "model/refusal.h"
#include "store/access.h"

#define OAUTH_LOGIN_LIFE_S 900
#define OAUTH_LOGIN_INTERVAL_S 5
#define OAUTH_LOGIN_TRIES 5
#define OAUTH_CODE_LIFE_S 60
/* A sign-in goes on for so long after it was last used, and so long in all. */
#define OAUTH_REFRESH_IDLE_S 86400
#define OAUTH_REFRESH_LIFE_S (7 * 86400)

/* The client of our own command line: public, known without being registered, signs people in by browser or device code. */
#define OAUTH_CLI_CLIENT "3f0c2e5a-7d51-4b0e-9a55-6368616e6372"

/* Runs a handler and gives its failure the form that OAuth clients expect. */
err_t oauth_run(struct http_req *r, http_handler handler);
/* ERR_OAUTH_TENANT. */
err_t oauth_tenant(struct http_req *r);
/* Identifier and secret, from the form or from the Authorization header (RFC 6749 2.3.1). The application is looked up
 * and its secret checked; what has a secret must show it. ERR_OAUTH_CLIENT, ERR_OAUTH_SECRET. */
err_t oauth_client(struct http_req *r, bool need_secret, struct app *ret);
/* The application that the form names, without proof: for what gives nothing away. */
err_t oauth_client_named(struct http_req *r, struct app *ret);
/* The application of that identifier. ERR_OAUTH_CLIENT. */
err_t oauth_app(struct api *api, struct arena *a, const char *client, struct app *ret);
/* Basic credentials: base64 of two form-encoded texts with ':' between. ERR_OAUTH_FIELD. */
err_t oauth_basic(struct arena *a, struct str header, const char **ret_id, const char **ret_secret);

struct oauth_scope {
	bool all;          /* <resource>/.default, or nothing that names a permission */
	const char *names; /* else: blank-separated permission names */
	bool offline;      /* offline_access is among them: a refresh token, please */
};
/* ERR_OAUTH_SCOPE, ERR_OAUTH_RESOURCE. */
err_t oauth_scope_read(
    struct arena *a, const char *base_url, const char *scope, struct oauth_scope *ret);

/* The reply of the token endpoint. scope, refresh: NULL: none. */
err_t oauth_reply_token(
    struct http_req *r, const char *token, const char *scope, const char *refresh);

/* Pages for people: no script, nothing from elsewhere. */
err_t oauth_html(struct buf *b, const char *text);          /* escaped */
err_t oauth_page_begin(struct buf *b, const char *message); /* NULL: none */
/* Ends and sends it. to: where its form may lead besides here, an origin; "": nowhere. */
err_t oauth_page_end(struct http_req *r, int status, struct buf *b, const char *to);
/* grant_type device_code, authorization_code, refresh_token. */
err_t oauth_device_grant(struct http_req *r);
err_t oauth_code_grant(struct http_req *r);
err_t oauth_refresh_grant(struct http_req *r);

/* A person who has signed in, by whichever grant. */
struct oauth_person {
	struct id admin;
	const char *asked; /* blank-separated names; "": everything */
	struct id sign_in; /* with offline: what its refresh token goes on with */
	bool offline;
	const struct refresh *from; /* the sign-in that goes on; NULL: it begins */
};
/* The sign-in that a code stands for: used twice, it ends. */
struct id oauth_sign_in(struct str code_hash);
/* A token of what administrator and application both may and was asked for, and the next refresh token. ERR_OAUTH_DECLINED:
 * the administrator is gone or disabled; ERR_OAUTH_SCOPE: nothing of it may be given. */
err_t oauth_reply_person(
    struct http_req *r, const struct app *app, const struct oauth_person *person);

/* The administrator of that name and password; from: the address that sent them. ERR_CREDENTIALS; ERR_LOGIN_LIMIT after ten wrong ones within a quarter of
 * an hour. One password is looked at at a time, so that guessing costs neither memory nor all workers. */
err_t oauth_password(struct api *api, struct arena *a, const char *from, const char *name,
    const char *password, struct admin *ret);
/* The page's form: approves or declines the pending sign-in with this user code. ERR_CREDENTIALS, ERR_LOGIN_LIMIT,
 * ERR_NOT_FOUND (no such code), ERR_OAUTH_EXPIRED (over, or decided already). */
err_t oauth_login_decide(struct api *api, struct arena *a, const char *from, const char *typed,
    const char *name, const char *password, bool decline);

#endif

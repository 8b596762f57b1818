/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may pass: on the API port by bearer token (RFC 6750) and permission, as long as those it names have a record; on
 * the device port by the connector's client certificate. What no rule lets pass is refused.
 */
#include "api/oauth.h"
#include "api/token.h"
#include "model/renew.h"
#include "pki/key.h"
#include "store/device.h"

static err_t
bearer(struct http_req *r, struct str *ret)
{
	const char *header = http_header(r, "Authorization");
	struct str s = str_c(header), scheme;

	if (header == NULL)
		FAIL(ERR_TOKEN, "the request has no Authorization header");
	scheme = str_cut(&s, ' ');
	if (!str_ieq_c(scheme, "Bearer"))
		FAIL(ERR_TOKEN, "the Authorization header is not of the kind Bearer");
	*ret = str_trim(s);
	return OK;
}

struct standing {
	struct arena *a;
	const struct caller *who;
	struct admin admin;
	struct app app;
};

/* The command line itself is no record: nobody can remove it. */
static err_t
find_standing(struct tx *tx, void *arg)
{
	struct standing *s = arg;

	s->app.enabled = s->admin.enabled = true;
	if (!s->who->app)
		TRY(store_admin_get(tx, s->a, s->who->id, &s->admin));
	if (strcmp(id_text(s->a, s->who->client), OAUTH_CLI_CLIENT) == 0)
		return OK;
	return store_app_get(tx, s->a, s->who->client, &s->app);
}

/* A token ends with whom it was made for, and with the application that it was given to. */
static err_t
check_standing(struct http_req *r, const struct caller *who)
{
	struct standing s = { .a = http_arena(r), .who = who };
	err_t e = store_read(api_of(r)->store, find_standing, &s);

	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_TOKEN, "%s, or the application that it signed in with, was removed",
		    who->actor);
	TRY(e);
	if (!s.app.enabled || !s.admin.enabled)
		FAIL(ERR_TOKEN, "%s, or the application that it signed in with, is disabled",
		    who->actor);
	return OK;
}

err_t
api_gate(struct http_req *r, unsigned perm)
{
	struct arena *a = http_arena(r);
	struct caller *who;
	struct str token;

	if (perm == PERM_PUBLIC)
		return OK;
	who = ARENA_NEW(a, struct caller);
	TRY(bearer(r, &token));
	TRY(token_read(api_of(r), a, token, who));
	TRY(check_standing(r, who));
	if ((who->perms & perm) == 0)
		FAIL(ERR_FORBIDDEN, "%s needs %s", who->actor, perm_describe(a, perm));
	http_set_caller(r, who);
	return OK;
}

struct look {
	struct arena *a;
	uint8_t sha256[32];
	struct connector *ret;
};

static err_t
look_up(struct tx *tx, void *arg)
{
	struct look *l = arg;

	return store_connector_by_identity(tx, l->a, STR(l->sha256), l->ret);
}

err_t
api_connector_gate(struct http_req *r, unsigned perm)
{
	struct arena *a = http_arena(r);
	struct look l = { .a = a, .ret = ARENA_NEW(a, struct connector) };
	struct str cert = http_peer_cert(r);
	err_t e;

	if (perm == PERM_CONNECTOR_ENROL)
		return OK;
	if (perm != PERM_CONNECTOR)
		FAIL(ERR_FORBIDDEN, "this path is not for connectors");
	if (cert.n == 0)
		FAIL(ERR_CONNECTOR_REFUSED, "no client certificate");
	hash_sha256(cert, l.sha256);
	e = store_read(api_of(r)->store, look_up, &l);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		e = renew_used_connector(api_of(r)->store, a, STR(l.sha256), l.ret);
	}
	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_CONNECTOR_REFUSED, "no connector has this certificate");
	TRY(e);
	if (!l.ret->enabled)
		FAIL(ERR_CONNECTOR_REFUSED, "connector %s is disabled", l.ret->name);
	http_set_caller(r, l.ret);
	return OK;
}

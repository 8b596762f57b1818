/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may pass: on the API port by bearer token (RFC 6750) and permission, as long as those it names have a record; on
 * the device port by the connector's client certificate. What no rule lets pass is refused.
 */
#include "api/oauth.h"
#include "api/oidc.h"
#include "api/pace.h"
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
	struct rights rights;
};

/* What the caller's record and its roles allow now. The command line itself is no record: nobody can remove it. */
static err_t
find_standing(struct tx *tx, void *arg)
{
	struct standing *s = arg;
	const struct oidc_person *p = s->who->person;
	struct holder h = { .id = s->who->id };

	s->app.enabled = s->admin.enabled = true;
	if (p != NULL) {
		h = (struct holder){ .upn = *s->who->upn == '\0' ? NULL : s->who->upn,
			.groups = p->groups,
			.ngroups = p->ngroups };
		return rights_of(tx, s->a, &h, &s->rights);
	}
	TRY(rights_of(tx, s->a, &h, &s->rights));
	if (!s->who->app)
		TRY(store_admin_get(tx, s->a, s->who->id, &s->admin));
	if (strcmp(id_text(s->a, s->who->client), OAUTH_CLI_CLIENT) == 0)
		return OK;
	return store_app_get(tx, s->a, s->who->client, &s->app);
}

/* The token's permissions, as far as the record has them still, reach everything; those of roles what the roles reach. */
static void
weigh(const struct standing *s, struct caller *who)
{
	unsigned token = who->perms & ~PERM_SCOPED, own = 0;

	if (who->person == NULL)
		own = token & perm_list_bits(who->app ? s->app.permissions : s->admin.permissions);
	who->perms = PERM_SIGNED_IN | own;
	who->scoped = 0;
	who->grants = s->rights.v;
	who->ngrants = s->rights.n;
	for (size_t i = 0; i < s->rights.n; i++) {
		unsigned given = s->rights.v[i].perms & (who->app ? ~0u : token);

		if (s->rights.v[i].ntags == 0)
			who->perms |= given;
		else
			who->scoped |= given;
	}
	who->perms |= who->scoped & PERM_UNTAGGED;
}

/* A token ends with whom it was made for, and with the application that it was given to. */
static err_t
check_standing(struct http_req *r, struct caller *who)
{
	struct standing s = { .a = http_arena(r), .who = who };
	err_t e = store_read(api_of(r)->store, find_standing, &s);

	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_TOKEN, "%s, or the application that it signed in with, was removed",
		    who->actor);
	TRY(e);
	if (!s.app.enabled || !s.admin.enabled || s.rights.disabled)
		FAIL(ERR_TOKEN, "%s, or the application that it signed in with, is disabled",
		    who->actor);
	weigh(&s, who);
	return OK;
}

/* The key says whose token it is: ours, or one of the outside issuer. Both check all that the token claims. */
static err_t
read_token(struct api *api, struct arena *a, struct str token, struct caller *who)
{
	struct oidc_person *p;
	uint8_t hash[32];
	const char *kid;

	TRY(jws_kid(a, token, &kid));
	for (size_t i = 0; i < api->ntoken_keys; i++)
		if (strcmp(jws_key_kid(api->token_keys[i]), kid) == 0)
			return token_read(api, a, token, who);
	if (api->oidc == NULL)
		FAIL(ERR_TOKEN, "signed with a key that is not ours");
	p = ARENA_NEW(a, struct oidc_person);
	TRY(oidc_read(api->oidc, a, token, p));
	*who = (struct caller){ .perms = ~0u & ~(PERM_DEVICE_PORT | PERM_SCOPED),
		.actor = arena_printf(a, "person %s", text_safe(a, str_c(p->name))),
		.upn = oidc_settings(api->oidc)->directory ? p->name : "",
		.person = p };
	/* For its pace and the audit: the same for the same person at the same issuer. */
	hash_sha256(
	    str_c(arena_printf(a, "%s\n%s", oidc_settings(api->oidc)->issuer, p->subject)), hash);
	memcpy(who->id.b, hash, sizeof(who->id.b));
	return OK;
}

static err_t
check_perm(struct arena *a, const struct caller *who, unsigned perm)
{
	unsigned need = perm & ~PERM_SCOPED;

	if ((who->perms & need) != 0 || ((perm & PERM_SCOPED) != 0 && (who->scoped & need) != 0))
		return OK;
	if ((who->scoped & need) != 0)
		FAIL(ERR_OUTSIDE_SCOPE,
		    "%s has this permission for some scope tags only, and here it takes one for all",
		    who->actor);
	FAIL(ERR_FORBIDDEN, "%s needs %s", who->actor, perm_describe(a, need));
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
	TRY(read_token(api_of(r), a, token, who));
	TRY(check_standing(r, who));
	TRY(check_perm(a, who, perm));
	http_set_caller(r, who);
	return api_pace_take(api_of(r), who,
	    http_method(r) != HTTP_GET && http_method(r) != HTTP_HEAD, &who->wait_s);
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
	if (http_peer_over(r))
		FAIL(ERR_CONNECTOR_REFUSED, "its certificate is over; it has to join again");
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

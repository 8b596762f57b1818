/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of people, by whichever grant they signed in, and the refresh token that goes on with a sign-in (RFC 6749 6):
 * random, kept as its hash, another one with each use; who comes with the one before ends the sign-in (RFC 9700 4.14.2).
 *
 *   sign-in ──► good ── used: another one ──► good ── idle, old, revoked, or the one before used again ──► gone
 *
 * What a token may is worked out afresh each time: a role that was taken away is gone with the next one.
 */
#include "api/action.h"
#include "api/oauth.h"
#include "api/pace.h"
#include "base/secret.h"
#include "pki/key.h"

struct id
oauth_sign_in(struct str code_hash)
{
	struct id id;
	uint8_t hash[32];

	hash_sha256(code_hash, hash);
	memcpy(id.b, hash, sizeof(id.b));
	return id;
}

struct holder_look {
	struct arena *a;
	struct id id;
	struct admin admin;
	struct rights rights; /* by roles */
};

static err_t
holder_get(struct tx *tx, void *arg)
{
	struct holder_look *l = arg;

	TRY(store_admin_get(tx, l->a, l->id, &l->admin));
	return rights_of(tx, l->a, &(struct holder){ .id = l->id }, &l->rights);
}

/* What both may of what was asked for, as names. */
static err_t
granted(struct arena *a, const struct app *app, const struct holder_look *l, const char *asked,
    const char **ret)
{
	const char *all = arena_printf(a, "%s %s", l->admin.permissions, l->rights.permissions);
	unsigned within = perm_list_bits(all) | action_list_bits(all);
	const char *names, *actions;

	if (app->permissions != NULL)
		within &= perm_list_bits(app->permissions);
	if (*asked == '\0')
		asked = app->permissions == NULL ? all :
						   arena_printf(a, "%s %s", all, app->permissions);
	names = perm_list_within(a, asked, within);
	actions = action_names(a, action_list_bits(asked) & within);
	if (*actions != '\0')
		names = arena_printf(a, "%s%s%s", names, *names == '\0' ? "" : " ", actions);
	if (*names == '\0')
		FAIL(ERR_OAUTH_SCOPE, "nothing of what was asked for may be given to %s",
		    l->admin.name);
	*ret = names;
	return OK;
}

/* The next refresh token on its way into the store. */
struct turn {
	struct refresh next;
	struct str from; /* the hash it follows; empty: it begins */
};

static err_t
turn_write(struct tx *tx, void *arg)
{
	const struct turn *t = arg;

	return t->from.n == 0 ? store_refresh_insert(tx, &t->next) :
				store_refresh_update(tx, &t->next, t->from);
}

static err_t
turn_make(struct http_req *r, const struct app *app, const struct oauth_person *p, const char **ret)
{
	struct arena *a = http_arena(r);
	when_t now = when_now(), end;
	const char *token = rand_token(a, 32);
	uint8_t *hash = arena_alloc(a, 32);
	struct turn t = { .next = { .id = p->sign_in,
			      .app = app->id,
			      .admin = p->admin,
			      .scope = p->asked,
			      .created = now } };
	err_t e;

	if (p->from != NULL) {
		t.next = *p->from;
		t.next.before = t.from = p->from->hash;
	}
	hash_sha256(str_c(token), hash);
	t.next.hash = str_of(hash, 32);
	end = t.next.created + OAUTH_REFRESH_LIFE_S;
	t.next.used = now;
	t.next.expires = now + OAUTH_REFRESH_IDLE_S < end ? now + OAUTH_REFRESH_IDLE_S : end;
	e = store_write(api_of(r)->store, turn_write, &t);
	if (err_is(e, ERR_STATE_MOVED)) {
		err_forget(e);
		FAIL(ERR_OAUTH_CODE, "it was used at the same moment");
	}
	TRY(e);
	*ret = token;
	return OK;
}

err_t
oauth_reply_person(struct http_req *r, const struct app *app, const struct oauth_person *person)
{
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	struct holder_look l = { .a = a, .id = person->admin };
	const char *names, *token, *refresh = NULL;
	err_t e = store_read(api->store, holder_get, &l);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_OAUTH_DECLINED, "the administrator is gone");
	}
	TRY(e);
	if (!l.admin.enabled)
		FAIL(ERR_OAUTH_DECLINED, "the administrator is disabled");
	TRY(granted(a, app, &l, person->asked, &names));
	TRY(token_make(api, a,
	    &(struct token_spec){
		.subject = l.id, .client = app->id, .name = l.admin.name, .permissions = names },
	    &token));
	if (person->offline)
		TRY(turn_make(r, app, person, &refresh));
	return oauth_reply_token(r, token, names, refresh);
}

struct shown {
	struct arena *a;
	struct str hash;
	struct id app;
	struct refresh refresh;
	bool good, copied, over;
	const char *actor;
};

static err_t
actor_of(struct tx *tx, struct arena *a, struct id admin, const char **ret)
{
	struct admin who;
	err_t e = store_admin_get(tx, a, admin, &who);

	*ret = arena_printf(a, "admin %s", err_ok(e) ? who.name : id_text(a, admin));
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	return e;
}

static err_t
look(struct tx *tx, void *arg)
{
	struct shown *s = arg;
	err_t e = store_refresh_by_hash(tx, s->a, s->hash, &s->refresh);

	s->good = s->copied = s->over = false;
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if (!id_eq(s->refresh.app, s->app))
		return OK;
	s->copied = !secret_eq(s->refresh.hash, s->hash);
	s->over = when_now() >= s->refresh.expires;
	s->good = !s->copied && !s->over;
	return OK;
}

/* Ends the sign-in that the token belongs to, if there still is one. */
static err_t
end(struct tx *tx, void *arg)
{
	struct shown *s = arg;

	TRY(look(tx, s));
	if (!s->good && !s->copied && !s->over)
		return OK;
	TRY(actor_of(tx, s->a, s->refresh.admin, &s->actor));
	TRY(store_refresh_delete(tx, s->refresh.id));
	return store_audit_add(tx, s->actor, s->copied ? "login.copied" : "login.end",
	    arena_printf(s->a, "app %s", id_text(s->a, s->app)), "", "");
}

/* Fewer than before may be asked for, never more (RFC 6749 6). */
static err_t
scope_of(struct http_req *r, const struct refresh *from, const char **ret)
{
	struct arena *a = http_arena(r);
	const char *text = http_form(r, "scope");
	struct oauth_scope s;

	*ret = from->scope;
	if (text == NULL)
		return OK;
	TRY(oauth_scope_read(a, api_of(r)->base_url, text, &s));
	if (s.all)
		return OK;
	*ret = *from->scope == '\0' ? s.names :
				      perm_list_within(a, s.names, perm_list_bits(from->scope));
	if (**ret == '\0')
		FAIL(ERR_OAUTH_SCOPE, "the sign-in was for less");
	return OK;
}

err_t
oauth_refresh_grant(struct http_req *r)
{
	struct api *api = api_of(r);
	const char *token = http_form(r, "refresh_token");
	struct shown s = { .a = http_arena(r) };
	struct oauth_person p = { .offline = true };
	uint8_t hash[32];
	struct app app;

	if (token == NULL)
		FAIL(ERR_OAUTH_FIELD, "the body must contain 'refresh_token'");
	TRY(oauth_client(r, false, &app));
	s.app = app.id;
	hash_sha256(str_c(token), hash);
	s.hash = STR(hash);
	TRY(store_read(api->store, look, &s));
	if (s.copied || s.over)
		TRY(store_write(api->store, end, &s));
	if (s.copied)
		FAIL(ERR_OAUTH_CODE,
		    "it was used before, so somebody has a copy: the sign-in ended");
	if (!s.good)
		FAIL(ERR_OAUTH_CODE, "%s", "");
	p.admin = s.refresh.admin;
	p.from = &s.refresh;
	TRY(scope_of(r, &s.refresh, &p.asked));
	return oauth_reply_person(r, &app, &p);
}

/* RFC 7009 2: what is not ours or over already is as good as revoked. Access tokens end by themselves within the hour. */
static err_t
revoke(struct http_req *r)
{
	const char *token = http_form(r, "token");
	struct shown s = { .a = http_arena(r) };
	uint8_t hash[32];
	struct app app;

	TRY(api_pace_stranger(r));
	TRY(oauth_tenant(r));
	if (token == NULL)
		FAIL(ERR_OAUTH_FIELD, "the body must contain 'token'");
	TRY(oauth_client(r, false, &app));
	s.app = app.id;
	hash_sha256(str_c(token), hash);
	s.hash = STR(hash);
	TRY(store_write(api_of(r)->store, end, &s));
	return reply_empty(r, 200);
}

static err_t
post_revoke(struct http_req *r)
{
	return oauth_run(r, revoke);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/{tenant}/oauth2/v2.0/revoke", PERM_PUBLIC, post_revoke),
	{ 0 },
};

const struct resource resource_oauth_person = { "oauth_person", routes };

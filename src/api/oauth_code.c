/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in with a browser: authorization code (RFC 6749 4.1) with PKCE (RFC 7636, S256 and nothing else), for programs on
 * the person's own machine (RFC 8252 7.3: http to 127.0.0.1 or localhost, whatever the port).
 *
 *   GET authorize ──► page ── name and password ──► back to the program with a code ── token: code and verifier ──► USED
 *
 * A code is kept as its hash, is good for a minute and for one try, and only with the application, the address and the
 * verifier that it was asked with. Used twice, what came of it ends (RFC 6749 4.1.2). The answer names the issuer
 * (RFC 9207). An address that is none of this machine's own is never led to: its request gets a page.
 */
#include "api/oauth.h"
#include "api/pace.h"
#include "base/secret.h"
#include "pki/key.h"

#define CHALLENGE_LENGTH 43 /* base64url of 32 bytes */
#define REDIRECT_MAX 1024u
#define STATE_MAX 1024u

/* What a program asks for; the page's form carries it on. */
struct ask {
	struct app app;
	const char *redirect, *origin;
	const char *state; /* NULL: none */
	const char *challenge, *scope;
	struct oauth_scope wants;
};

static const char *
param(struct http_req *r, const char *name)
{
	return http_method(r) == HTTP_POST ? http_form(r, name) : http_query(r, name);
}

/* "http://127.0.0.1:4711/back": *ret_origin is what stands before the path. */
static err_t
redirect_read(struct arena *a, const char *text, const char **ret_origin)
{
	static const char *const own[] = { "http://127.0.0.1", "http://localhost" };
	struct str rest = str_c(text), port;
	size_t host = 0;
	int64_t number;

	for (size_t i = 0; i < COUNT(own); i++)
		if (strncmp(text, own[i], strlen(own[i])) == 0)
			host = strlen(own[i]);
	if (host == 0 || rest.n > REDIRECT_MAX || !text_printable_ascii(rest) ||
	    strpbrk(text, " \"'<>\\^`{|}#") != NULL)
		FAIL(ERR_OAUTH_REDIRECT, "%.128s", text_safe(a, rest));
	rest = str_of(rest.p + host, rest.n - host);
	if (rest.n > 0 && rest.p[0] == ':') {
		size_t end = 1;

		while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
			end++;
		port = str_of(rest.p + 1, end - 1);
		if (!err_ok(text_i64(port, 1, 65535, &number)))
			FAIL(ERR_OAUTH_REDIRECT, "%.128s has no good port", text);
		host += end;
		rest = str_of(rest.p + end, rest.n - end);
	}
	if (rest.n > 0 && rest.p[0] != '/')
		FAIL(ERR_OAUTH_REDIRECT, "%.128s", text);
	*ret_origin = arena_cstr(a, str_of((const uint8_t *)text, host));
	return OK;
}

/* Who asks, and where the answer goes: whatever is wrong here is for the person to see. */
static err_t
ask_who(struct http_req *r, struct ask *q)
{
	struct arena *a = http_arena(r);
	const char *client = param(r, "client_id");

	TRY(oauth_tenant(r));
	if (client == NULL)
		FAIL(ERR_OAUTH_FIELD, "'client_id' is missing");
	TRY(oauth_app(api_of(r), a, client, &q->app));
	q->redirect = param(r, "redirect_uri");
	if (q->redirect == NULL)
		FAIL(ERR_OAUTH_FIELD, "'redirect_uri' is missing");
	TRY(redirect_read(a, q->redirect, &q->origin));
	q->state = param(r, "state");
	if (q->state != NULL && strlen(q->state) > STATE_MAX)
		FAIL(ERR_OAUTH_FIELD, "'state' is too long");
	return OK;
}

/* What it asks for: whatever is wrong here the program is told. */
static err_t
ask_what(struct http_req *r, struct ask *q)
{
	const char *type = param(r, "response_type"), *mode = param(r, "response_mode");
	const char *method = param(r, "code_challenge_method");

	if (type == NULL || strcmp(type, "code") != 0)
		FAIL(ERR_OAUTH_FIELD, "'response_type' must be code");
	if (mode != NULL && strcmp(mode, "query") != 0)
		FAIL(ERR_OAUTH_FIELD, "'response_mode' must be query");
	q->challenge = param(r, "code_challenge");
	if (q->challenge == NULL || method == NULL || strcmp(method, "S256") != 0)
		FAIL(ERR_OAUTH_FIELD,
		    "'code_challenge' is needed, with 'code_challenge_method' S256");
	if (strlen(q->challenge) != CHALLENGE_LENGTH ||
	    strspn(
		q->challenge, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
		CHALLENGE_LENGTH)
		FAIL(ERR_OAUTH_FIELD, "'code_challenge' is no SHA-256 in base64url");
	q->scope = param(r, "scope");
	if (q->scope == NULL)
		q->scope = "";
	return oauth_scope_read(http_arena(r), api_of(r)->base_url, q->scope, &q->wants);
}

static const char *
encoded(struct arena *a, const char *s)
{
	char *out = arena_alloc(a, 3 * strlen(s) + 1), *p = out;

	for (; *s != '\0'; s++) {
		uint8_t c = (uint8_t)*s;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c) != NULL) {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = "0123456789ABCDEF"[c >> 4];
		*p++ = "0123456789ABCDEF"[c & 15];
	}
	return out;
}

/* 303: what was a POST with a password becomes a GET without one (RFC 9700 4.12). answer: encoded. */
static err_t
lead_back(struct http_req *r, const struct ask *q, const char *answer)
{
	struct arena *a = http_arena(r);
	const char *to = arena_printf(a, "%s%s%s&iss=%s", q->redirect,
	    strchr(q->redirect, '?') == NULL ? "?" : "&", answer,
	    encoded(a, token_issuer(api_of(r), a)));

	if (q->state != NULL)
		to = arena_printf(a, "%s&state=%s", to, encoded(a, q->state));
	http_reply_header(r, "Location", to);
	http_reply_header(r, "Cache-Control", "no-store");
	http_reply_header(r, "Referrer-Policy", "no-referrer");
	return http_reply(r, 303, "text/plain", STR_EMPTY);
}

/* RFC 6749 4.1.2.1 */
static err_t
tell_program(struct http_req *r, const struct ask *q, err_t e)
{
	struct arena *a = http_arena(r);
	struct err_report rep;
	const struct err_info *info;
	const char *text;
	bool known;

	err_take(e, &rep);
	info = err_info(rep.code);
	known = info->code >= ERR_OAUTH_GRANT && info->code <= ERR_OAUTH_CODE;
	text = arena_printf(a, "AADSTS%u: %s: %s", info->hresult, info->text, rep.detail);
	return lead_back(r, q,
	    arena_printf(a, "error=%s&error_description=%s&suberror=%s",
		known ? info->graph : "server_error", encoded(a, text), info->id));
}

static err_t
carry(struct buf *b, const char *name, const char *value)
{
	if (value == NULL)
		return OK;
	TRY(buf_printf(b, "<input type=\"hidden\" name=\"%s\" value=\"", name));
	TRY(oauth_html(b, value));
	return buf_puts(b, "\">");
}

/* The form; q NULL: the message alone. */
static err_t
page(struct http_req *r, int status, const char *message, const struct ask *q)
{
	auto_buf struct buf b = { 0 };
	struct arena *a = http_arena(r);

	buf_init(&b, 65536);
	TRY(oauth_page_begin(&b, message));
	if (q == NULL)
		return oauth_page_end(r, status, &b, "");
	TRY(buf_puts(&b, "<p>"));
	TRY(oauth_html(&b, q->app.name));
	TRY(buf_puts(&b, " on your own machine ("));
	TRY(oauth_html(&b, q->origin));
	TRY(buf_puts(&b, ") asks to act for you. Go on only if you started it yourself.</p>\n<p>"));
	TRY(oauth_html(&b,
	    q->wants.all ? "It asks for everything that you may." :
			   arena_printf(a, "It asks for: %s", q->wants.names)));
	TRY(buf_puts(&b, "</p>\n<form method=\"post\">"));
	TRY(carry(&b, "client_id", id_text(a, q->app.id)));
	TRY(carry(&b, "redirect_uri", q->redirect));
	TRY(carry(&b, "state", q->state));
	TRY(carry(&b, "response_type", "code"));
	TRY(carry(&b, "code_challenge", q->challenge));
	TRY(carry(&b, "code_challenge_method", "S256"));
	TRY(carry(&b, "scope", q->scope));
	TRY(buf_puts(&b,
	    "<p><label>Administrator <input name=\"username\" required autofocus "
	    "autocomplete=\"username\"></label></p>"
	    "<p><label>Password <input name=\"password\" type=\"password\" required "
	    "autocomplete=\"current-password\"></label></p>"
	    "<p><button name=\"action\" value=\"approve\">Sign in</button> "
	    "<button name=\"action\" value=\"decline\" formnovalidate>Decline</button></p>"
	    "</form>"));
	return oauth_page_end(r, status, &b, q->origin);
}

/* A refusal that the person sees. */
static err_t
tell_person(struct http_req *r, const struct ask *q, err_t e)
{
	struct arena *a = http_arena(r);
	struct err_report rep;
	const struct err_info *info;
	bool shows;

	err_take(e, &rep);
	info = err_info(rep.code);
	shows = rep.detail[0] != '\0' && info->http < 500;
	return page(r, info->http,
	    arena_printf(a, "Sorry: %s%s%s. %s.", info->text, shows ? ": " : "",
		shows ? text_safe(a, str_c(rep.detail)) : "", info->hint),
	    q);
}

static err_t
get_authorize(struct http_req *r)
{
	struct ask q = { 0 };
	err_t e = ask_who(r, &q);

	if (!err_ok(e))
		return tell_person(r, NULL, e);
	e = ask_what(r, &q);
	return err_ok(e) ? page(r, 200, NULL, &q) : tell_program(r, &q, e);
}

struct making {
	struct arena *a;
	struct login login;
	const char *admin;
};

static err_t
code_insert(struct tx *tx, void *arg)
{
	struct making *m = arg;

	TRY(store_login_insert(tx, &m->login));
	return store_audit_add(tx, arena_printf(m->a, "admin %s", m->admin), "login.approve",
	    arena_printf(m->a, "app %s", id_text(m->a, m->login.app)), "", "");
}

static err_t
code_make(struct http_req *r, const struct ask *q, const struct admin *admin, const char **ret)
{
	struct arena *a = http_arena(r);
	const char *code = rand_token(a, 32);
	uint8_t hash[32];
	struct making m = { .a = a, .admin = admin->name };

	hash_sha256(str_c(code), hash);
	m.login = (struct login){ .code_hash = STR(hash),
		/* Nothing that anybody can type on the page of codes. */
		.user_code = arena_printf(a, "-%s", text_hex(a, STR(hash))),
		.app = q->app.id,
		.admin = admin->id,
		.scope = q->wants.all ? "" : q->wants.names,
		.state = LOGIN_APPROVED,
		.created = when_now(),
		.expires = when_now() + OAUTH_CODE_LIFE_S,
		.challenge = q->challenge,
		.redirect = q->redirect,
		.offline = q->wants.offline };
	TRY(store_write(api_of(r)->store, code_insert, &m));
	*ret = code;
	return OK;
}

static err_t
post_authorize(struct http_req *r)
{
	const char *name, *password, *action = http_form(r, "action"), *code;
	struct ask q = { 0 };
	struct admin admin;
	err_t e = ask_who(r, &q);

	if (!err_ok(e))
		return tell_person(r, NULL, e);
	e = ask_what(r, &q);
	if (!err_ok(e))
		return tell_program(r, &q, e);
	if (action != NULL && strcmp(action, "decline") == 0)
		return lead_back(r, &q, "error=access_denied");
	name = http_form(r, "username");
	password = http_form(r, "password");
	if (name == NULL || password == NULL || strlen(name) > LIMIT_TEXT ||
	    strlen(password) > LIMIT_LONG_TEXT)
		return page(r, 400, "Fill in both fields.", &q);
	e = api_pace_stranger(r);
	if (err_ok(e))
		e = oauth_password(
		    api_of(r), http_arena(r), http_peer_addr(r), name, password, &admin);
	if (err_ok(e))
		e = code_make(r, &q, &admin, &code);
	if (!err_ok(e))
		return tell_person(r, &q, e);
	return lead_back(
	    r, &q, arena_printf(http_arena(r), "code=%s", encoded(http_arena(r), code)));
}

/* One try with a code. */
struct redeem {
	struct arena *a;
	struct str hash;
	struct id app;
	const char *redirect, *challenge;
	struct login login;
	const char *wrong; /* NULL: good, and now used */
};

static err_t
code_use(struct tx *tx, void *arg)
{
	struct redeem *c = arg;
	struct login *l = &c->login;
	err_t e = store_login_by_code(tx, c->a, c->hash, l);

	c->wrong = "";
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if (*l->challenge == '\0' || !id_eq(l->app, c->app))
		return OK;
	if (l->state == LOGIN_USED) {
		c->wrong = "it was used before: what came of it ended";
		return store_refresh_delete(tx, oauth_sign_in(c->hash));
	}
	c->wrong = when_now() >= l->expires       ? "it is over its time" :
	    strcmp(l->redirect, c->redirect) != 0 ? "'redirect_uri' is not that of the code" :
	    !secret_eq(str_c(l->challenge), str_c(c->challenge)) ?
						    "'code_verifier' is not that of the code" :
						    NULL;
	l->state = LOGIN_USED;
	return store_login_update(tx, l, LOGIN_APPROVED);
}

err_t
oauth_code_grant(struct http_req *r)
{
	struct arena *a = http_arena(r);
	const char *code = http_form(r, "code"), *verifier = http_form(r, "code_verifier");
	struct redeem c = { .a = a, .redirect = http_form(r, "redirect_uri") };
	uint8_t hash[32], of_verifier[32];
	struct app app;

	if (code == NULL || verifier == NULL || c.redirect == NULL)
		FAIL(ERR_OAUTH_FIELD,
		    "the body must contain 'code', 'code_verifier' and 'redirect_uri'");
	TRY(oauth_client(r, false, &app));
	c.app = app.id;
	hash_sha256(str_c(code), hash);
	c.hash = STR(hash);
	hash_sha256(str_c(verifier), of_verifier);
	c.challenge = text_base64url(a, STR(of_verifier));
	TRY(store_write(api_of(r)->store, code_use, &c));
	if (c.wrong != NULL)
		FAIL(ERR_OAUTH_CODE, "%s", c.wrong);
	return oauth_reply_person(r, &app,
	    &(struct oauth_person){ .admin = c.login.admin,
		.asked = c.login.scope,
		.sign_in = oauth_sign_in(c.hash),
		.offline = c.login.offline });
}

static const struct http_route routes[] = {
	ROUTE(GET, "/{tenant}/oauth2/v2.0/authorize", PERM_PUBLIC, get_authorize),
	ROUTE(POST, "/{tenant}/oauth2/v2.0/authorize", PERM_PUBLIC, post_authorize),
	{ 0 },
};

const struct resource resource_oauth_code = { "oauth_code", routes };

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/token.h"

#include <poll.h>

#include "base/limits.h"
#include "base/secret.h"
#include "cli/browser.h"
#include "cli/out.h"
#include "cli/url.h"
#include "pki/key.h"

#define SCOPE "api://chancery/.default"
#define SCOPE_OF_PEOPLE SCOPE " offline_access"
#define TIMEOUT_MS 30000
#define MARGIN_S 60 /* a token is renewed so long before it ends */

err_t
token_fetch(struct arena *a, const struct login *l, struct fetch **ret)
{
	struct str *anchors = arena_array(a, LIMIT_CERTS, sizeof(*anchors));
	struct tls_client_conf tls = { .anchors = anchors };

	if (l->ca[0] != '\0')
		TRY(text_unpem(
		    a, str_c(l->ca), "CERTIFICATE", anchors, LIMIT_CERTS, &tls.nanchors));
	return fetch_new(&tls, ret);
}

static const char *
endpoint(struct arena *a, const struct login *l, const char *name)
{
	return arena_printf(a, "%s/%s/oauth2/v2.0/%s", l->url, url_encode(a, l->tenant), name);
}

/* One form to an endpoint. Only what answers with JSON is an answer. */
static err_t
post_form(struct arena *a, struct fetch *f, const char *url, const char *form, int *ret_status,
    json **ret)
{
	static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
		NULL };
	struct fetch_reply rep;
	err_t e;

	TRY(fetch_run(f, a, "POST", url, headers, str_c(form), TIMEOUT_MS, &rep));
	e = json_parse(rep.body, LIMIT_HTTP_REPLY, ret);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_HTTP_STATUS, "%s answered %d and no JSON", url, rep.status);
	}
	*ret_status = rep.status;
	return OK;
}

/* The refusal of a token endpoint. Our own service says which row of the catalogue it is in "suberror". */
static err_t
refusal(const json *answer, int status)
{
	const struct err_info *info = err_info_by_id(json_text(json_get(answer, "suberror")));
	struct str text = str_c(json_text(json_get(answer, "error_description")));
	const uint8_t *end = memmem(text.p, text.n, " Trace ID:", 10);

	if (end != NULL)
		text.n = (size_t)(end - text.p);
	FAIL(info == NULL || info->code == ERR_NONE ? ERR_OAUTH : info->code, "%.*s (status %d)",
	    text.n > 400 ? 400 : (int)text.n, text.p == NULL ? "" : (const char *)text.p, status);
}

static err_t
take_token(struct arena *a, const json *answer, struct login *l)
{
	const char *token, *refresh;
	int64_t life;

	TRY(json_need_text(answer, "access_token", LIMIT_JWT_BYTES, &token));
	TRY(json_want_text(answer, "refresh_token", LIMIT_JWT_BYTES, &refresh));
	TRY(json_want_int(answer, "expires_in", 0, INT32_MAX, 3600, &life));
	l->token = arena_strdup(a, token);
	if (refresh != NULL) /* else the one that was good still is (RFC 6749 6) */
		l->refresh = arena_strdup(a, refresh);
	l->expires = when_now() + (life > 2 * MARGIN_S ? life - MARGIN_S : life / 2);
	return OK;
}

err_t
token_by_secret(struct arena *a, struct fetch *f, struct login *l)
{
	auto_json json *answer = NULL;
	char *form =
	    arena_printf(a, "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s",
		url_encode(a, l->client_id), url_encode(a, l->client_secret), url_encode(a, SCOPE));
	int status;
	err_t e = post_form(a, f, endpoint(a, l, "token"), form, &status, &answer);

	secret_wipe(form, strlen(form));
	TRY(e);
	if (status != 200)
		return refusal(answer, status);
	return take_token(a, answer, l);
}

struct device_code {
	const char *code, *message;
	int64_t interval, life;
};

static err_t
begin(struct arena *a, struct fetch *f, const struct token_issuer *at, struct device_code *ret)
{
	auto_json json *answer = NULL;
	struct device_code d = { 0 };
	const char *page, *shown;
	int status;

	TRY(post_form(a, f, at->device,
	    arena_printf(
		a, "client_id=%s&scope=%s", url_encode(a, at->client), url_encode(a, at->scope)),
	    &status, &answer));
	if (status != 200)
		return refusal(answer, status);
	TRY(json_need_text(answer, "device_code", LIMIT_LONG_TEXT, &d.code));
	TRY(json_want_text(answer, "message", LIMIT_LONG_TEXT, &d.message));
	if (d.message == NULL) { /* RFC 8628 3.2 knows the parts of it only */
		TRY(json_need_text(answer, "verification_uri", LIMIT_LONG_TEXT, &page));
		TRY(json_need_text(answer, "user_code", LIMIT_TEXT, &shown));
		d.message = arena_printf(
		    a, "To sign in, open the page %s and enter the code %s.", page, shown);
	}
	TRY(json_want_int(answer, "interval", 1, 600, 5, &d.interval));
	TRY(json_want_int(answer, "expires_in", 1, 86400, 900, &d.life));
	d.code = arena_strdup(a, d.code);
	d.message = arena_strdup(a, d.message);
	*ret = d;
	return OK;
}

/* Who the sign-in is with from now on. */
static err_t
taken(struct arena *a, const struct token_issuer *at, const json *answer, struct login *l)
{
	TRY(take_token(a, answer, l));
	l->client_id = at->client;
	l->token_url = at->token;
	l->revoke_url = at->revoke;
	l->issuer_ca = at->ca;
	return OK;
}

err_t
token_by_code(struct cli *c, struct fetch *f, const struct token_issuer *at, struct login *l)
{
	struct arena *a = c->arena;
	struct device_code d = { 0 };
	when_t end;

	if (at->device[0] == '\0')
		FAIL(ERR_SIGN_IN,
		    "the issuer has no device_authorization_endpoint; sign in with "
		    "--browser, or with an application's secret");
	TRY(begin(a, f, at, &d));
	fprintf(stderr, "%s\n", text_safe(a, str_c(d.message)));
	end = when_now() + d.life;
	while (when_now() < end) {
		auto_json json *answer = NULL;
		const char *error;
		int status;

		out_progress(c, "waiting until somebody has signed in");
		poll(NULL, 0, (int)d.interval * 1000);
		TRY(post_form(a, f, at->token,
		    arena_printf(a,
			"grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Adevice_code"
			"&client_id=%s&device_code=%s",
			url_encode(a, at->client), url_encode(a, d.code)),
		    &status, &answer));
		if (status == 200)
			return taken(a, at, answer, l);
		error = json_text(json_get(answer, "error"));
		if (str_eq_c(str_c(error), "slow_down"))
			d.interval += 5;
		else if (!str_eq_c(str_c(error), "authorization_pending"))
			return refusal(answer, status);
	}
	FAIL(ERR_OAUTH_EXPIRED, "nobody signed in");
}

err_t
token_by_browser(
    struct cli *c, struct fetch *f, const struct token_issuer *at, int64_t wait_s, struct login *l)
{
	struct arena *a = c->arena;
	const char *verifier = rand_token(a, 32), *code; /* 43 characters: RFC 7636 4.1 */
	struct browser_ask ask = {
		.state = rand_token(a, 16), .issuer = at->name, .must_name_issuer = at->names_itself
	};
	auto_browser struct browser *b = NULL;
	auto_json json *answer = NULL;
	uint8_t hash[32];
	int status;

	if (at->authorize[0] == '\0')
		FAIL(ERR_SIGN_IN,
		    "the issuer has no authorization_endpoint; sign in without "
		    "--browser, by a code");
	hash_sha256(str_c(verifier), hash);
	TRY(browser_listen(a, &ask, &b));
	browser_open(c,
	    arena_printf(a,
		"%s%sresponse_type=code&client_id=%s&redirect_uri=%s&scope=%s&state=%s"
		"&code_challenge=%s&code_challenge_method=S256",
		at->authorize, strchr(at->authorize, '?') == NULL ? "?" : "&",
		url_encode(a, at->client), url_encode(a, browser_address(b)),
		url_encode(a, at->scope), url_encode(a, ask.state), text_base64url(a, STR(hash))));
	out_progress(c, "waiting for the browser");
	TRY(browser_wait(b, a, wait_s, &code));
	TRY(post_form(a, f, at->token,
	    arena_printf(a,
		"grant_type=authorization_code&client_id=%s&redirect_uri=%s&code=%s"
		"&code_verifier=%s",
		url_encode(a, at->client), url_encode(a, browser_address(b)), url_encode(a, code),
		verifier),
	    &status, &answer));
	return status == 200 ? taken(a, at, answer, l) : refusal(answer, status);
}

err_t
token_renew(struct arena *a, struct login *l)
{
	auto_fetch struct fetch *f = NULL;
	auto_json json *answer = NULL;
	const char *error;
	int status;

	if (l->refresh[0] == '\0' || l->token_url[0] == '\0')
		FAIL(ERR_NOT_LOGGED_IN, "the sign-in at %s is over", l->url);
	TRY(token_fetch(a, &(struct login){ .ca = l->issuer_ca }, &f));
	TRY(post_form(a, f, l->token_url,
	    arena_printf(a, "grant_type=refresh_token&client_id=%s&refresh_token=%s",
		url_encode(a, l->client_id), url_encode(a, l->refresh)),
	    &status, &answer));
	if (status == 200)
		return take_token(a, answer, l);
	error = json_text(json_get(answer, "error"));
	if (status < 500 && !str_eq_c(str_c(error), "temporarily_unavailable"))
		FAIL(ERR_NOT_LOGGED_IN, "the sign-in at %s is over: the issuer says %.128s", l->url,
		    text_safe(a, str_c(error)));
	return refusal(answer, status);
}

err_t
token_revoke(struct arena *a, const struct login *l)
{
	static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
		NULL };
	auto_fetch struct fetch *f = NULL;
	struct fetch_reply rep;

	if (l->refresh[0] == '\0' || l->revoke_url[0] == '\0')
		return OK;
	TRY(token_fetch(a, &(struct login){ .ca = l->issuer_ca }, &f));
	TRY(fetch_run(f, a, "POST", l->revoke_url, headers,
	    str_c(arena_printf(a, "token=%s&token_type_hint=refresh_token&client_id=%s",
		url_encode(a, l->refresh), url_encode(a, l->client_id))),
	    TIMEOUT_MS, &rep));
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d", l->revoke_url, rep.status);
	return OK;
}

static err_t
get_json(struct arena *a, struct fetch *f, const char *url, json **ret)
{
	struct fetch_reply rep;

	TRY(fetch_run(f, a, "GET", url, NULL, STR_EMPTY, TIMEOUT_MS, &rep));
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d", url, rep.status);
	TRY(json_parse(rep.body, LIMIT_HTTP_REPLY, ret));
	return OK;
}

/* A member of the document, as an address that secrets may go to; "" if it is not there. */
static err_t
endpoint_of(struct arena *a, const json *doc, const char *name, const char **ret)
{
	const char *url;

	*ret = "";
	if (!json_is_text(json_get(doc, name)))
		return OK;
	TRY(json_need_text(doc, name, LIMIT_LONG_TEXT, &url));
	return login_url(a, url, ret);
}

err_t
token_issuer_own(struct cli *c, struct fetch *f, const struct login *l, struct token_issuer *ret)
{
	struct arena *a = c->arena;
	auto_json json *about = NULL;
	const char *name;

	TRY(get_json(a, f, arena_printf(a, "%s/chancery/v1/signIn", l->url), &about));
	TRY(json_need_text(about, "builtIn", LIMIT_LONG_TEXT, &name));
	*ret = (struct token_issuer){ .name = arena_strdup(a, name),
		.authorize = endpoint(a, l, "authorize"),
		.device = endpoint(a, l, "devicecode"),
		.token = endpoint(a, l, "token"),
		.revoke = endpoint(a, l, "revoke"),
		.client = l->client_id,
		.scope = SCOPE_OF_PEOPLE,
		.names_itself = true,
		.ca = l->ca };
	return OK;
}

err_t
token_issuer_outside(
    struct cli *c, struct fetch *f, const struct login *l, const char *ca, struct token_issuer *ret)
{
	struct arena *a = c->arena;
	auto_json json *about = NULL, *doc = NULL;
	auto_fetch struct fetch *outside = NULL;
	struct token_issuer at = { .ca = ca };
	const char *issuer;
	struct str base;

	TRY(get_json(a, f, arena_printf(a, "%s/chancery/v1/signIn", l->url), &about));
	if (!json_is_text(json_get(about, "issuer")))
		FAIL(ERR_SIGN_IN, "the service takes tokens of no outside issuer");
	TRY(json_need_text(about, "issuer", LIMIT_LONG_TEXT, &at.name));
	TRY(json_need_text(about, "clientId", LIMIT_TEXT, &at.client));
	TRY(json_need_text(about, "scope", LIMIT_LONG_TEXT, &at.scope));
	TRY(login_url(a, at.name, &issuer));
	TRY(token_fetch(a, &(struct login){ .ca = ca }, &outside));
	TRY(get_json(
	    a, outside, arena_printf(a, "%s/.well-known/openid-configuration", issuer), &doc));
	base = str_c(json_text(json_get(doc, "issuer")));
	if (strcmp(at.name, json_text(json_get(doc, "issuer"))) != 0)
		FAIL(ERR_SIGN_IN, "the discovery document is of another issuer, \"%.*s\"",
		    base.n > 128 ? 128 : (int)base.n, (const char *)base.p);
	TRY(endpoint_of(a, doc, "authorization_endpoint", &at.authorize));
	TRY(endpoint_of(a, doc, "device_authorization_endpoint", &at.device));
	TRY(endpoint_of(a, doc, "token_endpoint", &at.token));
	TRY(endpoint_of(a, doc, "revocation_endpoint", &at.revoke));
	if (at.token[0] == '\0')
		FAIL(ERR_SIGN_IN, "the issuer has no token_endpoint");
	at.names_itself =
	    json_true(json_get(doc, "authorization_response_iss_parameter_supported"));
	at.name = arena_strdup(a, at.name);
	at.client = arena_strdup(a, at.client);
	at.scope = arena_strdup(a, at.scope);
	*ret = at;
	return OK;
}

err_t
token_claims(struct arena *a, const char *token, json **ret)
{
	struct str rest = str_c(token), payload, text;

	(void)str_cut(&rest, '.');
	payload = str_cut(&rest, '.');
	TRY(text_unbase64(a, payload, &text));
	return json_parse(text, LIMIT_JWT_BYTES, ret);
}

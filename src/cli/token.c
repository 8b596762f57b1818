/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/token.h"

#include <poll.h>

#include "base/limits.h"
#include "base/secret.h"
#include "cli/out.h"
#include "cli/url.h"

#define SCOPE "api://chancery/.default"
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

/* One form to an endpoint below the tenant. Only what answers with JSON is an answer. */
static err_t
post_form(struct arena *a, struct fetch *f, const struct login *l, const char *endpoint,
    const char *form, int *ret_status, json **ret)
{
	static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
		NULL };
	const char *url =
	    arena_printf(a, "%s/%s/oauth2/v2.0/%s", l->url, url_encode(a, l->tenant), endpoint);
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
	const char *token;
	int64_t life;

	TRY(json_need_text(answer, "access_token", LIMIT_JWT_BYTES, &token));
	TRY(json_want_int(answer, "expires_in", 0, INT32_MAX, 3600, &life));
	l->token = arena_strdup(a, token);
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
	err_t e = post_form(a, f, l, "token", form, &status, &answer);

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
begin(struct arena *a, struct fetch *f, const struct login *l, struct device_code *ret)
{
	auto_json json *answer = NULL;
	struct device_code d = { 0 };
	int status;

	TRY(post_form(a, f, l, "devicecode",
	    arena_printf(
		a, "client_id=%s&scope=%s", url_encode(a, l->client_id), url_encode(a, SCOPE)),
	    &status, &answer));
	if (status != 200)
		return refusal(answer, status);
	TRY(json_need_text(answer, "device_code", LIMIT_LONG_TEXT, &d.code));
	TRY(json_need_text(answer, "message", LIMIT_LONG_TEXT, &d.message));
	TRY(json_want_int(answer, "interval", 1, 600, 5, &d.interval));
	TRY(json_want_int(answer, "expires_in", 1, 86400, 900, &d.life));
	d.code = arena_strdup(a, d.code);
	d.message = arena_strdup(a, d.message);
	*ret = d;
	return OK;
}

err_t
token_by_person(struct cli *c, struct fetch *f, struct login *l)
{
	struct arena *a = c->arena;
	struct device_code d = { 0 };
	when_t end;

	TRY(begin(a, f, l, &d));
	fprintf(stderr, "%s\n", text_safe(a, str_c(d.message)));
	end = when_now() + d.life;
	while (when_now() < end) {
		auto_json json *answer = NULL;
		const char *error;
		int status;

		out_progress(c, "waiting until somebody has signed in");
		poll(NULL, 0, (int)d.interval * 1000);
		TRY(post_form(a, f, l, "token",
		    arena_printf(a,
			"grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Adevice_code"
			"&client_id=%s&device_code=%s",
			url_encode(a, l->client_id), url_encode(a, d.code)),
		    &status, &answer));
		if (status == 200)
			return take_token(a, answer, l);
		error = json_text(json_get(answer, "error"));
		if (str_eq_c(str_c(error), "slow_down"))
			d.interval += 5;
		else if (!str_eq_c(str_c(error), "authorization_pending"))
			return refusal(answer, status);
	}
	FAIL(ERR_OAUTH_EXPIRED, "nobody signed in");
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"

#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/login.h"
#include "cli/out.h"
#include "cli/token.h"
#include "cli/url.h"

#define TIMEOUT_MS 60000
#define PAGES_MAX 10000
#define AGAIN_MAX 20

struct api {
	struct login login;
	struct fetch *fetch;
};

void
api_free(struct api *x)
{
	if (x != NULL)
		fetch_free(x->fetch);
}

static err_t
renew(struct cli *c, struct api *x)
{
	TRY(token_by_secret(c->arena, x->fetch, &x->login));
	return x->login.kept ? login_save(c->arena, &x->login) : OK;
}

/* A refresh token is good once: of commands that run side by side one renews, the others take what it got. */
static err_t
renew_person(struct cli *c, struct api *x)
{
	auto_fd int lock = -1;

	if (!x->login.kept || x->login.refresh[0] == '\0')
		FAIL(ERR_NOT_LOGGED_IN, "the sign-in at %s is over", x->login.url);
	TRY(login_lock(c->arena, &lock));
	TRY(login_load(c->arena, &x->login));
	if (x->login.token[0] != '\0' && x->login.expires > when_now())
		return OK;
	TRY(token_renew(c->arena, &x->login));
	return login_save(c->arena, &x->login);
}

static err_t
use(struct cli *c, struct api **ret)
{
	struct api *x = c->api;

	if (x == NULL) {
		struct login login;

		TRY(login_load(c->arena, &login));
		x = ARENA_NEW(c->arena, struct api);
		x->login = login;
		TRY(token_fetch(c->arena, &login, &x->fetch));
		c->api = x;
	}
	if (x->login.token[0] == '\0' || x->login.expires <= when_now()) {
		if (x->login.client_secret[0] == '\0')
			TRY(renew_person(c, x));
		else
			TRY(renew(c, x));
	}
	*ret = x;
	return OK;
}

/* The service's own words for a row begin with the row's text; what follows is the detail. */
static const char *
detail_of(const struct err_info *info, const char *message)
{
	size_t n = strlen(info->text);

	if (strncmp(message, info->text, n) != 0)
		return message;
	return strncmp(message + n, ": ", 2) == 0 ? message + n + 2 : "";
}

static err_t
refusal(struct arena *a, const struct fetch_reply *rep, const char *path)
{
	auto_json json *body = NULL;
	const struct err_info *info;
	const json *error;
	err_t e = json_parse(rep->body, LIMIT_HTTP_REPLY, &body);

	err_forget(e);
	error = json_get(body, "error");
	info = err_info_by_id(json_text(json_get(json_at(json_get(error, "details"), 0), "code")));
	if (info == NULL || info->code == ERR_NONE)
		FAIL(ERR_HTTP_STATUS, "%s answered %d: %.300s", path, rep->status,
		    json_is_object(error) ?
			json_text(json_get(error, "message")) :
			text_safe(a, str_of(rep->body.p, rep->body.n > 300 ? 300 : rep->body.n)));
	FAIL(info->code, "%s", detail_of(info, json_text(json_get(error, "message"))));
}

/* What is sent; everything but method and path may be missing. */
struct message {
	const char *method, *path, *if_match;
	int64_t from; /* of the answer's bytes; 0: all */
	const struct fetch_sink *sink;
	struct str body;
};

static err_t
exchange(struct cli *c, struct api *x, const struct message *m, struct fetch_reply *ret)
{
	const char *headers[6] = { arena_printf(
				       c->arena, "Authorization: Bearer %s", x->login.token),
		"Accept: application/json" };
	size_t n = 2;

	if (m->body.n > 0)
		headers[n++] = "Content-Type: application/json";
	if (m->if_match != NULL)
		headers[n++] = arena_printf(c->arena, "If-Match: %s", m->if_match);
	if (m->from > 0)
		headers[n++] = arena_printf(c->arena, "Range: bytes=%lld-", (long long)m->from);
	fetch_into(x->fetch, m->sink);
	return fetch_run(x->fetch, c->arena, m->method,
	    arena_printf(c->arena, "%s%s", x->login.url, m->path), headers, m->body, TIMEOUT_MS,
	    ret);
}

/* As long as the service asks for, a minute at most. */
static err_t
wait_for(struct cli *c, const char *retry_after)
{
	int64_t s;

	TRY(text_i64(str_trim(str_c(retry_after)), 0, INT32_MAX, &s));
	out_progress(c, "the service asks to go on more slowly");
	sleep(s < 60 ? (unsigned)s : 60);
	return OK;
}

static err_t
send_message(struct cli *c, struct message *m, const json *body, json **ret, const char **ret_etag)
{
	struct fetch_reply rep;
	struct api *x;

	TRY(use(c, &x));
	if (body != NULL)
		TRY(json_print(c->arena, body, &m->body));
	TRY(exchange(c, x, m, &rep));
	/* The service may have got new keys since the token was made. */
	if (rep.status == 401 && x->login.client_secret[0] != '\0') {
		TRY(renew(c, x));
		TRY(exchange(c, x, m, &rep));
	}
	for (int i = 0; rep.status == 429 && rep.retry_after[0] != '\0' && i < AGAIN_MAX; i++) {
		TRY(wait_for(c, rep.retry_after));
		TRY(exchange(c, x, m, &rep));
	}
	if (rep.status < 200 || rep.status > 299)
		return refusal(c->arena, &rep, m->path);
	if (ret_etag != NULL)
		*ret_etag = rep.etag;
	if (ret == NULL)
		return OK;
	*ret = NULL;
	if (rep.body.n > 0)
		TRY_CTX(json_parse(rep.body, LIMIT_HTTP_REPLY, ret), "%s", m->path);
	return OK;
}

err_t
api_send(struct cli *c, const char *method, const char *path, const json *body, json **ret)
{
	return send_message(
	    c, &(struct message){ .method = method, .path = path }, body, ret, NULL);
}

err_t
api_send_if(struct cli *c, const char *method, const char *path, const char *etag, const json *body,
    json **ret)
{
	return send_message(c,
	    &(struct message){
		.method = method, .path = path, .if_match = *etag == '\0' ? NULL : etag },
	    body, ret, NULL);
}

err_t
api_get_tagged(struct cli *c, const char *path, json **ret, const char **ret_etag)
{
	return send_message(
	    c, &(struct message){ .method = "GET", .path = path }, NULL, ret, ret_etag);
}

err_t
api_get_into(struct cli *c, const char *path, int64_t from, const struct fetch_sink *sink)
{
	return send_message(c,
	    &(struct message){ .method = "GET", .path = path, .from = from, .sink = sink }, NULL,
	    NULL, NULL);
}

err_t
api_get(struct cli *c, const char *path, json **ret)
{
	auto_json json *j = NULL;

	TRY(api_send(c, "GET", path, NULL, &j));
	if (!json_is_object(j))
		FAIL(ERR_HTTP_STATUS, "%s: the answer is no JSON object", path);
	*ret = steal(j);
	return OK;
}

err_t
api_list(struct cli *c, const char *path, json **ret)
{
	auto_json json *all = json_array_new();

	for (size_t pages = 0; path[0] != '\0'; pages++) {
		auto_json json *page = NULL;
		const json *value;

		if (pages == PAGES_MAX)
			FAIL(ERR_TOO_LARGE, "more than %d pages", PAGES_MAX);
		TRY(api_get(c, path, &page));
		value = json_get(page, "value");
		for (size_t i = 0; i < json_count(value); i++)
			json_add(all, json_ref(json_at(value, i)));
		/* Our own address and the path that was given: the token goes to no other host. */
		path =
		    arena_strdup(c->arena, url_path(json_text(json_get(page, "@odata.nextLink"))));
	}
	*ret = steal(all);
	return OK;
}

err_t
api_url(struct cli *c, const char **ret)
{
	struct api *x;

	TRY(use(c, &x));
	*ret = x->login.url;
	return OK;
}

err_t
api_whoami(struct cli *c, json **ret)
{
	struct api *x;

	TRY(use(c, &x));
	return token_claims(c->arena, x->login.token, ret);
}

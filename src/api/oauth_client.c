/* SPDX-License-Identifier: Apache-2.0 */
#include "api/oauth.h"

#include "pki/password.h"

/* application/x-www-form-urlencoded, one value. */
static err_t
form_decode(struct arena *a, struct str in, const char **ret)
{
	uint8_t *out = arena_alloc(a, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		struct str byte;

		if (in.p[i] != '%') {
			out[n++] = in.p[i] == '+' ? ' ' : in.p[i];
			continue;
		}
		if (in.n - i < 3)
			FAIL(ERR_OAUTH_FIELD, "the credentials end inside an escape");
		TRY(text_unhex(a, str_of(in.p + i + 1, 2), &byte));
		out[n++] = byte.p[0];
		i += 2;
	}
	return text_cstr(a, str_of(out, n), ret);
}

err_t
oauth_basic(struct arena *a, struct str header, const char **ret_id, const char **ret_secret)
{
	struct str rest = header, plain;
	const char *id, *secret;
	err_t e;

	if (!str_ieq_c(str_cut(&rest, ' '), "Basic") || rest.n > LIMIT_LONG_TEXT)
		FAIL(ERR_OAUTH_FIELD, "the Authorization header is not of the kind Basic");
	e = text_unbase64(a, str_trim(rest), &plain);
	if (!err_ok(e) ||
	    memchr(plain.p == NULL ? (const uint8_t *)"" : plain.p, ':', plain.n) == NULL)
		FAIL(ERR_OAUTH_FIELD, "the Basic credentials are not well formed");

	struct str first = str_cut(&plain, ':');

	e = form_decode(a, first, &id);
	if (err_ok(e))
		e = form_decode(a, plain, &secret);
	if (!err_ok(e))
		FAIL(ERR_OAUTH_FIELD, "the Basic credentials are not well formed");
	*ret_id = id;
	*ret_secret = secret;
	return OK;
}

struct app_look {
	struct arena *a;
	struct id id;
	struct app *ret;
};

static err_t
app_get(struct tx *tx, void *arg)
{
	struct app_look *l = arg;

	return store_app_get(tx, l->a, l->id, l->ret);
}

err_t
oauth_app(struct api *api, struct arena *a, const char *client, struct app *ret)
{
	struct app_look l = { .a = a, .ret = ret };
	err_t e = id_parse(str_c(client), &l.id);

	if (!err_ok(e))
		FAIL(ERR_OAUTH_CLIENT, "the client id is not an identifier");
	if (strcmp(id_text(a, l.id), OAUTH_CLI_CLIENT) == 0) {
		*ret = (struct app){ .id = l.id,
			.name = "Chancery command line",
			.secret_hash = "",
			.permissions = NULL,
			.enabled = true };
		return OK;
	}
	e = store_read(api->store, app_get, &l);
	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_OAUTH_CLIENT, "application %s was not found", id_text(a, l.id));
	TRY(e);
	if (!ret->enabled)
		FAIL(ERR_OAUTH_CLIENT, "application %s is disabled", id_text(a, l.id));
	return OK;
}

err_t
oauth_client_named(struct http_req *r, struct app *ret)
{
	const char *id = http_form(r, "client_id");

	if (id == NULL)
		FAIL(ERR_OAUTH_FIELD, "the body must contain 'client_id'");
	return oauth_app(api_of(r), http_arena(r), id, ret);
}

err_t
oauth_client(struct http_req *r, bool need_secret, struct app *ret)
{
	struct arena *a = http_arena(r);
	const char *id = http_form(r, "client_id");
	const char *secret = http_form(r, "client_secret");
	const char *header = http_header(r, "Authorization");
	struct app app;

	if (id == NULL && header != NULL)
		TRY(oauth_basic(a, str_c(header), &id, &secret));
	if (id == NULL)
		FAIL(ERR_OAUTH_FIELD, "the body must contain 'client_id'");
	TRY(oauth_app(api_of(r), a, id, &app));
	if (app.secret_hash == NULL || *app.secret_hash == '\0') {
		if (need_secret)
			FAIL(ERR_OAUTH_CLIENT, "%s is a public client", app.name);
	} else if (secret == NULL) {
		FAIL(ERR_OAUTH_FIELD, "the body must contain 'client_secret'");
	} else if (!password_matches(app.secret_hash, secret)) {
		FAIL(ERR_OAUTH_SECRET, "wrong secret for application %s", id_text(a, app.id));
	}
	*ret = app;
	return OK;
}

/* Host of an address, without scheme, port and path. */
static struct str
host_of(struct str url)
{
	for (size_t i = 0; i + 3 <= url.n; i++)
		if (memcmp(url.p + i, "://", 3) == 0) {
			url = str_of(url.p + i + 3, url.n - i - 3);
			break;
		}
	if (url.n > 0 && url.p[0] == '[')
		return str_cut(&url, ']');

	struct str host = str_cut(&url, '/');

	return str_cut(&host, ':');
}

static bool
resource_is_ours(struct arena *a, const char *base_url, struct str resource)
{
	static const char *const graph[] = { "https://graph.microsoft.com",
		"https://graph.windows.net", "https://api.manage.microsoft.com",
		"00000003-0000-0000-c000-000000000000", "api://chancery" };

	while (resource.n > 0 && resource.p[resource.n - 1] == '/')
		resource.n--;
	for (size_t i = 0; i < COUNT(graph); i++)
		if (str_ieq_c(resource, graph[i]))
			return true;
	return str_ieq_c(host_of(resource), arena_cstr(a, host_of(str_c(base_url))));
}

static bool
is_openid(struct str word)
{
	static const char *const names[] = { "openid", "profile", "offline_access", "email" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_ieq_c(word, names[i]))
			return true;
	return false;
}

err_t
oauth_scope_read(struct arena *a, const char *base_url, const char *scope, struct oauth_scope *ret)
{
	struct oauth_scope s = { .names = "" };
	struct str rest = str_c(scope);

	if (rest.n > LIMIT_LONG_TEXT)
		FAIL(ERR_OAUTH_SCOPE, "it is too long");
	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');
		struct str name = word;
		size_t slash = word.n;

		s.offline = s.offline || str_ieq_c(word, "offline_access");
		if (word.n == 0 || is_openid(word))
			continue;
		while (slash > 0 && word.p[slash - 1] != '/')
			slash--;
		if (slash > 0) {
			name = str_of(word.p + slash, word.n - slash);
			if (!resource_is_ours(a, base_url, str_of(word.p, slash - 1)))
				FAIL(ERR_OAUTH_RESOURCE, "%s",
				    text_safe(a, str_of(word.p, slash - 1)));
		}
		if (str_eq_c(name, ".default"))
			s.all = true;
		else if (perm_bits(name) != 0)
			s.names = arena_printf(a, "%s%s%.*s", s.names, *s.names == '\0' ? "" : " ",
			    (int)name.n, (const char *)name.p);
		else
			FAIL(ERR_OAUTH_SCOPE, "there is no permission '%s'", text_safe(a, name));
	}
	if (*s.names == '\0')
		s.all = true;
	*ret = s;
	return OK;
}

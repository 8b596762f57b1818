/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/login.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/limits.h"
#include "codec/json.h"
#include "net/fetch.h"

#define DEFAULT_TENANT "common"

static const char *
env(const char *name)
{
	const char *s = getenv(name);

	return s == NULL ? "" : s;
}

static err_t
login_path(struct arena *a, const char **ret)
{
	if (env("CHANCERY_HOME")[0] != '\0')
		*ret = arena_printf(a, "%s/login.json", env("CHANCERY_HOME"));
	else if (env("XDG_CONFIG_HOME")[0] != '\0')
		*ret = arena_printf(a, "%s/chancery/login.json", env("XDG_CONFIG_HOME"));
	else if (env("HOME")[0] != '\0')
		*ret = arena_printf(a, "%s/.config/chancery/login.json", env("HOME"));
	else
		FAIL(ERR_NOT_LOGGED_IN, "neither CHANCERY_HOME nor HOME is set");
	return OK;
}

err_t
login_url(struct arena *a, const char *url, const char **ret)
{
	struct str s = str_c(url);

	if (!str_starts(s, LIT("https://")) && !str_starts(s, LIT("http://127.0.0.1")) &&
	    !str_starts(s, LIT("http://localhost")))
		FAIL(ERR_USAGE, "the address of the service must begin with https://");
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	if (s.n < 9 || !fetch_address_good(url))
		FAIL(ERR_USAGE, "\"%.128s\" is no address that secrets may go to", text_safe(a, s));
	*ret = arena_cstr(a, s);
	return OK;
}

static err_t
from_env(struct arena *a, struct login *ret)
{
	struct login l = { .tenant = DEFAULT_TENANT,
		.ca = "",
		.token = "",
		.refresh = "",
		.token_url = "",
		.revoke_url = "",
		.issuer_ca = "" };
	struct str pem;

	TRY_CTX(login_url(a, env("CHANCERY_URL"), &l.url), "CHANCERY_URL");
	l.client_id = env("CHANCERY_CLIENT_ID");
	l.client_secret = env("CHANCERY_CLIENT_SECRET");
	if (l.client_id[0] == '\0' || l.client_secret[0] == '\0')
		FAIL(ERR_NOT_LOGGED_IN,
		    "CHANCERY_URL needs CHANCERY_CLIENT_ID and CHANCERY_CLIENT_SECRET beside it");
	if (env("CHANCERY_TENANT")[0] != '\0')
		l.tenant = env("CHANCERY_TENANT");
	if (env("CHANCERY_CA")[0] != '\0') {
		TRY_CTX(file_read(a, env("CHANCERY_CA"), LIMIT_CONF_BYTES, &pem), "CHANCERY_CA");
		TRY(text_cstr(a, pem, &l.ca));
	}
	*ret = l;
	return OK;
}

static err_t
read_text(struct arena *a, const json *j, const char *key, const char **ret)
{
	const char *s;

	TRY(json_want_text(j, key, LIMIT_CONF_BYTES, &s));
	*ret = s == NULL ? "" : arena_strdup(a, s);
	return OK;
}

static err_t
from_file(struct arena *a, const char *path, struct login *ret)
{
	auto_json json *j = NULL;
	struct login l = { .kept = true };
	struct str text;
	const char *url;

	TRY(file_read(a, path, LIMIT_CONF_BYTES, &text));
	TRY(json_parse(text, LIMIT_CONF_BYTES, &j));
	TRY(read_text(a, j, "url", &url));
	TRY(login_url(a, url, &l.url));
	TRY(read_text(a, j, "tenant", &l.tenant));
	TRY(read_text(a, j, "client_id", &l.client_id));
	TRY(read_text(a, j, "client_secret", &l.client_secret));
	TRY(read_text(a, j, "ca", &l.ca));
	TRY(read_text(a, j, "token", &l.token));
	TRY(read_text(a, j, "refresh", &l.refresh));
	TRY(read_text(a, j, "token_url", &l.token_url));
	TRY(read_text(a, j, "revoke_url", &l.revoke_url));
	TRY(read_text(a, j, "issuer_ca", &l.issuer_ca));
	TRY(json_want_int(j, "expires", 0, INT64_MAX, 0, &l.expires));
	*ret = l;
	return OK;
}

err_t
login_load(struct arena *a, struct login *ret)
{
	const char *path;

	if (env("CHANCERY_URL")[0] != '\0')
		return from_env(a, ret);
	TRY(login_path(a, &path));
	if (!file_exists(path))
		FAIL(ERR_NOT_LOGGED_IN, "%s is not there", path);
	TRY_CTX(from_file(a, path, ret), "%s", path);
	return OK;
}

err_t
login_save(struct arena *a, const struct login *l)
{
	auto_json json *j = json_object_new();
	const char *path;
	struct str text;

	TRY(login_path(a, &path));
	json_set_text(j, "url", l->url);
	json_set_text(j, "tenant", l->tenant);
	json_set_text(j, "client_id", l->client_id);
	json_set_text(j, "client_secret", l->client_secret);
	json_set_text(j, "ca", l->ca);
	json_set_text(j, "token", l->token);
	json_set_int(j, "expires", l->expires);
	json_set_text(j, "refresh", l->refresh);
	json_set_text(j, "token_url", l->token_url);
	json_set_text(j, "revoke_url", l->revoke_url);
	json_set_text(j, "issuer_ca", l->issuer_ca);
	TRY(json_print_pretty(a, j, &text));
	TRY(dir_make(arena_cstr(a, str_of(path, (size_t)(strrchr(path, '/') - path))), 0700));
	return file_write(path, text, 0600);
}

err_t
login_remove(struct arena *a)
{
	const char *path;

	TRY(login_path(a, &path));
	return file_exists(path) ? file_remove(path) : OK;
}

err_t
login_lock(struct arena *a, int *ret_fd)
{
	const char *path;
	int fd;

	TRY(login_path(a, &path));
	path = arena_printf(a, "%s.lock", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		if (fd >= 0)
			close(fd);
		FAIL(ERR_FILE, "%s: %s", path, strerror(errno));
	}
	*ret_fd = fd;
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/role.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "net/ipc.h"
#include "pki/fips.h"

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "debug", LOG_LEVEL_DEBUG },
	{ "info", LOG_LEVEL_INFO },
	{ "warn", LOG_LEVEL_WARN },
	{ "error", LOG_LEVEL_ERROR },
};

static const struct {
	const char *name;
	enum log_format format;
} formats[] = {
	{ "kv", LOG_FORMAT_KV },
	{ "json", LOG_FORMAT_JSON },
};

static bool
find_level(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < COUNT(levels); i++) {
		if (str_eq_c(str_c(name), levels[i].name)) {
			*ret = levels[i].level;
			return true;
		}
	}
	return false;
}

static bool
find_format(const char *name, enum log_format *ret)
{
	for (size_t i = 0; i < COUNT(formats); i++) {
		if (str_eq_c(str_c(name), formats[i].name)) {
			*ret = formats[i].format;
			return true;
		}
	}
	return false;
}

err_t
common_check(const struct common *c)
{
	enum log_level level;
	enum log_format format;

	if (!find_level(c->log_level, &level))
		FAIL(ERR_CONF, "log level: debug, info, warn or error, not %s", c->log_level);
	if (!find_format(c->log_format, &format))
		FAIL(ERR_CONF, "log format: kv or json, not %s", c->log_format);
	/* Here, before anything is listened on; the processes inherit it. */
	if (c->fips)
		TRY_CTX(fips_enable(), "[process] fips = yes");
	TRY_CTX(own_dir(c->run_dir, common_user(c)), "run_dir");
	TRY_CTX(own_dir(c->state_dir, common_user(c)), "state_dir");
	return OK;
}

static err_t
check_access(const char *dir, const char *user)
{
	if (faccessat(AT_FDCWD, dir, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
		FAIL(ERR_CONF, "%s cannot work in %s: %s", user == NULL ? "this user" : user, dir,
		    strerror(errno));
	return OK;
}

static err_t
make_all(struct arena *a, const struct common *c, const char *const *dirs,
    const struct common_sock *socks)
{
	const char *user = common_user(c);

	TRY(check_access(c->run_dir, user));
	TRY(check_access(c->state_dir, user));
	for (size_t i = 0; dirs[i] != NULL; i++) {
		TRY(dir_make(dirs[i], 0700));
		TRY(check_access(dirs[i], user));
	}
	for (size_t i = 0; socks[i].name != NULL; i++)
		TRY(ipc_listen(
		    arena_printf(a, "%s/%s", c->run_dir, socks[i].name), 0600, socks[i].ret));
	return OK;
}

err_t
common_make(struct arena *a, const struct common *c, const char *const *dirs,
    const struct common_sock *socks)
{
	err_t e;

	TRY(own_begin(common_user(c)));
	e = make_all(a, c, dirs, socks);
	own_end(common_user(c));
	return e;
}

const char *
common_user(const struct common *c)
{
	return c->user[0] == '\0' ? NULL : c->user;
}

void
common_log(const struct common *c, const char *role, const char *proc)
{
	enum log_level level = LOG_LEVEL_INFO;
	enum log_format format = LOG_FORMAT_KV;

	(void)find_level(c->log_level, &level);
	(void)find_format(c->log_format, &format);
	log_setup(role, proc, level, format);
}

err_t
common_enter(const struct common *c, const char *role, const struct proc *p)
{
	const char *missing = "";

	common_log(c, role, p->name);
	TRY(jail_enter(p, &missing));
	if (missing[0] != '\0')
		log_event(LOG_LEVEL_WARN, "jail is not complete on this system", "missing", missing,
		    NULL);
	return OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/role.h"

#include "base/file.h"

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
	TRY_CTX(dir_make(c->run_dir, 0700), "run_dir");
	TRY_CTX(dir_make(c->state_dir, 0700), "state_dir");
	return OK;
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles of chanceryd: what one installation of the program is. Each role reads its configuration, opens its sockets, and
 * becomes the parent of its processes; the table of its processes stands at the top of its file.
 */
#ifndef DAEMON_ROLE_H
#define DAEMON_ROLE_H

#include "base/log.h"
#include "codec/conf.h"
#include "net/proc.h"

/* Options that every role has. */
struct common {
	const char *run_dir, *state_dir, *user, *log_level, *log_format;
	bool fips;
};

#define COMMON_OPTS(struct_) \
	CONF(struct_, common.run_dir, CONF_TEXT, .section = "files", .name = "run_dir", \
	    .fallback = NULL, \
	    .help = \
		"Folder of the sockets between our own processes and of the administrator's socket."), \
	    CONF(struct_, common.state_dir, CONF_TEXT, .section = "files", .name = "state_dir", \
		.fallback = NULL, \
		.help = "Folder of everything that must survive: database, keys. Back it up."), \
	    CONF(struct_, common.user, CONF_TEXT, .section = "process", .name = "user", \
		.fallback = "", .help = "User to switch to when started as root; empty: stay."), \
	    CONF(struct_, common.fips, CONF_BOOL, .section = "process", .name = "fips", \
		.fallback = "no", \
		.help = \
		    "Use nothing but the algorithms of OpenSSL's FIPS provider; no start without one."), \
	    CONF(struct_, common.log_level, CONF_TEXT, .section = "log", .name = "level", \
		.fallback = "info", .help = "debug, info, warn or error."), \
	    CONF(struct_, common.log_format, CONF_TEXT, .section = "log", .name = "format", \
		.fallback = "kv", .help = "kv (key=value lines) or json.")

struct role {
	const char *name;
	const char *help;
	const struct conf_opt *opts;
	size_t nopts, conf_size;
	/* conf: what the options describe, in the arena. check_only: stop after all was checked. Runs until ended. */
	err_t (*run)(struct arena *a, void *conf, bool check_only);
};

extern const struct role role_ca, role_service, role_connector;

/* Folders with mode 0700 that belong to who uses them, names of level and format. */
err_t common_check(const struct common *c);
/* A socket of the parent: its name in run_dir, and where its descriptor goes. */
struct common_sock {
	const char *name; /* NULL: the end of a list */
	int *ret;
};
/* Folders below state_dir (mode 0700) and listening sockets in run_dir (mode 0600), all of the user that the processes
 * switch to. dirs ends with NULL. ERR_CONF when that user has no way to them. */
err_t common_make(struct arena *a, const struct common *c, const char *const *dirs,
    const struct common_sock *socks);
/* The user to switch to; NULL: stay. */
const char *common_user(const struct common *c);
void common_log(const struct common *c, const char *role, const char *proc);
/* In a child: log, jail, and one line that says what the jail could not do. */
err_t common_enter(const struct common *c, const char *role, const struct proc *p);

#endif

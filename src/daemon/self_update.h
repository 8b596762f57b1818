/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's part in updates of the connector: goes over to the release that its folder names, by execution, and back.
 *
 * The program of the package is what the system starts. It executes the release that is current, if there is one that it
 * may; a release that wants to change that executes the program of the package again. The process stays the same one for
 * who supervises it. A release on trial runs with an alarm set, which ends it if it does not come as far as to judge itself.
 *
 * The parent reads a bundle only after connector/update has, and nothing of it before its signature holds.
 */
#ifndef DAEMON_SELF_UPDATE_H
#define DAEMON_SELF_UPDATE_H

#include "connector/releases.h"
#include "daemon/role.h"

#define SELF_UPDATE_KEYS 4

struct self_update_conf {
	const char *mode, *dir, *named;
	const char *const *keys;
	int64_t trial_s;
};

#define SELF_UPDATE_OPTS(struct_) \
	CONF(struct_, update.mode, CONF_TEXT, .section = "update", .name = "mode", \
	    .fallback = "off", \
	    .help = \
		"off: by packages only; manual: signed releases that the administrator of this host " \
		"hands over; signed: also those that the service offers."), \
	    CONF(struct_, update.keys, CONF_TEXTS, .section = "update", .name = "keys", \
		.fallback = "", \
		.help = \
		    "Files with the public keys (PEM) of who may sign a release, at most four."), \
	    CONF(struct_, update.trial_s, CONF_INT, .section = "update", .name = "trial", \
		.min = 5, .max = 86400, .fallback = "300", \
		.help = \
		    "Seconds that a new release has to pass its self-test; else the one before runs again."), \
	    CONF(struct_, update.named, CONF_TEXT, .section = "update", .name = "named", \
		.fallback = "", \
		.help = \
		    "A version that may be taken although it is older than what runs, or failed before."), \
	    CONF(struct_, update.dir, CONF_TEXT, .section = "update", .name = "dir", \
		.fallback = "", \
		.help = "Folder of the releases; empty: releases in state_dir. Root's own, and " \
			"outside of state_dir, where the processes are another user's.")

struct self_update {
	const struct self_update_conf *conf;
	struct releases releases;
	struct key *key[SELF_UPDATE_KEYS];
	const char *folder;   /* of connector/update */
	const char *packaged; /* path of the program of the package */
	bool released;        /* this is a release, not the program of the package */
	bool again;           /* the role ends to be executed again */
};

bool self_update_is_on(const struct self_update_conf *c);
/* Reads the keys and makes the folders unless check_only. ERR_CONF. */
err_t self_update_open(struct arena *a, const struct common *common,
    const struct self_update_conf *c, bool check_only, struct self_update *ret);
/* Executes the release that is current, if any: then it does not return. */
err_t self_update_start(struct self_update *u);
/* For struct proc; arg: struct self_update. */
bool self_update_asks(void *arg, int status);
/* After the role has ended: executes the program of the package if that is why. */
err_t self_update_end(const struct self_update *u);
void self_update_close(struct self_update *u);

#endif

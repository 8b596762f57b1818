/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process connector/update: takes a bundle in parts, looks whether it may be tried, and tells the parent; after the
 * switch it tests whether all works as before, and tells the parent that. It has no key, no network, and writes nothing but
 * its own folder.
 *
 *   <dir>/incoming   what has arrived of a bundle
 *   <dir>/bundle     one that was found good; the parent checks it once more
 *   <dir>/before     names of the checks that did not pass before the switch, JSON
 *   <dir>/verdict    what the self-test found, text
 *
 * The parent hears of it by the status that this process ends with, and by nothing else.
 *
 * Verbs (run_dir/update.sock), called by connector/link for the service and for the administrator of this host:
 *   update.begin {"size", "sha256"} -> {"offset"}: from where on parts are wanted; of the same bundle it goes on
 *   update.part {"offset", "data"} -> {"offset"}    update.finish {} -> {"version"}    update.show {} -> where it stands
 */
#ifndef CONNECTOR_UPDATER_H
#define CONNECTOR_UPDATER_H

#include "connector/releases.h"
#include "net/proc.h"

enum updater_status {
	UPDATER_STAGED = PROC_ASKS, /* <dir>/bundle may be switched to */
	UPDATER_GOOD,               /* the release on trial works */
	UPDATER_BAD                 /* it does not: <dir>/verdict */
};

#define UPDATER_PART (512u << 10) /* bytes in one part at most */

struct updater_conf {
	const char *dir;
	const char *admin;   /* the administrator's socket of this connector */
	const char *version; /* of this program */
	const char *mode;    /* "manual", "signed": as it is shown */
	struct releases releases;
};

/* Until SIGTERM (then 0), or until there is something to tell: the status to end with. listen_fd is owned from here. */
err_t updater_run(const struct updater_conf *conf, int listen_fd, int *ret_status);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passphrase of a role's key files: the first of
 *
 *   $CREDENTIALS_DIRECTORY/<role>-passphrase   a credential of systemd
 *   $CHANCERY_<ROLE>_PASSPHRASE                taken out of the environment and wiped there
 *   the file of the configuration              mode 0600, outside of the state folder; made, with 256 random bits, when
 *                                              it is not there
 *
 * The parent reads it before it starts its processes; those without keys wipe their copy first of all.
 */
#ifndef DAEMON_PASSPHRASE_H
#define DAEMON_PASSPHRASE_H

#include "base/arena.h"

struct passphrase_from {
	const char *role;     /* "ca" */
	const char *variable; /* "CHANCERY_CA_PASSPHRASE" */
	const char *file;     /* "": "<state_dir>.secret/passphrase" */
	const char *state_dir;
};

/* ERR_CONF: the file can be read by others, or lies in the state folder. */
err_t passphrase_get(struct arena *a, const struct passphrase_from *from, char **ret);

#endif

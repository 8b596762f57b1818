/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery user|group|device import FILE: a CSV file with a head line, or a JSON array of objects, to the service, whole or
 * not at all. Columns are properties of the API, or the names of the options that set them.
 */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "cli/command.h"

/* set: "users", "groups" or "devices". names: the verb's options of `create`, for columns; may be NULL. With --dry-run
 * nothing is changed. ERR_IMPORT after the lines that are wrong were shown. */
err_t import_run(struct cli *c, const char *set, const struct opt *names);

#define IMPORT_OPTS \
	{ \
		.name = "dry-run", .help = "Say what would be done, and do nothing." \
	}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery user|group|device import FILE: a CSV file with a head line, or a JSON array of objects, to the service. Columns are
 * properties of the API, or the names of the options that set them.
 *
 * What fits one message (100,000 rows, 6 MiB) is imported whole or not at all. A larger file, up to 256 MiB, goes in parts, each
 * whole or not at all: all are checked first (but groups, whose members may be in parts before), and the progress is told. Where a
 * part fails, those before it stay, and --from goes on with its first line; the same from the beginning does no harm.
 */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "cli/command.h"

/* set: "users", "groups" or "devices". names: the verb's options of `create`, for columns; may be NULL. With --dry-run
 * nothing is changed. ERR_IMPORT after the lines that are wrong were shown. */
err_t import_run(struct cli *c, const char *set, const struct opt *names);

#define IMPORT_OPTS \
	{ .name = "dry-run", .help = "Say what would be done, and do nothing." }, \
	{ \
		.name = "from", .value = "LINE", \
		.help = "Pass over the lines before; JSON: items, from 1." \
	}

#endif

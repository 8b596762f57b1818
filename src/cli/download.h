/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer of the service as a file, of any size: a piece is in memory at a time, and where the connection breaks it goes on with
 * the next byte. The file is there whole or not at all; until then it is the same name with ".part" behind it.
 */
#ifndef CLI_DOWNLOAD_H
#define CLI_DOWNLOAD_H

#include "cli/api.h"

/* path: of bytes that never change. ret: how many. ERR_FILE; what the service refuses; ERR_UNREACHABLE, ERR_TIMEOUT and ERR_BUSY
 * after some tries that brought nothing. */
err_t download(struct cli *c, const char *path, const char *file, int64_t *ret);

#endif

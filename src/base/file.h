/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: whole reads with a maximum, and writes that are there whole or not at all, also after a power cut.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

static inline void
fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define auto_fd __attribute__((cleanup(fd_cleanup)))

/* ERR_FILE_MISSING, ERR_FILE, ERR_TOO_LARGE. */
err_t file_read(struct arena *a, const char *path, size_t max, struct str *ret);
/* The first line of a file, as an editor or echo left it there: a password, a key or a code. "-": of standard input, of which
 * no more is read. ERR_USAGE: it is empty; ERR_TOO_LARGE: longer than LIMIT_LONG_TEXT; and as file_read. */
err_t file_first_line(struct arena *a, const char *path, const char **ret);
/* Temporary file beside it, fsync, rename, fsync of the folder. */
err_t file_write(const char *path, struct str data, mode_t mode);
/* As file_write, but fails with ERR_FILE_EXISTS if the path is there (link(2), so no race). */
err_t file_create(const char *path, struct str data, mode_t mode);
/* Removes it and syncs the folder; a path that is not there is success. */
err_t file_remove(const char *path);
bool file_exists(const char *path);
/* The folder and those above it, each with this mode where it is made. */
err_t dir_make(const char *path, mode_t mode);
/* Removes what file_write() and file_create() left in a folder when they were killed: it may hold a private key. Only for
 * who alone writes there, before it does. A folder that is not there is success. */
err_t dir_sweep(const char *path);
/* Names in a folder, sorted, without "." and ".."; at most max. */
err_t dir_list(struct arena *a, const char *path, size_t max, char ***ret, size_t *retn);

#endif

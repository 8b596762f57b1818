/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/text.h"

#define CHUNK (64u << 10)
/* Told from other people's in folders that are not ours alone. */
#define TEMPORARY ".tmp-chancery-"

/* For errno, after a call on this path. */
static err_t
file_error(const char *what, const char *path)
{
	if (errno == ENOENT)
		FAIL(ERR_FILE_MISSING, "%s %s: %m", what, path);
	if (errno == EEXIST)
		FAIL(ERR_FILE_EXISTS, "%s %s: %m", what, path);
	FAIL(ERR_FILE, "%s %s: %m", what, path);
}

static ssize_t
read_again(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Up to the end of the file, which must come within b's maximum. */
static err_t
read_all(int fd, const char *path, struct buf *b)
{
	for (;;) {
		size_t room = b->max - b->n < CHUNK ? b->max - b->n : CHUNK;
		uint8_t extra;
		uint8_t *to = &extra;
		ssize_t got;

		if (room > 0)
			TRY(buf_reserve(b, room, &to));
		got = read_again(fd, to, room > 0 ? room : 1);
		if (got < 0)
			return file_error("read", path);
		if (got == 0)
			return OK;
		if (room == 0)
			FAIL(ERR_TOO_LARGE, "%s is larger than %zu bytes", path, b->max);
		buf_commit(b, (size_t)got);
	}
}

err_t
file_read(struct arena *a, const char *path, size_t max, struct str *ret)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_buf struct buf b;

	buf_init(&b, max);
	if (fd < 0)
		return file_error("open", path);
	TRY(read_all(fd, path, &b));
	/* With a NUL behind it, which does not count, for those who know that it is text. */
	*ret = str_of(arena_cstr(a, buf_str(&b)), b.n);
	return OK;
}

/* By single bytes: what follows the line is left to who reads next. */
static err_t
read_line(int fd, const char *path, struct buf *b)
{
	for (;;) {
		uint8_t c;
		ssize_t got = read_again(fd, &c, 1);

		if (got < 0)
			return file_error("read", path);
		if (got == 0 || c == '\n')
			return OK;
		TRY_CTX(buf_putc(b, c), "the first line of %s", path);
	}
}

static err_t
line_of(struct arena *a, int fd, const char *path, const char **ret)
{
	auto_buf struct buf b;
	struct str text;

	buf_init(&b, LIMIT_LONG_TEXT);
	TRY(read_line(fd, path, &b));
	text = buf_str(&b);
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	if (text.n == 0)
		FAIL(ERR_USAGE, "%s has nothing in its first line", path);
	return text_cstr(a, text, ret);
}

err_t
file_first_line(struct arena *a, const char *path, const char **ret)
{
	auto_fd int fd = -1;

	if (strcmp(path, "-") == 0)
		return line_of(a, STDIN_FILENO, "standard input", ret);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return file_error("open", path);
	return line_of(a, fd, path, ret);
}

static const char *
folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ".";
	if (slash == path)
		return "/";
	return arena_cstr(a, str_of(path, (size_t)(slash - path)));
}

static err_t
folder_sync(const char *folder)
{
	auto_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return file_error("open", folder);
	if (fsync(fd) != 0)
		return file_error("sync", folder);
	return OK;
}

static err_t
fill(int fd, const char *path, struct str data, mode_t mode)
{
	while (data.n > 0) {
		ssize_t put = write(fd, data.p, data.n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return file_error("write", path);
		data = str_of(data.p + put, data.n - (size_t)put);
	}
	if (fchmod(fd, mode) != 0)
		return file_error("change mode of", path);
	if (fsync(fd) != 0)
		return file_error("sync", path);
	return OK;
}

/* A whole and synced file under a temporary name in this folder. */
static err_t
temporary(struct arena *a, const char *folder, struct str data, mode_t mode, const char **ret)
{
	char *path = arena_printf(a, "%s/" TEMPORARY "XXXXXX", folder);
	auto_fd int fd = mkostemp(path, O_CLOEXEC);
	err_t e;

	if (fd < 0)
		return file_error("create a file in", folder);
	e = fill(fd, path, data, mode);
	if (!err_ok(e)) {
		unlink(path);
		return e;
	}
	*ret = path;
	return OK;
}

err_t
file_write(const char *path, struct str data, mode_t mode)
{
	auto_arena struct arena *a = arena_new();
	const char *folder = folder_of(a, path);
	const char *tmp;

	TRY(temporary(a, folder, data, mode, &tmp));
	if (rename(tmp, path) != 0) {
		err_t e = file_error("write", path);

		unlink(tmp);
		return e;
	}
	return folder_sync(folder);
}

err_t
file_create(const char *path, struct str data, mode_t mode)
{
	auto_arena struct arena *a = arena_new();
	const char *folder = folder_of(a, path);
	const char *tmp;
	err_t e = OK;

	TRY(temporary(a, folder, data, mode, &tmp));
	if (link(tmp, path) != 0)
		e = file_error("create", path);
	unlink(tmp);
	TRY(e);
	return folder_sync(folder);
}

err_t
file_remove(const char *path)
{
	auto_arena struct arena *a = arena_new();

	if (unlink(path) == 0)
		return folder_sync(folder_of(a, path));
	if (errno == ENOENT)
		return OK;
	return file_error("remove", path);
}

bool
file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* One folder whose parent is there. */
static err_t
folder_make(struct arena *a, const char *path, mode_t mode)
{
	if (mkdir(path, mode) != 0) {
		if (errno == EEXIST && is_folder(path))
			return OK;
		return file_error("make folder", path);
	}
	/* The mode that was asked for, whatever the umask. */
	if (chmod(path, mode) != 0)
		return file_error("change mode of", path);
	return folder_sync(folder_of(a, path));
}

err_t
dir_make(const char *path, mode_t mode)
{
	auto_arena struct arena *a = arena_new();
	size_t n = strlen(path);

	if (is_folder(path))
		return OK;
	for (size_t i = 1; i < n; i++) {
		const char *above;

		if (path[i] != '/' || path[i - 1] == '/')
			continue;
		above = arena_cstr(a, str_of(path, i));
		if (!is_folder(above))
			TRY(folder_make(a, above, mode));
	}
	return folder_make(a, path, mode);
}

static int
name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
dir_cleanup(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

err_t
dir_sweep(const char *path)
{
	__attribute__((cleanup(dir_cleanup))) DIR *d = opendir(path);
	const struct dirent *entry;
	bool any = false;

	if (d == NULL && errno == ENOENT)
		return OK;
	if (d == NULL)
		return file_error("open folder", path);
	while ((entry = readdir(d)) != NULL) {
		if (strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)) != 0)
			continue;
		if (unlinkat(dirfd(d), entry->d_name, 0) != 0 && errno != ENOENT)
			return file_error("remove a temporary file in", path);
		any = true;
	}
	return any ? folder_sync(path) : OK;
}

err_t
dir_list(struct arena *a, const char *path, size_t max, char ***ret, size_t *retn)
{
	__attribute__((cleanup(dir_cleanup))) DIR *d = opendir(path);
	char **names = arena_array(a, max + 1, sizeof(*names));
	size_t n = 0;

	if (d == NULL)
		return file_error("open folder", path);
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(d);
		if (entry == NULL && errno != 0)
			return file_error("read folder", path);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)) == 0)
			continue;
		if (n == max)
			FAIL(ERR_TOO_LARGE, "%s has more than %zu entries", path, max);
		names[n++] = arena_strdup(a, entry->d_name);
	}
	qsort(names, n, sizeof(*names), name_order);
	*ret = names;
	*retn = n;
	return OK;
}

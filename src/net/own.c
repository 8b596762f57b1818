/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the folders and sockets of a role are, when root starts it and its processes are somebody else. See proc.h.
 *
 * What lies in a folder of the user is made as the user and never given away by root afterwards: a
 * name there may have been turned into a link to something of root's meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>

#include "base/file.h"
#include "net/proc.h"

static bool
applies(const char *user)
{
	return user != NULL && getuid() == 0;
}

static err_t
look_up(const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		FAIL(ERR_CONF, "there is no user %s", user);
	*ret_uid = pw->pw_uid;
	*ret_gid = pw->pw_gid;
	return OK;
}

/* The folder above is for everybody to pass: the user has to. */
static err_t
make_above(struct arena *a, const char *dir)
{
	char *above = arena_strdup(a, dir);
	size_t n = strlen(above);

	while (n > 0 && above[n - 1] == '/')
		n--;
	while (n > 0 && above[n - 1] != '/')
		n--;
	if (n <= 1)
		return OK;
	above[n - 1] = '\0';
	return dir_make(above, 0755);
}

static err_t
give(struct arena *a, const char *dir, const char *user, uid_t uid, gid_t gid)
{
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char **names;
	size_t n;
	err_t e;

	if (fd < 0 || fstat(fd, &st) != 0)
		FAIL(ERR_FILE, "%s: %s", dir, strerror(errno));
	if (st.st_uid == uid)
		return OK;
	if (st.st_uid != 0)
		FAIL(ERR_CONF, "%s belongs to user number %u, not to %s", dir, st.st_uid, user);
	e = dir_list(a, dir, 0, &names, &n);
	if (err_is(e, ERR_TOO_LARGE)) {
		err_forget(e);
		FAIL(ERR_CONF, "%s belongs to root and is not empty: chown -R %s %s", dir, user,
		    dir);
	}
	TRY(e);
	if (fchown(fd, uid, gid) != 0)
		FAIL(ERR_SYSTEM, "give %s to %s: %s", dir, user, strerror(errno));
	return OK;
}

err_t
own_dir(const char *dir, const char *user)
{
	auto_arena struct arena *a = arena_new();
	uid_t uid;
	gid_t gid;

	if (!applies(user))
		return dir_make(dir, 0700);
	TRY(look_up(user, &uid, &gid));
	TRY(make_above(a, dir));
	TRY(dir_make(dir, 0700));
	return give(a, dir, user, uid, gid);
}

err_t
own_begin(const char *user)
{
	uid_t uid;
	gid_t gid;

	if (!applies(user))
		return OK;
	TRY(look_up(user, &uid, &gid));
	if (setegid(gid) != 0)
		FAIL(ERR_SYSTEM, "become user %s: %s", user, strerror(errno));
	if (seteuid(uid) != 0) {
		own_end(user);
		FAIL(ERR_SYSTEM, "become user %s: %s", user, strerror(errno));
	}
	return OK;
}

void
own_end(const char *user)
{
	if (applies(user) && (seteuid(0) != 0 || setegid(0) != 0))
		abort();
}

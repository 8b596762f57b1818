/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends a process at a chosen one of its steps: a library to be preloaded into the programs under test.
 *
 * A step is a call that changes what others see: writes and truncations of files, sync, rename, link and unlink (kind
 * FILES), and what is sent over a socket (kind MESSAGES). Sync, rename and link count twice, before and after, so that
 * "done on disk, not yet said" is a place to end at. Steps are counted for each process name in a control file that the
 * test maps as well; at the step that the test chose the process ends as by kill -9, or holds still (`hold`) until the
 * test has ended somebody else, its parent above all.
 *
 * The control file is mapped before main(), so a process in its jail needs no access to it. Without CHANCERY_KILL in the
 * environment nothing is done. Standard output and error are no steps: the log goes there.
 *
 * Not here: which step is chosen, and what must be true afterwards (test_kill.py).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { FILES, MESSAGES, KINDS };

#define PROCESSES 4

/* As test_kill.py writes it: little-endian, no padding. */
struct control {
	_Atomic uint32_t hold;
	_Atomic uint32_t hit;
	char what[64];
	struct {
		char name[16];
		_Atomic uint32_t count[KINDS];
		_Atomic uint32_t target[KINDS];
	} process[PROCESSES];
};

/* Set once, before main(). */
static struct control *control;

__attribute__((constructor)) static void
map_control(void)
{
	const char *path = getenv("CHANCERY_KILL");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at != MAP_FAILED)
		control = at;
}

static void
step(enum kind kind, const char *what)
{
	char name[16] = "";

	if (control == NULL || prctl(PR_GET_NAME, name) != 0)
		return;
	for (size_t i = 0; i < PROCESSES; i++) {
		if (strncmp(control->process[i].name, name, sizeof(name)) != 0)
			continue;
		if (atomic_fetch_add(&control->process[i].count[kind], 1) + 1 !=
		    atomic_load(&control->process[i].target[kind]))
			continue;
		snprintf(control->what, sizeof(control->what), "%s", what);
		atomic_store(&control->hit, 1);
		while (atomic_load(&control->hold) != 0)
			usleep(1000);
		kill(getpid(), SIGKILL);
		pause();
	}
}

/* What a write to this descriptor is; the log is nothing. */
static void
step_of(int fd, const char *file, const char *message)
{
	struct stat st;

	if (control == NULL || fd <= STDERR_FILENO || fstat(fd, &st) != 0)
		return;
	if (S_ISREG(st.st_mode))
		step(FILES, file);
	else if (S_ISSOCK(st.st_mode))
		step(MESSAGES, message);
}

/* The function of the same name that would have been called without us. */
#define NEXT(name) __typeof__(name) *next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* NOLINTBEGIN: prototypes are those of libc. */
ssize_t
write(int fd, const void *p, size_t n)
{
	NEXT(write);

	step_of(fd, "before write", "before write to a socket");
	return next(fd, p, n);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	NEXT(writev);

	step_of(fd, "before writev", "before writev to a socket");
	return next(fd, v, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	NEXT(pwrite);

	step_of(fd, "before pwrite", "");
	return next(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	NEXT(pwrite64);

	step_of(fd, "before pwrite", "");
	return next(fd, p, n, at);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	NEXT(send);

	step_of(fd, "", "before send");
	return next(fd, p, n, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	NEXT(sendmsg);

	step_of(fd, "", "before sendmsg");
	return next(fd, m, flags);
}

int
ftruncate(int fd, off_t n)
{
	NEXT(ftruncate);

	step(FILES, "before ftruncate");
	return next(fd, n);
}

int
ftruncate64(int fd, off64_t n)
{
	NEXT(ftruncate64);

	step(FILES, "before ftruncate");
	return next(fd, n);
}

int
unlink(const char *path)
{
	NEXT(unlink);

	step(FILES, "before unlink");
	return next(path);
}

int
mkdir(const char *path, mode_t mode)
{
	NEXT(mkdir);

	step(FILES, "before mkdir");
	return next(path, mode);
}

/* Those that make something last: a step before and one after. */

int
fsync(int fd)
{
	NEXT(fsync);
	int r;

	step(FILES, "before fsync");
	r = next(fd);
	step(FILES, "after fsync");
	return r;
}

int
fdatasync(int fd)
{
	NEXT(fdatasync);
	int r;

	step(FILES, "before fdatasync");
	r = next(fd);
	step(FILES, "after fdatasync");
	return r;
}

int
rename(const char *from, const char *to)
{
	NEXT(rename);
	int r;

	step(FILES, "before rename");
	r = next(from, to);
	step(FILES, "after rename");
	return r;
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	NEXT(renameat);
	int r;

	step(FILES, "before renameat");
	r = next(from_dir, from, to_dir, to);
	step(FILES, "after renameat");
	return r;
}

int
link(const char *from, const char *to)
{
	NEXT(link);
	int r;

	step(FILES, "before link");
	r = next(from, to);
	step(FILES, "after link");
	return r;
}

int
symlink(const char *to, const char *at)
{
	NEXT(symlink);
	int r;

	step(FILES, "before symlink");
	r = next(to, at);
	step(FILES, "after symlink");
	return r;
}
/* NOLINTEND */

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exec.h"

#include "base/file.h"
#include "base/text.h"
#include "base/when.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { OUT_MAX = 4096, STEP_MS = 20, WORDS_SHOWN = 300 };

extern char **environ;

/* Is there a value for this name among those that are added? */
static bool
is_given(const char *const *env, const char *setting)
{
	size_t n = strcspn(setting, "=") + 1;

	for (size_t i = 0; env != NULL && env[i] != NULL; i++)
		if (strncmp(env[i], setting, n) == 0)
			return true;
	return false;
}

static char **
environment(struct arena *a, const char *const *env)
{
	size_t n = 0, k = 0, at = 0;
	char **all;

	while (environ[n] != NULL)
		n++;
	while (env != NULL && env[k] != NULL)
		k++;
	all = arena_array(a, n + k + 1, sizeof(*all));
	for (size_t i = 0; i < n; i++)
		if (!is_given(env, environ[i]))
			all[at++] = environ[i];
	for (size_t i = 0; i < k; i++)
		all[at++] = (char *)(uintptr_t)env[i];
	return all;
}

/* What it makes for others, they can read, as by hand: our own umask is for what is ours alone. */
static int
spawn(const char *const *argv, char **env, int out, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, usual;
	mode_t ours;
	int rc;

	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE); /* which we ignore */
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	ours = umask(022);
	rc = posix_spawnp(ret, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, env);
	umask(ours);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* Takes what is there; what is past the room is read and dropped, so that nobody hangs on a full pipe. */
static void
drain(int fd, char *out, size_t *n)
{
	char rest[1024];

	for (;;) {
		bool room = *n < OUT_MAX;
		ssize_t got = read(fd, room ? out + *n : rest, room ? OUT_MAX - *n : sizeof(rest));

		if (got <= 0)
			return;
		if (room)
			*n += (size_t)got;
	}
}

/* false: it took too long, and is dead now. */
static bool
wait_end(pid_t pid, int fd, int64_t until, char *out, size_t *n, int *ret_status)
{
	struct pollfd p = { fd, POLLIN, 0 };
	pid_t done;

	while ((done = waitpid(pid, ret_status, WNOHANG)) == 0 && when_mono_ms() < until) {
		(void)poll(&p, 1, STEP_MS);
		/* All have closed it: nothing more to wait for but the end. */
		if ((p.revents & POLLHUP) != 0)
			p.fd = -1;
		drain(fd, out, n);
	}
	if (done == 0) {
		(void)kill(-pid, SIGKILL);
		while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
			;
	}
	drain(fd, out, n);
	return done != 0;
}

err_t
exec_run(struct arena *a, const char *const *argv, const char *const *env, int64_t timeout_ms,
    const char **ret_out)
{
	int pipes[2], status = 0, rc;
	char *out = arena_alloc(a, OUT_MAX + 1);
	size_t n = 0;
	bool in_time;
	pid_t pid;

	if (ret_out != NULL)
		*ret_out = out;
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0)
		FAIL(ERR_SYSTEM, "pipe: %m");
	auto_fd int from = pipes[0];
	{
		auto_fd int to = pipes[1];

		/* Programs expect to block when they write. */
		(void)fcntl(to, F_SETFL, 0);
		rc = spawn(argv, environment(a, env), to, &pid);
	}
	if (rc != 0)
		FAIL(ERR_PROGRAM, "%s: %s", argv[0], strerror(rc));
	in_time = wait_end(pid, from, when_mono_ms() + timeout_ms, out, &n, &status);
	if (!in_time)
		FAIL(ERR_PROGRAM, "%s did not end within %d s", argv[0], (int)(timeout_ms / 1000));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		FAIL(ERR_PROGRAM, "%s ended with %s %d: %.*s", argv[0],
		    WIFEXITED(status) ? "status" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), WORDS_SHOWN,
		    text_safe(a, str_trim(str_of(out, n))));
	return OK;
}

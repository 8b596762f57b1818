/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of a role: starts its processes, waits, starts again. See proc.h.
 *
 * It has no threads and reads nothing but signals, which it takes one by one with sigtimedwait(2):
 * no handlers, so nothing runs in between.
 */
#include "net/proc.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/when.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define STEADY_MS 10000 /* who lived that long starts over with the shortest pause */
#define GRACE_MS 5000   /* between SIGTERM and SIGKILL */

struct child {
	const struct proc *proc;
	pid_t pid; /* 0: does not run */
	int64_t started;
	int64_t start_at; /* does not run: when to start it */
	int64_t backoff;
};

struct parent {
	const char *role;
	struct child *children;
	size_t n;
	sigset_t signals;
};

static char *
number(struct arena *a, long long v)
{
	return arena_printf(a, "%lld", v);
}

_Noreturn static void
child_run(const struct proc *p, pid_t parent)
{
	err_t e;

	/* Ctrl-C reaches the whole group; the parent decides when we end. SIGTERM stays blocked
	 * for proc_wait(). */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(EXIT_FAULT);
	prctl(PR_SET_NAME, p->name);
	e = p->main(p->arg);
	if (err_ok(e))
		exit(EXIT_OK);
	log_error("process failed", e);
	exit(err_info(e.code)->exit);
}

static void
child_started(const struct parent *pa, const struct child *c)
{
	auto_arena struct arena *a = arena_new();

	log_event(LOG_LEVEL_INFO, "process started", "role", pa->role, "process", c->proc->name,
	    "child", number(a, c->pid), NULL);
}

static void
child_failed(struct child *c)
{
	c->backoff = c->backoff == 0 ? BACKOFF_MIN_MS : c->backoff * 2;
	if (c->backoff > BACKOFF_MAX_MS)
		c->backoff = BACKOFF_MAX_MS;
	c->start_at = when_mono_ms() + c->backoff;
}

static void
child_start(struct parent *pa, struct child *c)
{
	pid_t self = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		sigset_t keep;

		/* SIGTERM is for proc_wait(); the others are as usual again. */
		sigemptyset(&keep);
		sigaddset(&keep, SIGTERM);
		sigprocmask(SIG_SETMASK, &keep, NULL);
		child_run(c->proc, self);
	}
	if (pid < 0) {
		log_event(LOG_LEVEL_ERROR, "process cannot be started", "process", c->proc->name,
		    "reason", strerror(errno), NULL);
		child_failed(c);
		return;
	}
	c->pid = pid;
	c->started = when_mono_ms();
	child_started(pa, c);
}

static struct child *
child_by_pid(struct parent *pa, pid_t pid)
{
	for (size_t i = 0; i < pa->n; i++)
		if (pa->children[i].pid == pid)
			return &pa->children[i];
	return NULL;
}

static void
child_died(struct parent *pa, struct child *c, int status, bool expected)
{
	auto_arena struct arena *a = arena_new();

	log_event(expected ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
	    expected ? "process ended" : "process died", "role", pa->role, "process", c->proc->name,
	    "child", number(a, c->pid), WIFSIGNALED(status) ? "signal" : "status",
	    number(a, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)), NULL);
	c->pid = 0;
	if (when_mono_ms() - c->started >= STEADY_MS)
		c->backoff = 0;
	child_failed(c);
}

static bool
child_asks(const struct child *c, int status)
{
	return c->proc->asks != NULL && WIFEXITED(status) && WEXITSTATUS(status) >= PROC_ASKS;
}

/* True: one that ended wants the role to end. */
static bool
reap(struct parent *pa, bool expected)
{
	bool leave = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = child_by_pid(pa, pid);
		bool asks = c != NULL && child_asks(c, status);

		if (c != NULL)
			child_died(pa, c, status, expected || asks);
		if (asks && !expected)
			leave |= c->proc->asks(c->proc->arg, WEXITSTATUS(status));
	}
	return leave;
}

/* The parent's own time is over, for whoever set it. */
static bool
alarmed(const struct parent *pa)
{
	bool leave = false;

	for (size_t i = 0; i < pa->n; i++)
		if (pa->children[i].proc->asks != NULL)
			leave |= pa->children[i].proc->asks(pa->children[i].proc->arg, PROC_ALARM);
	return leave;
}

/* Starts what is due; how long until the next is, -1: nothing waits. */
static int64_t
start_due(struct parent *pa)
{
	int64_t now = when_mono_ms();
	int64_t next = -1;

	for (size_t i = 0; i < pa->n; i++) {
		struct child *c = &pa->children[i];

		if (c->pid == 0 && c->start_at <= now)
			child_start(pa, c);
		if (c->pid == 0 && (next < 0 || c->start_at - now < next))
			next = c->start_at > now ? c->start_at - now : 1;
	}
	return next;
}

/* The next signal; 0: the time is over. */
static int
next_signal(const struct parent *pa, int64_t ms)
{
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	int sig;

	do
		sig = ms < 0 ? sigwaitinfo(&pa->signals, NULL) :
			       sigtimedwait(&pa->signals, NULL, &ts);
	while (sig < 0 && errno == EINTR);
	return sig < 0 ? 0 : sig;
}

/* SIGTERM, and SIGKILL if it is still there after the grace. */
static void
end_child(struct parent *pa, struct child *c)
{
	int64_t deadline = when_mono_ms() + GRACE_MS;
	bool killed = false;

	if (c->pid > 0)
		kill(c->pid, SIGTERM);
	while (c->pid > 0) {
		(void)reap(pa, true);
		if (c->pid > 0 && !killed && when_mono_ms() >= deadline) {
			kill(c->pid, SIGKILL);
			killed = true;
		}
		/* waitpid() says who ended; a short sleep keeps SIGCHLD out of the way of
		 * SIGTERM and SIGHUP. */
		if (c->pid > 0)
			nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
}

/* One after the other, as they stand in the table: who faces the network comes first and finishes what it has in hand, for
 * which it needs those that hold the keys. */
static void
end_children(struct parent *pa, struct child *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		end_child(pa, &from[i]);
}

static void
restart_all(struct parent *pa)
{
	for (size_t i = 0; i < pa->n; i++) {
		struct child *c = &pa->children[i];

		end_children(pa, c, 1);
		c->backoff = 0;
		c->start_at = 0;
		start_due(pa);
	}
}

/* It lies in a folder of the user, and is the user's like all there. */
static err_t
write_pid(const char *path, const char *user)
{
	auto_arena struct arena *a = arena_new();
	err_t e;

	if (path == NULL)
		return OK;
	TRY(own_begin(user));
	e = file_write(path, str_c(arena_printf(a, "%ld\n", (long)getpid())), 0644);
	own_end(user);
	return e;
}

static err_t
remove_pid(const char *path, const char *user)
{
	err_t e;

	if (path == NULL)
		return OK;
	TRY(own_begin(user));
	e = file_remove(path);
	own_end(user);
	return e;
}

static void
watch(struct parent *pa)
{
	for (;;) {
		int sig = next_signal(pa, start_due(pa));

		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGHUP)
			restart_all(pa);
		if (sig == SIGALRM && alarmed(pa))
			return;
		if (reap(pa, false))
			return;
	}
}

err_t
proc_run(const char *role, const struct proc *procs, size_t n, const char *pid_file)
{
	struct parent pa = { .role = role, .n = n };
	sigset_t before;
	err_t e;

	sigemptyset(&pa.signals);
	sigaddset(&pa.signals, SIGTERM);
	sigaddset(&pa.signals, SIGINT);
	sigaddset(&pa.signals, SIGHUP);
	sigaddset(&pa.signals, SIGCHLD);
	sigaddset(&pa.signals, SIGALRM);
	if (sigprocmask(SIG_BLOCK, &pa.signals, &before) != 0)
		FAIL(ERR_SYSTEM, "signals: %s", strerror(errno));
	pa.children = calloc(n, sizeof(*pa.children));
	if (pa.children == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		pa.children[i].proc = &procs[i];
	start_due(&pa);
	e = write_pid(pid_file, procs[0].user);
	if (err_ok(e))
		watch(&pa);
	end_children(&pa, pa.children, n);
	free(pa.children);
	sigprocmask(SIG_SETMASK, &before, NULL);
	TRY(e);
	return remove_pid(pid_file, procs[0].user);
}

void
proc_wait(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	while (sigwaitinfo(&term, NULL) < 0 && errno == EINTR)
		;
}

bool
proc_wait_for(int64_t ms)
{
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	return sigtimedwait(&term, NULL, &ts) == SIGTERM;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of a role: start, death, restart, end; the jail; listening. */
#include "expect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/when.h"
#include "net/proc.h"

/* Children say their number and process id through a pipe. */
struct hello {
	int number;
	pid_t pid;
};

static int hello_pipe[2];

static void
say(int number)
{
	struct hello h = { number, getpid() };

	assert_int_equal(write(hello_pipe[1], &h, sizeof(h)), sizeof(h));
}

static struct hello
hear(void)
{
	struct pollfd p = { .fd = hello_pipe[0], .events = POLLIN };
	struct hello h = { -1, 0 };

	if (poll(&p, 1, 30000) == 1)
		assert_int_equal(read(hello_pipe[0], &h, sizeof(h)), sizeof(h));
	return h;
}

static err_t
runs_until_told(void *arg)
{
	say((int)(intptr_t)arg);
	proc_wait();
	_exit(0); /* no leak check in a copy of the test */
}

static err_t
ignores_the_end(void *arg)
{
	say((int)(intptr_t)arg);
	while (getppid() > 1) /* the parent stays; SIGTERM is blocked */
		pause();
	return OK;
}

/* A role of its own process; its parent's id. */
static pid_t
start_role(const struct proc *procs, size_t n, const char *pid_file)
{
	pid_t pid = fork();

	if (pid == 0) {
		err_t e;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		e = proc_run("test", procs, n, pid_file);
		_exit(err_ok(e) ? 0 : 1);
	}
	return pid;
}

static int
set_up(void **state)
{
	(void)state;
	return pipe2(hello_pipe, O_CLOEXEC);
}

static int
tear_down(void **state)
{
	(void)state;
	close(hello_pipe[0]);
	close(hello_pipe[1]);
	return 0;
}

static int
end_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool
lives(pid_t pid)
{
	int64_t deadline = when_mono_ms() + 30000;

	while (kill(pid, 0) == 0 && when_mono_ms() < deadline)
		poll(NULL, 0, 5);
	return kill(pid, 0) == 0;
}

static const struct proc two[] = {
	{ .name = "front", .main = runs_until_told, .arg = (void *)1, .net = true },
	{ .name = "keys", .main = runs_until_told, .arg = (void *)2 },
};

static void
a_killed_process_is_started_again(void **state)
{
	char path[64];
	pid_t role, pids[3] = { 0 };

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test-proc-%d.pid", (int)getpid());
	role = start_role(two, COUNT(two), path);
	for (int i = 0; i < 2; i++) {
		struct hello h = hear();

		pids[h.number] = h.pid;
	}
	assert_int_equal(kill(pids[2], SIGKILL), 0);
	struct hello again = hear();
	assert_int_equal(again.number, 2);
	assert_int_not_equal(again.pid, pids[2]);
	assert_true(file_exists(path));
	assert_int_equal(kill(role, SIGTERM), 0);
	assert_int_equal(end_of(role), 0);
	assert_false(lives(pids[1]));
	assert_false(lives(again.pid));
	assert_false(file_exists(path));
}

static void
hangup_restarts_every_process(void **state)
{
	pid_t role = start_role(two, COUNT(two), NULL);
	pid_t before[3] = { 0 }, after[3] = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct hello h = hear();

		before[h.number] = h.pid;
	}
	assert_int_equal(kill(role, SIGHUP), 0);
	/* Which of the new ones speaks first is the scheduler's choice. */
	for (int i = 0; i < 2; i++) {
		struct hello h = hear();

		after[h.number] = h.pid;
	}
	for (int i = 1; i <= 2; i++) {
		assert_int_not_equal(before[i], after[i]);
		assert_true(after[i] > 0);
		assert_false(lives(before[i]));
	}
	assert_int_equal(kill(role, SIGINT), 0);
	assert_int_equal(end_of(role), 0);
}

static err_t
says_its_end(void *arg)
{
	say((int)(intptr_t)arg);
	proc_wait();
	poll(NULL, 0, arg == (void *)1 ? 200 : 0);
	say((int)(intptr_t)arg + 10);
	_exit(0);
}

static void
processes_end_one_after_the_other_in_the_order_of_their_table(void **state)
{
	const struct proc procs[] = { { .name = "front", .main = says_its_end, .arg = (void *)1 },
		{ .name = "keys", .main = says_its_end, .arg = (void *)2 } };
	pid_t role = start_role(procs, COUNT(procs), NULL);

	(void)state;
	assert_int_equal(hear().number + hear().number, 3);
	kill(role, SIGTERM);
	assert_int_equal(hear().number, 11);
	assert_int_equal(hear().number, 12);
	assert_int_equal(end_of(role), 0);
}

static void
who_does_not_end_is_killed(void **state)
{
	static const struct proc deaf[] = {
		{ .name = "deaf", .main = ignores_the_end, .arg = (void *)1 }
	};
	pid_t role = start_role(deaf, COUNT(deaf), NULL);
	int64_t start = when_mono_ms();
	pid_t child = hear().pid;

	(void)state;
	assert_int_equal(kill(role, SIGTERM), 0);
	assert_int_equal(end_of(role), 0);
	assert_false(lives(child));
	assert_true(when_mono_ms() - start < 30000);
}

static void
children_die_with_their_parent(void **state)
{
	pid_t role = start_role(two, COUNT(two), NULL);
	pid_t a = hear().pid, b = hear().pid;

	(void)state;
	assert_int_equal(kill(role, SIGKILL), 0);
	end_of(role);
	assert_false(lives(a));
	assert_false(lives(b));
}

static size_t
interfaces_up(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 ? 1 : 0;
}

/* No socket of any family but AF_UNIX, whatever the unused half of the register holds; the pairs of libc work. */
static bool
unix_only(void)
{
	static const int others[] = { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG };
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int pair[2];

	if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	close(pair[0]);
	close(pair[1]);
	for (size_t i = 0; i < COUNT(others); i++) {
		if (socket(others[i], SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 || errno != EPERM)
			return false;
		if (syscall(SYS_socket, (1UL << 32) | (unsigned)others[i], SOCK_DGRAM, 0) >= 0 ||
		    errno != EPERM)
			return false;
	}
	return true;
}

/* What a jailed process still can do, one bit each; 0 is as it should be. */
static int
jailed(const struct proc *p)
{
	const char *missing = NULL;
	struct rlimit core;
	int wrong = 0;

	if (!err_ok(jail_enter(p, &missing)) || missing == NULL)
		return 1;
	if (strstr(missing, "seccomp") == NULL) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != -1 || errno != EPERM)
			wrong |= 2;
		if (syscall(SYS_bpf, 0, NULL, 0) != -1 || errno != EPERM)
			wrong |= 4;
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		wrong |= 8;
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
		wrong |= 16;
	if (strstr(missing, "network") == NULL && !p->net && interfaces_up() != 0)
		wrong |= 32;
	if (strstr(missing, "seccomp") == NULL && !p->net && !unix_only())
		wrong |= 32;
	if (p->net && interfaces_up() == 0)
		wrong |= 64;
	if (strstr(missing, "landlock") == NULL && open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0)
		wrong |= 128;
	return wrong;
}

static void
in_jail(const struct proc *p)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(jailed(p));
	status = end_of(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
the_jail_takes_away_what_its_row_says(void **state)
{
	static const struct proc keys = { .name = "keys", .net = false, .paths_rw = { "/tmp" } };
	static const struct proc front = {
		.name = "front", .net = true, .paths_ro = { "/usr/share" }
	};

	(void)state;
	in_jail(&keys);
	in_jail(&front);
}

/* As the units run it. */
static void
the_jail_of_who_is_not_root_needs_no_namespace_and_keeps_users_apart(void **state)
{
	static const struct proc keys = { .name = "keys", .net = false, .paths_rw = { "/tmp" } };
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0)
		return;
	pid = fork();
	if (pid == 0) {
		struct stat st;
		int wrong;

		if (setgroups(0, NULL) != 0 || setresgid(2, 2, 2) != 0 || setresuid(1, 1, 1) != 0)
			_exit(100);
		wrong = jailed(&keys);
		/* root's number, and that of a user who is neither. */
		if (stat("/usr", &st) != 0 || st.st_uid != 0)
			wrong |= 1;
		_exit(wrong);
	}
	status = end_of(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static err_t
own_and_say(const char *dir, const char *user)
{
	auto_arena struct arena *a = arena_new();
	err_t e;

	TRY(own_dir(dir, user));
	TRY(own_begin(user));
	e = file_write(arena_printf(a, "%s/f", dir), str_c("x"), 0644);
	own_end(user);
	return e;
}

static void
folders_of_a_user_are_the_users_and_no_other_folder_is_given_away(void **state)
{
	auto_arena struct arena *a = arena_new();
	char top[] = "/tmp/own-XXXXXX";
	const char *dir, *link;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(top));
	dir = arena_printf(a, "%s/above/dir", top);
	link = arena_printf(a, "%s/link", top);
	expect_ok(own_dir(arena_printf(a, "%s/plain", top), NULL));
	assert_int_equal(stat(arena_printf(a, "%s/plain", top), &st), 0);
	assert_int_equal(st.st_uid, geteuid());
	if (geteuid() == 0) {
		assert_int_equal(chmod(top, 0755), 0);
		expect_ok(own_and_say(dir, "daemon"));
		expect_ok(own_and_say(dir, "daemon")); /* and again */
		assert_int_equal(stat(dir, &st), 0);
		assert_int_equal(st.st_uid, 1);
		assert_int_equal(st.st_mode & 0777, 0700);
		assert_int_equal(stat(arena_printf(a, "%s/f", dir), &st), 0);
		assert_int_equal(st.st_uid, 1);
		assert_int_equal(stat(arena_printf(a, "%s/above", top), &st), 0);
		assert_int_equal(st.st_uid, 0);
		assert_int_equal(geteuid(), 0);
		expect_err(ERR_CONF, own_dir(dir, "bin"));    /* of somebody else */
		expect_err(ERR_CONF, own_dir(top, "daemon")); /* of root, with something in it */
		expect_err(ERR_CONF, own_dir(dir, "nobody-of-that-name"));
		expect_err(ERR_CONF, own_begin("nobody-of-that-name"));
		assert_int_equal(geteuid(), 0);
		assert_int_equal(symlink(arena_printf(a, "%s/plain", top), link), 0);
		expect_err(ERR_FILE, own_dir(link, "daemon"));
		assert_int_equal(stat(arena_printf(a, "%s/plain", top), &st), 0);
		assert_int_equal(st.st_uid, 0);
	}
	assert_int_equal(system(arena_printf(a, "rm -rf %s", top)), 0);
}

static void
an_unknown_user_is_an_error(void **state)
{
	static const struct proc p = { .name = "x", .net = true, .user = "nobody-of-that-name" };
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0)
		return;
	pid = fork();
	if (pid == 0) {
		const char *missing;
		err_t e = jail_enter(&p, &missing);

		_exit(err_is(e, ERR_CONF) ? 0 : 1);
	}
	status = end_of(pid);
	assert_int_equal(status, 0);
}

static void
listens_where_told(void **state)
{
	static const char *const good[] = { "127.0.0.1:0", "localhost:0", "[::1]:0" };
	static const char *const bad[] = { "", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536",
		"127.0.0.1:x", "127.0.0.1:-1", "host.invalid:0", "[]:1" };
	unsigned port = 0;
	int fd;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		err_t e = net_listen(good[i], &fd, &port);

		if (i == 2 && err_is(e, ERR_SYSTEM)) { /* no IPv6 here */
			err_forget(e);
			continue;
		}
		expect_ok(e);
		assert_true(port > 0);
		close(fd);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		err_t e = net_listen(bad[i], &fd, &port);

		assert_false(err_ok(e));
		err_forget(e);
	}
	expect_ok(net_listen("127.0.0.1:0", &fd, &port));
	char addr[32];
	int second;
	snprintf(addr, sizeof(addr), "127.0.0.1:%u", port);
	expect_err(ERR_SYSTEM, net_listen(addr, &second, &port));
	close(fd);
}

#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PIPE(a_killed_process_is_started_again),
		WITH_PIPE(hangup_restarts_every_process),
		WITH_PIPE(processes_end_one_after_the_other_in_the_order_of_their_table),
		WITH_PIPE(who_does_not_end_is_killed),
		WITH_PIPE(children_die_with_their_parent),
		cmocka_unit_test(the_jail_takes_away_what_its_row_says),
		cmocka_unit_test(
		    the_jail_of_who_is_not_root_needs_no_namespace_and_keeps_users_apart),
		cmocka_unit_test(folders_of_a_user_are_the_users_and_no_other_folder_is_given_away),
		cmocka_unit_test(an_unknown_user_is_an_error),
		cmocka_unit_test(listens_where_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

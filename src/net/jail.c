/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail: what a process can no longer do once it is in. See proc.h for the row that says it.
 *
 * In this order, since each step takes the right to the one before: network namespace, user, no
 * new privileges, Landlock, system calls.
 *
 * Who has no network may make unix sockets only: socket(2) is denied for every other family,
 * whoever starts the role. Root has a network namespace beside that. Others do not get one: theirs
 * would take a user namespace, in which every user but our own looks like the overflow user, root as
 * well, and in which a process holds capabilities that it does not need. So users keep their
 * numbers, and the check of peers (ipc_server.c) holds by itself.
 *
 * To be entered before the process makes threads: a namespace and Landlock hold for the calling
 * thread and those that it makes.
 *
 * Beside the paths of its row every process may read what libraries need while it runs (shared
 * objects, certificates of the system, resolver and time zone files). Unix sockets are reached by
 * path without a Landlock right.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "net/proc.h"

/* Landlock ABI 1. Executing is left out: no process of ours executes anything. */
#define LL_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LL_WRITE \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
	    LANDLOCK_ACCESS_FS_MAKE_SYM)
#define LL_ALL \
	(LL_READ | LL_WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
/* Of those, what a rule on a plain file may give. */
#define LL_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

enum missing { MISSING_NET = 1, MISSING_LANDLOCK = 2, MISSING_SECCOMP = 4 };

static const char *const missing_texts[] = {
	[0] = "",
	[MISSING_NET] = "network namespace",
	[MISSING_LANDLOCK] = "landlock",
	[MISSING_NET | MISSING_LANDLOCK] = "network namespace, landlock",
	[MISSING_SECCOMP] = "seccomp",
	[MISSING_NET | MISSING_SECCOMP] = "network namespace, seccomp",
	[MISSING_LANDLOCK | MISSING_SECCOMP] = "landlock, seccomp",
	[MISSING_NET | MISSING_LANDLOCK | MISSING_SECCOMP] = "network namespace, landlock, seccomp",
};

static const char *const library_paths[] = { "/usr/lib", "/usr/share", "/lib", "/lib64", "/etc/ssl",
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
	"/etc/host.conf", "/etc/localtime", "/etc/ld.so.cache", "/etc/passwd", "/etc/group",
	"/run/systemd/resolve", "/dev/urandom" };

static err_t
become(const char *user)
{
	const struct passwd *pw;

	if (user == NULL || geteuid() != 0)
		return OK;
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		FAIL(ERR_CONF, "there is no user %s", user);
	if (initgroups(user, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		FAIL(ERR_SYSTEM, "become user %s: %s", user, strerror(errno));
	return OK;
}

/* A path that is not there needs no rule. */
static err_t
landlock_path(int ruleset, const char *path, uint64_t access)
{
	auto_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return OK;
	if (fd < 0 || fstat(fd, &st) != 0)
		FAIL(ERR_SYSTEM, "landlock %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= LL_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		FAIL(ERR_SYSTEM, "landlock %s: %s", path, strerror(errno));
	return OK;
}

static err_t
leave_files(const struct proc *p, bool *ret_done)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LL_ALL };
	auto_fd int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	*ret_done = false;
	if (ruleset < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return OK;
	if (ruleset < 0)
		FAIL(ERR_SYSTEM, "landlock: %s", strerror(errno));
	for (size_t i = 0; i < COUNT(library_paths); i++)
		TRY(landlock_path(ruleset, library_paths[i], LL_READ));
	TRY(landlock_path(ruleset, "/dev/null", LL_FILE));
	for (size_t i = 0; i < COUNT(p->paths_ro) && p->paths_ro[i] != NULL; i++)
		TRY(landlock_path(ruleset, p->paths_ro[i], LL_READ));
	for (size_t i = 0; i < COUNT(p->paths_rw) && p->paths_rw[i] != NULL; i++)
		TRY(landlock_path(ruleset, p->paths_rw[i], LL_READ | LL_WRITE));
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		FAIL(ERR_SYSTEM, "landlock: %s", strerror(errno));
	*ret_done = true;
	return OK;
}

/* A deny list: allow lists break with every libc. Nothing of ours asks for these. */
static bool
deny_calls(bool net)
{
	static const int denied[] = { SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
		SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(mount),
		SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(move_mount),
		SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount),
		SCMP_SYS(mount_setattr), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(bpf),
		SCMP_SYS(perf_event_open), SCMP_SYS(init_module), SCMP_SYS(finit_module),
		SCMP_SYS(delete_module), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
		SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
		SCMP_SYS(io_uring_register), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(execve),
		SCMP_SYS(execveat), SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(settimeofday),
		SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime),
		SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(iopl), SCMP_SYS(ioperm),
		SCMP_SYS(personality), SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at),
		SCMP_SYS(syslog), SCMP_SYS(vhangup), SCMP_SYS(lookup_dcookie) };
	/* All 64 bits are compared, and the kernel reads 32: what is let through is AF_UNIX to both. */
	static const struct scmp_arg_cmp other_family = {
		.arg = 0, .op = SCMP_CMP_NE, .datum_a = AF_UNIX, .datum_b = 0
	};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	bool done = ctx != NULL && seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) == 0;

	/* A call that this architecture does not have cannot be denied and need not be. */
	for (size_t i = 0; done && i < COUNT(denied); i++)
		if (denied[i] >= 0)
			done = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), denied[i], 0) == 0;
	if (done && !net)
		done = seccomp_rule_add_array(
			   ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, &other_family) == 0;
	done = done && seccomp_load(ctx) == 0;
	if (ctx != NULL)
		seccomp_release(ctx);
	return done;
}

err_t
jail_enter(const struct proc *p, const char **ret_missing)
{
	static const struct rlimit no_core = { 0, 0 };
	unsigned missing = 0;
	pid_t parent = getppid();
	bool landlocked, apart = p->net || unshare(CLONE_NEWNET) == 0;

	TRY(become(p->user));
	/* Namespace and change of user dropped it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		FAIL(ERR_SYSTEM, "parent death signal: %s", strerror(errno));
	/* Who died in between sent none: an orphan would keep ports and databases. */
	if (getppid() != parent)
		FAIL(ERR_SYSTEM, "the parent process is gone");
	if (setrlimit(RLIMIT_CORE, &no_core) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		FAIL(ERR_SYSTEM, "no core files: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		FAIL(ERR_SYSTEM, "no new privileges: %s", strerror(errno));
	TRY(leave_files(p, &landlocked));
	if (!landlocked)
		missing |= MISSING_LANDLOCK;
	if (!deny_calls(p->net))
		missing |= apart ? MISSING_SECCOMP : MISSING_SECCOMP | MISSING_NET;
	*ret_missing = missing_texts[missing];
	return OK;
}

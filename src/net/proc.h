/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of one role: the parent that starts, watches and restarts them, and the jail each enters before it reads
 * its first byte from outside.
 *
 *   parent -- fork --> child: proc_main(arg) --> opens what it needs --> jail_enter() --> works
 *
 * The parent holds the listening sockets, so a restarted child goes on where the old one was. SIGTERM and SIGINT to the
 * parent end the children in order (SIGTERM, 5 s, SIGKILL). SIGHUP restarts them one after another. A child that dies is
 * started again after 100 ms, doubling to 5 s while it keeps dying. Children die with their parent.
 *
 * Started as root with a user to switch to, the parent stays root: it binds low ports and can start who died, and its
 * children get a namespace without a user namespace. What it makes for them is the user's from its first moment.
 */
#ifndef NET_PROC_H
#define NET_PROC_H

#include "base/str.h"

struct proc {
	const char *name;         /* "front" */
	err_t (*main)(void *arg); /* runs until told to stop; see proc_wait() */
	void *arg;
	bool net;                /* false: unix sockets only; as root no network interface either */
	const char *paths_rw[8]; /* Landlock: may read and write below these; ends with NULL */
	const char *paths_ro[8]; /* may read below these */
	const char *user;        /* switch to it when started as root; NULL: stay */
	/* In the parent, after it ended with a status of PROC_ASKS and above: it asks for something. It is started again, unless
	 * the answer is true: then the role ends as if it had been told to, and proc_run() returns. NULL: it never asks. */
	bool (*asks)(void *arg, int status);
};

#define PROC_ASKS 96
#define PROC_ALARM \
	255 /* SIGALRM came for the parent: who answers to processes that ask is asked with this status */

/* Runs the role until it is told to end. Logs starts, deaths and restarts through log. pid_file, when not NULL, is a
 * path that gets the parent's pid once all children were started; it belongs to the user of the first row. */
err_t proc_run(const char *role, const struct proc *procs, size_t n, const char *pid_file);

/* Makes a folder of mode 0700. Started as root with a user (else `user` has no effect, as below): those above it that
 * are missing get 0755, and it is the user's. It may be there already if it is the user's, or root's and empty.
 * ERR_CONF: there is no such user, or the folder is somebody else's. */
err_t own_dir(const char *dir, const char *user);
/* Between the two this process makes what it makes as the user, and may do no more than the user may. Only while it has
 * one thread. ERR_CONF: there is no such user; own_end() is not needed then. */
err_t own_begin(const char *user);
void own_end(const char *user);

/* In a child: narrows the process as its row says. What the kernel cannot do (no Landlock, no right to a namespace) is
 * said in *ret_missing (a comma list, in static storage or the empty string), never silently skipped. */
err_t jail_enter(const struct proc *p, const char **ret_missing);

/* In a child: blocks until SIGTERM. */
void proc_wait(void);
/* The same for so many ms at most: true when SIGTERM came. It must be blocked, as it is in children. */
bool proc_wait_for(int64_t ms);

/* A listening TCP socket for "host:port" or "[v6]:port"; port 0 takes a free one. *ret_port is what it got. */
err_t net_listen(const char *addr, int *ret_fd, unsigned *ret_port);

#endif

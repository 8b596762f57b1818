/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of the system that the agent runs: always by their arguments, never by a shell, with an end.
 */
#ifndef AGENT_EXEC_H
#define AGENT_EXEC_H

#include "base/arena.h"
#include "base/str.h"

/* Runs argv[0] (by PATH) in a process group of its own, with nothing to read, and waits for its end, at most timeout_ms: then all
 * of the group is killed. Its umask is 022. env: added to ours, "NAME=value", ended by NULL; may be NULL. *ret_out: the first 4 KiB of what it
 * wrote to both outputs; also after a failure; may be NULL. ERR_PROGRAM: not there, another status than 0, too slow. */
err_t exec_run(struct arena *a, const char *const *argv, const char *const *env, int64_t timeout_ms,
    const char **ret_out);

#endif

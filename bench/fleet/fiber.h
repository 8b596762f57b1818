/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers: thousands of devices, each in code that reads top to bottom, on a few threads.
 *
 * A loop belongs to one thread and runs its fibers in turn. A fiber gives way where it waits for a socket or for a time,
 * nowhere else, so fibers of one loop need no locks among themselves. Each has a stack of its own with a page beneath it
 * that nobody may touch; pages of it that were never used take no memory.
 *
 * Not for servers: a fiber that computes for long holds up the others of its loop.
 */
#ifndef FLEET_FIBER_H
#define FLEET_FIBER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct fiber;

/* When *stop becomes true all who wait are woken, as if their time had come. Ends the program if the system has no epoll. */
struct loop *loop_new(const atomic_bool *stop);
void loop_free(struct loop *l); /* no fiber may be left; NULL is fine */

/* It begins with loop_run(), or at once if that runs already and this is called in the loop's thread. */
void fiber_start(struct loop *l, void (*run)(struct fiber *f, void *arg), void *arg);
/* Until the last fiber has ended. */
void loop_run(struct loop *l);

/* Until the socket can be read (or written), or the time (when_mono_ms) has come: false. */
bool fiber_wait_read(struct fiber *f, int fd, int64_t until);
bool fiber_wait_write(struct fiber *f, int fd, int64_t until);
void fiber_sleep(struct fiber *f, int64_t until);

/* At most so many of a loop's fibers between the two at a time; who comes later waits. limit is the same in all calls. */
void fiber_enter(struct fiber *f, size_t limit);
void fiber_leave(struct fiber *f);

#endif

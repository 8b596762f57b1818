/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for secrets: whole pages that are not swapped, not in a core dump, not inherited by a child, and wiped when
 * given back. RLIMIT_MEMLOCK bounds how much of it there is; past that the memory is there all the same, and says so.
 */
#ifndef BASE_LOCKED_H
#define BASE_LOCKED_H

#include <stdbool.h>
#include <stddef.h>

struct locked {
	void *p; /* zeroes, at the start of a page */
	size_t n;
	bool is_locked; /* false: the system refused, it may be swapped */
};

void locked_new(size_t n, struct locked *ret); /* aborts when there is no memory at all */
void locked_free(struct locked *m);            /* {0} and what was freed are fine */

#endif

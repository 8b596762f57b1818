/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: memory that lives as long as one request, job, check-in or command, and goes away at once.
 *
 * Nothing taken from an arena is freed alone. Allocation does not fail: it aborts, so bound before you allocate.
 * Memory comes back zeroed. What is given back is wiped.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is fine */
/* Gives everything back but keeps the first block, for loops. */
void arena_reset(struct arena *a);
size_t arena_used(const struct arena *a);
/* Calls this when all is given back, before it is; the newest first. */
void arena_at_end(struct arena *a, void (*fn)(void *arg), void *arg);

void *arena_alloc(struct arena *a, size_t n);               /* zeroed, aligned for any object */
void *arena_array(struct arena *a, size_t count, size_t n); /* aborts on overflow */
void *arena_copy(struct arena *a, const void *p, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* A NUL-terminated copy. The bytes may hold NULs: text_cstr() is the checked way for text. */
char *arena_cstr(struct arena *a, struct str s);
struct str arena_str(struct arena *a, struct str s);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

static inline void
arena_cleanup(struct arena **a)
{
	arena_free(*a);
}
#define auto_arena __attribute__((cleanup(arena_cleanup)))

#endif

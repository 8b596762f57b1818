/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes: struct str borrows them, struct buf owns them and knows its maximum.
 *
 * A buf never grows past the maximum given at buf_init(): a write past it fails with ERR_TOO_LARGE and leaves the
 * contents as they were. buf_free() wipes what it held.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct str {
	const uint8_t *p;
	size_t n;
};

struct buf {
	uint8_t *p;
	size_t n;
	size_t cap;
	size_t max;
};

#define STR_EMPTY ((struct str){ NULL, 0 })
/* Of an array: all its bytes. Of a string literal: use LIT, which leaves the NUL out. */
#define STR(array) ((struct str){ (const uint8_t *)(array), sizeof(array) })
#define LIT(s) ((struct str){ (const uint8_t *)("" s), sizeof(s) - 1 })

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline struct str
str_of(const void *p, size_t n)
{
	return (struct str){ p, n };
}

static inline struct str
str_c(const char *s) /* NULL gives the empty str */
{
	return (struct str){ (const uint8_t *)s, s == NULL ? 0 : strlen(s) };
}

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

bool str_eq(struct str a, struct str b);
bool str_eq_c(struct str a, const char *s);
bool str_ieq_c(struct str a, const char *s); /* ASCII case ignored */
int str_cmp(struct str a, struct str b);     /* bytes, shorter first on a tie */
bool str_starts(struct str a, struct str prefix);
/* Cuts `in` at the first `c`: returns what stands before, leaves what follows. No `c`: returns all, leaves nothing. */
struct str str_cut(struct str *in, uint8_t c);
struct str str_trim(struct str s); /* ASCII blanks on both ends */
uint64_t str_hash(struct str s);   /* not for adversarial keys */

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b); /* wipes; b is empty and usable again with the same maximum */
void buf_reset(struct buf *b);
err_t buf_put(struct buf *b, struct str s);
err_t buf_putc(struct buf *b, uint8_t c);
err_t buf_puts(struct buf *b, const char *s);
err_t buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n more bytes; *ret points at them. They count as written after buf_commit(). */
err_t buf_reserve(struct buf *b, size_t n, uint8_t **ret);
void buf_commit(struct buf *b, size_t n);

#define auto_buf __attribute__((cleanup(buf_free)))

/* Hands over a pointer: returns it and clears the variable, so that its cleanup does nothing. */
#define steal(x) \
	({ \
		__typeof__(x) steal_ = (x); \
		(x) = NULL; \
		steal_; \
	})

static inline void
free_cleanup(void *pp)
{
	free(*(void **)pp);
}
#define auto_free __attribute__((cleanup(free_cleanup)))

#endif

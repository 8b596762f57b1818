/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/secret.h"

#define SMALLEST_BUF 256u

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_eq_c(struct str a, const char *s)
{
	return str_eq(a, str_c(s));
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool
str_ieq_c(struct str a, const char *s)
{
	struct str b = str_c(s);

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

bool
str_starts(struct str a, struct str prefix)
{
	return a.n >= prefix.n && str_eq(str_of(a.p, prefix.n), prefix);
}

struct str
str_cut(struct str *in, uint8_t c)
{
	struct str all = *in;
	const uint8_t *at = all.n == 0 ? NULL : memchr(all.p, c, all.n);
	size_t before;

	if (at == NULL) {
		*in = STR_EMPTY;
		return all;
	}
	before = (size_t)(at - all.p);
	*in = str_of(at + 1, all.n - before - 1);
	return str_of(all.p, before);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

uint64_t
str_hash(struct str s) /* FNV-1a */
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ s.p[i]) * 0x100000001b3u;
	return h;
}

void
buf_init(struct buf *b, size_t max)
{
	assert(max < SIZE_MAX / 4);
	*b = (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	if (b->p != NULL)
		secret_wipe(b->p, b->cap);
	free(b->p);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
}

/*
 * Makes sure of n bytes after the contents. Not realloc(): it leaves a copy of the contents behind, unwiped.
 * One byte past the maximum may be had for the NUL that vsnprintf() writes.
 */
static void
buf_grow(struct buf *b, size_t n)
{
	size_t need = b->n + n;
	size_t cap = b->cap * 2;
	uint8_t *p;

	if (need <= b->cap)
		return;
	if (cap < SMALLEST_BUF)
		cap = SMALLEST_BUF;
	if (cap > b->max + 1)
		cap = b->max + 1;
	if (cap < need)
		cap = need;
	p = malloc(cap);
	if (p == NULL)
		abort();
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	if (b->p != NULL)
		secret_wipe(b->p, b->cap);
	free(b->p);
	b->p = p;
	b->cap = cap;
}

static err_t
buf_fits(const struct buf *b, size_t n)
{
	if (n > b->max - b->n)
		FAIL(ERR_TOO_LARGE, "%zu bytes after %zu; at most %zu in all", n, b->n, b->max);
	return OK;
}

err_t
buf_reserve(struct buf *b, size_t n, uint8_t **ret)
{
	TRY(buf_fits(b, n));
	buf_grow(b, n == 0 ? 1 : n);
	*ret = b->p + b->n;
	return OK;
}

void
buf_commit(struct buf *b, size_t n)
{
	assert(n <= b->cap - b->n && n <= b->max - b->n);
	b->n += n;
}

err_t
buf_put(struct buf *b, struct str s)
{
	uint8_t *to;

	TRY(buf_reserve(b, s.n, &to));
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	buf_commit(b, s.n);
	return OK;
}

err_t
buf_putc(struct buf *b, uint8_t c)
{
	return buf_put(b, str_of(&c, 1));
}

err_t
buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, str_c(s));
}

err_t
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		FAIL(ERR_INTERNAL, "bad format");
	TRY(buf_fits(b, (size_t)n));
	buf_grow(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_commit(b, (size_t)n);
	return OK;
}

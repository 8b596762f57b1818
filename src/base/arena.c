/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>

#include "base/secret.h"

#define FIRST_BLOCK 4096u
#define LARGEST_BLOCK (64u << 10)

struct block {
	struct block *older;
	size_t size; /* of what follows the header */
	size_t used;
	alignas(max_align_t) uint8_t bytes[];
};

struct at_end {
	struct at_end *older;
	void (*fn)(void *arg);
	void *arg;
};

struct arena {
	struct block *newest;
	struct at_end *ends;
	size_t used;
	struct block *first; /* kept by arena_reset() */
};

static struct block *
block_new(size_t size, struct block *older)
{
	struct block *b;

	assert(size <= SIZE_MAX - sizeof(*b));
	b = calloc(1, sizeof(*b) + size);
	if (b == NULL)
		abort();
	b->size = size;
	b->older = older;
	return b;
}

struct arena *
arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		abort();
	a->first = a->newest = block_new(FIRST_BLOCK - sizeof(struct block), NULL);
	return a;
}

static void
blocks_free(struct block *b, const struct block *until)
{
	while (b != until) {
		struct block *older = b->older;

		secret_wipe(b->bytes, b->used);
		free(b);
		b = older;
	}
}

void
arena_at_end(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct at_end *x = ARENA_NEW(a, struct at_end);

	*x = (struct at_end){ a->ends, fn, arg };
	a->ends = x;
}

static void
run_ends(struct arena *a)
{
	for (const struct at_end *x = a->ends; x != NULL; x = x->older)
		x->fn(x->arg);
	a->ends = NULL;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	run_ends(a);
	blocks_free(a->newest, NULL);
	free(a);
}

void
arena_reset(struct arena *a)
{
	run_ends(a);
	blocks_free(a->newest, a->first);
	memset(a->first->bytes, 0, a->first->used);
	a->first->used = 0;
	a->newest = a->first;
	a->used = 0;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct block *b = a->newest;
	const size_t align = alignof(max_align_t);
	void *p;

	if (n > SIZE_MAX / 4)
		abort();
	n = n == 0 ? align : (n + align - 1) / align * align;
	if (n > b->size - b->used) {
		size_t size = b->size < LARGEST_BLOCK / 2 ? b->size * 2 : LARGEST_BLOCK;

		b = a->newest = block_new(n > size ? n : size, b);
	}
	p = b->bytes + b->used;
	b->used += n;
	a->used += n;
	return p;
}

void *
arena_array(struct arena *a, size_t count, size_t n)
{
	size_t total;

	if (__builtin_mul_overflow(count, n, &total))
		abort();
	return arena_alloc(a, total);
}

void *
arena_copy(struct arena *a, const void *p, size_t n)
{
	void *to = arena_alloc(a, n);

	if (n > 0)
		memcpy(to, p, n);
	return to;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s) + 1);
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		abort();
	s = arena_alloc(a, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

char *
arena_cstr(struct arena *a, struct str s)
{
	char *to = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return to;
}

struct str
arena_str(struct arena *a, struct str s)
{
	return str_of(arena_copy(a, s.p, s.n), s.n);
}

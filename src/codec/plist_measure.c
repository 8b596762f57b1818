/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How deep and how wide a property list is, before a library builds it: libplist goes down by recursion, and makes a copy
 * of what a binary list refers to for each reference.
 */
#include "codec/plist.h"

#include "base/limits.h"
#include "codec/plist_int.h"

/* The trailer of a binary list: its last 32 bytes. */
enum { TRAILER = 32, HEAD = 8 };

struct binary {
	struct str in;
	uint64_t objects, root, table;
	size_t offset_size, ref_size;
	size_t nodes;
};

static err_t
count_node(size_t *nodes)
{
	if (++*nodes > LIMIT_PLIST_NODES)
		FAIL(ERR_PLIST, "more than %u elements", LIMIT_PLIST_NODES);
	return OK;
}

static uint64_t
number(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static err_t
trailer(struct str in, struct binary *ret)
{
	const uint8_t *t = in.p + in.n - TRAILER;
	struct binary b = { .in = in };

	b.offset_size = t[6];
	b.ref_size = t[7];
	b.objects = number(t + 8, 8);
	b.root = number(t + 16, 8);
	b.table = number(t + 24, 8);
	if (b.offset_size < 1 || b.offset_size > 8 || b.ref_size < 1 || b.ref_size > 8)
		FAIL(ERR_PLIST, "sizes in the trailer");
	if (b.objects == 0 || b.objects > LIMIT_PLIST_NODES || b.root >= b.objects)
		FAIL(ERR_PLIST, "%llu objects", (unsigned long long)b.objects);
	if (b.table < HEAD || b.table > in.n - TRAILER ||
	    b.objects * b.offset_size > in.n - TRAILER - b.table)
		FAIL(ERR_PLIST, "the table of offsets is not in the list");
	*ret = b;
	return OK;
}

/* What is left between the object's place and the table. */
static err_t
object_at(const struct binary *b, uint64_t index, struct str *ret)
{
	uint64_t at;

	if (index >= b->objects)
		FAIL(ERR_PLIST, "a reference to nothing");
	at = number(b->in.p + b->table + index * b->offset_size, b->offset_size);
	if (at < HEAD || at >= b->table)
		FAIL(ERR_PLIST, "an offset outside of the objects");
	*ret = str_of(b->in.p + at, (size_t)(b->table - at));
	return OK;
}

/* The count of a marker byte: its low half, or the integer that follows. */
static err_t
count_of(struct str *in, uint64_t *ret)
{
	uint8_t low = in->p[0] & 0x0f;
	size_t n;

	*in = str_of(in->p + 1, in->n - 1);
	*ret = low;
	if (low != 0x0f)
		return OK;
	if (in->n == 0 || in->p[0] >> 4 != 1 || (in->p[0] & 0x0f) > 3)
		FAIL(ERR_PLIST, "a count that is no number");
	n = (size_t)1 << (in->p[0] & 0x0f);
	if (in->n < 1 + n)
		FAIL(ERR_PLIST, "a count that ends too early");
	*ret = number(in->p + 1, n);
	*in = str_of(in->p + 1 + n, in->n - 1 - n);
	return OK;
}

/* libplist asserts that no key holds a NUL. */
static err_t
no_nul(struct str in, uint64_t n, size_t unit)
{
	for (uint64_t i = 0; i < n; i++)
		if (number(in.p + i * unit, unit) == 0)
			FAIL(ERR_PLIST, "a NUL in a text");
	return OK;
}

/* Size of what follows the marker of a plain object. */
static err_t
plain(uint8_t marker, struct str in)
{
	uint64_t n, unit;

	switch (marker >> 4) {
	case 0x0: /* true, false */
		if (marker != 0x08 && marker != 0x09)
			FAIL(ERR_PLIST, "an object of kind 0x%02x", marker);
		return OK;
	case 0x1: /* integer, */
	case 0x2: /* real, */
	case 0x3: /* date: 2^n bytes */
		n = (uint64_t)1 << (marker & 0x0f);
		if (n > 16 || in.n - 1 < n)
			FAIL(ERR_PLIST, "a number of %u bytes", (unsigned)n);
		return OK;
	case 0x4: /* data */
	case 0x5: /* ASCII */
	case 0x6: /* UTF-16 */
		unit = marker >> 4 == 6 ? 2 : 1;
		TRY(count_of(&in, &n));
		if (n > in.n / unit)
			FAIL(ERR_PLIST, "a text or data that ends too early");
		return marker >> 4 == 4 ? OK : no_nul(in, n, (size_t)unit);
	}
	FAIL(ERR_PLIST, "an object of kind 0x%02x", marker);
}

/* A key is a text. */
static err_t
key(const struct binary *b, uint64_t index)
{
	struct str in;

	TRY(object_at(b, index, &in));
	if (in.p[0] >> 4 != 5 && in.p[0] >> 4 != 6)
		FAIL(ERR_PLIST, "a key that is no text");
	return OK;
}

static err_t
walk(struct binary *b, uint64_t index, unsigned depth)
{
	struct str in;
	uint64_t n, refs;
	uint8_t marker;

	if (depth > LIMIT_PLIST_DEPTH)
		FAIL(ERR_PLIST, "nested deeper than %u", LIMIT_PLIST_DEPTH);
	TRY(count_node(&b->nodes));
	TRY(object_at(b, index, &in));
	marker = in.p[0];
	if (marker >> 4 != 0xa && marker >> 4 != 0xd)
		return plain(marker, in);
	TRY(count_of(&in, &n));
	refs = marker >> 4 == 0xd ? 2 : 1; /* a dictionary: keys, then values */
	if (n > in.n / refs / b->ref_size)
		FAIL(ERR_PLIST, "a collection that ends too early");
	for (uint64_t i = 0; i < n * refs; i++) {
		if (refs == 2 && i < n)
			TRY(key(b, number(in.p + i * b->ref_size, b->ref_size)));
		TRY(walk(b, number(in.p + i * b->ref_size, b->ref_size), depth + 1));
	}
	return OK;
}

static err_t
measure_binary(struct str in)
{
	struct binary b;

	if (in.n < HEAD + TRAILER + 1)
		FAIL(ERR_PLIST, "%zu bytes", in.n);
	TRY(trailer(in, &b));
	return walk(&b, b.root, 1);
}

/* "<!" may only begin the one declaration of the document type, without declarations of its own. */
static err_t
declaration(struct str rest, bool *seen)
{
	static const char name[] = "DOCTYPE plist ";

	if (*seen || !str_starts(rest, LIT("DOCTYPE plist ")))
		FAIL(ERR_PLIST, "neither comments nor CDATA nor entities are taken");
	*seen = true;
	for (size_t i = sizeof(name) - 1; i < rest.n && rest.p[i] != '>'; i++)
		if (rest.p[i] == '[' || rest.p[i] == '<')
			FAIL(ERR_PLIST, "a declaration of entities is not taken");
	return OK;
}

/* Only "<true/>" and its like: a value in quotes could hold the same signs. */
static bool
closes_itself(struct str rest)
{
	for (size_t i = 1; i < rest.n && strchr("<\"'", rest.p[i]) == NULL; i++)
		if (rest.p[i] == '>')
			return rest.p[i - 1] == '/';
	return false;
}

/* "&#0;" and its like; numbers that no character has are no better. */
static err_t
reference(struct str rest)
{
	size_t i = rest.n > 0 && (rest.p[0] == 'x' || rest.p[0] == 'X') ? 1 : 0, zeros = 0, n = 0;

	for (; i < rest.n && rest.p[i] == '0'; i++)
		zeros++;
	while (i + n < rest.n && n < 8 && rest.p[i + n] != ';')
		n++;
	if (n == 0 || n == 8 || zeros > 8)
		FAIL(ERR_PLIST, "a reference to no character");
	return OK;
}

static err_t
measure_xml(struct str in)
{
	size_t nodes = 0, depth = 0;
	bool declared = false;

	TRY(text_utf8(in));
	for (size_t i = 0; i + 1 < in.n; i++) {
		if (in.p[i] == '&' && in.p[i + 1] == '#')
			TRY(reference(str_of(in.p + i + 2, in.n - i - 2)));
		if (in.p[i] != '<' || in.p[i + 1] == '?')
			continue;
		if (in.p[i + 1] == '!') {
			TRY(declaration(str_of(in.p + i + 2, in.n - i - 2), &declared));
			continue;
		}
		if (in.p[i + 1] == '/') {
			depth -= depth > 0;
			continue;
		}
		TRY(count_node(&nodes));
		if (closes_itself(str_of(in.p + i, in.n - i)))
			continue;
		if (++depth > LIMIT_PLIST_DEPTH)
			FAIL(ERR_PLIST, "nested deeper than %u", LIMIT_PLIST_DEPTH);
	}
	return OK;
}

bool
pl_is_binary(struct str in)
{
	return str_starts(in, LIT("bplist00"));
}

err_t
pl_measure(struct str in)
{
	if (in.n == 0)
		FAIL(ERR_PLIST, "empty");
	if (in.n > LIMIT_PLIST_BYTES)
		FAIL(ERR_TOO_LARGE, "property list of %zu bytes, at most %u", in.n,
		    LIMIT_PLIST_BYTES);
	return pl_is_binary(in) ? measure_binary(in) : measure_xml(in);
}

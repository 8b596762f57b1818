/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648) and PEM (RFC 7468) of base/text.h. */
#include "base/text.h"

#include <assert.h>

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define PEM_LINE 64u /* RFC 7468 2 */

/* Writes the characters of at most three bytes; returns how many those are, without padding. */
static size_t
encode_group(const char *alphabet, struct str s, char to[4])
{
	uint32_t v = (uint32_t)s.p[0] << 16;

	if (s.n > 1)
		v |= (uint32_t)s.p[1] << 8;
	if (s.n > 2)
		v |= s.p[2];
	for (size_t i = 0; i <= s.n; i++)
		to[i] = alphabet[v >> (18 - 6 * i) & 63];
	return s.n + 1;
}

static char *
encode(struct arena *a, struct str s, const char *alphabet, bool padded)
{
	char *to;
	size_t n = 0;

	assert(s.n < SIZE_MAX / 4);
	to = arena_alloc(a, (s.n + 2) / 3 * 4 + 1);
	while (s.n > 0) {
		size_t take = s.n < 3 ? s.n : 3;

		n += encode_group(alphabet, str_of(s.p, take), to + n);
		s = str_of(s.p + take, s.n - take);
	}
	while (padded && n % 4 != 0)
		to[n++] = '=';
	return to;
}

char *
text_base64(struct arena *a, struct str s)
{
	return encode(a, s, plain, true);
}

char *
text_base64url(struct arena *a, struct str s)
{
	return encode(a, s, url, false);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* -1: in neither alphabet */
static int
decode_char(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

/* After the last character: padding is whole or absent, and no bits hang over that an encoder would not write. */
static err_t
check_end(size_t chars, size_t pads, uint32_t left)
{
	if (chars % 4 == 1)
		FAIL(ERR_BASE64, "one character too many or three too few");
	if (pads != 0 && (chars + pads) % 4 != 0)
		FAIL(ERR_BASE64, "wrong padding");
	if (pads > 2)
		FAIL(ERR_BASE64, "too much padding");
	if (left != 0)
		FAIL(ERR_BASE64, "bits left over at the end");
	return OK;
}

err_t
text_unbase64(struct arena *a, struct str s, struct str *ret)
{
	uint8_t *to = arena_alloc(a, s.n / 4 * 3 + 3);
	size_t n = 0, chars = 0, pads = 0;
	uint32_t v = 0; /* bits read and not yet written: 0, 2, 4 or 6 of them */

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		int d = decode_char(c);

		if (is_space(c))
			continue;
		if (c == '=') {
			pads++;
			continue;
		}
		if (d < 0)
			FAIL(ERR_BASE64, "byte 0x%02x at %zu", c, i);
		if (pads > 0)
			FAIL(ERR_BASE64, "a character after the padding at %zu", i);
		v = v << 6 | (uint32_t)d;
		if (chars++ % 4 == 0)
			continue;
		switch (chars % 4) {
		case 2:
			to[n++] = (uint8_t)(v >> 4);
			v &= 15;
			break;
		case 3:
			to[n++] = (uint8_t)(v >> 2);
			v &= 3;
			break;
		case 0:
			to[n++] = (uint8_t)v;
			v = 0;
			break;
		}
	}
	TRY(check_end(chars, pads, v));
	*ret = str_of(to, n);
	return OK;
}

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

/* Where `what` stands at the start of a line of s; s.n if nowhere. */
static size_t
line_with(struct str s, struct str what)
{
	size_t at = 0;

	while (s.n - at >= what.n) {
		const uint8_t *nl;

		if (str_starts(str_of(s.p + at, s.n - at), what))
			return at;
		nl = memchr(s.p + at, '\n', s.n - at);
		if (nl == NULL)
			break;
		at = (size_t)(nl - s.p) + 1;
	}
	return s.n;
}

/* What stands between a boundary's keyword and its dashes. Takes the whole line from *in. */
static err_t
boundary(struct str *in, struct str keyword, struct str *retlabel)
{
	struct str rest = *in;
	struct str line = str_trim(str_cut(&rest, '\n'));
	struct str dashes = LIT(DASHES);

	if (line.n < keyword.n + dashes.n ||
	    !str_starts(str_of(line.p + line.n - dashes.n, dashes.n), dashes))
		FAIL(ERR_MALFORMED, "a PEM boundary without its dashes");
	*retlabel = str_of(line.p + keyword.n, line.n - keyword.n - dashes.n);
	*in = rest;
	return OK;
}

/* One block, from its BEGIN, which stands at the front of *in. */
static err_t
unpem_block(struct str *in, struct str *retlabel, struct str *retbody)
{
	struct str label, endlabel;
	size_t n;

	TRY(boundary(in, LIT(BEGIN), &label));
	n = line_with(*in, LIT(END));
	if (n == in->n)
		FAIL(ERR_TRUNCATED, "a PEM block without its end");
	*retbody = str_of(in->p, n);
	*in = str_of(in->p + n, in->n - n);
	TRY(boundary(in, LIT(END), &endlabel));
	if (!str_eq(label, endlabel))
		FAIL(ERR_MALFORMED, "a PEM block ends with another label than it begins with");
	*retlabel = label;
	return OK;
}

err_t
text_unpem(
    struct arena *a, struct str s, const char *label, struct str *ret, size_t max, size_t *retn)
{
	struct str *found = arena_array(a, max, sizeof(*found));
	size_t n = 0;
	size_t at = line_with(s, LIT(BEGIN));

	if (s.n == 0)
		FAIL(ERR_MALFORMED, "empty");
	if (max == 0)
		FAIL(ERR_TOO_LARGE, "no object is wanted");
	if (at == s.n)
		found[n++] = s;
	while (at < s.n) {
		struct str name, body;

		s = str_of(s.p + at, s.n - at);
		TRY(unpem_block(&s, &name, &body));
		at = line_with(s, LIT(BEGIN));
		if (label != NULL && !str_eq_c(name, label))
			continue;
		if (n == max)
			FAIL(ERR_TOO_LARGE, "more than %zu PEM blocks", max);
		TRY(text_unbase64(a, body, &found[n]));
		n++;
	}
	if (n == 0)
		FAIL(ERR_MALFORMED, "no PEM block named %s", label);
	memcpy(ret, found, n * sizeof(*ret));
	*retn = n;
	return OK;
}

char *
text_pem(struct arena *a, const char *label, struct str der)
{
	const char *body = text_base64(a, der);
	size_t n = strlen(body), at = 0;
	size_t lines = (n + PEM_LINE - 1) / PEM_LINE;
	char *to = arena_alloc(a, n + lines + 2 * (sizeof(BEGIN DASHES) + strlen(label)) + 1);
	char *q = to;

	q = stpcpy(stpcpy(stpcpy(q, BEGIN), label), DASHES "\n");
	while (at < n) {
		size_t take = n - at < PEM_LINE ? n - at : PEM_LINE;

		q = mempcpy(q, body + at, take);
		*q++ = '\n';
		at += take;
	}
	stpcpy(stpcpy(stpcpy(q, END), label), DASHES "\n");
	return to;
}

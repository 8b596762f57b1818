/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648) and PEM (RFC 7468) of base/text.h. */
#include "base/text.h"

#include <assert.h>

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define PEM_LINE 64u /* RFC 7468 2 */

/* Writes the characters of one or two bytes; returns how many those are, without padding. */
static size_t
encode_group(const char *alphabet, struct str s, char to[4])
{
	uint32_t v = (uint32_t)s.p[0] << 16;

	if (s.n > 1)
		v |= (uint32_t)s.p[1] << 8;
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
	for (; s.n >= 3; s = str_of(s.p + 3, s.n - 3)) {
		uint32_t v = (uint32_t)s.p[0] << 16 | (uint32_t)s.p[1] << 8 | s.p[2];

		to[n++] = alphabet[v >> 18];
		to[n++] = alphabet[v >> 12 & 63];
		to[n++] = alphabet[v >> 6 & 63];
		to[n++] = alphabet[v & 63];
	}
	if (s.n > 0)
		n += encode_group(alphabet, s, to + n);
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

#define NONE 64u

/* What the characters from '+' to 'z' stand for in either alphabet; 0 also for those in neither. */
static const uint8_t values['z' - '+' + 1] = { 62, 0, 62, 0, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60,
	61, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	19, 20, 21, 22, 23, 24, 25, 0, 0, 0, 0, 63, 0, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
	37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51 };

/* NONE: in neither alphabet */
static uint32_t
decode_char(uint8_t c)
{
	if (c < '+' || c > 'z' || (values[c - '+'] == 0 && c != 'A'))
		return NONE;
	return values[c - '+'];
}

/* Whole groups from the start, up to the first that has anything else in it; how many characters those are. */
static size_t
decode_groups(struct str s, uint8_t *to)
{
	size_t at = 0;

	for (; s.n - at >= 4; at += 4) {
		uint32_t a = decode_char(s.p[at]), b = decode_char(s.p[at + 1]);
		uint32_t c = decode_char(s.p[at + 2]), d = decode_char(s.p[at + 3]);

		if ((a | b | c | d) >= NONE)
			break;
		*to++ = (uint8_t)(a << 2 | b >> 4);
		*to++ = (uint8_t)(b << 4 | c >> 2);
		*to++ = (uint8_t)(c << 6 | d);
	}
	return at;
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
	size_t chars = decode_groups(s, to), n = chars / 4 * 3, pads = 0;
	uint32_t v = 0; /* bits read and not yet written: 0, 2, 4 or 6 of them */

	for (size_t i = chars; i < s.n; i++) {
		uint8_t c = s.p[i];
		uint32_t d = decode_char(c);

		if (is_space(c))
			continue;
		if (c == '=') {
			pads++;
			continue;
		}
		if (d == NONE)
			FAIL(ERR_BASE64, "byte 0x%02x at %zu", c, i);
		if (pads > 0)
			FAIL(ERR_BASE64, "a character after the padding at %zu", i);
		v = v << 6 | d;
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/csv.h"

#include "base/text.h"

static size_t
count_of(struct str s, uint8_t c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && s.p[i] != '\n'; i++)
		n += s.p[i] == c;
	return n;
}

err_t
csv_open(struct arena *a, struct str in, struct csv *ret)
{
	TRY(text_utf8(in));
	if (str_starts(in, LIT("\xef\xbb\xbf")))
		in = str_of(in.p + 3, in.n - 3);
	*ret = (struct csv){ .a = a,
		.rest = in,
		.separator = count_of(in, ';') > count_of(in, ',') ? ';' : ',',
		.line = 1 };
	return OK;
}

static bool
at_end_of_line(const struct csv *c)
{
	return c->rest.n == 0 || c->rest.p[0] == '\n' ||
	    (c->rest.p[0] == '\r' && c->rest.n > 1 && c->rest.p[1] == '\n');
}

static void
skip(struct csv *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c->line += c->rest.p[i] == '\n';
	c->rest = str_of(c->rest.p + n, c->rest.n - n);
}

static void
skip_line_end(struct csv *c)
{
	if (c->rest.n > 0)
		skip(c, c->rest.p[0] == '\r' ? 2 : 1);
}

/* Bytes up to the closing quote, doubled ones counted twice; all that is left if there is none. */
static size_t
quoted_length(const struct csv *c)
{
	size_t n = 0;

	while (n < c->rest.n &&
	    (c->rest.p[n] != '"' || (n + 1 < c->rest.n && c->rest.p[n + 1] == '"')))
		n += c->rest.p[n] == '"' ? 2 : 1;
	return n < c->rest.n ? n : c->rest.n;
}

/* After the opening quote. */
static err_t
quoted_take(struct csv *c, const char **ret)
{
	size_t line = c->line, n = 0;
	char *out = arena_alloc(c->a, quoted_length(c) + 1);

	for (;;) {
		if (c->rest.n == 0)
			FAIL(ERR_MALFORMED, "line %zu: a quote is not closed", line);
		if (c->rest.p[0] == '"') {
			if (c->rest.n < 2 || c->rest.p[1] != '"')
				break;
			skip(c, 1);
		}
		out[n++] = (char)c->rest.p[0];
		skip(c, 1);
	}
	skip(c, 1);
	if (!at_end_of_line(c) && c->rest.p[0] != (uint8_t)c->separator)
		FAIL(ERR_MALFORMED, "line %zu: text after a closing quote", c->line);
	*ret = out;
	return OK;
}

static err_t
field_take(struct csv *c, const char **ret)
{
	size_t n = 0;

	if (c->rest.n > 0 && c->rest.p[0] == '"') {
		skip(c, 1);
		return quoted_take(c, ret);
	}
	while (n < c->rest.n && c->rest.p[n] != '\n' && c->rest.p[n] != (uint8_t)c->separator)
		n++;
	*ret = arena_cstr(c->a, str_trim(str_of(c->rest.p, n)));
	if (n > 0 && c->rest.p[n - 1] == '\r' && n < c->rest.n && c->rest.p[n] == '\n')
		n--; /* of the line end; str_trim() has dropped it from the text */
	skip(c, n);
	return OK;
}

err_t
csv_next(struct csv *c, struct csv_record *ret, bool *ret_more)
{
	while (c->rest.n > 0 && at_end_of_line(c))
		skip_line_end(c);
	*ret_more = c->rest.n > 0;
	if (!*ret_more)
		return OK;
	ret->line = c->line;
	ret->n = 0;
	for (;;) {
		if (ret->n == CSV_FIELDS)
			FAIL(ERR_MALFORMED, "line %zu: more than %u fields", ret->line, CSV_FIELDS);
		TRY(field_take(c, &ret->v[ret->n++]));
		if (at_end_of_line(c))
			break;
		skip(c, 1);
	}
	skip_line_end(c);
	return OK;
}

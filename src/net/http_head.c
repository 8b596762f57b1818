/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads and chunked bodies. See http_head.h. */
#include "net/http_head.h"

#include <ctype.h>
#include <strings.h>

#include "base/limits.h"
#include "base/text.h"

#define CHUNK_DIGITS 8u
#define CHUNK_SKIP 4096u

size_t
http_head_end(struct str in)
{
	const uint8_t *p = in.p;
	size_t left = in.n;

	/* Also after a bare LF, so that a sloppy client gets its 400 at once. */
	while (left > 0) {
		const uint8_t *lf = memchr(p, '\n', left);

		if (lf == NULL)
			return 0;
		left -= (size_t)(lf + 1 - p);
		p = lf + 1;
		if (left >= 1 && p[0] == '\n')
			return (size_t)(p + 1 - in.p);
		if (left >= 2 && p[0] == '\r' && p[1] == '\n')
			return (size_t)(p + 2 - in.p);
	}
	return 0;
}

/* RFC 9110 5.6.2 */
static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum(s.p[i]) && (s.p[i] == 0 || strchr("!#$%&'*+-.^_`|~", s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

static err_t
take_line(struct str *in, struct str *ret)
{
	const uint8_t *lf = memchr(in->p, '\n', in->n);
	struct str line;

	if (lf == NULL || lf == in->p || lf[-1] != '\r')
		FAIL(ERR_BAD_REQUEST, "a line of the request does not end with CR LF");
	line = str_of(in->p, (size_t)(lf - in->p) - 1);
	in->n -= line.n + 2;
	in->p += line.n + 2;
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7F)
			FAIL(ERR_BAD_REQUEST, "a control character in the head of the request");
	*ret = line;
	return OK;
}

/* RFC 9112 3.2: origin form, or absolute form with its authority dropped (Host must be there
 * anyway). */
static err_t
parse_target(struct arena *a, struct str s, const char **ret)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] == 0x7F)
			FAIL(ERR_BAD_REQUEST, "a blank or control character in the target");
	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (s.n <= n || strncasecmp((const char *)s.p, schemes[i], n) != 0)
			continue;
		s.p += n;
		s.n -= n;
		while (s.n > 0 && *s.p != '/') {
			s.p++;
			s.n--;
		}
		break;
	}
	if (s.n == 0 || s.p[0] != '/')
		FAIL(ERR_BAD_REQUEST, "the target is not a path");
	*ret = arena_cstr(a, s);
	return OK;
}

static err_t
parse_request_line(struct arena *a, struct str line, struct http_head *h)
{
	struct str method = str_cut(&line, ' ');
	struct str target = str_cut(&line, ' ');

	if (!is_token(method) || method.n > 16)
		FAIL(ERR_BAD_REQUEST, "the method is not a token");
	if (str_eq_c(line, "HTTP/1.1"))
		h->minor = 1;
	else if (str_eq_c(line, "HTTP/1.0"))
		h->minor = 0;
	else
		FAIL(ERR_BAD_REQUEST, "the version is not HTTP/1.0 or HTTP/1.1");
	h->method = arena_cstr(a, method);
	return parse_target(a, target, &h->target);
}

static err_t
parse_field(struct arena *a, struct str line, struct http_field *ret)
{
	size_t before = line.n;
	struct str name = str_cut(&line, ':');

	if (name.n == before)
		FAIL(ERR_BAD_REQUEST, "a header field without a colon");
	if (!is_token(name)) /* also refuses folded lines and blanks before the colon */
		FAIL(ERR_BAD_REQUEST, "the name of a header field is not a token");
	ret->name = arena_cstr(a, name);
	ret->value = arena_cstr(a, str_trim(line));
	return OK;
}

/* Counts the fields of a name; *ret is the value of the last. */
static size_t
count_fields(const struct http_head *h, const char *name, const char **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < h->nfields; i++) {
		if (strcasecmp(h->fields[i].name, name) != 0)
			continue;
		*ret = h->fields[i].value;
		n++;
	}
	return n;
}

static bool
list_has(const char *list, const char *token)
{
	struct str rest = str_c(list);

	while (rest.n > 0)
		if (str_ieq_c(str_trim(str_cut(&rest, ',')), token))
			return true;
	return false;
}

static err_t
check_length(struct http_head *h)
{
	const char *length = "", *coding = "";
	size_t nlength = count_fields(h, "content-length", &length);
	size_t ncoding = count_fields(h, "transfer-encoding", &coding);
	int64_t v;

	if (nlength > 1 || ncoding > 1 || (nlength > 0 && ncoding > 0))
		FAIL(ERR_BAD_REQUEST, "the length of the body is given twice");
	if (ncoding > 0) {
		if (h->minor == 0 || strcasecmp(coding, "chunked") != 0)
			FAIL(ERR_BAD_REQUEST, "the only transfer coding is chunked, with HTTP/1.1");
		h->chunked = true;
	}
	if (nlength > 0) {
		if (!isdigit((unsigned char)length[0]))
			FAIL(ERR_BAD_REQUEST, "Content-Length is not a number");
		TRY_CTX(text_i64(str_c(length), 0, INT64_MAX, &v), "Content-Length");
		h->length = (uint64_t)v;
	}
	return OK;
}

static err_t
check_host(const struct http_head *h)
{
	const char *host = "";

	if (count_fields(h, "host", &host) != 1)
		FAIL(ERR_BAD_REQUEST, "there must be one Host");
	for (const char *p = host; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-._:[]%~", *p) == NULL)
			FAIL(ERR_BAD_REQUEST, "Host is not a host name");
	return OK;
}

static void
read_connection(struct http_head *h)
{
	bool keep = false;

	for (size_t i = 0; i < h->nfields; i++) {
		if (strcasecmp(h->fields[i].name, "connection") == 0) {
			h->close |= list_has(h->fields[i].value, "close");
			keep |= list_has(h->fields[i].value, "keep-alive");
		}
		if (strcasecmp(h->fields[i].name, "expect") == 0)
			h->expect |= strcasecmp(h->fields[i].value, "100-continue") == 0;
	}
	if (h->minor == 0) {
		h->close |= !keep;
		h->expect = false;
	}
}

err_t
http_head_parse(struct arena *a, struct str in, struct http_head *ret)
{
	struct http_head h = { 0 };
	struct str line;

	TRY(take_line(&in, &line));
	TRY(parse_request_line(a, line, &h));
	h.fields = arena_array(a, LIMIT_HTTP_FIELDS, sizeof(*h.fields));
	for (;;) {
		TRY(take_line(&in, &line));
		if (line.n == 0)
			break;
		if (h.nfields == LIMIT_HTTP_FIELDS)
			FAIL(ERR_BAD_REQUEST, "more than %u header fields", LIMIT_HTTP_FIELDS);
		TRY(parse_field(a, line, &h.fields[h.nfields]));
		h.nfields++;
	}
	if (in.n != 0)
		FAIL(ERR_BAD_REQUEST, "bytes after the head");
	TRY(check_length(&h));
	TRY(check_host(&h));
	read_connection(&h);
	*ret = h;
	return OK;
}

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXT,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LINE,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF
};

static err_t
chunk_expect(uint8_t c, uint8_t want)
{
	if (c != want)
		FAIL(ERR_BAD_REQUEST, "a chunk of the body is not ended with CR LF");
	return OK;
}

static err_t
chunk_skip(struct http_chunks *c, uint8_t byte)
{
	if ((byte < 0x20 && byte != '\t') || byte == 0x7F)
		FAIL(ERR_BAD_REQUEST, "a control character between the chunks of the body");
	if (++c->skipped > CHUNK_SKIP)
		FAIL(ERR_BAD_REQUEST, "too much between the chunks of the body");
	return OK;
}

static err_t
chunk_size(struct http_chunks *c, uint8_t byte)
{
	if (isxdigit(byte)) {
		if (++c->digits > CHUNK_DIGITS)
			FAIL(ERR_TOO_LARGE, "a chunk of the body");
		c->left = c->left * 16 +
		    (isdigit(byte) ? (uint64_t)(byte - '0') : (uint64_t)((byte | 0x20) - 'a' + 10));
		return OK;
	}
	if (c->digits == 0)
		FAIL(ERR_BAD_REQUEST, "a chunk of the body without a size");
	c->digits = 0;
	if (byte == '\r') {
		c->state = CHUNK_SIZE_LF;
		return OK;
	}
	if (byte != ';')
		FAIL(ERR_BAD_REQUEST, "the size of a chunk is not a number");
	c->state = CHUNK_EXT;
	return OK;
}

/* One byte of anything but data. */
static err_t
chunk_byte(struct http_chunks *c, uint8_t byte, bool *done)
{
	switch ((enum chunk_state)c->state) {
	case CHUNK_SIZE:
		return chunk_size(c, byte);
	case CHUNK_EXT:
		if (byte != '\r')
			return chunk_skip(c, byte);
		c->state = CHUNK_SIZE_LF;
		return OK;
	case CHUNK_SIZE_LF:
		c->state = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
		return chunk_expect(byte, '\n');
	case CHUNK_DATA_CR:
		c->state = CHUNK_DATA_LF;
		return chunk_expect(byte, '\r');
	case CHUNK_DATA_LF:
		c->state = CHUNK_SIZE;
		return chunk_expect(byte, '\n');
	case CHUNK_TRAILER:
		c->state = byte == '\r' ? CHUNK_END_LF : CHUNK_TRAILER_LINE;
		return byte == '\r' ? OK : chunk_skip(c, byte);
	case CHUNK_TRAILER_LINE:
		if (byte != '\r')
			return chunk_skip(c, byte);
		c->state = CHUNK_TRAILER_LF;
		return OK;
	case CHUNK_TRAILER_LF:
		c->state = CHUNK_TRAILER;
		return chunk_expect(byte, '\n');
	case CHUNK_END_LF:
		*done = true;
		return chunk_expect(byte, '\n');
	case CHUNK_DATA:
		break;
	}
	FAIL(ERR_INTERNAL, "chunk state %d", c->state);
}

err_t
http_chunks_feed(struct http_chunks *c, struct str in, struct buf *out, size_t *used, bool *done)
{
	size_t i = 0;
	bool end = false;

	while (i < in.n && !end) {
		if (c->state == CHUNK_DATA) {
			size_t n = in.n - i < c->left ? in.n - i : (size_t)c->left;

			TRY(buf_put(out, str_of(in.p + i, n)));
			i += n;
			c->left -= n;
			if (c->left == 0)
				c->state = CHUNK_DATA_CR;
			continue;
		}
		TRY(chunk_byte(c, in.p[i], &end));
		i++;
	}
	*used = i;
	*done = end;
	return OK;
}

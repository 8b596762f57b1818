/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are made while they are sent. See http.h; http_conn.c asks for the next piece when one is out. */
#include "net/http_int.h"

#include <assert.h>

#include "base/limits.h"
#include "net/http_range.h"

/* RFC 9110 13.1.5: without If-Range, or with the tag that the bytes have, the part counts. A date never matches. */
static bool
range_counts(const struct http_req *r, const char *etag)
{
	const char *when = http_header(r, "if-range");

	return when == NULL || strcmp(when, etag) == 0;
}

/* RFC 9110 15.5.17; *ret_past: it was answered so. */
static err_t
past_end(struct http_req *r, uint64_t size, bool *ret_past)
{
	*ret_past = true;
	http_reply_header(
	    r, "Content-Range", arena_printf(r->arena, "bytes */%llu", (unsigned long long)size));
	return http_reply(r, 416, "text/plain; charset=utf-8",
	    str_c(arena_printf(r->arena,
		"The part that was asked for lies past the end: there are %llu bytes. Fetch it anew from the start.\n",
		(unsigned long long)size)));
}

static err_t
part(struct http_req *r, const struct http_stream *s, bool *ret_past)
{
	const char *range = http_header(r, "range");

	r->at = 0;
	r->end = s->size;
	r->status = 200;
	*ret_past = false;
	if (range == NULL || !range_counts(r, s->etag))
		return OK;
	switch (http_range_read(str_c(range), s->size, &r->at, &r->end)) {
	case HTTP_RANGE_WHOLE:
		return OK;
	case HTTP_RANGE_NEVER:
		break;
	case HTTP_RANGE_PART:
		r->status = 206;
		http_reply_header(r, "Content-Range",
		    arena_printf(r->arena, "bytes %llu-%llu/%llu", (unsigned long long)r->at,
			(unsigned long long)r->end - 1, (unsigned long long)s->size));
		return OK;
	}
	r->end = 0;
	return past_end(r, s->size, ret_past);
}

err_t
http_reply_stream(struct http_req *r, const struct http_stream *s)
{
	struct http *h = r->http;
	bool past;

	assert(!r->replied && r->pull == NULL);
	if (r->inner)
		FAIL(ERR_UNSUPPORTED, "a file within a batch");
	TRY(part(r, s, &past));
	if (past)
		return OK;
	if (atomic_fetch_add(&h->streams, 1) >= LIMIT_HTTP_STREAMS) {
		atomic_fetch_sub(&h->streams, 1);
		r->end = r->at = 0;
		FAIL(ERR_BUSY, "%u downloads are under way", LIMIT_HTTP_STREAMS);
	}
	metric_inc(&h->m.streams, 1);
	r->pull = s->pull;
	http_reply_header(r, "ETag", s->etag);
	http_reply_header(r, "Accept-Ranges", "bytes");
	r->out_type = arena_strdup(r->arena, s->type);
	r->replied = true;
	return OK;
}

void
stream_end(const struct http_req *r)
{
	if (r->pull == NULL)
		return;
	atomic_fetch_sub(&r->http->streams, 1);
	metric_inc(&r->http->m.streams, -1);
}

static err_t
pull(struct http_req *r)
{
	uint64_t left = r->end - r->at;

	buf_free(&r->out_body);
	buf_init(&r->out_body, left < LIMIT_HTTP_PIECE ? (size_t)left : LIMIT_HTTP_PIECE);
	TRY(r->pull(r, r->at, &r->out_body));
	if (r->out_body.n == 0)
		FAIL(ERR_INTERNAL, "no bytes from %llu on", (unsigned long long)r->at);
	r->at += r->out_body.n;
	return OK;
}

/* What on_error writes is for the log alone: the head is out long ago. */
static void
tell(struct http_req *r, err_t e)
{
	r->broken = true;
	r->replied = false;
	buf_free(&r->out_body);
	buf_init(&r->out_body, SIZE_MAX / 8);
	r->mount->on_error(r, e);
	buf_reset(&r->out_body);
	r->replied = true;
}

void
stream_pull(struct http_req *r)
{
	err_t e;

	r->runs++;
	r->run_arena = arena_new();
	e = pull(r);
	if (!err_ok(e))
		tell(r, e);
	arena_free(steal(r->run_arena));
	r->caller = NULL;
}

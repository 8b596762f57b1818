/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /chancery/v1/reports/{token}: a report's bytes in a ZIP archive of one file, sent while they are read from the store. Who
 * lost the connection asks for the rest (Range, If-Range). The address is all that it takes: 32 random bytes, shown to those who
 * may see the export job (api/reports.c), and good until the report is dropped, also in the middle of a download.
 */
#include "codec/zip.h"
#include "store/report.h"

#include "api/reply.h"
#include "base/limits.h"

struct fetching {
	struct arena *a;
	const char *token;
	struct report_job job;
	struct str head, tail; /* of the archive */
	uint64_t at;
	struct buf *out; /* NULL: the bytes are not asked for */
};

static err_t
find(struct tx *tx, struct fetching *x)
{
	struct zip_file f;

	TRY(store_report_by_token(tx, x->a, x->token, &x->job));
	if (x->job.expires <= when_now())
		FAIL(ERR_NOT_FOUND, "the report was dropped; ask for it again");
	f = (struct zip_file){ .name = arena_printf(x->a, "%s.%s", x->job.id, x->job.format),
		.crc = x->job.crc,
		.size = (uint64_t)x->job.size,
		.modified = x->job.created };
	TRY(zip_head(x->a, &f, &x->head));
	return zip_tail(x->a, &f, &x->tail);
}

/* What of s, which begins at `start` of the whole, comes next; as much as there is room for. */
static err_t
put_from(struct fetching *x, uint64_t start, struct str s)
{
	uint64_t skip = x->at - start;
	size_t room = x->out->max - x->out->n, n;

	n = skip >= s.n ? 0 : s.n - (size_t)skip;
	n = n > room ? room : n;
	if (n == 0)
		return OK;
	x->at += n;
	return buf_put(x->out, str_of(s.p + skip, n));
}

static err_t
put_parts(struct tx *tx, struct fetching *x)
{
	uint64_t end = x->head.n + (uint64_t)x->job.size;

	while (x->at < end && x->out->n < x->out->max) {
		auto_arena struct arena *a = arena_new();
		uint64_t start = x->at;
		struct str part;

		TRY(store_report_bytes_at(tx, a, x->job.id, (int64_t)(x->at - x->head.n),
		    (int64_t)(x->out->max - x->out->n), &part));
		TRY(put_from(x, start, part));
		if (x->at == start)
			FAIL(ERR_INTERNAL, "report %s has a gap at %llu", x->job.id,
			    (unsigned long long)start);
	}
	return OK;
}

static err_t
collect(struct tx *tx, void *arg)
{
	struct fetching *x = arg;
	uint64_t end;

	TRY(find(tx, x));
	if (x->out == NULL)
		return OK;
	end = x->head.n + (uint64_t)x->job.size;
	if (x->at < x->head.n)
		TRY(put_from(x, 0, x->head));
	TRY(put_parts(tx, x));
	return x->at < end ? OK : put_from(x, end, x->tail);
}

static err_t
pull(struct http_req *r, uint64_t at, struct buf *out)
{
	struct fetching x = {
		.a = http_arena(r), .token = http_param(r, "token"), .at = at, .out = out
	};

	return store_read(api_of(r)->store, collect, &x);
}

static err_t
get(struct http_req *r)
{
	struct fetching x = { .a = http_arena(r), .token = http_param(r, "token") };
	struct http_stream s = { .type = "application/zip", .pull = pull };
	const char *request, *client;

	TRY(store_read(api_of(r)->store, collect, &x));
	reply_headers(r, &request, &client);
	http_reply_header(r, "Content-Disposition",
	    arena_printf(x.a, "attachment; filename=\"%s.zip\"", x.job.id));
	http_reply_header(r, "Cache-Control", "no-store");
	s.etag = arena_printf(x.a, "\"%s-%08x\"", x.job.id, x.job.crc);
	s.size = x.head.n + (uint64_t)x.job.size + x.tail.n;
	return http_reply_stream(r, &s);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/reports/{token}", PERM_PUBLIC, get),
	{ 0 },
};

const struct resource resource_report_file = { "report_file", routes };

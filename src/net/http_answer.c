/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an answer as bytes (RFC 9112 4). */
#include "net/http_int.h"

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 302, "Found" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Status";
}

/* RFC 9110 5.6.7; the names do not depend on a locale. */
static void
put_date(struct evbuffer *out)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t now = (time_t)when_now();
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL)
		return;
	evbuffer_add_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
answer_head(struct evbuffer *out, const struct http_req *r, bool close)
{
	bool bodyless = r->status == 204 || r->status == 304;
	uint64_t length = r->pull == NULL ? r->out_body.n : r->end - r->at;

	evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", r->status, reason(r->status));
	put_date(out);
	if (r->out_type != NULL && !bodyless)
		evbuffer_add_printf(out, "Content-Type: %s\r\n", r->out_type);
	if (!bodyless)
		evbuffer_add_printf(out, "Content-Length: %llu\r\n", (unsigned long long)length);
	if (close)
		evbuffer_add_printf(out, "Connection: close\r\n");
	else if (r->head.minor == 0)
		evbuffer_add_printf(out, "Connection: keep-alive\r\n");
	evbuffer_add(out, r->out_head.p, r->out_head.n);
	evbuffer_add(out, "\r\n", 2);
}

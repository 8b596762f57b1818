/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and chunked bodies of requests. */
#include "expect.h"

#include "base/limits.h"
#include "net/http_head.h"

static err_t
parse(struct arena *a, const char *text, struct http_head *h)
{
	struct str in = str_c(text);

	assert_int_equal(http_head_end(in), in.n);
	return http_head_parse(a, in, h);
}

static void
reads_a_request(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct http_head h;

	(void)state;
	expect_ok(parse(a,
	    "POST /a/b?c=d HTTP/1.1\r\nHost: x:1\r\nContent-Length: 12\r\nX:  y z \r\n\r\n", &h));
	assert_string_equal(h.method, "POST");
	assert_string_equal(h.target, "/a/b?c=d");
	assert_int_equal(h.length, 12);
	assert_int_equal(h.minor, 1);
	assert_false(h.chunked);
	assert_false(h.close);
	assert_string_equal(h.fields[2].value, "y z");
}

static void
reads_the_absolute_form(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct http_head h;

	(void)state;
	expect_ok(parse(a, "GET HTTPS://x:1/a HTTP/1.1\r\nHost: x:1\r\n\r\n", &h));
	assert_string_equal(h.target, "/a");
}

static void
knows_when_the_connection_ends(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct http_head h;

	(void)state;
	expect_ok(parse(a, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, Close\r\n\r\n", &h));
	assert_true(h.close);
	expect_ok(parse(a, "GET / HTTP/1.0\r\nHost: x\r\n\r\n", &h));
	assert_true(h.close);
	expect_ok(parse(a, "GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", &h));
	assert_false(h.close);
}

static void
waits_for_the_whole_head(void **state)
{
	(void)state;
	assert_int_equal(http_head_end(LIT("GET / HTTP/1.1\r\nHost: x\r\n")), 0);
	assert_int_equal(http_head_end(LIT("GET / HTTP/1.1\r\nHost: x\r\n\r")), 0);
	assert_int_equal(http_head_end(LIT("")), 0);
}

static void
refuses_what_two_readers_could_read_differently(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
		"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
		"GET / HTTP/0.9\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.10\r\nHost: x\r\n\r\n",
		"GET / http/1.1\r\nHost: x\r\n\r\n",
		"GET /\r\nHost: x\r\n\r\n",
		"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
		"G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\nHost: x\n\n",
		"GET / HTTP/1.1\r\nHost: x\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nnocolon\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n",
	};
	static const char *const numbers[] = {
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\n",
	};
	auto_arena struct arena *a = arena_new();
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		err_t e = parse(a, bad[i], &h);

		if (!err_is(e, ERR_BAD_REQUEST))
			print_error("row %zu\n", i);
		expect_err(ERR_BAD_REQUEST, e);
	}
	for (size_t i = 0; i < COUNT(numbers); i++)
		expect_err(ERR_NUMBER, parse(a, numbers[i], &h));
	expect_err(ERR_BAD_REQUEST,
	    http_head_parse(a, STR("GET / HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n"), &h));
}

static void
refuses_too_many_fields(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct http_head h;

	(void)state;
	buf_init(&b, 65536);
	expect_ok(buf_puts(&b, "GET / HTTP/1.1\r\nHost: x\r\n"));
	for (unsigned i = 0; i < LIMIT_HTTP_FIELDS; i++)
		expect_ok(buf_puts(&b, "X: y\r\n"));
	expect_ok(buf_puts(&b, "\r\n"));
	expect_err(ERR_BAD_REQUEST, http_head_parse(a, buf_str(&b), &h));
}

/* Feeds the text in pieces of `step` bytes. */
static err_t
chunks(const char *text, size_t step, struct buf *out, bool *done)
{
	struct http_chunks c = { 0 };
	struct str in = str_c(text);

	*done = false;
	while (in.n > 0 && !*done) {
		size_t used = 0;

		TRY(http_chunks_feed(
		    &c, str_of(in.p, in.n < step ? in.n : step), out, &used, done));
		in.p += used;
		in.n -= used;
	}
	assert_true(!*done || in.n == 0);
	return OK;
}

static void
joins_chunks_however_they_come(void **state)
{
	static const char text[] = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n00\r\nTrailer: z\r\n\r\n";

	(void)state;
	for (size_t step = 1; step <= sizeof(text); step++) {
		auto_buf struct buf b;
		bool done;

		buf_init(&b, 64);
		expect_ok(chunks(text, step, &b, &done));
		assert_true(done);
		assert_true(str_eq(buf_str(&b), LIT("abc0123456789")));
	}
}

static void
refuses_bad_chunks(void **state)
{
	static const char *const bad[] = { "\r\nabc", "g\r\n", "3\nabc", "3\r\nabcd\r\n",
		"3\r\nabc\n0\r\n\r\n", "-1\r\n", "3 \r\nabc\r\n", "0\r\n\r\r", "1;\x01\r\n" };
	auto_buf struct buf b;
	bool done;

	(void)state;
	buf_init(&b, 64);
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_BAD_REQUEST, chunks(bad[i], 100, &b, &done));
	expect_err(ERR_TOO_LARGE, chunks("123456789\r\n", 100, &b, &done));
	expect_err(ERR_TOO_LARGE,
	    chunks("41\r\n01234567890123456789012345678901234567890123456789012345678901234", 100,
		&b, &done));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_request),
		cmocka_unit_test(reads_the_absolute_form),
		cmocka_unit_test(knows_when_the_connection_ends),
		cmocka_unit_test(waits_for_the_whole_head),
		cmocka_unit_test(refuses_what_two_readers_could_read_differently),
		cmocka_unit_test(refuses_too_many_fields),
		cmocka_unit_test(joins_chunks_however_they_come),
		cmocka_unit_test(refuses_bad_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

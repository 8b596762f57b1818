/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are made while they are sent, taken by libcurl and by bare sockets. */
#include "expect.h"

#include <poll.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "net/fetch.h"
#include "server.h"

#define SIZE ((uint64_t)3 * LIMIT_HTTP_PIECE + 1234)
#define ETAG "\"one\""

struct fixture {
	struct http *http;
	unsigned port;
	_Atomic size_t pulls;
	_Atomic uint64_t fail_at; /* 0: never */
	_Atomic int errors;       /* that on_error was told */
	_Atomic int done_200, done_206, done_499, done_500;
	_Atomic size_t largest;
	struct metrics *metrics;
	struct arena *a;
	struct fetch *fetch;
	/* what came */
	struct buf got;
	int status;
};

static uint8_t
byte_at(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static err_t
pull(struct http_req *r, uint64_t at, struct buf *out)
{
	struct fixture *f = http_ctx(r);
	uint64_t fail_at = atomic_load(&f->fail_at);

	atomic_fetch_add(&f->pulls, 1);
	if (fail_at != 0 && at >= fail_at)
		FAIL(ERR_FILE, "gone");
	if (out->max > atomic_load(&f->largest))
		atomic_store(&f->largest, out->max);
	for (size_t n = 0; n < out->max; n++)
		TRY(buf_putc(out, byte_at(at + n)));
	return OK;
}

static err_t
pull_none(struct http_req *r, uint64_t at, struct buf *out)
{
	(void)r;
	(void)at;
	(void)out;
	return OK;
}

static err_t
file(struct http_req *r)
{
	return http_reply_stream(r,
	    &(struct http_stream){
		.type = "application/x-test", .etag = ETAG, .size = SIZE, .pull = pull });
}

static err_t
none(struct http_req *r)
{
	return http_reply_stream(r,
	    &(struct http_stream){
		.type = "application/x-test", .etag = ETAG, .size = 10, .pull = pull_none });
}

/* Made at once: who is looked at is the client. */
static err_t
pull_zeros(struct http_req *r, uint64_t at, struct buf *out)
{
	uint8_t *p;

	(void)r;
	(void)at;
	TRY(buf_reserve(out, out->max, &p));
	memset(p, 0, out->max);
	buf_commit(out, out->max);
	return OK;
}

/* More than kernels keep for a client that does not read. */
static err_t
large(struct http_req *r)
{
	return http_reply_stream(r,
	    &(struct http_stream){
		.type = "a/b", .etag = ETAG, .size = (uint64_t)5 << 30, .pull = pull_zeros });
}

static err_t
empty(struct http_req *r)
{
	return http_reply_stream(
	    r, &(struct http_stream){ .type = "a/b", .etag = ETAG, .size = 0, .pull = pull_none });
}

static err_t
batch(struct http_req *r)
{
	struct http_sub_reply rep;

	TRY(http_sub(r, &(struct http_sub){ .method = HTTP_GET, .target = "/file" }, &rep));
	return http_reply(r, rep.status, rep.type, rep.body);
}

static void
on_error(struct http_req *r, err_t e)
{
	struct fixture *f = http_ctx(r);

	atomic_fetch_add(&f->errors, 1);
	http_reply_header(r, "X-Late", "no");
	server_on_error(r, e);
}

static void
on_done(void *ctx, const char *method, const char *target, int status, size_t bytes, int64_t us)
{
	struct fixture *f = ctx;

	(void)method;
	(void)target;
	(void)bytes;
	(void)us;
	if (status == 200)
		atomic_fetch_add(&f->done_200, 1);
	if (status == 206)
		atomic_fetch_add(&f->done_206, 1);
	if (status == 499)
		atomic_fetch_add(&f->done_499, 1);
	if (status == 500)
		atomic_fetch_add(&f->done_500, 1);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/file", 1, file),
	ROUTE(GET, "/none", 1, none),
	ROUTE(GET, "/large", 1, large),
	ROUTE(GET, "/empty", 1, empty),
	ROUTE(GET, "/batch", 1, batch),
	{ .path = NULL },
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct http_mount mount = {
		.routes = routes, .ctx = f, .gate = server_gate, .on_error = on_error
	};
	struct http_conf conf = { .name = "test",
		.workers = 2,
		.mounts = &mount,
		.nmounts = 1,
		.on_done = on_done,
		.done_ctx = f };
	struct tls_client_conf tls = { 0 };

	f->a = arena_new();
	f->metrics = conf.metrics = metrics_new();
	buf_init(&f->got, SIZE + 1);
	f->http = server_start(&conf, &f->port);
	expect_ok(fetch_new(&tls, &f->fetch));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	http_stop(f->http);
	metrics_free(f->metrics);
	http_free(f->http);
	fetch_free(f->fetch);
	buf_free(&f->got);
	arena_free(f->a);
	free(f);
	return 0;
}

static err_t
put(void *ctx, int status, struct str bytes)
{
	struct fixture *f = ctx;

	f->status = status;
	return buf_put(&f->got, bytes);
}

/* One exchange; *ret is what the answer's head says. */
static err_t
try_get(struct fixture *f, const char *path, const char *header, const char *and,
    struct fetch_reply *ret)
{
	const char *headers[] = { header, and, NULL };
	const struct fetch_sink sink = { put, f };

	buf_reset(&f->got);
	f->status = 0;
	fetch_into(f->fetch, &sink);
	return fetch_run(f->fetch, f->a, "GET",
	    arena_printf(f->a, "http://127.0.0.1:%u%s", f->port, path), headers, STR_EMPTY, 10000,
	    ret);
}

static void
expect_bytes(const struct fixture *f, uint64_t from, uint64_t end)
{
	assert_int_equal(f->got.n, end - from);
	for (uint64_t i = from; i < end; i++)
		if (f->got.p[i - from] != byte_at(i))
			fail_msg("byte %llu", (unsigned long long)i);
}

static void
all_of_it_comes_a_piece_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct fetch_reply rep;

	expect_ok(try_get(f, "/file", NULL, NULL, &rep));
	assert_int_equal(rep.status, 200);
	assert_string_equal(rep.content_type, "application/x-test");
	assert_string_equal(rep.etag, ETAG);
	assert_int_equal(rep.body.n, 0);
	expect_bytes(f, 0, SIZE);
	assert_int_equal(atomic_load(&f->pulls), 4);
	assert_int_equal(atomic_load(&f->largest), LIMIT_HTTP_PIECE);
	/* The connection is good for another one. */
	expect_ok(try_get(f, "/file", NULL, NULL, &rep));
	expect_bytes(f, 0, SIZE);
	expect_ok(try_get(f, "/empty", NULL, NULL, &rep));
	assert_int_equal(rep.status, 200);
	assert_int_equal(f->got.n, 0);
}

static void
the_rest_can_be_asked_for(void **state)
{
	struct fixture *f = *state;
	struct fetch_reply rep;

	expect_ok(try_get(f, "/file", "Range: bytes=300000-", "If-Range: " ETAG, &rep));
	assert_int_equal(rep.status, 206);
	expect_bytes(f, 300000, SIZE);
	expect_ok(try_get(f, "/file", "Range: bytes=5-9", NULL, &rep));
	assert_int_equal(rep.status, 206);
	expect_bytes(f, 5, 10);
	expect_ok(try_get(f, "/file", "Range: bytes=-3", NULL, &rep));
	expect_bytes(f, SIZE - 3, SIZE);
}

static void
another_state_of_the_bytes_is_sent_whole(void **state)
{
	struct fixture *f = *state;
	struct fetch_reply rep;

	expect_ok(try_get(f, "/file", "Range: bytes=300000-", "If-Range: \"two\"", &rep));
	assert_int_equal(rep.status, 200);
	expect_bytes(f, 0, SIZE);
}

static void
a_part_past_the_end_is_refused(void **state)
{
	struct fixture *f = *state;
	struct fetch_reply rep;

	expect_ok(try_get(f, "/file", "Range: bytes=99999999-", NULL, &rep));
	assert_int_equal(rep.status, 416);
	assert_non_null(strstr(arena_cstr(f->a, rep.body),
	    arena_printf(f->a, "%llu bytes", (unsigned long long)SIZE)));
	assert_int_equal(f->got.n, 0);
	expect_ok(try_get(f, "/file", NULL, NULL, &rep));
	expect_bytes(f, 0, SIZE);
}

static void
what_fails_in_the_middle_is_seen_as_cut_off(void **state)
{
	struct fixture *f = *state;
	struct fetch_reply rep;
	auto_buf struct buf text = { 0 };
	const char *metrics;

	buf_init(&text, 1u << 20);
	atomic_store(&f->fail_at, LIMIT_HTTP_PIECE + 1);
	expect_err(ERR_UNREACHABLE, try_get(f, "/file", NULL, NULL, &rep));
	expect_bytes(f, 0, 2 * LIMIT_HTTP_PIECE);
	assert_int_equal(atomic_load(&f->errors), 1);
	expect_err(ERR_UNREACHABLE, try_get(f, "/none", NULL, NULL, &rep));
	atomic_store(&f->fail_at, 0);
	/* And gone on with. */
	expect_ok(try_get(
	    f, "/file", arena_printf(f->a, "Range: bytes=%u-", 2 * LIMIT_HTTP_PIECE), NULL, &rep));
	expect_bytes(f, 2 * LIMIT_HTTP_PIECE, SIZE);
	http_stop(f->http);
	assert_int_equal(atomic_load(&f->done_500), 2);
	assert_int_equal(atomic_load(&f->done_206), 1);
	expect_ok(metrics_print(f->metrics, &text));
	metrics = arena_cstr(f->a, buf_str(&text));
	assert_non_null(strstr(metrics, "chancery_http_streams_broken_total{server=\"test\"} 2"));
	assert_non_null(strstr(metrics, "chancery_http_streams{server=\"test\"} 0"));
}

static err_t
put_fails(void *ctx, int status, struct str bytes)
{
	(void)ctx;
	(void)status;
	(void)bytes;
	FAIL(ERR_FILE, "full");
}

static void
what_the_sink_says_ends_the_exchange(void **state)
{
	struct fixture *f = *state;
	const struct fetch_sink sink = { put_fails, f };
	struct fetch_reply rep;

	fetch_into(f->fetch, &sink);
	expect_err(ERR_FILE,
	    fetch_run(f->fetch, f->a, "GET",
		arena_printf(f->a, "http://127.0.0.1:%u/file", f->port), NULL, STR_EMPTY, 10000,
		&rep));
	/* That one alone. */
	expect_ok(fetch_run(f->fetch, f->a, "GET",
	    arena_printf(f->a, "http://127.0.0.1:%u/file", f->port), NULL, STR_EMPTY, 10000, &rep));
	assert_int_equal(rep.body.n, SIZE);
}

static void
within_a_batch_there_are_no_files(void **state)
{
	struct fixture *f = *state;
	struct fetch_reply rep;

	expect_ok(try_get(f, "/batch", NULL, NULL, &rep));
	assert_int_equal(rep.status, 501);
}

static int
dial(const struct fixture *f, const char *request)
{
	int fd = server_dial(f->port);
	int small = 4096;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	return fd;
}

static void
until(_Atomic int *n, int value)
{
	int64_t deadline = when_mono_ms() + 30000;

	while (atomic_load(n) != value) {
		assert_true(when_mono_ms() < deadline);
		poll(NULL, 0, 1);
	}
}

static void
only_the_head_is_sent_to_who_asks_for_it(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, "HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	char text[2000], want[64];
	size_t n = 0;
	ssize_t got;

	while ((got = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(fd);
	snprintf(want, sizeof(want), "Content-Length: %llu\r\n", (unsigned long long)SIZE);
	assert_non_null(strstr(text, want));
	assert_memory_equal(text + n - 4, "\r\n\r\n", 4);
	assert_int_equal(atomic_load(&f->pulls), 0);
}

/* A kernel takes some of it from us; a client that reads nothing gets no more made. */
static void
who_leaves_in_the_middle_is_let_go(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
	char one;

	assert_int_equal(recv(fd, &one, 1, 0), 1);
	close(fd);
	until(&f->done_499, 1);
}

static void
so_many_at_a_time_and_no_more(void **state)
{
	struct fixture *f = *state;
	int fds[LIMIT_HTTP_STREAMS];
	struct fetch_reply rep;
	char one;

	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = dial(f, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_int_equal(recv(fds[i], &one, 1, 0), 1);
	}
	expect_ok(try_get(f, "/file", NULL, NULL, &rep));
	assert_int_equal(rep.status, 503);
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	until(&f->done_499, (int)COUNT(fds));
	expect_ok(try_get(f, "/file", NULL, NULL, &rep));
	assert_int_equal(rep.status, 200);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_of_it_comes_a_piece_at_a_time),
		TEST(the_rest_can_be_asked_for),
		TEST(another_state_of_the_bytes_is_sent_whole),
		TEST(a_part_past_the_end_is_refused),
		TEST(what_fails_in_the_middle_is_seen_as_cut_off),
		TEST(what_the_sink_says_ends_the_exchange),
		TEST(within_a_batch_there_are_no_files),
		TEST(only_the_head_is_sent_to_who_asks_for_it),
		TEST(who_leaves_in_the_middle_is_let_go),
		TEST(so_many_at_a_time_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* IPC: calls, failures carried over, restarts, and what is not well formed. */
#include "expect.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/rd.h"
#include "base/when.h"
#include "net/ipc.h"
#include "net/ipc_frame.h"

enum { ECHO = 1, FAILS = 2, SLOW = 3, HUGE_ANSWER = 4 };

struct fixture {
	char dir[32];
	char path[64];
	struct ipc_server *server;
	struct ipc_client *client;
	_Atomic int calls;
};

static err_t
echo(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct fixture *f = ctx;

	(void)a;
	atomic_fetch_add(&f->calls, 1);
	return buf_put(out, in);
}

static err_t
fails(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	(void)ctx;
	(void)a;
	(void)in;
	TRY(buf_puts(out, "half an answer"));
	FAIL(ERR_CONFLICT, "serial %d", 7);
}

static err_t
slow(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	poll(NULL, 0, 1500);
	return echo(ctx, a, in, out);
}

static err_t
huge(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	(void)ctx;
	(void)in;
	return buf_put(out, str_of(arena_alloc(a, LIMIT_IPC_MESSAGE + 1), LIMIT_IPC_MESSAGE + 1));
}

static const struct ipc_verb verbs[] = {
	{ ECHO, echo },
	{ FAILS, fails },
	{ SLOW, slow },
	{ HUGE_ANSWER, huge },
	{ 0, NULL },
};

static void
start(struct fixture *f)
{
	int fd;

	expect_ok(ipc_listen(f->path, 0600, &fd));
	expect_ok(ipc_server_new(fd, 8, verbs, f, &f->server));
	expect_ok(ipc_server_start(f->server));
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/ipc-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
	start(f);
	expect_ok(ipc_client_new(f->path, 2, 1000, &f->client));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	ipc_client_free(f->client);
	ipc_server_stop(f->server);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
a_call_brings_its_answer(void **state)
{
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();
	struct str big = str_of(arena_alloc(a, LIMIT_IPC_MESSAGE), LIMIT_IPC_MESSAGE);
	struct str got;

	expect_ok(ipc_call(f->client, a, ECHO, false, LIT("hello"), &got));
	assert_true(str_eq(got, LIT("hello")));
	expect_ok(ipc_call(f->client, a, ECHO, false, STR_EMPTY, &got));
	assert_int_equal(got.n, 0);
	expect_ok(ipc_call(f->client, a, ECHO, false, big, &got));
	assert_int_equal(got.n, big.n);
}

static void
a_failure_is_carried_over_with_its_detail(void **state)
{
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();
	struct err_report rep;
	struct str got;

	err_take(ipc_call(f->client, a, FAILS, false, STR_EMPTY, &got), &rep);
	assert_int_equal(rep.code, ERR_CONFLICT);
	assert_string_equal(rep.detail, "serial 7");
	expect_ok(ipc_call(f->client, a, ECHO, false, LIT("x"), &got));
}

static void
an_unknown_type_is_refused(void **state)
{
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();
	struct str got;

	expect_err(ERR_UNSUPPORTED, ipc_call(f->client, a, 99, false, STR_EMPTY, &got));
	assert_int_equal(atomic_load(&f->calls), 0);
}

static void
what_is_too_large_fails_on_either_side(void **state)
{
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();
	struct str big = str_of(arena_alloc(a, LIMIT_IPC_MESSAGE + 1), LIMIT_IPC_MESSAGE + 1);
	struct str got;

	expect_err(ERR_TOO_LARGE, ipc_call(f->client, a, ECHO, false, big, &got));
	expect_err(ERR_TOO_LARGE, ipc_call(f->client, a, HUGE_ANSWER, false, STR_EMPTY, &got));
}

static void
a_restart_of_the_server_costs_no_call(void **state)
{
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();
	struct str got;

	for (int i = 0; i < 3; i++) {
		expect_ok(ipc_call(f->client, a, ECHO, false, LIT("x"), &got));
		ipc_server_stop(f->server);
		start(f);
	}
	assert_int_equal(atomic_load(&f->calls), 3);
}

static void *
start_later(void *arg)
{
	poll(NULL, 0, 200);
	start(arg);
	return NULL;
}

static void
a_call_waits_for_the_server_to_come_back(void **state)
{
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();
	struct str got;
	pthread_t t;

	ipc_server_stop(f->server);
	assert_int_equal(pthread_create(&t, NULL, start_later, f), 0);
	expect_ok(ipc_call(f->client, a, ECHO, false, LIT("x"), &got));
	pthread_join(t, NULL);
}

static void
patience_ends(void **state)
{
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();
	struct ipc_client *c = NULL;
	struct str got;

	expect_err(ERR_IPC, ipc_call(f->client, a, SLOW, true, LIT("x"), &got));
	expect_ok(ipc_call(f->client, a, ECHO, false, LIT("y"), &got));
	assert_true(str_eq(got, LIT("y")));
	expect_ok(ipc_client_new("/tmp/nobody-listens-here", 1, 100, &c));
	expect_err(ERR_IPC, ipc_call(c, a, ECHO, true, LIT("x"), &got));
	ipc_client_free(c);
}

static void *
call_for_long(void *arg)
{
	auto_arena struct arena *a = arena_new();
	struct str got;

	expect_err(ERR_IPC, ipc_call(arg, a, ECHO, true, LIT("x"), &got));
	return NULL;
}

/* As after the end of a process whose socket its parent still holds: the connection stands, and nobody reads. */
static void
a_client_that_is_ended_waits_for_nobody(void **state)
{
	char path[] = "/tmp/ipc-ended-XXXXXX";
	struct ipc_client *c = NULL;
	int64_t began = when_mono_ms();
	pthread_t t;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(path));
	rmdir(path);
	expect_ok(ipc_listen(path, 0600, &fd));
	expect_ok(ipc_client_new(path, 1, 60000, &c));
	assert_int_equal(pthread_create(&t, NULL, call_for_long, c), 0);
	poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 8000);
	ipc_client_end(c);
	pthread_join(t, NULL);
	call_for_long(c);
	assert_true(when_mono_ms() - began < 30000);
	ipc_client_free(c);
	close(fd);
	unlink(path);
}

/* A server by hand that hangs up on its first caller after the request. */
struct rude {
	int fd;
	int calls;
	int again_ms; /* how long it waits for a second call */
};

static void *
hang_up_once(void *arg)
{
	struct rude *r = arg;

	for (int i = 0; i < 2; i++) {
		auto_arena struct arena *a = arena_new();
		struct pollfd p = { .fd = r->fd, .events = POLLIN };
		struct ipc_frame in, out;
		bool eof;
		int fd;

		if (poll(&p, 1, i == 0 ? 30000 : r->again_ms) != 1)
			return NULL;
		fd = accept(r->fd, NULL, NULL);
		expect_ok(ipc_frame_read(fd, a, when_mono_ms() + 30000, &in, &eof));
		r->calls++;
		out = (struct ipc_frame){
			.type = in.type | IPC_REPLY, .id = in.id, .payload = LIT("\1ok")
		};
		if (i > 0)
			expect_ok(ipc_frame_send(fd, &out, when_mono_ms() + 30000));
		close(fd);
	}
	return NULL;
}

static void
only_what_is_repeatable_is_repeated(void **state)
{
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();

	for (int repeatable = 0; repeatable < 2; repeatable++) {
		struct rude r = { .again_ms = repeatable ? 30000 : 300 };
		struct str got;
		pthread_t t;

		ipc_server_stop(f->server);
		f->server = NULL;
		expect_ok(ipc_listen(f->path, 0600, &r.fd));
		assert_int_equal(pthread_create(&t, NULL, hang_up_once, &r), 0);
		expect_err(repeatable ? ERR_NONE : ERR_IPC,
		    ipc_call(f->client, a, ECHO, repeatable, LIT("x"), &got));
		pthread_join(t, NULL);
		assert_int_equal(r.calls, repeatable ? 2 : 1);
		close(r.fd);
	}
}

static int
dial(const struct fixture *f)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sa.sun_path, f->path, strlen(f->path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void
bad_frames_end_their_connection(void **state)
{
	static const struct str bad[] = {
		{ (const uint8_t *)"\xff\xff\xff\xff", 4 },           /* oversized */
		{ (const uint8_t *)"\0\0\0\7\0\1\0\1\0\0\0", 11 },    /* shorter than a head */
		{ (const uint8_t *)"\0\0\0\x8\0\2\0\1\0\0\0\1", 12 }, /* version 2 */
		{ (const uint8_t *)"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27 },
	};
	struct fixture *f = *state;
	auto_arena struct arena *a = arena_new();
	struct str got;

	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_fd int fd = dial(f);
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char c;

		assert_int_equal(send(fd, bad[i].p, bad[i].n, MSG_NOSIGNAL), bad[i].n);
		assert_int_equal(poll(&p, 1, 30000), 1);
		assert_true(recv(fd, &c, 1, 0) <= 0);
	}
	expect_ok(ipc_call(f->client, a, ECHO, false, LIT("x"), &got));
}

static void
the_socket_has_its_mode(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void *
call_often(void *arg)
{
	struct fixture *f = arg;

	for (int i = 0; i < 50; i++) {
		auto_arena struct arena *a = arena_new();
		const char *text = arena_printf(a, "%d %p", i, (void *)a);
		struct str got;

		expect_ok(ipc_call(f->client, a, ECHO, false, str_c(text), &got));
		assert_true(str_eq_c(got, text));
	}
	return NULL;
}

static void
threads_share_a_client(void **state)
{
	struct fixture *f = *state;
	pthread_t t[6];

	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, call_often, f), 0);
	for (size_t i = 0; i < COUNT(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(atomic_load(&f->calls), 300);
}

static void
refuses_bad_replies(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str got;

	(void)state;
	expect_ok(ipc_reply_parse(a, LIT("\1abc"), &got));
	assert_true(str_eq(got, LIT("abc")));
	expect_err(ERR_TRUNCATED, ipc_reply_parse(a, STR_EMPTY, &got));
	expect_err(ERR_IPC, ipc_reply_parse(a, LIT("\2"), &got));
	expect_err(ERR_IPC, ipc_reply_parse(a, LIT("\0\0\0\0\2ok\0\0\0\0"), &got));
	expect_err(ERR_IPC, ipc_reply_parse(a, LIT("\0\0\0\0\4nope\0\0\0\0"), &got));
	expect_err(ERR_TRAILING, ipc_reply_parse(a, LIT("\0\0\0\0\4busy\0\0\0\0x"), &got));
	expect_err(ERR_BUSY, ipc_reply_parse(a, LIT("\0\0\0\0\4busy\0\0\0\0"), &got));
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVER(a_call_brings_its_answer),
		ON_SERVER(a_failure_is_carried_over_with_its_detail),
		ON_SERVER(an_unknown_type_is_refused),
		ON_SERVER(what_is_too_large_fails_on_either_side),
		ON_SERVER(a_restart_of_the_server_costs_no_call),
		ON_SERVER(a_call_waits_for_the_server_to_come_back),
		ON_SERVER(patience_ends),
		ON_SERVER(only_what_is_repeatable_is_repeated),
		ON_SERVER(bad_frames_end_their_connection),
		ON_SERVER(the_socket_has_its_mode),
		ON_SERVER(threads_share_a_client),
		cmocka_unit_test(a_client_that_is_ended_waits_for_nobody),
		cmocka_unit_test(refuses_bad_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The server on raw sockets: framing, keeping, refusing, parking. */
#include "expect.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "server.h"

enum { TOPIC_JOB = 1, TOPIC_OTHER = 2 };

struct fixture {
	struct http *http;
	unsigned port;
	_Atomic int runs;     /* of the parking handler */
	_Atomic bool job;     /* something to hand out */
	_Atomic int taken;    /* jobs handed out */
	_Atomic bool in_race; /* the racing handler stands before its parking */
	_Atomic bool go;
	_Atomic int done_499;
};

static err_t
echo(struct http_req *r)
{
	struct arena *a = http_arena(r);
	const char *q = http_query(r, "q");

	http_reply_header(r, "X-Path", http_path(r));
	return http_reply(r, 200, "text/plain",
	    str_c(
		arena_printf(a, "%s %s [%.*s] q=%s", http_method_name(http_method(r)), http_path(r),
		    (int)http_body(r).n, (const char *)http_body(r).p, q == NULL ? "-" : q)));
}

static err_t
wait_for_job(struct http_req *r)
{
	struct fixture *f = http_ctx(r);
	bool had = true;

	atomic_fetch_add(&f->runs, 1);
	if (atomic_compare_exchange_strong(&f->job, &had, false)) {
		atomic_fetch_add(&f->taken, 1);
		return http_reply(r, 200, "text/plain", LIT("job"));
	}
	if (http_late(r))
		return http_reply(
		    r, 200, "text/plain", http_first_run(r) ? LIT("late at once") : LIT("late"));
	return http_park(r, TOPIC_JOB, str_c(http_param(r, "key")),
	    http_arrived_ms(r) + (http_query(r, "short") != NULL ? 60 : 20000));
}

/* The job comes and is told about after the look for it and before the parking. */
static err_t
race(struct http_req *r)
{
	struct fixture *f = http_ctx(r);
	bool had = true;

	if (atomic_compare_exchange_strong(&f->job, &had, false))
		return http_reply(r, 200, "text/plain", LIT("job"));
	atomic_store(&f->in_race, true);
	while (!atomic_load(&f->go))
		poll(NULL, 0, 1);
	return http_park(r, TOPIC_JOB, LIT("k"), when_mono_ms() + 20000);
}

static err_t
forgets_to_answer(struct http_req *r)
{
	(void)r;
	return OK;
}

static err_t
form(struct http_req *r)
{
	const char *v = http_form(r, "name");

	return http_reply(r, 200, "text/plain", str_c(v == NULL ? "none" : v));
}

static err_t
slowly(struct http_req *r)
{
	return http_reply(r, 200, "text/plain", LIT("by a worker"));
}

static err_t
quickly(struct http_req *r)
{
	const char *what = http_param(r, "what");

	http_reply_header(r, "X-Quick", "yes");
	if (strcmp(what, "fails") == 0)
		FAIL(ERR_INTERNAL, "not now");
	if (strcmp(what, "later") == 0)
		return OK;
	return http_reply(r, 200, "text/plain", LIT("at once"));
}

/* The loop stands here until the server is being stopped. */
static err_t
stops(struct http_req *r)
{
	struct fixture *f = http_ctx(r);

	atomic_store(&f->in_race, true);
	while (!atomic_load(&f->go))
		poll(NULL, 0, 1);
	return http_reply(r, 200, "text/plain", LIT("the last one"));
}

static err_t
gate(struct http_req *r, unsigned perm)
{
	(void)r;
	if (perm == 99)
		FAIL(ERR_FORBIDDEN, "not for you");
	return OK;
}

static void
on_done(void *ctx, const char *method, const char *target, int status, size_t bytes, int64_t us)
{
	struct fixture *f = ctx;

	(void)method;
	(void)bytes;
	(void)us;
	assert_null(strchr(target, '?'));
	if (status == 499)
		atomic_fetch_add(&f->done_499, 1);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/echo/{rest*}", 1, echo),
	ROUTE(POST, "/echo", 1, echo),
	ROUTE(GET, "/echo", 1, echo),
	ROUTE(GET, "/wait/{key}", 1, wait_for_job),
	ROUTE(GET, "/race", 1, race),
	ROUTE(GET, "/closed", 99, echo),
	ROUTE(GET, "/forgets", 1, forgets_to_answer),
	ROUTE(POST, "/form", 1, form),
	ROUTE_QUICK(GET, "/quick/{what}", 1, slowly, quickly),
	ROUTE_QUICK(GET, "/closed/{what}", 99, slowly, quickly),
	ROUTE_QUICK(GET, "/stops", 1, slowly, stops),
	{ .path = NULL },
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct http_mount mount = {
		.routes = routes, .ctx = f, .gate = gate, .on_error = server_on_error
	};
	struct http_conf conf = { .name = "test",
		.loops = 2,
		.workers = 3,
		.max_body = 100000,
		.mounts = &mount,
		.nmounts = 1,
		.on_done = on_done,
		.done_ctx = f };

	f->http = server_start(&conf, &f->port);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	http_stop(f->http);
	http_free(f->http);
	free(f);
	return 0;
}

static void
put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* One answer with its body, read byte by byte so that nothing of the next is taken; "" at the
 * end of the stream. */
static const char *
get(int fd, bool head_only)
{
	static char text[70000];
	size_t n = 0, want = SIZE_MAX;

	while (n < want && n < sizeof(text) - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		const char *length;

		assert_int_equal(poll(&p, 1, 10000), 1);
		if (recv(fd, text + n, 1, 0) <= 0)
			break;
		text[++n] = '\0';
		if (want != SIZE_MAX || n < 4 || memcmp(text + n - 4, "\r\n\r\n", 4) != 0)
			continue;
		length = strstr(text, "Content-Length: ");
		want = n + (head_only || length == NULL ? 0 : strtoul(length + 16, NULL, 10));
	}
	text[n] = '\0';
	return text;
}

static void
expect_answer(int fd, int status, const char *body)
{
	const char *got = get(fd, false);
	char line[32];

	snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	if (strncmp(got, line, strlen(line)) != 0 || strstr(got, body) == NULL) {
		print_error("wanted %d and \"%s\", got:\n%s\n", status, body, got);
		fail();
	}
}

static void
expect_end(int fd)
{
	assert_string_equal(get(fd, false), "");
	close(fd);
}

static void
until(bool (*holds)(const struct fixture *), const struct fixture *f)
{
	int64_t deadline = when_mono_ms() + 10000;

	while (!holds(f)) {
		assert_true(when_mono_ms() < deadline);
		poll(NULL, 0, 1);
	}
}

static bool
one_parked(const struct fixture *f)
{
	return http_parked(f->http) == 1;
}

static bool
none_parked(const struct fixture *f)
{
	return http_parked(f->http) == 0;
}

static bool
in_race(const struct fixture *f)
{
	return atomic_load(&f->in_race);
}

static void
answers_one_after_another_and_pipelined(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /echo/a%20b?q=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_answer(fd, 200, "GET /echo/a b [] q=1");
	put(fd,
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
	    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n");
	expect_answer(fd, 200, "POST /echo [abc]");
	expect_answer(fd, 200, "GET /echo []");
	expect_answer(fd, 200, "POST /echo [de]");
	close(fd);
}

static void
a_body_of_a_get_is_not_the_next_request(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd,
	    "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 37\r\n\r\nGET /closed HTTP/1.1\r\nHost: x\r\n\r\n1234");
	expect_answer(fd, 200, "1234] q=-");
	put(fd, "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	expect_answer(fd, 200, "GET /echo []");
	expect_end(fd);
}

static void
closes_when_asked_and_with_http_1_0(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /echo HTTP/1.0\r\nHost: x\r\n\r\n");
	expect_answer(fd, 200, "Connection: close");
	expect_end(fd);
}

static void
head_has_the_length_and_no_body(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(get(fd, true), "Content-Length: 17\r\n"));
	put(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_answer(fd, 200, "GET /echo []");
	close(fd);
}

static void
answers_expect_continue(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd,
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	expect_answer(fd, 100, "");
	put(fd, "ab");
	expect_answer(fd, 200, "[ab]");
	close(fd);
}

static void
renders_errors_of_routing_gate_and_handler(void **state)
{
	static const struct {
		const char *path;
		int status;
		const char *id;
	} rows[] = { { "/nothing", 400, "no-segment" }, { "/form", 405, "method" },
		{ "/closed", 403, "forbidden" }, { "/forgets", 500, "internal" },
		{ "/a%zz", 400, "bad-request" } };
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	for (size_t i = 0; i < COUNT(rows); i++) {
		char line[100];

		snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", rows[i].path);
		put(fd, line);
		expect_answer(fd, rows[i].status, rows[i].id);
	}
	close(fd);
}

static void
refuses_loose_requests_and_closes(void **state)
{
	static const char *const bad[] = {
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET /echo HTTP/1.1\r\n\r\n",
		"GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET /echo HTTP/2.0\r\nHost: x\r\n\r\n",
		"GET /echo HTTP/0.9\r\nHost: x\r\n\r\n",
		"GET /ec\x01ho HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /echo HTTP/1.1\nHost: x\n\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"\x16\x03\x01\x02 hello\r\n\r\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bad); i++) {
		int fd = server_dial(f->port);

		put(fd, bad[i]);
		expect_answer(fd, 400, "bad-request");
		expect_end(fd);
	}
}

static void
refuses_what_is_too_large(void **state)
{
	struct fixture *f = *state;
	char *many = malloc(LIMIT_HTTP_HEADERS + 1);
	int fd = server_dial(f->port);

	put(fd,
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n");
	expect_answer(fd, 413, "too-large");
	expect_end(fd);
	fd = server_dial(f->port);
	memset(many, 'x', LIMIT_HTTP_HEADERS);
	many[LIMIT_HTTP_HEADERS] = '\0';
	put(fd, "GET /echo HTTP/1.1\r\nHost: x\r\nX: ");
	put(fd, many);
	expect_answer(fd, 400, "bad-request");
	expect_end(fd);
	fd = server_dial(f->port);
	put(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n");
	put(fd, many);
	put(fd, many);
	expect_answer(fd, 413, "too-large");
	close(fd);
	free(many);
}

static void
reads_forms(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd,
	    "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
	    "Content-Length: 14\r\n\r\nname=a+b%26c&x");
	expect_answer(fd, 200, "a b&c");
	put(fd,
	    "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nname=a");
	expect_answer(fd, 200, "none");
	close(fd);
}

static void
a_parked_request_runs_again_when_told(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /wait/k HTTP/1.1\r\nHost: x\r\n\r\n");
	until(one_parked, f);
	http_notify(f->http, TOPIC_OTHER, LIT("k"));
	http_notify(f->http, TOPIC_JOB, LIT("other"));
	assert_int_equal(http_parked(f->http), 1);
	assert_int_equal(atomic_load(&f->runs), 1);
	atomic_store(&f->job, true);
	http_notify(f->http, TOPIC_JOB, LIT("k"));
	expect_answer(fd, 200, "job");
	close(fd);
}

static void
an_empty_key_wakes_the_whole_topic(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /wait/k HTTP/1.1\r\nHost: x\r\n\r\n");
	until(one_parked, f);
	atomic_store(&f->job, true);
	http_notify(f->http, TOPIC_JOB, STR_EMPTY);
	expect_answer(fd, 200, "job");
	close(fd);
}

static void
the_deadline_runs_the_handler_late(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /wait/k?short=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_answer(fd, 200, "late");
	put(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_answer(fd, 200, "GET /echo");
	close(fd);
}

static void
a_notify_before_the_parking_is_not_lost(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /race HTTP/1.1\r\nHost: x\r\n\r\n");
	until(in_race, f);
	atomic_store(&f->job, true);
	http_notify(f->http, TOPIC_JOB, LIT("k"));
	atomic_store(&f->go, true);
	expect_answer(fd, 200, "job");
	close(fd);
}

static void
no_job_goes_to_a_client_that_left(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /wait/k HTTP/1.1\r\nHost: x\r\n\r\n");
	until(one_parked, f);
	close(fd);
	until(none_parked, f);
	atomic_store(&f->job, true);
	http_notify(f->http, TOPIC_JOB, LIT("k"));
	assert_int_equal(atomic_load(&f->taken), 0);
	fd = server_dial(f->port);
	put(fd, "GET /wait/k HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_answer(fd, 200, "job");
	close(fd);
}

static void
a_reset_while_the_handler_runs_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	int fd = server_dial(f->port);

	put(fd, "GET /race HTTP/1.1\r\nHost: x\r\n\r\n");
	until(in_race, f);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	poll(NULL, 0, 20);
	atomic_store(&f->go, true);
	poll(NULL, 0, 20);
	until(none_parked, f);
}

static void
a_half_closed_client_is_not_kept_waiting(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /race HTTP/1.1\r\nHost: x\r\n\r\n");
	until(in_race, f);
	shutdown(fd, SHUT_WR);
	poll(NULL, 0, 20);
	atomic_store(&f->go, true);
	expect_end(fd);
}

static void
stopping_answers_who_waits(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	put(fd, "GET /wait/k HTTP/1.1\r\nHost: x\r\n\r\n");
	until(one_parked, f);
	http_stop(f->http);
	expect_answer(fd, 200, "late");
	expect_end(fd);
}

static void
many_clients_at_once_all_get_answers(void **state)
{
	struct fixture *f = *state;
	int fds[200];

	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = server_dial(f->port);
		put(fds[i],
		    i % 2 == 0 ? "GET /wait/k?short=1 HTTP/1.1\r\nHost: x\r\n\r\n" :
				 "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nz");
		if (i % 10 == 0)
			http_notify(f->http, TOPIC_JOB, LIT("k"));
		if (i % 7 == 0) {
			close(fds[i]);
			fds[i] = -1;
		}
	}
	for (size_t i = 0; i < COUNT(fds); i++) {
		if (fds[i] < 0)
			continue;
		expect_answer(fds[i], 200, i % 2 == 0 ? "late" : "[z]");
		close(fds[i]);
	}
}

static void
a_quick_handler_answers_or_leaves_it_to_the_other(void **state)
{
	struct fixture *f = *state;
	int fd = server_dial(f->port);

	for (int i = 0; i < 3; i++) {
		put(fd, "GET /quick/now HTTP/1.1\r\nHost: h\r\n\r\n");
		put(fd, "GET /quick/later HTTP/1.1\r\nHost: h\r\n\r\n");
		expect_answer(fd, 200, "X-Quick: yes\r\n\r\nat once");
		expect_answer(fd, 200, "by a worker");
	}
	put(fd, "GET /quick/fails HTTP/1.1\r\nHost: h\r\n\r\n");
	expect_answer(fd, 200, "by a worker");
	put(fd, "GET /quick/later HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_null(strstr(get(fd, false), "X-Quick")); /* what was begun is dropped */
	put(fd, "GET /closed/now HTTP/1.1\r\nHost: h\r\n\r\n");
	expect_answer(fd, 403, "forbidden");
	put(fd, "GET /quick/now HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	expect_answer(fd, 200, "at once");
	expect_end(fd);
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void *
stop_it(void *arg)
{
	struct fixture *f = arg;

	http_stop(f->http);
	return NULL;
}

static void
a_request_that_comes_while_the_server_stops_is_dropped(void **state)
{
	struct fixture *f = *state;
	pthread_t stopper;
	int fd[33];

	for (size_t i = 0; i < COUNT(fd); i++)
		fd[i] = server_dial(f->port);
	poll(NULL, 0, 50);
	put(fd[16], "GET /stops HTTP/1.1\r\nHost: x\r\n\r\n");
	until(in_race, f);
	for (size_t i = 0; i < COUNT(fd); i++)
		if (i != 16)
			put(fd[i], "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(pthread_create(&stopper, NULL, stop_it, f), 0);
	poll(NULL, 0, 50);
	atomic_store(&f->go, true);
	expect_answer(fd[16], 200, "the last one");
	for (size_t i = 0; i < COUNT(fd); i++)
		close(fd[i]);
	pthread_join(stopper, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVER(answers_one_after_another_and_pipelined),
		ON_SERVER(a_body_of_a_get_is_not_the_next_request),
		ON_SERVER(closes_when_asked_and_with_http_1_0),
		ON_SERVER(head_has_the_length_and_no_body),
		ON_SERVER(answers_expect_continue),
		ON_SERVER(renders_errors_of_routing_gate_and_handler),
		ON_SERVER(refuses_loose_requests_and_closes),
		ON_SERVER(refuses_what_is_too_large),
		ON_SERVER(reads_forms),
		ON_SERVER(a_parked_request_runs_again_when_told),
		ON_SERVER(an_empty_key_wakes_the_whole_topic),
		ON_SERVER(the_deadline_runs_the_handler_late),
		ON_SERVER(a_notify_before_the_parking_is_not_lost),
		ON_SERVER(no_job_goes_to_a_client_that_left),
		ON_SERVER(a_reset_while_the_handler_runs_is_noticed),
		ON_SERVER(a_half_closed_client_is_not_kept_waiting),
		ON_SERVER(stopping_answers_who_waits),
		ON_SERVER(a_request_that_comes_while_the_server_stops_is_dropped),
		ON_SERVER(a_quick_handler_answers_or_leaves_it_to_the_other),
		ON_SERVER(many_clients_at_once_all_get_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

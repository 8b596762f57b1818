/* SPDX-License-Identifier: Apache-2.0 */
/* Who works for whom: mounts with workers of their own beside those that share the port's. */
#include "../expect.h"

#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "server.h"

enum { TOPIC = 1, WORKERS = 2, OWN = 1 };

struct fixture {
	struct http *http;
	struct metrics *metrics;
	unsigned port;
	sem_t go;
	_Atomic int standing;
	char order[32]; /* who was worked for, by the one worker of the mount */
};

/* Its worker stands until it is told to go. */
static err_t
stands(struct http_req *r)
{
	struct fixture *f = http_ctx(r);

	atomic_fetch_add(&f->standing, 1);
	while (sem_wait(&f->go) != 0)
		;
	return http_reply(r, 200, "text/plain", LIT("stood"));
}

static err_t
answers(struct http_req *r)
{
	return http_reply(r, 200, "text/plain", LIT("answered"));
}

static err_t
waits(struct http_req *r)
{
	if (!http_first_run(r))
		return http_reply(r, 200, "text/plain", http_late(r) ? LIT("late") : LIT("told"));
	return http_park(r, TOPIC, LIT("k"), http_arrived_ms(r) + 20000);
}

static err_t
noted(struct http_req *r, char who)
{
	struct fixture *f = http_ctx(r);

	f->order[strlen(f->order)] = who;
	return http_reply(r, 200, "text/plain", LIT("noted"));
}

static err_t
notes(struct http_req *r)
{
	return noted(r, 'n');
}

/* Each waits for something of its own, and all of them for the same. */
static err_t
crowds(struct http_req *r)
{
	if (!http_first_run(r))
		return noted(r, 'c');
	return http_park(r, TOPIC, str_c(http_query(r, "k")), http_arrived_ms(r) + 20000);
}

static const struct http_route many[] = {
	ROUTE(GET, "/many/stands", 1, stands),
	ROUTE(GET, "/many/answers", 1, answers),
	ROUTE(GET, "/many/waits", 1, waits),
	{ .path = NULL },
};
static const struct http_route few[] = {
	ROUTE(GET, "/few/stands", 1, stands),
	ROUTE(GET, "/few/answers", 1, answers),
	ROUTE(GET, "/few/waits", 1, waits),
	ROUTE(GET, "/few/notes", 1, notes),
	ROUTE(GET, "/few/crowds", 1, crowds),
	{ .path = NULL },
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct http_mount mounts[] = {
		{ .routes = many, .ctx = f, .gate = server_gate, .on_error = server_on_error },
		{ .routes = few,
		    .ctx = f,
		    .gate = server_gate,
		    .on_error = server_on_error,
		    .workers = OWN },
	};
	struct http_conf conf = {
		.name = "test", .workers = WORKERS, .mounts = mounts, .nmounts = COUNT(mounts)
	};

	f->metrics = conf.metrics = metrics_new();
	sem_init(&f->go, 0, 0);
	f->http = server_start(&conf, &f->port);
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
	sem_destroy(&f->go);
	free(f);
	return 0;
}

static int
ask(const struct fixture *f, const char *path)
{
	int fd = server_dial(f->port);

	assert_true(dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path) > 0);
	return fd;
}

static void
expect_answer(int fd, const char *body)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[2000];
	ssize_t n;

	assert_int_equal(poll(&p, 1, 10000), 1);
	n = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, " 200 "));
	assert_non_null(strstr(text, body));
	close(fd);
}

static void
expect_nothing_yet(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 50), 0);
}

static void
until_standing(const struct fixture *f, int n)
{
	int64_t deadline = when_mono_ms() + 10000;

	while (atomic_load(&f->standing) < n) {
		assert_true(when_mono_ms() < deadline);
		poll(NULL, 0, 1);
	}
}

static bool
shows(const struct fixture *f, const char *line)
{
	auto_buf struct buf b = { 0 };
	auto_arena struct arena *a = arena_new();

	buf_init(&b, 1 << 20);
	expect_ok(metrics_print(f->metrics, &b));
	return strstr(arena_cstr(a, buf_str(&b)), line) != NULL;
}

static void
until_shown(const struct fixture *f, const char *line)
{
	int64_t deadline = when_mono_ms() + 10000;

	while (!shows(f, line)) {
		assert_true(when_mono_ms() < deadline);
		poll(NULL, 0, 1);
	}
}

static void
go(struct fixture *f, int n)
{
	for (int i = 0; i < n; i++)
		sem_post(&f->go);
}

static void
a_mount_with_its_own_workers_does_not_wait_for_those_of_the_port(void **state)
{
	struct fixture *f = *state;
	int fds[WORKERS], late;

	for (int i = 0; i < WORKERS; i++)
		fds[i] = ask(f, "/many/stands");
	until_standing(f, WORKERS);
	late = ask(f, "/many/answers");
	expect_answer(ask(f, "/few/answers"), "answered");
	expect_nothing_yet(late);
	go(f, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		expect_answer(fds[i], "stood");
	expect_answer(late, "answered");
}

static void
nor_does_the_port_wait_for_those_of_the_mount(void **state)
{
	struct fixture *f = *state;
	int fd = ask(f, "/few/stands"), late;

	until_standing(f, OWN);
	late = ask(f, "/few/answers");
	expect_answer(ask(f, "/many/answers"), "answered");
	expect_nothing_yet(late);
	go(f, OWN);
	expect_answer(fd, "stood");
	expect_answer(late, "answered");
}

static void
what_was_parked_is_gone_on_with_by_its_own(void **state)
{
	struct fixture *f = *state;
	int parked[] = { ask(f, "/many/waits"), ask(f, "/few/waits") }, fds[WORKERS];
	int64_t deadline = when_mono_ms() + 10000;

	while (http_parked(f->http) < COUNT(parked)) {
		assert_true(when_mono_ms() < deadline);
		poll(NULL, 0, 1);
	}
	for (int i = 0; i < WORKERS; i++)
		fds[i] = ask(f, "/many/stands");
	until_standing(f, WORKERS);
	http_notify(f->http, TOPIC, LIT("k"));
	expect_answer(parked[1], "told");
	expect_nothing_yet(parked[0]);
	go(f, WORKERS);
	expect_answer(parked[0], "told");
	for (int i = 0; i < WORKERS; i++)
		expect_answer(fds[i], "stood");
}

static void
requests_that_nobody_took_up_yet_are_counted(void **state)
{
	struct fixture *f = *state;
	int fds[WORKERS + 3];

	until_shown(f, "chancery_http_waiting{server=\"test\"} 0\n");
	for (int i = 0; i < WORKERS; i++)
		fds[i] = ask(f, "/many/stands");
	until_standing(f, WORKERS);
	for (int i = WORKERS; i < WORKERS + 3; i++)
		fds[i] = ask(f, "/many/answers");
	until_shown(f, "chancery_http_waiting{server=\"test\"} 3\n");
	go(f, WORKERS);
	for (int i = 0; i < WORKERS + 3; i++)
		expect_answer(fds[i], i < WORKERS ? "stood" : "answered");
	until_shown(f, "chancery_http_waiting{server=\"test\"} 0\n");
}

enum { CROWD = 8, NEW = 5 };

static void
until_parked(const struct fixture *f, size_t n)
{
	int64_t deadline = when_mono_ms() + 10000;

	while (http_parked(f->http) < n) {
		assert_true(when_mono_ms() < deadline);
		poll(NULL, 0, 1);
	}
}

static void
expect_order(struct fixture *f, int stood, const int *fds, size_t n, const char *order)
{
	go(f, 1);
	expect_answer(stood, "stood");
	for (size_t i = 0; i < n; i++)
		expect_answer(fds[i], "noted");
	assert_string_equal(f->order, order);
}

static void
a_crowd_lets_others_go_before_it_and_is_never_left_standing(void **state)
{
	struct fixture *f = *state;
	int fds[CROWD + NEW], stood;
	char path[32], line[64];

	for (int i = 0; i < CROWD; i++) {
		snprintf(path, sizeof(path), "/few/crowds?k=%d", i);
		fds[i] = ask(f, path);
	}
	until_parked(f, CROWD);
	stood = ask(f, "/few/stands");
	until_standing(f, 1);
	http_notify(f->http, TOPIC, STR_EMPTY);
	for (int i = CROWD; i < CROWD + NEW; i++)
		fds[i] = ask(f, "/few/notes");
	snprintf(line, sizeof(line), "chancery_http_waiting{server=\"test\"} %d\n", CROWD + NEW);
	until_shown(f, line);
	expect_order(f, stood, fds, CROWD + NEW, "nnncnnccccccc");
}

static void
who_is_woken_alone_is_no_crowd(void **state)
{
	struct fixture *f = *state;
	int fds[4], stood;

	fds[0] = ask(f, "/few/crowds?k=1");
	fds[1] = ask(f, "/few/crowds?k=2");
	until_parked(f, 2);
	stood = ask(f, "/few/stands");
	until_standing(f, 1);
	http_notify(f->http, TOPIC, LIT("1"));
	http_notify(f->http, TOPIC, LIT("2"));
	fds[2] = ask(f, "/few/notes");
	fds[3] = ask(f, "/few/notes");
	until_shown(f, "chancery_http_waiting{server=\"test\"} 4\n");
	expect_order(f, stood, fds, COUNT(fds), "ccnn");
}

static void
stopping_answers_who_waits_in_each_of_them(void **state)
{
	struct fixture *f = *state;
	int fds[] = { ask(f, "/many/waits"), ask(f, "/few/waits"), ask(f, "/many/waits"),
		ask(f, "/few/waits") };
	int64_t deadline = when_mono_ms() + 10000;

	while (http_parked(f->http) < COUNT(fds)) {
		assert_true(when_mono_ms() < deadline);
		poll(NULL, 0, 1);
	}
	http_stop(f->http);
	for (size_t i = 0; i < COUNT(fds); i++)
		expect_answer(fds[i], "late");
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVER(a_mount_with_its_own_workers_does_not_wait_for_those_of_the_port),
		ON_SERVER(nor_does_the_port_wait_for_those_of_the_mount),
		ON_SERVER(what_was_parked_is_gone_on_with_by_its_own),
		ON_SERVER(requests_that_nobody_took_up_yet_are_counted),
		ON_SERVER(a_crowd_lets_others_go_before_it_and_is_never_left_standing),
		ON_SERVER(who_is_woken_alone_is_no_crowd),
		ON_SERVER(stopping_answers_who_waits_in_each_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

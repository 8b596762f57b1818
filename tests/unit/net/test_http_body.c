/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a body is taken in, from whom, and when that is decided. */
#include "../expect.h"

#include <poll.h>

#include "base/limits.h"
#include "server.h"

#define ROUTE_MAX 1000
#define STRANGER_MAX 5000

static err_t
length(struct http_req *r)
{
	return http_reply(
	    r, 200, "text/plain", str_c(arena_printf(http_arena(r), "%zu bytes", http_body(r).n)));
}

static const struct http_route routes[] = {
	ROUTE_BODY(POST, "/small", 1, length, ROUTE_MAX),
	ROUTE(POST, "/large", 1, length),
	ROUTE_SIGNED(POST, "/signed", 1, length, 2 * STRANGER_MAX),
	{ .path = NULL },
};

struct fixture {
	struct http *http;
	unsigned port;
};

static int
set_up(void **state)
{
	static const struct http_mount mount = {
		.routes = routes, .gate = server_gate, .on_error = server_on_error
	};
	struct http_conf conf = { .name = "test", .mounts = &mount, .nmounts = 1 };
	struct fixture *f = calloc(1, sizeof(*f));

	conf.max_stranger = *state == NULL ? STRANGER_MAX : 0;
	f->http = server_start(&conf, &f->port);
	*state = f;
	return 0;
}

static int
set_up_open(void **state)
{
	static int open;

	*state = &open;
	return set_up(state);
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

static int
dial_from(const struct fixture *f, uint32_t from)
{
	return server_dial_from(f->port, from);
}

static int
dial(const struct fixture *f)
{
	return server_dial(f->port);
}

static void
put(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n < 0) /* refused already */
			return;
		bytes = str_of(bytes.p + n, bytes.n - (size_t)n);
	}
}

static void
head(int fd, const char *path, size_t n)
{
	auto_arena struct arena *a = arena_new();

	put(fd,
	    str_c(arena_printf(
		a, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", path, n)));
}

static void
body(int fd, size_t n)
{
	static uint8_t block[65536];

	for (size_t part; n > 0; n -= part) {
		part = n < sizeof(block) ? n : sizeof(block);
		put(fd, str_of(block, part));
	}
}

/* What comes within ten seconds begins with this status and ends with this text. */
static void
expect_answer(int fd, int status, const char *text)
{
	char got[1024], line[32];
	size_t n = 0;

	do {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t more;

		assert_int_equal(poll(&p, 1, 10000), 1);
		more = recv(fd, got + n, sizeof(got) - 1 - n, 0);
		assert_true(more > 0);
		n += (size_t)more;
		got[n] = '\0';
	} while (strstr(got, text) == NULL);
	snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	assert_memory_equal(got, line, strlen(line));
}

static void
a_body_up_to_the_limit_of_its_route_is_taken(void **state)
{
	int fd = dial(*state);

	head(fd, "/small", ROUTE_MAX);
	body(fd, ROUTE_MAX);
	expect_answer(fd, 200, "1000 bytes");
	head(fd, "/large", STRANGER_MAX);
	body(fd, STRANGER_MAX);
	expect_answer(fd, 200, "5000 bytes");
	head(fd, "/signed", 2 * STRANGER_MAX);
	body(fd, 2 * STRANGER_MAX);
	expect_answer(fd, 200, "10000 bytes");
	close(fd);
}

static void
a_larger_one_is_refused_before_it_is_sent(void **state)
{
	static const struct {
		const char *path;
		size_t n;
		int status;
		const char *text;
	} rows[] = {
		{ "/small", ROUTE_MAX + 1, 413, "too-large" },
		{ "/large", STRANGER_MAX + 1, 413, "too-large" },
		{ "/signed", 2 * STRANGER_MAX + 1, 413, "too-large" },
		{ "/none", 1 << 20, 400, "no-segment" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd = dial(*state);

		head(fd, rows[i].path, rows[i].n);
		expect_answer(fd, rows[i].status, rows[i].text);
		close(fd);
	}
}

static void
one_in_pieces_is_refused_when_it_grows_too_large(void **state)
{
	int fd = dial(*state);

	put(fd, LIT("POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
	put(fd, LIT("3e9\r\n"));
	body(fd, 0x3e9);
	expect_answer(fd, 413, "too-large");
	close(fd);
}

static void
a_path_without_a_route_does_not_end_the_connection_when_nothing_follows(void **state)
{
	int fd = dial(*state);

	put(fd, LIT("GET /none HTTP/1.1\r\nHost: h\r\n\r\n"));
	expect_answer(fd, 400, "no-segment");
	head(fd, "/small", 3);
	body(fd, 3);
	expect_answer(fd, 200, "3 bytes");
	close(fd);
}

enum { EACH = 8 << 20, ROOM = LIMIT_HTTP_BODIES / EACH };

/* n bodies from there that stop one byte short of their end, so all of them are under way. */
static void
begin(void **state, uint32_t from, int *fds, int n)
{
	for (int i = 0; i < n; i++) {
		fds[i] = dial_from(*state, from);
		head(fds[i], "/large", EACH);
		body(fds[i], EACH - 1);
	}
}

/* One of them is refused, whichever came last to the limit. */
static void
expect_one_refused(const int *fds, int n)
{
	struct pollfd p[2 * ROOM];

	for (int i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	assert_true(poll(p, (nfds_t)n, 10000) > 0);
	for (int i = 0; i < n; i++)
		if (p[i].revents != 0) {
			expect_answer(fds[i], 503, "busy");
			return;
		}
}

static void
expect_taken(int fd)
{
	body(fd, 1);
	expect_answer(fd, 200, "8388608 bytes");
}

static void
who_fills_half_of_the_room_leaves_the_other_half_to_others(void **state)
{
	int hog[ROOM / 2 + 1], other[1];

	begin(state, 1, hog, ROOM / 2 + 1);
	expect_one_refused(hog, ROOM / 2 + 1);
	begin(state, 2, other, 1);
	expect_taken(other[0]);
	for (int i = 0; i <= ROOM / 2; i++)
		close(hog[i]);
	close(other[0]);
}

static void
all_bodies_together_have_a_limit(void **state)
{
	int fds[ROOM + 1];

	for (int i = 0; i <= ROOM; i++)
		begin(state, (uint32_t)i + 1, &fds[i], 1);
	expect_one_refused(fds, ROOM + 1);
	for (int i = 0; i <= ROOM; i++)
		close(fds[i]);
	/* What ended counts no more. */
	for (int i = 0; i < 2; i++) {
		int fd = dial(*state);

		head(fd, "/large", EACH);
		body(fd, EACH);
		expect_answer(fd, 200, "8388608 bytes");
		close(fd);
	}
}

#define LIMITED(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define OPEN(f) cmocka_unit_test_setup_teardown(f, set_up_open, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIMITED(a_body_up_to_the_limit_of_its_route_is_taken),
		LIMITED(a_larger_one_is_refused_before_it_is_sent),
		LIMITED(one_in_pieces_is_refused_when_it_grows_too_large),
		LIMITED(a_path_without_a_route_does_not_end_the_connection_when_nothing_follows),
		OPEN(who_fills_half_of_the_room_leaves_the_other_half_to_others),
		OPEN(all_bodies_together_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

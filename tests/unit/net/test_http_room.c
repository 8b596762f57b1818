/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a connection when there is no room for all: six places, four of them for strangers, two more for who goes first. */
#include "expect.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "certs.h"
#include "net/http.h"
#include "net/proc.h"

#define DAY 86400L

enum { ROOM = 6, STRANGERS = 4, FIRST = 2, HELD = 3, TOPIC = 1 };

struct world {
	struct arena *a;
	struct party ca, server, phone, tablet, laptop, over, connector;
	struct tls_server *tls;
	struct http *http;
	unsigned port;
};

static err_t
hello(struct http_req *r)
{
	return http_reply(r, 200, "text/plain", LIT("hello"));
}

static err_t
waits(struct http_req *r)
{
	if (!http_first_run(r))
		return hello(r);
	return http_park(r, TOPIC, STR_EMPTY, http_arrived_ms(r) + 60000);
}

static err_t
gate(struct http_req *r, unsigned perm)
{
	(void)r;
	(void)perm;
	return OK;
}

static void
on_error(struct http_req *r, err_t e)
{
	err_forget(e);
	expect_ok(http_reply(r, 500, NULL, STR_EMPTY));
}

static const struct http_route routes[] = {
	ROUTE(GET, "/hello", 1, hello),
	ROUTE(GET, "/waits", 1, waits),
	ROUTE(POST, "/takes", 1, hello),
	{ .path = NULL },
};

/* "connector" stands in no other certificate of these tests. */
static bool
is_connector(struct str cert)
{
	return memmem(cert.p, cert.n, "connector", 9) != NULL;
}

static int
set_up(void **state)
{
	static const struct http_mount mount = {
		.routes = routes, .gate = gate, .on_error = on_error
	};
	struct world *w = calloc(1, sizeof(*w));
	struct http_conf conf = { .name = "room",
		.mounts = &mount,
		.nmounts = 1,
		.max_stranger = 100,
		.room = ROOM,
		.room_strangers = STRANGERS,
		.room_first = FIRST,
		.room_held = HELD,
		.first = is_connector };
	struct tls_server_conf tls = { .client = TLS_CLIENT_ENDED, .nchain = 1, .nanchors = 1 };

	w->a = arena_new();
	w->ca = party_make(w->a, "CA", NULL, DAY);
	w->server = party_make(w->a, "localhost", &w->ca, DAY);
	w->phone = party_make(w->a, "phone", &w->ca, DAY);
	w->tablet = party_make(w->a, "tablet", &w->ca, DAY);
	w->laptop = party_make(w->a, "laptop", &w->ca, DAY);
	w->over = party_make(w->a, "over", &w->ca, -60);
	w->connector = party_make(w->a, "connector", &w->ca, DAY);
	tls.key = w->server.key;
	tls.chain = &w->server.cert;
	tls.anchors = &w->ca.cert;
	expect_ok(tls_server_new(&tls, &w->tls));
	expect_ok(net_listen("127.0.0.1:0", &conf.listen_fd, &w->port));
	conf.tls = w->tls;
	expect_ok(http_new(&conf, &w->http));
	expect_ok(http_start(w->http));
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	struct party *all[] = { &w->ca, &w->server, &w->phone, &w->tablet, &w->laptop, &w->over,
		&w->connector };

	http_free(w->http);
	tls_server_free(w->tls);
	for (size_t i = 0; i < COUNT(all); i++)
		key_free(all[i]->key);
	arena_free(w->a);
	free(w);
	return 0;
}

/* A connection that says nothing. */
static int
stall(const struct world *w)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* The server ends it within ten seconds. */
static void
expect_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(recv(fd, &c, 1, 0) <= 0);
	close(fd);
}

static void
expect_there(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 0), 0);
}

struct peer {
	int fd;
	SSL *ssl;
};

/* as NULL: without a certificate. */
static struct peer
dial(const struct world *w, const struct party *as)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct peer p = { .fd = stall(w) };

	if (as != NULL) {
		SSL_CTX_use_certificate_ASN1(ctx, (int)as->cert.n, as->cert.p);
		SSL_CTX_use_PrivateKey(ctx, key_pkey(as->key));
	}
	p.ssl = SSL_new(ctx);
	SSL_set_fd(p.ssl, p.fd);
	(void)SSL_connect(p.ssl);
	SSL_CTX_free(ctx);
	return p;
}

static void
ask(struct peer p, const char *path)
{
	char text[128];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	(void)SSL_write(p.ssl, text, (int)strlen(text));
}

static bool
answered(struct peer p)
{
	char text[1024] = "";
	int got = 0, n;

	while (strstr(text, "\r\n\r\nhello") == NULL) {
		n = SSL_read(p.ssl, text + got, (int)sizeof(text) - 1 - got);
		if (n <= 0)
			return false;
		got += n;
		text[got] = '\0';
	}
	return true;
}

static bool
works(struct peer p)
{
	ask(p, "/hello");
	return answered(p);
}

static void
hang_up(struct peer p)
{
	SSL_free(p.ssl);
	close(p.fd);
}

static void
who_says_nothing_makes_room_for_who_comes_later(void **state)
{
	const struct world *w = *state;
	int fds[STRANGERS];
	struct peer p;

	for (int i = 0; i < STRANGERS; i++)
		fds[i] = stall(w);
	p = dial(w, &w->phone);
	assert_true(works(p));
	expect_gone(fds[0]);
	for (int i = 1; i < STRANGERS; i++) {
		expect_there(fds[i]);
		close(fds[i]);
	}
	hang_up(p);
}

static void
who_showed_a_certificate_stays_whoever_comes(void **state)
{
	const struct world *w = *state;
	struct peer p = dial(w, &w->phone);
	int fds[3 * STRANGERS];

	assert_true(works(p));
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = stall(w);
	for (size_t i = 0; i < COUNT(fds) - STRANGERS; i++)
		expect_gone(fds[i]);
	assert_true(works(p));
	for (size_t i = COUNT(fds) - STRANGERS; i < COUNT(fds); i++) {
		expect_there(fds[i]);
		close(fds[i]);
	}
	hang_up(p);
}

static void
one_whose_certificate_is_over_is_served_and_makes_room_like_a_stranger(void **state)
{
	const struct world *w = *state;
	struct peer p = dial(w, &w->over);
	int fds[STRANGERS];

	assert_true(works(p));
	for (int i = 0; i < STRANGERS; i++)
		fds[i] = stall(w);
	assert_int_equal(poll(&(struct pollfd){ .fd = p.fd, .events = POLLIN }, 1, 10000), 1);
	assert_false(works(p));
	hang_up(p);
	for (int i = 0; i < STRANGERS; i++)
		close(fds[i]);
}

static bool
may_send(struct peer p, size_t n)
{
	char text[1200];
	int head = snprintf(text, sizeof(text),
	    "POST /takes HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);

	memset(text + head, 'x', n);
	(void)SSL_write(p.ssl, text, head + (int)n);
	return answered(p);
}

static void
one_whose_certificate_is_over_may_say_as_much_as_before_and_a_stranger_may_not(void **state)
{
	const struct world *w = *state;
	struct peer over = dial(w, &w->over), known = dial(w, &w->phone), stranger = dial(w, NULL);

	assert_true(may_send(over, 1000));
	assert_true(may_send(known, 1000));
	assert_true(may_send(stranger, 100));
	assert_false(may_send(stranger, 101));
	hang_up(over);
	hang_up(known);
	hang_up(stranger);
}

static void
a_stranger_for_whom_something_is_done_gets_his_answer(void **state)
{
	const struct world *w = *state;
	struct peer p = dial(w, NULL);
	int fds[2 * STRANGERS];

	ask(p, "/waits");
	while (http_parked(w->http) == 0)
		poll(NULL, 0, 5);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = stall(w);
	for (size_t i = 0; i <= STRANGERS; i++)
		expect_gone(fds[i]);
	http_notify(w->http, TOPIC, STR_EMPTY);
	assert_true(answered(p));
	hang_up(p);
	for (size_t i = STRANGERS + 1; i < COUNT(fds); i++)
		close(fds[i]);
}

static void
in_a_full_house_connectors_get_in_and_nobody_else(void **state)
{
	const struct world *w = *state;
	struct peer in[ROOM], first[FIRST], p;

	for (int i = 0; i < ROOM; i++) {
		in[i] = dial(w, i < HELD ? &w->phone : &w->tablet);
		assert_true(works(in[i]));
	}
	p = dial(w, &w->laptop);
	assert_false(works(p));
	hang_up(p);
	p = dial(w, NULL);
	assert_false(works(p));
	hang_up(p);
	for (int i = 0; i < FIRST; i++) {
		first[i] = dial(w, &w->connector);
		assert_true(works(first[i]));
	}
	p = dial(w, &w->connector);
	assert_false(works(p));
	hang_up(p);
	for (int i = 0; i < ROOM; i++) {
		assert_true(works(in[i]));
		hang_up(in[i]);
	}
	for (int i = 0; i < FIRST; i++)
		hang_up(first[i]);
}

static void
who_says_nothing_does_not_keep_connectors_out_of_a_full_house(void **state)
{
	const struct world *w = *state;
	struct peer in[ROOM], p;
	int fds[2 * FIRST];

	for (int i = 0; i < ROOM; i++) {
		in[i] = dial(w, i < HELD ? &w->phone : &w->tablet);
		assert_true(works(in[i]));
	}
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = stall(w);
	p = dial(w, &w->connector);
	assert_true(works(p));
	hang_up(p);
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	for (int i = 0; i < ROOM; i++)
		hang_up(in[i]);
}

static void
one_certificate_does_not_fill_the_house(void **state)
{
	const struct world *w = *state;
	struct peer in[HELD], p;

	for (int i = 0; i < HELD; i++) {
		in[i] = dial(w, &w->phone);
		assert_true(works(in[i]));
	}
	p = dial(w, &w->phone);
	assert_false(works(p));
	hang_up(p);
	p = dial(w, &w->tablet);
	assert_true(works(p));
	hang_up(p);
	/* What it gives back it may take again. */
	hang_up(in[0]);
	do {
		hang_up(in[1]);
		in[1] = dial(w, &w->phone);
	} while (!works(in[1]));
	hang_up(in[1]);
	hang_up(in[2]);
}

static void
one_connector_does_not_fill_it_either(void **state)
{
	const struct world *w = *state;
	struct peer in[FIRST], p;

	for (int i = 0; i < FIRST; i++) {
		in[i] = dial(w, &w->connector);
		assert_true(works(in[i]));
	}
	p = dial(w, &w->connector);
	assert_false(works(p));
	hang_up(p);
	p = dial(w, &w->phone);
	assert_true(works(p));
	hang_up(p);
	for (int i = 0; i < FIRST; i++) {
		assert_true(works(in[i]));
		hang_up(in[i]);
	}
}

static void
as_many_files_may_be_open_as_there_are_places(void **state)
{
	struct rlimit before, after;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	if (before.rlim_max < 2 * (ROOM + FIRST) + 1024)
		skip();
	before.rlim_cur = 256;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(set_up(state), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
	assert_int_equal(after.rlim_cur, 2 * (ROOM + FIRST) + 1024);
	assert_int_equal(after.rlim_max, before.rlim_max);
	tear_down(state);
	/* What is more already is left alone. */
	after.rlim_cur++;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &after), 0);
	assert_int_equal(set_up(state), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(before.rlim_cur, after.rlim_cur);
	tear_down(state);
}

#define IN_HOUSE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOUSE(who_says_nothing_makes_room_for_who_comes_later),
		IN_HOUSE(who_showed_a_certificate_stays_whoever_comes),
		IN_HOUSE(one_whose_certificate_is_over_is_served_and_makes_room_like_a_stranger),
		IN_HOUSE(
		    one_whose_certificate_is_over_may_say_as_much_as_before_and_a_stranger_may_not),
		IN_HOUSE(a_stranger_for_whom_something_is_done_gets_his_answer),
		IN_HOUSE(in_a_full_house_connectors_get_in_and_nobody_else),
		IN_HOUSE(who_says_nothing_does_not_keep_connectors_out_of_a_full_house),
		cmocka_unit_test(as_many_files_may_be_open_as_there_are_places),
		IN_HOUSE(one_certificate_does_not_fill_the_house),
		IN_HOUSE(one_connector_does_not_fill_it_either),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Mail: STARTTLS is demanded of every server but this host, and its certificate must be good. */
#include "expect.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/mail.h"

/* A server that says what it was told to say to each line, and remembers what it heard. */
struct server {
	int fd;
	in_port_t port;
	const char *hello; /* to EHLO */
	const char *starttls;
	char heard[4096];
	pthread_t thread;
};

static void
say(int c, const char *text)
{
	assert_int_equal(send(c, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static bool
is_verb(const char *line, const char *verb)
{
	return strncmp(line, verb, strlen(verb)) == 0;
}

static void
talk(struct server *s, int c)
{
	char line[1024];
	bool text = false;
	FILE *f = fdopen(c, "r");

	say(c, "220 test\r\n");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		size_t n = strlen(s->heard);

		snprintf(s->heard + n, sizeof(s->heard) - n, "%s", line);
		if (text && strcmp(line, ".\r\n") != 0)
			continue;
		if (is_verb(line, "EHLO"))
			say(c, s->hello);
		else if (is_verb(line, "STARTTLS"))
			say(c, s->starttls);
		else if (is_verb(line, "DATA"))
			say(c, "354 go on\r\n");
		else
			say(c, "250 ok\r\n");
		text = is_verb(line, "DATA");
	}
	if (f != NULL)
		fclose(f);
}

static void *
serve(void *arg)
{
	struct server *s = arg;
	int c = accept(s->fd, NULL, NULL);

	if (c >= 0)
		talk(s, c);
	return NULL;
}

static void
server_start(struct server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_ANY);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->fd, 1), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
server_end(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static err_t
mail_to(struct arena *a, const char *host, const struct server *s)
{
	struct mail_conf conf = { .server = arena_printf(a, "smtp://%s:%u", host, s->port),
		.user = "",
		.password = "",
		.from = "pki@example.test" };

	return mail_send(&conf, a, "you@example.test", "Subject", "Text", 10000);
}

static void
on_this_host_it_goes_without_tls(void **state)
{
	struct arena *a = *state;
	struct server s = { .hello = "250 8BITMIME\r\n" };

	server_start(&s);
	expect_ok(mail_to(a, "127.0.0.1", &s));
	server_end(&s);
	assert_non_null(strstr(s.heard, "RCPT TO:<you@example.test>"));
}

/* 127.0.0.2 is this host as well, but not by a name that is believed. */
static void
elsewhere_a_server_without_starttls_gets_nothing(void **state)
{
	struct arena *a = *state;
	struct server s = { .hello = "250 8BITMIME\r\n" };

	server_start(&s);
	expect_err(ERR_TLS, mail_to(a, "127.0.0.2", &s));
	server_end(&s);
	assert_null(strstr(s.heard, "MAIL"));
	assert_null(strstr(s.heard, "you@"));
}

static void
a_refused_starttls_ends_it(void **state)
{
	struct arena *a = *state;
	struct server s = { .hello = "250-STARTTLS\r\n250 8BITMIME\r\n",
		.starttls = "454 not now\r\n" };

	server_start(&s);
	expect_err(ERR_TLS, mail_to(a, "127.0.0.2", &s));
	server_end(&s);
	assert_null(strstr(s.heard, "MAIL"));
}

static void
what_follows_starttls_and_is_no_tls_ends_it(void **state)
{
	struct arena *a = *state;
	struct server s = { .hello = "250-STARTTLS\r\n250 8BITMIME\r\n",
		.starttls = "220 go on\r\n250 injected\r\n" };

	server_start(&s);
	assert_false(err_ok(mail_to(a, "127.0.0.2", &s)));
	server_end(&s);
	assert_null(strstr(s.heard, "MAIL"));
}

static int
setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	arena_free(*state);
	return 0;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(on_this_host_it_goes_without_tls),
		CASE(elsewhere_a_server_without_starttls_gets_nothing),
		CASE(a_refused_starttls_ends_it),
		CASE(what_follows_starttls_and_is_no_tls_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Our server and our client over TLS: who gets in, what goes over, what the failures are called. */
#include "expect.h"

#include <poll.h>
#include <pthread.h>

#include <openssl/ssl.h>

#include "certs.h"
#include "net/fetch.h"
#include "server.h"

#define DAY 86400L

struct world {
	struct arena *a;
	struct party ca, other_ca;
	struct party server, right, wrong, expired, wrong_expired;
	struct tls_server *tls;
	struct http *http;
	unsigned port;
};

static err_t
who(struct http_req *r)
{
	const struct world *w = http_ctx(r);
	struct str cert = http_peer_cert(r);

	return http_reply(r, 200, "text/plain",
	    http_peer_over(r)               ? (cert.n == 0 ? LIT("over") : LIT("over and there")) :
		cert.n == 0                 ? LIT("nobody") :
		str_eq(cert, w->right.cert) ? LIT("right") :
					      LIT("somebody"));
}

static err_t
echo(struct http_req *r)
{
	return http_reply(r, 200, "application/octet-stream", http_body(r));
}

static err_t
waits(struct http_req *r)
{
	if (http_late(r))
		return http_reply(r, 200, NULL, STR_EMPTY);
	return http_park(r, 1, STR_EMPTY, http_arrived_ms(r) + 20000);
}

static void
on_error(struct http_req *r, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	expect_ok(http_reply(r, err_info(rep.code)->http, "text/plain", str_c(rep.detail)));
}

static const struct http_route routes[] = {
	ROUTE(GET, "/who", 1, who),
	ROUTE(POST, "/echo", 1, echo),
	ROUTE(GET, "/waits", 1, waits),
	{ .path = NULL },
};

static int
set_up(void **state, enum tls_client_auth client)
{
	struct world *w = calloc(1, sizeof(*w));
	struct http_mount mount = {
		.routes = routes, .ctx = w, .gate = server_gate, .on_error = on_error
	};
	struct http_conf conf = { .name = "tls", .workers = 2, .mounts = &mount, .nmounts = 1 };
	struct tls_server_conf tls = { .client = client, .nchain = 1, .nanchors = 1 };

	w->a = arena_new();
	w->ca = party_make(w->a, "Right CA", NULL, DAY);
	w->other_ca = party_make(w->a, "Other CA", NULL, DAY);
	w->server = party_make(w->a, "localhost", &w->ca, DAY);
	w->right = party_make(w->a, "right", &w->ca, DAY);
	w->wrong = party_make(w->a, "wrong", &w->other_ca, DAY);
	w->expired = party_make(w->a, "expired", &w->ca, -60);
	w->wrong_expired = party_make(w->a, "expired", &w->other_ca, -60);
	tls.key = w->server.key;
	tls.chain = &w->server.cert;
	tls.anchors = &w->ca.cert;
	expect_ok(tls_server_new(&tls, &w->tls));
	conf.tls = w->tls;
	w->http = server_start(&conf, &w->port);
	*state = w;
	return 0;
}

static int
set_up_optional(void **state)
{
	return set_up(state, TLS_CLIENT_OPTIONAL);
}

static int
set_up_ended(void **state)
{
	return set_up(state, TLS_CLIENT_ENDED);
}

static int
set_up_required(void **state)
{
	return set_up(state, TLS_CLIENT_REQUIRED);
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	struct party *all[] = { &w->ca, &w->other_ca, &w->server, &w->right, &w->wrong, &w->expired,
		&w->wrong_expired };

	http_free(w->http);
	tls_server_free(w->tls);
	for (size_t i = 0; i < COUNT(all); i++)
		key_free(all[i]->key);
	arena_free(w->a);
	free(w);
	return 0;
}

/* With OpenSSL alone, so that the version can be chosen: what /who says, "" when the server let
 * nobody in. */
static const char *
ask(const struct world *w, int version, const struct party *as)
{
	static char text[1024];
	int fd = server_dial(w->port);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const char *ask_who = "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	const char *body = NULL;
	int got = 0, n;
	SSL *ssl;

	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	if (as != NULL) {
		SSL_CTX_use_certificate_ASN1(ctx, (int)as->cert.n, as->cert.p);
		SSL_CTX_use_PrivateKey(ctx, key_pkey(as->key));
	}
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, ask_who, (int)strlen(ask_who)) > 0)
		while (got < (int)sizeof(text) - 1 &&
		    (n = SSL_read(ssl, text + got, (int)sizeof(text) - 1 - got)) > 0)
			got += n;
	text[got] = '\0';
	body = strstr(text, "\r\n\r\n");
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return body == NULL ? "" : body + 4;
}

/* Whom it takes whom for, by either version; "" is nobody let in. */
static void
expect_taken_for(const struct world *w, const char *nameless, const char *expired)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < COUNT(versions); i++) {
		assert_string_equal(ask(w, versions[i], &w->right), "right");
		assert_string_equal(ask(w, versions[i], NULL), nameless);
		assert_string_equal(ask(w, versions[i], &w->wrong), "");
		assert_string_equal(ask(w, versions[i], &w->expired), expired);
		assert_string_equal(ask(w, versions[i], &w->wrong_expired), "");
	}
}

static void
optional_lets_in_the_right_and_the_nameless(void **state)
{
	expect_taken_for(*state, "nobody", "");
}

static void
one_that_is_over_gets_in_as_nobody_where_that_is_asked_for_and_nothing_else_does(void **state)
{
	expect_taken_for(*state, "nobody", "over");
}

static void
required_lets_in_the_right_alone(void **state)
{
	expect_taken_for(*state, "", "");
}

static void
older_versions_are_refused(void **state)
{
	const struct world *w = *state;

	assert_string_equal(ask(w, TLS1_1_VERSION, &w->right), "");
}

static struct fetch *
client(const struct world *w, const struct party *as, const struct party *trust)
{
	struct tls_client_conf conf = { .anchors = &trust->cert, .nanchors = 1 };
	struct fetch *f = NULL;

	(void)w;
	if (as != NULL) {
		conf.key = as->key;
		conf.chain = &as->cert;
		conf.nchain = 1;
	}
	expect_ok(fetch_new(&conf, &f));
	return f;
}

static char *
url(struct arena *a, const struct world *w, const char *host, const char *path)
{
	return arena_printf(a, "https://%s:%u%s", host, w->port, path);
}

static void
fetch_brings_answers(void **state)
{
	const struct world *w = *state;
	auto_fetch struct fetch *f = client(w, &w->right, &w->ca);
	auto_arena struct arena *a = arena_new();
	struct fetch_reply r;
	uint8_t *big = arena_alloc(a, 300000);

	memset(big, 'x', 300000);
	for (int i = 0; i < 3; i++) {
		expect_ok(fetch_run(
		    f, a, "GET", url(a, w, "localhost", "/who"), NULL, STR_EMPTY, 5000, &r));
		assert_int_equal(r.status, 200);
		assert_true(str_eq(r.body, LIT("right")));
		assert_string_equal(r.content_type, "text/plain");
		expect_ok(fetch_run(f, a, "POST", url(a, w, "localhost", "/echo"), NULL,
		    str_of(big, 300000), 5000, &r));
		assert_int_equal(r.body.n, 300000);
	}
	expect_ok(
	    fetch_run(f, a, "POST", url(a, w, "localhost", "/echo"), NULL, STR_EMPTY, 5000, &r));
	assert_int_equal(r.body.n, 0);
	expect_ok(
	    fetch_run(f, a, "DELETE", url(a, w, "localhost", "/who"), NULL, STR_EMPTY, 5000, &r));
	assert_int_equal(r.status, 405);
}

static void
fetch_names_its_failures(void **state)
{
	const struct world *w = *state;
	auto_fetch struct fetch *f = client(w, &w->right, &w->ca);
	auto_fetch struct fetch *distrusts = client(w, &w->right, &w->other_ca);
	auto_fetch struct fetch *wrong = client(w, &w->wrong, &w->ca);
	auto_arena struct arena *a = arena_new();
	struct fetch_reply r;

	expect_err(ERR_TLS,
	    fetch_run(
		distrusts, a, "GET", url(a, w, "localhost", "/who"), NULL, STR_EMPTY, 5000, &r));
	expect_err(ERR_TLS,
	    fetch_run(f, a, "GET", url(a, w, "127.0.0.1", "/who"), NULL, STR_EMPTY, 5000, &r));
	expect_err(ERR_TLS,
	    fetch_run(wrong, a, "GET", url(a, w, "localhost", "/who"), NULL, STR_EMPTY, 5000, &r));
	expect_err(ERR_UNREACHABLE,
	    fetch_run(f, a, "GET", "https://localhost:1/", NULL, STR_EMPTY, 5000, &r));
	expect_err(ERR_UNREACHABLE,
	    fetch_run(f, a, "GET", "https://nowhere.invalid/", NULL, STR_EMPTY, 5000, &r));
	expect_err(ERR_TIMEOUT,
	    fetch_run(f, a, "GET", url(a, w, "localhost", "/waits"), NULL, STR_EMPTY, 100, &r));
	expect_err(ERR_BAD_REQUEST,
	    fetch_run(f, a, "GET", "file:///etc/passwd", NULL, STR_EMPTY, 100, &r));
}

static void *
interrupt_later(void *arg)
{
	poll(NULL, 0, 100);
	fetch_interrupt(arg);
	return NULL;
}

static void
an_interrupt_ends_the_exchange(void **state)
{
	const struct world *w = *state;
	auto_fetch struct fetch *f = client(w, NULL, &w->ca);
	auto_arena struct arena *a = arena_new();
	int64_t start = when_mono_ms();
	struct fetch_reply r;
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, interrupt_later, f), 0);
	expect_err(ERR_TIMEOUT,
	    fetch_run(f, a, "GET", url(a, w, "localhost", "/waits"), NULL, STR_EMPTY, 15000, &r));
	assert_true(when_mono_ms() - start < 14000);
	pthread_join(t, NULL);
}

static void
a_parked_tls_client_that_leaves_is_noticed(void **state)
{
	const struct world *w = *state;
	auto_fetch struct fetch *f = client(w, NULL, &w->ca);
	auto_arena struct arena *a = arena_new();
	int64_t deadline = when_mono_ms() + 30000;
	struct fetch_reply r;

	expect_err(ERR_TIMEOUT,
	    fetch_run(f, a, "GET", url(a, w, "localhost", "/waits"), NULL, STR_EMPTY, 100, &r));
	while (http_parked(w->http) > 0 && when_mono_ms() < deadline)
		poll(NULL, 0, 5);
	assert_int_equal(http_parked(w->http), 0);
}

static void
a_key_needs_its_own_certificate(void **state)
{
	const struct world *w = *state;
	struct tls_server_conf tls = { .key = w->right.key, .chain = &w->server.cert, .nchain = 1 };
	struct tls_server *t = NULL;

	expect_err(ERR_TLS, tls_server_new(&tls, &t));
	tls.nchain = 0;
	expect_err(ERR_TLS, tls_server_new(&tls, &t));
	assert_null(t);
}

#define OPTIONAL(test) cmocka_unit_test_setup_teardown(test, set_up_optional, tear_down)
#define ENDED(test) cmocka_unit_test_setup_teardown(test, set_up_ended, tear_down)
#define REQUIRED(test) cmocka_unit_test_setup_teardown(test, set_up_required, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OPTIONAL(optional_lets_in_the_right_and_the_nameless),
		ENDED(
		    one_that_is_over_gets_in_as_nobody_where_that_is_asked_for_and_nothing_else_does),
		REQUIRED(required_lets_in_the_right_alone),
		OPTIONAL(older_versions_are_refused),
		OPTIONAL(fetch_brings_answers),
		OPTIONAL(fetch_names_its_failures),
		OPTIONAL(an_interrupt_ends_the_exchange),
		OPTIONAL(a_parked_tls_client_that_leaves_is_noticed),
		OPTIONAL(a_key_needs_its_own_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

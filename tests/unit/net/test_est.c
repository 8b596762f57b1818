/* SPDX-License-Identifier: Apache-2.0 */
/* The client of EST against a server that answers as told. RFC 7030 4.2. */
#include "expect.h"

#include "certs.h"
#include "codec/est_msg.h"
#include "net/est.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "server.h"

enum mode { WHOLE, LEAF_ONLY, LEAF_LAST, OTHERS_LEAF, WAITS, REFUSES, STRANGER, AWAY, HTML };

struct world {
	struct arena *a;
	struct party root, leaf;
	struct http *http;
	unsigned port;
	enum mode mode;
	struct str csr;
	bool seen, asked_cacerts;
};

static err_t
certs_only(struct http_req *r, const struct str *certs, size_t n)
{
	struct str der;

	TRY(cms_certs(http_arena(r), certs, n, &der));
	return http_reply(r, 200, "application/pkcs7-mime; smime-type=certs-only",
	    str_c(est_body_print(http_arena(r), der, true)));
}

static err_t
enroll(struct http_req *r)
{
	struct world *w = http_ctx(r);
	const struct str whole[] = { w->leaf.cert, w->root.cert },
			 last[] = { w->root.cert, w->leaf.cert };
	const char *auth = http_header(r, "Authorization"), *more = http_header(r, "X-More");
	struct str csr;

	TRY(est_body_parse(http_arena(r), http_body(r), 1 << 16, &csr));
	w->seen = str_eq(csr, w->csr) && auth != NULL && strcmp(auth, "Basic dTpwOnc=") == 0 &&
	    more != NULL && strcmp(more, "x") == 0 &&
	    est_media_type(http_header(r, "Content-Type"), "application/pkcs10");
	switch (w->mode) {
	case WHOLE:
		return certs_only(r, whole, 2);
	case LEAF_ONLY:
		return certs_only(r, whole, 1);
	case LEAF_LAST:
		return certs_only(r, last, 2);
	case OTHERS_LEAF:
		return certs_only(r, last, 1);
	case WAITS:
		http_reply_header(r, "Retry-After", "600");
		return http_reply(r, 202, NULL, STR_EMPTY);
	case REFUSES:
		return http_reply(r, 403, "text/plain", LIT("not today"));
	case STRANGER:
		return http_reply(r, 401, NULL, STR_EMPTY);
	case AWAY:
		return http_reply(r, 503, NULL, STR_EMPTY);
	case HTML:
		return http_reply(r, 200, "text/html", LIT("<html>"));
	}
	return OK;
}

static err_t
cacerts(struct http_req *r)
{
	struct world *w = http_ctx(r);

	w->asked_cacerts = true;
	return certs_only(r, &w->root.cert, 1);
}

static err_t
csrattrs(struct http_req *r)
{
	struct world *w = http_ctx(r);
	static const int status[] = {
		[WHOLE] = 204, [LEAF_ONLY] = 404, [STRANGER] = 401, [REFUSES] = 403
	};

	return http_reply(r, status[w->mode], NULL, STR_EMPTY);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/.well-known/est/{label}/simpleenroll", 1, enroll),
	ROUTE(GET, "/.well-known/est/{label}/cacerts", 1, cacerts),
	ROUTE(GET, "/.well-known/est/{label}/csrattrs", 1, csrattrs),
	{ .path = NULL },
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct http_mount mount = {
		.routes = routes, .ctx = w, .gate = server_gate, .on_error = server_puzzled
	};
	struct http_conf conf = { .name = "est", .workers = 1, .mounts = &mount, .nmounts = 1 };
	const struct csr_spec spec = { .key_usage = 0x80 };

	w->a = arena_new();
	w->root = party_make(w->a, "Root", NULL, 86400);
	w->leaf = party_make(w->a, "leaf", &w->root, 86400);
	expect_ok(csr_make(w->a, w->leaf.key, &spec, &w->csr));
	w->http = server_start(&conf, &w->port);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	http_free(w->http);
	key_free(w->root.key);
	key_free(w->leaf.key);
	arena_free(w->a);
	free(w);
	return 0;
}

static struct est_server
server(struct world *w, struct arena *a)
{
	return (struct est_server){ .base = arena_printf(a, "http://127.0.0.1:%u", w->port),
		.label = "My label/1",
		.user = "u",
		.password = "p:w" };
}

static err_t
ask(struct world *w, enum mode mode, struct arena *a, struct est_reply *ret)
{
	struct tls_client_conf conf = { 0 };
	const struct est_server s = server(w, a);
	auto_fetch struct fetch *f = NULL;

	w->mode = mode;
	TRY(fetch_new(&conf, &f));
	return est_enroll(f, a, &s, "X-More: x", w->csr, 5000, ret);
}

static void
the_certificate_for_our_key_is_found_wherever_it_stands(void **state)
{
	static const enum mode modes[] = { WHOLE, LEAF_ONLY, LEAF_LAST };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(modes); i++) {
		auto_arena struct arena *a = arena_new();
		struct est_reply r;

		w->asked_cacerts = false;
		expect_ok(ask(w, modes[i], a, &r));
		assert_true(w->seen);
		assert_false(r.pending);
		assert_true(str_eq(r.leaf, w->leaf.cert));
		assert_int_equal(r.nchain, 1);
		assert_true(str_eq(r.chain[0], w->root.cert));
		assert_true(w->asked_cacerts == (modes[i] == LEAF_ONLY));
	}
}

static void
a_request_that_waits_says_for_how_long(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct est_reply r;

	expect_ok(ask(*state, WAITS, a, &r));
	assert_true(r.pending);
	assert_int_equal(r.retry_s, 600);
}

static void
anything_else_is_an_error(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct est_reply r;

	expect_err(ERR_KEY_MISMATCH, ask(*state, OTHERS_LEAF, a, &r));
	expect_err(ERR_CA_DENIED, ask(*state, REFUSES, a, &r));
	expect_err(ERR_CA_ACCESS, ask(*state, STRANGER, a, &r));
	expect_err(ERR_UNREACHABLE, ask(*state, AWAY, a, &r));
	expect_err(ERR_MALFORMED, ask(*state, HTML, a, &r));
}

static void
whether_it_takes_us_is_asked_without_a_request(void **state)
{
	static const struct {
		enum mode mode;
		enum err_code code;
	} rows[] = { { WHOLE, ERR_NONE }, { LEAF_ONLY, ERR_NONE }, { STRANGER, ERR_CA_ACCESS },
		{ REFUSES, ERR_CA_DENIED } };
	struct world *w = *state;
	struct tls_client_conf conf = { 0 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_arena struct arena *a = arena_new();
		const struct est_server s = server(w, a);
		auto_fetch struct fetch *f = NULL;
		err_t e;

		w->mode = rows[i].mode;
		expect_ok(fetch_new(&conf, &f));
		e = est_check(f, a, &s, 5000);
		assert_int_equal(e.code, rows[i].code);
		err_forget(e);
	}
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVER(the_certificate_for_our_key_is_found_wherever_it_stands),
		ON_SERVER(a_request_that_waits_says_for_how_long),
		ON_SERVER(anything_else_is_an_error),
		ON_SERVER(whether_it_takes_us_is_asked_without_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The client of MS-WSTEP against a CA that answers as told. */
#include "expect.h"

#include "base/limits.h"
#include "certs.h"
#include "codec/wstep_msg.h"
#include "net/wstep.h"
#include "pki/cms.h"
#include "server.h"

enum mode { ISSUES, KEEPS_WAITING, DENIES, TALKS_HTML, SENDS_NOTHING, IS_AWAY, GATEWAY };

struct world {
	struct arena *a;
	struct party root, leaf;
	struct http *http;
	unsigned port;
	enum mode mode;
	bool seen; /* the request was as it should be */
};

static bool
as_it_should_be(const struct wstep_request *q)
{
	if (q->type == WSTEP_QUERY)
		return strcmp(q->request_id, "61") == 0;
	return q->type == WSTEP_ISSUE && str_eq(q->token, LIT("csr")) && q->nitems == 1 &&
	    strcmp(q->items[0].name, "CertificateTemplate") == 0 &&
	    strcmp(q->items[0].value, "User & <more>") == 0;
}

static err_t
answer(struct http_req *r)
{
	struct world *w = http_ctx(r);
	struct arena *a = http_arena(r);
	struct wstep_response issued = { .message_id = "urn:uuid:1",
		.disposition = "Issued",
		.leaf = w->leaf.cert,
		.service_url = "https://ca/x",
		.request_id = "61" };
	struct wstep_response pending = { .message_id = "urn:uuid:1",
		.disposition = "Taken Under Submission",
		.service_url = "https://ca/x",
		.request_id = "61" };
	struct wstep_fault fault = { .relates_to = "",
		.reason = "Denied by Policy Module",
		.hresult = 0x80094800,
		.invalid_request = true,
		.request_id = "62" };
	struct str certs[] = { w->leaf.cert, w->root.cert };
	auto_buf struct buf b;
	struct wstep_request q;

	buf_init(&b, LIMIT_XML_BYTES);
	TRY(wstep_request_parse(a, http_body(r), &q));
	w->seen = as_it_should_be(&q);
	issued.relates_to = pending.relates_to = fault.relates_to = q.message_id;
	switch (w->mode) {
	case ISSUES:
		TRY(cms_certs(a, certs, COUNT(certs), &issued.pkcs7));
		TRY(wstep_response_print(a, &issued, &b));
		return http_reply(r, 200, WSTEP_CONTENT_TYPE, buf_str(&b));
	case KEEPS_WAITING:
		TRY(cms_certs(a, certs, COUNT(certs), &pending.pkcs7));
		TRY(wstep_response_print(a, &pending, &b));
		return http_reply(r, 200, WSTEP_CONTENT_TYPE, buf_str(&b));
	case DENIES:
		TRY(wstep_fault_print(a, &fault, &b));
		return http_reply(r, 500, WSTEP_CONTENT_TYPE, buf_str(&b));
	case TALKS_HTML:
		return http_reply(r, 200, "text/html", LIT("<html><p>hello</html>"));
	case SENDS_NOTHING:
		return http_reply(r, 401, NULL, STR_EMPTY);
	case IS_AWAY:
		return http_reply(r, 503, NULL, STR_EMPTY);
	case GATEWAY:
		return http_reply(r, 504, NULL, STR_EMPTY);
	}
	return OK;
}

static const struct http_route routes[] = {
	ROUTE(POST, "/{ca}/service.svc/CES", 1, answer),
	{ .path = NULL },
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct http_mount mount = {
		.routes = routes, .ctx = w, .gate = server_gate, .on_error = server_puzzled
	};
	struct http_conf conf = { .name = "ca", .workers = 1, .mounts = &mount, .nmounts = 1 };

	w->a = arena_new();
	w->root = party_make(w->a, "Root", NULL, 86400);
	w->leaf = party_make(w->a, "leaf", &w->root, 86400);
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

static err_t
submit(struct world *w, enum mode mode, struct arena *a, struct wstep_reply *ret)
{
	const struct wstep_attr attrs[] = { { "CertificateTemplate", "User & <more>" } };
	struct tls_client_conf conf = { 0 };
	auto_fetch struct fetch *f = NULL;

	w->mode = mode;
	TRY(fetch_new(&conf, &f));
	const struct wstep_server s = { .url = wstep_url(a,
					    arena_printf(a, "http://127.0.0.1:%u", w->port),
					    "My CA", WSTEP_BY_CERTIFICATE) };

	return wstep_submit(f, a, &s, LIT("csr"), attrs, COUNT(attrs), 5000, ret);
}

static void
an_issued_certificate_comes_with_its_chain(void **state)
{
	struct world *w = *state;
	auto_arena struct arena *a = arena_new();
	struct wstep_reply r;

	expect_ok(submit(w, ISSUES, a, &r));
	assert_true(w->seen);
	assert_int_equal(r.outcome, WSTEP_ISSUED);
	assert_true(str_eq(r.leaf, w->leaf.cert));
	assert_int_equal(r.nchain, 1);
	assert_true(str_eq(r.chain[0], w->root.cert));
	assert_string_equal(r.request_id, "61");
}

static void
a_pending_request_has_its_number_and_can_be_asked_for(void **state)
{
	struct world *w = *state;
	auto_arena struct arena *a = arena_new();
	struct tls_client_conf conf = { 0 };
	auto_fetch struct fetch *f = NULL;
	struct wstep_reply r;

	expect_ok(submit(w, KEEPS_WAITING, a, &r));
	assert_int_equal(r.outcome, WSTEP_PENDING);
	assert_string_equal(r.request_id, "61");
	expect_ok(fetch_new(&conf, &f));
	w->mode = ISSUES;
	expect_ok(wstep_query(f, a,
	    &(struct wstep_server){
		.url = wstep_url(a, arena_printf(a, "http://127.0.0.1:%u", w->port), "My CA",
		    WSTEP_BY_CERTIFICATE) },
	    "61", 5000, &r));
	assert_true(w->seen);
	assert_int_equal(r.outcome, WSTEP_ISSUED);
}

static void
a_fault_is_a_denial_with_its_code(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct wstep_reply r;

	expect_ok(submit(*state, DENIES, a, &r));
	assert_int_equal(r.outcome, WSTEP_DENIED);
	assert_int_equal(r.hresult, 0x80094800);
	assert_false(r.retry_elsewhere);
	assert_string_equal(r.message, "Denied by Policy Module");
}

static void
anything_else_is_an_error(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct wstep_reply r;
	err_t e = submit(*state, TALKS_HTML, a, &r);

	assert_false(err_ok(e));
	err_forget(e);
	expect_err(ERR_CA_ACCESS, submit(*state, SENDS_NOTHING, a, &r));
	expect_err(ERR_UNREACHABLE, submit(*state, IS_AWAY, a, &r));
}

/* Sends to that port, and says whether the CA may have issued. */
static bool
may_have_issued(struct world *w, enum mode mode, unsigned port)
{
	auto_arena struct arena *a = arena_new();
	struct tls_client_conf conf = { 0 };
	auto_fetch struct fetch *f = NULL;
	struct wstep_reply r;

	w->mode = mode;
	expect_ok(fetch_new(&conf, &f));
	assert_false(fetch_taken(f));
	fetch_once(f);
	err_forget(wstep_submit(f, a,
	    &(struct wstep_server){
		.url = wstep_url(a, arena_printf(a, "http://127.0.0.1:%u", port), "My CA",
		    WSTEP_BY_CERTIFICATE) },
	    LIT("csr"), NULL, 0, 5000, &r));
	return fetch_taken(f);
}

static void
whether_a_ca_may_have_issued_is_known_of_each_end(void **state)
{
	struct world *w = *state;

	assert_true(may_have_issued(w, ISSUES, w->port));
	assert_true(may_have_issued(w, DENIES, w->port));
	assert_true(may_have_issued(w, TALKS_HTML, w->port));
	assert_true(may_have_issued(w, GATEWAY, w->port));
	assert_false(may_have_issued(w, SENDS_NOTHING, w->port));
	assert_false(may_have_issued(w, IS_AWAY, w->port));
	assert_false(may_have_issued(w, ISSUES, 1)); /* nobody listens there */
}

static void
the_address_is_encoded(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(
	    wstep_url(a, "https://ca.example:9443", "Corp CA/1", WSTEP_BY_CERTIFICATE),
	    "https://ca.example:9443/Corp%20CA%2F1_CES_Certificate/service.svc/CES");
}

static void
each_way_to_be_known_has_its_address(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(wstep_url(a, "https://ca", "CA", WSTEP_BY_PASSWORD),
	    "https://ca/CA_CES_UsernamePassword/service.svc/CES");
	assert_string_equal(wstep_url(a, "https://ca", "CA", WSTEP_BY_KERBEROS),
	    "https://ca/CA_CES_Kerberos/service.svc/CES");
}

#define ON_CA(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_CA(an_issued_certificate_comes_with_its_chain),
		ON_CA(a_pending_request_has_its_number_and_can_be_asked_for),
		ON_CA(a_fault_is_a_denial_with_its_code),
		ON_CA(anything_else_is_an_error),
		ON_CA(whether_a_ca_may_have_issued_is_known_of_each_end),
		cmocka_unit_test(the_address_is_encoded),
		cmocka_unit_test(each_way_to_be_known_has_its_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The front on loopback, before an issuer behind its socket, asked by our own clients. */
#include "lab.h"

#include "ca/front.h"
#include "net/fetch.h"
#include "net/proc.h"
#include "net/wstep.h"
#include "pki/keyprov.h"

struct site {
	struct lab *l;
	struct ipc_server *issuer;
	struct ipc_client *client;
	struct front *front;
	struct key *tls_key;
	struct tls_server *tls;
	struct http *https, *http;
	const char *https_url, *http_url;
	struct str root, issuing;
};

static struct http *
serve(struct http_mount mount, struct tls_server *tls, unsigned *ret_port)
{
	struct http_conf conf = {
		.name = "test", .tls = tls, .mounts = &mount, .nmounts = 1, .workers = 2
	};
	struct http *h = NULL;

	expect_ok(net_listen("127.0.0.1:0", &conf.listen_fd, ret_port));
	expect_ok(http_new(&conf, &h));
	expect_ok(http_start(h));
	return h;
}

static void
site_issuer(struct site *s)
{
	char *path = arena_printf(s->l->a, "%s/issuer.sock", s->l->dir);
	int fd;

	expect_ok(ipc_listen(path, 0600, &fd));
	expect_ok(ipc_server_new(fd, 8, issuer_verbs(), s->l->is, &s->issuer));
	expect_ok(ipc_server_start(s->issuer));
	expect_ok(ipc_client_new(path, 4, 2000, &s->client));
}

static int
site_setup(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	struct tls_server_conf conf;
	struct front_conf fc = { .url = "https://ca.example.test" };
	const struct ca *ca;
	void *lab = NULL;
	unsigned port;

	assert_int_equal(lab_setup(&lab), 0);
	s->l = lab;
	expect_ok(keyprov_init());
	site_issuer(s);
	fc.issuer = s->client;
	expect_ok(front_open(&fc, &s->front));
	expect_ok(front_tls(s->front, s->l->a, &conf, &s->tls_key));
	expect_ok(tls_server_new(&conf, &s->tls));
	s->https = serve(front_tls_mount(s->front), s->tls, &port);
	s->https_url = arena_printf(s->l->a, "https://127.0.0.1:%u", port);
	s->http = serve(front_http_mount(s->front), NULL, &port);
	s->http_url = arena_printf(s->l->a, "http://127.0.0.1:%u", port);
	expect_ok(hierarchy_by_role(issuer_hierarchy(s->l->is), CA_ROLE_ROOT, &ca));
	s->root = cert_der(ca->cert);
	expect_ok(hierarchy_by_role(issuer_hierarchy(s->l->is), CA_ROLE_ISSUING, &ca));
	s->issuing = cert_der(ca->cert);
	*state = s;
	return 0;
}

static int
site_teardown(void **state)
{
	struct site *s = *state;
	void *lab = s->l;

	http_stop(s->https);
	http_free(s->https);
	http_stop(s->http);
	http_free(s->http);
	tls_server_free(s->tls);
	key_free(s->tls_key);
	front_close(s->front);
	ipc_client_free(s->client);
	ipc_server_stop(s->issuer);
	free(s);
	return lab_teardown(&lab);
}

static struct fetch *
fetch_as(struct site *s, struct key *key, struct str cert)
{
	struct str *chain = arena_array(s->l->a, 2, sizeof(*chain));
	struct tls_client_conf conf = {
		.anchors = &s->root, .nanchors = 1, .key = key, .chain = chain, .nchain = 2
	};
	struct fetch *f = NULL;

	chain[0] = cert;
	chain[1] = s->issuing;
	if (key == NULL)
		conf.nchain = 0;
	expect_ok(fetch_new(&conf, &f));
	return f;
}

static struct wstep_reply
submit_as(struct site *s, struct fetch *f, const struct want *w)
{
	struct lab *l = s->l;
	struct wstep_attr attrs[] = { { "CertificateTemplate", w->template },
		{ "ChanceryOrder", text_base64(l->a, lab_seal(l, l->order_key, &w->order)) } };
	char *url = arena_printf(
	    l->a, "%s/Test%%20Issuing%%20CA_CES_Certificate/service.svc/CES", s->https_url);
	struct wstep_reply reply = { 0 };
	struct str csr;

	expect_ok(csr_make(l->a, w->key, &w->csr, &csr));
	expect_ok(wstep_submit(
	    f, l->a, &(struct wstep_server){ .url = url }, csr, attrs, 2, 10000, &reply));
	return reply;
}

static void
a_certificate_is_issued_over_wstep(void **state)
{
	struct site *s = *state;
	struct want w = lab_want(s->l);
	auto_fetch struct fetch *f = fetch_as(s, s->l->caller_key, s->l->caller);
	struct wstep_reply reply = submit_as(s, f, &w);
	auto_cert struct cert *c = NULL;

	assert_int_equal(reply.outcome, WSTEP_ISSUED);
	expect_ok(cert_parse(reply.leaf, &c));
	assert_true(str_eq(cert_subject_der(c), w.order.subject));
	assert_int_equal(reply.nchain, 1);
	assert_true(str_eq(reply.chain[0], s->issuing));
}

static void
a_refusal_is_a_fault_with_its_code(void **state)
{
	struct site *s = *state;
	struct want w = lab_want(s->l);
	auto_fetch struct fetch *f = fetch_as(s, s->l->caller_key, s->l->caller);
	struct wstep_reply reply;

	w.template = "Unheard-Of";
	reply = submit_as(s, f, &w);
	assert_int_equal(reply.outcome, WSTEP_DENIED);
	assert_int_equal(reply.hresult, 0x80094800);
	assert_false(reply.retry_elsewhere);
	assert_non_null(strstr(reply.message, "0x80094800"));
	assert_non_null(strstr(reply.message, "(template-unknown)"));
}

static void
without_a_client_certificate_nothing_is_issued(void **state)
{
	struct site *s = *state;
	struct want w = lab_want(s->l);
	auto_fetch struct fetch *f = fetch_as(s, NULL, STR_EMPTY);
	struct wstep_reply reply = submit_as(s, f, &w);

	assert_int_equal(reply.outcome, WSTEP_DENIED);
	assert_int_equal(reply.hresult, err_info(ERR_FORBIDDEN)->hresult);
}

static struct fetch_reply
post_revoke(struct site *s, struct fetch *f, const char *order)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	struct fetch_reply reply = { 0 };
	char *url = arena_printf(s->l->a, "%s/chancery/ca/v1/revoke", s->https_url);

	expect_ok(fetch_run(f, s->l->a, "POST", url, headers,
	    str_c(arena_printf(s->l->a, "{\"order\":\"%s\"}", order)), 10000, &reply));
	return reply;
}

static void
a_revoke_order_is_taken_as_json(void **state)
{
	struct site *s = *state;
	struct want w = lab_want(s->l);
	auto_cert struct cert *c = lab_issued(s->l, w);
	auto_fetch struct fetch *f = fetch_as(s, s->l->caller_key, s->l->caller);
	struct fetch_reply reply;

	w.order.kind = ORDER_REVOKE;
	reply = post_revoke(s, f, text_base64(s->l->a, lab_seal(s->l, s->l->order_key, &w.order)));
	assert_int_equal(reply.status, 200);
	assert_true(str_eq_c(reply.body, "{\"revoked\":1}"));
	assert_true(lab_on_crl(s->l, ISSUING, cert_serial(c)));
}

static void
what_is_no_order_is_refused_with_its_fault(void **state)
{
	struct site *s = *state;
	auto_fetch struct fetch *f = fetch_as(s, s->l->caller_key, s->l->caller);
	struct fetch_reply reply = post_revoke(s, f, "AAAA");

	assert_int_equal(reply.status / 100, 4);
	reply = post_revoke(s, f, "!");
	assert_int_equal(reply.status, 400);
}

static struct fetch_reply
get(struct site *s, const char *path)
{
	auto_fetch struct fetch *f = fetch_as(s, NULL, STR_EMPTY);
	struct fetch_reply reply = { 0 };

	expect_ok(fetch_run(f, s->l->a, "GET", arena_printf(s->l->a, "%s%s", s->http_url, path),
	    NULL, STR_EMPTY, 10000, &reply));
	return reply;
}

static void
crl_and_certificate_are_served_in_plain_http(void **state)
{
	struct site *s = *state;
	struct fetch_reply crl = get(s, "/crl/Test%20Issuing%20CA.crl");
	struct fetch_reply cert = get(s, "/aia/test%20issuing%20ca.crt"), again;

	assert_int_equal(crl.status, 200);
	assert_string_equal(crl.content_type, "application/pkix-crl");
	assert_int_equal(cert.status, 200);
	assert_true(str_eq(cert.body, s->issuing));
	again = get(s, "/crl/Test%20Issuing%20CA.crl");
	assert_true(str_eq(crl.body, again.body));
	assert_int_equal(get(s, "/healthz").status, 200);
}

static void
names_that_no_ca_has_are_not_found(void **state)
{
	struct site *s = *state;

	assert_int_equal(get(s, "/crl/Other%20CA.crl").status, 404);
	assert_int_equal(get(s, "/crl/Test%20Issuing%20CA.txt").status, 404);
	assert_int_equal(get(s, "/crl/.crl").status, 404);
	assert_int_equal(get(s, "/metrics").status, 404);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_certificate_is_issued_over_wstep),
	cmocka_unit_test(a_refusal_is_a_fault_with_its_code),
	cmocka_unit_test(without_a_client_certificate_nothing_is_issued),
	cmocka_unit_test(a_revoke_order_is_taken_as_json),
	cmocka_unit_test(what_is_no_order_is_refused_with_its_fault),
	cmocka_unit_test(crl_and_certificate_are_served_in_plain_http),
	cmocka_unit_test(names_that_no_ca_has_are_not_found),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, site_setup, site_teardown);
}

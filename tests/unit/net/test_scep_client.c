/* SPDX-License-Identifier: Apache-2.0 */
/* The client of SCEP against a server that answers as told. RFC 8894. */
#include "expect.h"

#include "../pki/made.h"
#include "net/scep_client.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/scep.h"
#include "server.h"

enum mode {
	GOOD,
	BY_GET,
	WAITS,
	REFUSES,
	NO_CIPHER,
	NOT_SCEP,
	AWAY,
	FOREIGN_RA,
	FOREIGN_SIGNER,
	PERSONS_RA,
	OTHER_NONCE,
	OTHER_TRANSACTION,
	OTHER_TYPE,
	OTHER_STATUS,
	OTHERS_KEY,
	FOREIGN_LEAF,
	SHA1_ANSWER
};

/* All of one test; the certificates are made once. */
struct world {
	struct arena *a;
	struct made root, ra, other_root, other_ra, person;
	struct key *key, *other_key;
	struct http *http;
	unsigned port;
	enum mode mode;
	struct str subject, csr;
	int type;   /* of the newest message */
	bool right; /* and it was made as RFC 8894 wants it */
};

static const struct made *
ra_of(const struct world *w)
{
	return w->mode == FOREIGN_RA ? &w->other_ra : w->mode == PERSONS_RA ? &w->person : &w->ra;
}

static err_t
caps(struct http_req *r)
{
	struct world *w = http_ctx(r);

	if (w->mode == NO_CIPHER)
		return http_reply(r, 200, "text/plain", LIT("SHA-256\nPOSTPKIOperation\n"));
	if (w->mode == BY_GET)
		return http_reply(r, 200, "text/plain", LIT("DES3\r\nSHA-1\r\n"));
	return http_reply(r, 200, "text/plain", LIT("AES\nDES3\nSHA-256\nPOSTPKIOperation\n"));
}

static err_t
ca_certs(struct http_req *r)
{
	struct world *w = http_ctx(r);
	const struct made *root = w->mode == FOREIGN_RA ? &w->other_root : &w->root;
	const struct str v[] = { cert_der(root->cert), cert_der(ra_of(w)->cert) };
	struct str bag;

	TRY(cms_certs(http_arena(r), v, 2, &bag));
	return http_reply(r, 200, "application/x-x509-ca-ra-cert", bag);
}

/* A certificate for the key of the request, or another one, by a CA, or another one. */
static err_t
leaf_for(struct world *w, struct arena *a, struct key *key, struct str *ret)
{
	const struct made *by = w->mode == FOREIGN_LEAF ? &w->other_root : &w->root;
	struct issue_spec s = made_spec(a, "leaf", w->mode == OTHERS_KEY ? w->other_key : key);
	struct str tbs, der, all[2];

	s.issuer = by->cert;
	TRY(issue_tbs(a, &s, by->key, &tbs));
	TRY(issue_sign(a, tbs, by->key, &der));
	all[0] = der;
	all[1] = cert_der(by->cert);
	return cms_certs(a, all, 2, ret);
}

static err_t
answer(struct world *w, struct arena *a, const struct scep_head *asked, const struct cert *asker,
    struct key *key, struct str *ret)
{
	const struct made *signer = w->mode == FOREIGN_SIGNER ? &w->other_ra : &w->ra;
	static const int status[] = { [WAITS] = SCEP_PENDING,
		[REFUSES] = SCEP_FAILURE,
		[OTHER_STATUS] = 7,
		[SHA1_ANSWER] = SCEP_SUCCESS };
	struct scep_spec s = {
		.head = *asked,
		.signer = signer->cert,
		.key = signer->key,
		.digest = w->mode == SHA1_ANSWER ? SCEP_SHA1 : SCEP_SHA256,
	};
	struct str bag;

	s.head.type = w->mode == OTHER_TYPE ? SCEP_PKCS_REQ : SCEP_CERT_REP;
	s.head.status = status[w->mode];
	s.head.fail_info = w->mode == REFUSES ? 2 : -1;
	s.head.fail_text = w->mode == REFUSES ? "not for you" : "";
	s.head.recipient_nonce =
	    w->mode == OTHER_NONCE ? LIT("0123456789abcdef") : asked->sender_nonce;
	if (w->mode == OTHER_TRANSACTION)
		s.head.transaction = "another";
	if (s.head.status == SCEP_SUCCESS) {
		TRY(leaf_for(w, a, key, &bag));
		TRY(scep_seal(a, asker, SCEP_AES128, bag, &s.content));
	}
	return scep_make(a, &s, ret);
}

/* What is right about a message: signed with the key of the request by a certificate with its subject. */
static err_t
look(struct world *w, struct arena *a, struct str message, struct scep_head *head,
    struct cert **ret_asker, struct key **ret_key)
{
	auto_csr struct csr csr = { 0 };
	struct scep_msg m;
	struct str content;

	TRY(scep_parse(a, message, &m));
	TRY(scep_verify(a, &m, false, head, ret_asker));
	TRY(scep_open(a, ra_of(w)->key, m.content, &content));
	TRY(cert_key(*ret_asker, ret_key));
	w->type = head->type;
	w->right = head->sender_nonce.n == 16 && key_same_public(*ret_key, w->key) &&
	    str_eq(cert_subject_der(*ret_asker), w->subject);
	if (head->type != SCEP_PKCS_REQ)
		return OK;
	TRY(csr_parse(a, content, &csr));
	w->right &= str_eq(content, w->csr) && strcmp(csr.challenge, "secret") == 0;
	return OK;
}

static err_t
operate(struct http_req *r, struct str message)
{
	struct world *w = http_ctx(r);
	auto_cert struct cert *asker = NULL;
	auto_key struct key *key = NULL;
	struct scep_head head;
	struct str out;

	if (w->mode == NOT_SCEP)
		return http_reply(r, 200, "text/html", LIT("<html>"));
	TRY(look(w, http_arena(r), message, &head, &asker, &key));
	TRY(answer(w, http_arena(r), &head, asker, key, &out));
	return http_reply(r, 200, "application/x-pki-message", out);
}

static err_t
on_get(struct http_req *r)
{
	struct world *w = http_ctx(r);
	const char *operation = http_query(r, "operation");
	struct str message;

	if (w->mode == AWAY)
		return http_reply(r, 503, "text/plain", LIT("out for lunch"));
	if (strcmp(operation, "GetCACaps") == 0)
		return caps(r);
	if (strcmp(operation, "GetCACert") == 0)
		return ca_certs(r);
	TRY(text_unbase64(http_arena(r), str_c(http_query(r, "message")), &message));
	return operate(r, message);
}

static err_t
on_post(struct http_req *r)
{
	return operate(r, http_body(r));
}

static const struct http_route routes[] = {
	ROUTE(GET, "/scep", 1, on_get),
	ROUTE(POST, "/scep", 1, on_post),
	{ .path = NULL },
};

/* As the CEPEncryption template has it. */
static struct made
ra_under(struct arena *a, const struct made *ca, const char *cn)
{
	static const char *const ekus[] = { "1.3.6.1.4.1.311.20.2.1" };
	struct key *key = NULL;
	struct issue_spec s;

	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &key));
	s = made_spec(a, cn, key);
	s.ekus = ekus;
	return made_by(a, ca, s, key);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct http_mount mount = {
		.routes = routes, .ctx = w, .gate = server_gate, .on_error = server_puzzled
	};
	struct http_conf conf = { .name = "scep", .workers = 1, .mounts = &mount, .nmounts = 1 };
	struct csr_spec spec = { .key_usage = 0x80, .challenge = "secret" };

	when_set(MADE_NOW);
	w->a = arena_new();
	w->root = made_root(w->a, "Root", KEY_RSA, KEY_RSA_2048);
	w->ra = ra_under(w->a, &w->root, "RA");
	w->other_root = made_root(w->a, "Other", KEY_RSA, KEY_RSA_2048);
	w->other_ra = ra_under(w->a, &w->other_root, "Other RA");
	w->person = made_under(w->a, &w->root, "Person", KEY_RSA, KEY_RSA_2048);
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &w->key));
	expect_ok(key_make(KEY_RSA, KEY_RSA_2048, &w->other_key));
	w->subject = spec.subject = made_name(w->a, "device");
	expect_ok(csr_make(w->a, w->key, &spec, &w->csr));
	w->http = server_start(&conf, &w->port);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	http_free(w->http);
	made_free(&w->root);
	made_free(&w->ra);
	made_free(&w->other_root);
	made_free(&w->other_ra);
	made_free(&w->person);
	key_free(w->key);
	key_free(w->other_key);
	arena_free(w->a);
	free(w);
	when_set(0);
	return 0;
}

static err_t
enrol(struct world *w, enum mode mode, bool again, struct scep_got *ret)
{
	const struct tls_client_conf tls = { 0 };
	const struct str anchor = cert_der(w->root.cert);
	const struct scep_server s = {
		.url = arena_printf(w->a, "http://127.0.0.1:%u/scep", w->port),
		.anchors = &anchor,
		.nanchors = 1,
	};
	const struct scep_ask q = {
		.key = w->key, .csr = w->csr, .subject = w->subject, .again = again
	};
	auto_fetch struct fetch *f = NULL;

	w->mode = mode;
	w->type = 0;
	w->right = false;
	*ret = (struct scep_got){ 0 };
	expect_ok(fetch_new(&tls, &f));
	return scep_client_enrol(f, w->a, &s, &q, 20000, ret);
}

static void
expect_leaf(struct world *w, const struct scep_got *got)
{
	auto_cert struct cert *c = NULL;
	auto_key struct key *k = NULL;

	assert_false(got->pending);
	expect_ok(cert_parse(got->leaf, &c));
	expect_ok(cert_key(c, &k));
	assert_true(key_same_public(k, w->key));
	assert_int_equal(got->nchain, 0); /* a root is no part of it */
	assert_true(w->right);
}

static void
a_certificate_comes_for_the_key_by_post_and_by_get(void **state)
{
	struct world *w = *state;
	struct scep_got got;

	expect_ok(enrol(w, GOOD, false, &got));
	assert_int_equal(w->type, SCEP_PKCS_REQ);
	expect_leaf(w, &got);
	expect_ok(enrol(w, BY_GET, false, &got));
	expect_leaf(w, &got);
}

/* Who stands between device and CA may have a certificate of that CA. */
static void
nothing_is_sealed_to_a_certificate_that_is_for_something_else(void **state)
{
	struct world *w = *state;
	struct scep_got got;

	expect_err(ERR_RECIPIENT, enrol(w, PERSONS_RA, false, &got));
	assert_int_equal(w->type, 0);
}

static void
who_waits_asks_by_polling_and_gets_it_then(void **state)
{
	struct world *w = *state;
	struct scep_got got;

	expect_ok(enrol(w, WAITS, false, &got));
	assert_true(got.pending);
	assert_int_equal(got.leaf.n, 0);
	expect_ok(enrol(w, WAITS, true, &got));
	assert_int_equal(w->type, SCEP_CERT_POLL);
	assert_true(got.pending);
	expect_ok(enrol(w, GOOD, true, &got));
	assert_int_equal(w->type, SCEP_CERT_POLL);
	expect_leaf(w, &got);
}

static void
a_refusal_says_why(void **state)
{
	struct world *w = *state;
	struct scep_got got;
	err_t e = enrol(w, REFUSES, false, &got);

	assert_true(err_is(e, ERR_SCEP_FAILED));
	assert_non_null(strstr(err_detail(), "failInfo 2 (badRequest)"));
	assert_non_null(strstr(err_detail(), "not for you"));
	err_forget(e);
}

static void
what_is_no_answer_to_this_request_is_refused(void **state)
{
	static const struct {
		enum mode mode;
		enum err_code code;
	} rows[] = {
		{ FOREIGN_SIGNER, ERR_SCEP_ANSWER },
		{ OTHER_NONCE, ERR_SCEP_ANSWER },
		{ OTHER_TRANSACTION, ERR_SCEP_ANSWER },
		{ OTHER_TYPE, ERR_SCEP_ANSWER },
		{ OTHER_STATUS, ERR_SCEP_ANSWER },
		{ OTHERS_KEY, ERR_KEY_MISMATCH },
		{ FOREIGN_LEAF, ERR_CHAIN },
		{ NOT_SCEP, ERR_SCEP },
		{ SHA1_ANSWER, ERR_SCEP_ALGORITHM },
	};
	struct world *w = *state;
	struct scep_got got;

	for (size_t i = 0; i < COUNT(rows); i++) {
		expect_err(rows[i].code, enrol(w, rows[i].mode, false, &got));
		assert_int_equal(got.leaf.n, 0);
	}
}

static void
a_server_that_leads_to_another_root_gets_no_request(void **state)
{
	struct world *w = *state;
	struct scep_got got;

	expect_err(ERR_CHAIN, enrol(w, FOREIGN_RA, false, &got));
	assert_int_equal(w->type, 0);
}

static void
a_server_that_is_away_or_too_old_is_told_apart(void **state)
{
	struct world *w = *state;
	struct scep_got got;

	expect_err(ERR_HTTP_STATUS, enrol(w, AWAY, false, &got));
	expect_err(ERR_SCEP_CAPS, enrol(w, NO_CIPHER, false, &got));
	assert_int_equal(w->type, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_comes_for_the_key_by_post_and_by_get),
		cmocka_unit_test(nothing_is_sealed_to_a_certificate_that_is_for_something_else),
		cmocka_unit_test(who_waits_asks_by_polling_and_gets_it_then),
		cmocka_unit_test(a_refusal_says_why),
		cmocka_unit_test(what_is_no_answer_to_this_request_is_refused),
		cmocka_unit_test(a_server_that_leads_to_another_root_gets_no_request),
		cmocka_unit_test(a_server_that_is_away_or_too_old_is_told_apart),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

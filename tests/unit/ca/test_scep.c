/* SPDX-License-Identifier: Apache-2.0 */
/* SCEP in the issuer: orders and challenges, renewal, polling, and what is refused with which failInfo. */
#include "lab.h"

#include "ca/scep_ra.h"
#include "codec/ca_scep_ipc.h"
#include "pki/cms.h"
#include "pki/issue.h"
#include "pki/scep.h"

#define ROUTER "IPSECIntermediateOffline"

/* A client with a key and the certificate that it made itself. */
struct client {
	struct lab *l;
	struct key *key;
	struct cert *self, *ra;
	const char *transaction;
	enum scep_digest digest;
	enum scep_cipher cipher;
	bool broken; /* the envelope is bent after it was made */
};

static struct cert *
make_self(struct lab *l, struct key *k, const char *cn)
{
	static const char *const ekus[] = { OID_EKU_CLIENT_AUTH };
	struct issue_spec s = { .key = k,
		.subject = lab_name(l, cn),
		.path_len = -1,
		.not_before = when_now() - 60,
		.not_after = when_now() + 86400,
		.key_usage = 0xa0,
		.ekus = ekus,
		.nekus = 1 };
	struct cert *c = NULL;
	struct str tbs, der;

	issue_serial(s.serial);
	expect_ok(issue_tbs(l->a, &s, k, &tbs));
	expect_ok(issue_sign(l->a, tbs, k, &der));
	expect_ok(cert_parse(der, &c));
	return c;
}

static struct cert *
get_ra(struct lab *l)
{
	struct ca_name_req q = { "" };
	struct ca_scep_info_rep rep;
	auto_buf struct buf in = { 0 };
	struct str answer, *certs;
	struct cert *c = NULL;
	size_t n;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_name_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_SCEP_INFO, &in, &answer));
	expect_ok(ca_scep_info_rep_parse(l->a, answer, &rep));
	expect_ok(cms_certs_parse(l->a, rep.certs, &certs, &n));
	assert_int_equal(n, 3);
	expect_ok(cert_parse(certs[0], &c));
	return c;
}

static struct client
client_of(struct lab *l, struct key *k)
{
	return (struct client){ .l = l,
		.key = k,
		.self = make_self(l, k, "device"),
		.ra = get_ra(l),
		.transaction = text_hex(l->a, id_str(&(struct id){ .b = { (uint8_t)rand() } })),
		.digest = SCEP_SHA256,
		.cipher = SCEP_AES128 };
}

static void
client_free(struct client *c)
{
	cert_free(c->self);
	cert_free(c->ra);
}
#define auto_client __attribute__((cleanup(client_free)))

struct reply {
	struct scep_head head;
	struct str content; /* opened */
	enum scep_cipher cipher;
	struct scep_msg msg;
};

static struct reply
read_reply(struct client *c, const struct key *key, struct str der)
{
	auto_cert struct cert *by = NULL;
	struct reply r = { .cipher = SCEP_NO_CIPHER };

	expect_ok(scep_parse(c->l->a, der, &r.msg));
	expect_ok(scep_verify(c->l->a, &r.msg, true, &r.head, &by));
	assert_memory_equal(cert_sha256(by), cert_sha256(c->ra), 32);
	assert_int_equal(r.head.type, SCEP_CERT_REP);
	assert_string_equal(r.head.transaction, c->transaction);
	if (r.msg.content.n > 0) {
		expect_ok(scep_envelope(c->l->a, r.msg.content, &r.cipher));
		expect_ok(scep_open(c->l->a, key, r.msg.content, &r.content));
	}
	return r;
}

/* As the front does it; template as in its address. */
static struct ca_scep_req
pack(struct client *c, int type, struct str content, const struct cert *signer,
    const struct key *key, const char *template)
{
	struct lab *l = c->l;
	struct scep_spec s = { .head = { .type = type,
				   .transaction = c->transaction,
				   .sender_nonce = LIT("0123456789abcdef"),
				   .status = -1,
				   .fail_info = -1 },
		.signer = signer,
		.key = key,
		.digest = c->digest };
	struct str der;
	struct scep_msg m;

	expect_ok(scep_seal(l->a, c->ra, c->cipher, content, &s.content));
	if (c->broken) {
		uint8_t *bent = arena_copy(l->a, s.content.p, s.content.n);

		bent[s.content.n - 1] ^= 0x55; /* in the last block of the ciphertext */
		s.content = str_of(bent, s.content.n);
	}
	expect_ok(scep_make(l->a, &s, &der));
	expect_ok(scep_parse(l->a, der, &m));
	return (struct ca_scep_req){ .ca = "",
		.template = template,
		.peer = "192.0.2.1",
		.signer = m.signer,
		.attrs = m.attrs,
		.signature = m.signature,
		.content = m.content,
		.digest = (uint8_t)m.digest,
		.cipher = (uint8_t)c->cipher };
}

static err_t
send_packed(struct client *c, const struct ca_scep_req *q, const struct key *key, struct reply *ret)
{
	auto_buf struct buf in = { 0 };
	struct ca_der_rep rep;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_scep_req_encode(q, &in));
	TRY(lab_call(c->l, CA_SCEP, &in, &answer));
	expect_ok(ca_der_rep_parse(c->l->a, answer, &rep));
	*ret = read_reply(c, key, rep.der);
	return OK;
}

static err_t
ask(struct client *c, int type, struct str content, const struct cert *signer,
    const struct key *key, const char *template, struct reply *ret)
{
	struct ca_scep_req q = pack(c, type, content, signer, key, template);

	return send_packed(c, &q, key, ret);
}

static struct str
csr_of(struct lab *l, const struct key *k, const char *cn, const char *challenge)
{
	struct csr_spec spec = { .subject = lab_name(l, cn), .challenge = challenge };
	struct str der;

	expect_ok(csr_make(l->a, k, &spec, &der));
	return der;
}

/* It names what the certificate names. */
static struct str
csr_like(struct lab *l, const struct key *k, const struct cert *was, const char *challenge)
{
	struct csr_spec spec = {
		.subject = cert_subject_der(was), .san = cert_san_der(was), .challenge = challenge
	};
	struct str der;

	expect_ok(csr_make(l->a, k, &spec, &der));
	return der;
}

static struct reply
enrol(struct client *c, struct str csr)
{
	struct reply r = { 0 };

	expect_ok(ask(c, SCEP_PKCS_REQ, csr, c->self, c->key, "", &r));
	return r;
}

static struct cert *
issued(struct client *c, struct reply r)
{
	struct cert *leaf = NULL;
	struct str *certs;
	size_t n;

	if (r.head.status != SCEP_SUCCESS)
		print_error("refused: %s\n", r.head.fail_text);
	assert_int_equal(r.head.status, SCEP_SUCCESS);
	expect_ok(cms_certs_parse(c->l->a, r.content, &certs, &n));
	expect_ok(cert_parse(certs[0], &leaf));
	return leaf;
}

static void
refused(struct reply r, enum err_code why)
{
	assert_int_equal(r.head.status, SCEP_FAILURE);
	if (strstr(r.head.fail_text, err_info(why)->text) == NULL)
		print_error("expected %s: %s\n", err_info(why)->id, r.head.fail_text);
	assert_non_null(strstr(r.head.fail_text, err_info(why)->text));
	assert_int_equal(r.head.fail_info, err_info(why)->scep < 0 ? 2 : err_info(why)->scep);
	assert_int_equal(r.msg.content.n, 0);
}

static json *
challenge_args(const char *template, const char *subject)
{
	json *args = lab_args("template", template, NULL);

	if (subject != NULL)
		json_set_text(args, "subject", subject);
	return args;
}

static const char *
make_challenge(struct lab *l, json *args)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "challenge.make", args, &answer));
	return arena_strdup(l->a, json_text(json_get(answer, "challenge")));
}

/* The principal of challenges comes with the first try; then it may. */
static void
allow_challenges(struct lab *l)
{
	auto_json json *none = NULL, *answer = NULL;

	err_forget(lab_admin(l, "challenge.make", challenge_args(ROUTER, NULL), &none));
	expect_ok(lab_admin(l, "template.publish", ({
		json *o = lab_args("template", ROUTER, NULL);
		json_set_bool(o, "published", true);
		o;
	}),
	    &answer));
	lab_grant(l, ROUTER, "scep", "enrol");
}

static const char *
order_text(struct lab *l, struct want *w)
{
	w->order.holder = STR_EMPTY;
	return text_base64(l->a, lab_seal(l, w->sealer, &w->order));
}

/* ---- challenges ---- */

static void
a_challenge_is_for_one_certificate(void **state)
{
	struct lab *l = *state;
	auto_client struct client one = client_of(l, l->leaf_key), two = client_of(l, l->other_key);
	auto_cert struct cert *leaf = NULL, *again = NULL;
	const char *challenge;

	allow_challenges(l);
	challenge = make_challenge(l, challenge_args(ROUTER, NULL));
	leaf = issued(&one, enrol(&one, csr_of(l, one.key, "router1", challenge)));
	assert_non_null(strstr(cert_subject(leaf), "CN=router1"));
	/* Lost on the way, asked for again: the same; another key gets nothing. */
	again = issued(&one, enrol(&one, csr_of(l, one.key, "router1", challenge)));
	assert_string_equal(cert_serial(again), cert_serial(leaf));
	refused(enrol(&two, csr_of(l, two.key, "router2", challenge)), ERR_ORDER_STALE);
}

static void
a_challenge_may_say_what_the_certificate_names(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key), d = client_of(l, l->other_key);
	auto_cert struct cert *leaf = NULL;
	const char *challenge;

	allow_challenges(l);
	challenge = make_challenge(l, challenge_args(ROUTER, "CN=router7,O=Acme"));
	refused(enrol(&d, csr_of(l, d.key, "admin", challenge)), ERR_ORDER_SUBJECT);
	leaf = issued(&c, enrol(&c, csr_of(l, c.key, "router7", challenge)));
	assert_non_null(strstr(cert_subject(leaf), "CN=router7"));
}

static void
unknown_missing_and_ended_challenges_are_refused(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_json json *answer = NULL, *gone = NULL;
	const char *text;

	allow_challenges(l);
	refused(enrol(&c, csr_of(l, c.key, "r", NULL)), ERR_CHALLENGE_MISSING);
	refused(
	    enrol(&c, csr_of(l, c.key, "r", "00112233445566778899aabbccddeeff")), ERR_CHALLENGE);
	refused(
	    enrol(&c,
		csr_of(l, c.key, "r",
		    "this is a long text, longer than our own, and it is no order, whoever sends it")),
	    ERR_CHALLENGE);
	expect_ok(lab_admin(l, "challenge.make", challenge_args(ROUTER, NULL), &answer));
	text = arena_strdup(l->a, json_text(json_get(answer, "challenge")));
	expect_ok(lab_admin(
	    l, "challenge.delete", lab_args("id", json_text(json_get(answer, "id")), NULL), &gone));
	refused(enrol(&c, csr_of(l, c.key, "r", text)), ERR_CHALLENGE);
}

static void
what_waits_on_a_challenge_goes_when_it_is_taken_back(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	json *copy = lab_args("source", ROUTER, "name", "SlowRouter", NULL), *which;
	auto_json json *made = NULL, *gone = NULL, *list = NULL, *none = NULL;

	allow_challenges(l);
	json_set_bool(copy, "manager_approval", true);
	lab_do(l, "template.duplicate", copy);
	lab_grant(l, "SlowRouter", "scep", "enrol");
	expect_ok(lab_admin(l, "challenge.make", challenge_args("SlowRouter", NULL), &made));
	assert_int_equal(
	    enrol(&c, csr_of(l, c.key, "router8", json_text(json_get(made, "challenge"))))
		.head.status,
	    SCEP_PENDING);
	expect_ok(lab_admin(l, "request.list", json_object_new(), &list));
	assert_int_equal(json_count(json_get(list, "requests")), 1);
	which = json_object_new();
	json_set_int(
	    which, "id", json_int(json_get(json_at(json_get(list, "requests"), 0), "request_id")));
	expect_ok(lab_admin(
	    l, "challenge.delete", lab_args("id", json_text(json_get(made, "id")), NULL), &gone));
	expect_err(ERR_REQUEST_STATE, lab_admin(l, "request.approve", which, &none));
}

static void
a_challenge_opens_no_template_that_demands_an_order(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;

	allow_challenges(l);
	lab_grant(l, TEMPLATE, "scep", "enrol");
	expect_err(ERR_ORDER_MISSING,
	    lab_admin(l, "challenge.make", challenge_args(TEMPLATE, NULL), &answer));
}

static void
a_challenge_needs_the_right_of_its_principal(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_json json *answer = NULL;
	const char *challenge;

	allow_challenges(l);
	expect_err(ERR_TEMPLATE_DENIED,
	    lab_admin(l, "challenge.make", challenge_args("WebServer", NULL), &answer));
	challenge = make_challenge(l, challenge_args(ROUTER, NULL));
	lab_do(l, "ca.withdraw", ({
		json *o = lab_args("principal", "scep", NULL);
		json_set(o, "rights", lab_list("request", NULL));
		o;
	}));
	refused(enrol(&c, csr_of(l, c.key, "r", challenge)), ERR_CA_ENROL_DENIED);
	lab_do(l, "ca.grant", ({
		json *o = lab_args("principal", "scep", NULL);
		json_set(o, "rights", lab_list("request", NULL));
		o;
	}));
}

/* ---- orders ---- */

/* Whatever the order in which the client writes the parts of the subject. */
static void
an_order_as_challenge_names_the_certificate(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_cert struct cert *leaf = NULL;
	struct want w = lab_want(l);
	struct dn_ava ava[] = { { "2.5.4.3", "jane" }, { "2.5.4.10", "Acme" } };
	struct dn_rdn rdn[] = { { &ava[0], 1 }, { &ava[1], 1 } };
	struct csr_spec turned = { .challenge = order_text(l, &w) };
	struct str csr;

	lab_grant(l, TEMPLATE, "service", "enrol");
	expect_ok(dn_encode(l->a, &(struct dn){ rdn, 2 }, &turned.subject));
	assert_false(str_eq(turned.subject, w.order.subject));
	expect_ok(csr_make(l->a, c.key, &turned, &csr));
	leaf = issued(&c, enrol(&c, csr));
	assert_true(str_eq(cert_subject_der(leaf), w.order.subject));
	assert_true(str_eq(cert_san_der(leaf), w.order.san));
}

static void
an_order_is_compared_with_the_request(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key), d = client_of(l, l->other_key);
	struct want w = lab_want(l), for_other = lab_want(l), wrong_ca = lab_want(l),
		    expired = lab_want(l), held = lab_want(l), forged = lab_want(l);

	lab_grant(l, TEMPLATE, "service", "enrol");
	refused(enrol(&c, csr_of(l, c.key, "admin", order_text(l, &w))), ERR_ORDER_SUBJECT);
	refused(enrol(&d, csr_of(l, d.key, "jane", order_text(l, &for_other))), ERR_ORDER_KEY);
	wrong_ca.order.ca = IDENTITY;
	refused(enrol(&c, csr_of(l, c.key, "jane", order_text(l, &wrong_ca))), ERR_ORDER_CA);
	expired.order.issued = when_now() - 60;
	expired.order.expires = when_now() - 1;
	refused(enrol(&c, csr_of(l, c.key, "jane", order_text(l, &expired))), ERR_ORDER_EXPIRED);
	refused(
	    enrol(&c,
		csr_of(l, c.key, "jane", text_base64(l->a, lab_seal(l, held.sealer, &held.order)))),
	    ERR_ORDER_HOLDER);
	forged.sealer = l->caller_key;
	refused(enrol(&c, csr_of(l, c.key, "jane", order_text(l, &forged))), ERR_ORDER_SIGNATURE);
}

/* ---- orders behind a challenge ---- */

#define LEFT_CHALLENGE "00112233445566778899aabbccddeeff"
#define OTHER_CHALLENGE "ffeeddccbbaa99887766554433221100"
#define RENEWAL_ONE "11111111111111111111111111111111"
#define RENEWAL_TWO "22222222222222222222222222222222"
#define RENEWAL_THREE "33333333333333333333333333333333"

static err_t
leave(struct lab *l, struct str sealed, const char *challenge)
{
	struct ca_deposit_req q = { .caller = l->caller, .order = sealed };
	auto_buf struct buf in = { 0 };
	uint8_t hash[32];
	struct str answer;

	hash_sha256(str_c(challenge), hash);
	q.sha256 = STR(hash);
	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_deposit_req_encode(&q, &in));
	return lab_call(l, CA_SCEP_DEPOSIT, &in, &answer);
}

static struct want
behind(struct lab *l, const char *challenge)
{
	struct want w = lab_want(l);
	uint8_t hash[32];

	hash_sha256(str_c(challenge), hash);
	w.order.holder = w.order.spki = STR_EMPTY;
	w.order.challenge = arena_str(l->a, STR(hash));
	return w;
}

static void
an_order_behind_a_challenge_is_worth_nothing_without_it(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key), d = client_of(l, l->other_key);
	auto_cert struct cert *leaf = NULL;
	struct want w = behind(l, LEFT_CHALLENGE), open = behind(l, LEFT_CHALLENGE);
	struct str sealed = lab_seal(l, w.sealer, &w.order);

	lab_grant(l, TEMPLATE, "service", "enrol");
	expect_err(ERR_ORDER_CHALLENGE, leave(l, sealed, OTHER_CHALLENGE));
	open.order.challenge = STR_EMPTY;
	expect_err(
	    ERR_ORDER_CHALLENGE, leave(l, lab_seal(l, open.sealer, &open.order), LEFT_CHALLENGE));
	expect_ok(leave(l, sealed, LEFT_CHALLENGE));
	/* Who carried it, with a key of his own: as a challenge, and as the attribute of a caller who is known. */
	refused(
	    enrol(&d, csr_of(l, d.key, "jane", text_base64(l->a, sealed))), ERR_ORDER_CHALLENGE);
	w.key = l->other_key;
	lab_denied(l, w, ERR_ORDER_HOLDER);
	leaf = issued(&c, enrol(&c, csr_of(l, c.key, "jane", LEFT_CHALLENGE)));
	assert_true(str_eq(cert_subject_der(leaf), w.order.subject));
}

static void
a_request_behind_a_challenge_that_waits_is_approved_under_it(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	json *copy = lab_args("source", TEMPLATE, "name", "SlowUser", NULL), *which;
	auto_json json *list = NULL, *done = NULL;
	struct want w = behind(l, OTHER_CHALLENGE);

	json_set_bool(copy, "manager_approval", true);
	lab_do(l, "template.duplicate", copy);
	lab_grant(l, "SlowUser", "connector", "enrol");
	w.order.template = "SlowUser";
	expect_ok(leave(l, lab_seal(l, w.sealer, &w.order), OTHER_CHALLENGE));
	assert_int_equal(
	    enrol(&c, csr_of(l, c.key, "jane", OTHER_CHALLENGE)).head.status, SCEP_PENDING);
	expect_ok(lab_admin(l, "request.list", json_object_new(), &list));
	which = json_object_new();
	json_set_int(
	    which, "id", json_int(json_get(json_at(json_get(list, "requests"), 0), "request_id")));
	expect_ok(lab_admin(l, "request.approve", which, &done));
}

/* A device whose client renews by the certificate that it has: the service leaves a new order, under a new challenge. */
static void
a_new_challenge_goes_before_the_renewal_of_what_signs(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_cert struct cert *first = NULL, *second = NULL, *lost = NULL, *again = NULL;
	struct want w = behind(l, RENEWAL_ONE), next = behind(l, RENEWAL_TWO);
	struct reply r;

	expect_ok(leave(l, lab_seal(l, w.sealer, &w.order), RENEWAL_ONE));
	next.order.subject = lab_name(l, "jane doe");
	expect_ok(leave(l, lab_seal(l, next.sealer, &next.order), RENEWAL_TWO));
	first = issued(&c, enrol(&c, csr_of(l, c.key, "jane", RENEWAL_ONE)));
	/* That one was used: it is a renewal, which would have to name all that the certificate names. */
	expect_ok(ask(&c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "jane", RENEWAL_ONE), first,
	    c.key, "", &r));
	refused(r, ERR_RENEWAL_NAMES);
	expect_ok(ask(&c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "admin", RENEWAL_TWO), first,
	    c.key, "", &r));
	refused(r, ERR_ORDER_SUBJECT);
	expect_ok(ask(&c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "jane doe", RENEWAL_TWO), first,
	    c.key, "", &r));
	second = issued(&c, r);
	assert_true(str_eq(cert_subject_der(second), next.order.subject));
	/* The answer was lost, and the client begins anew: the same key gets the same certificate. */
	c.transaction = "begun anew";
	expect_ok(ask(&c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "jane doe", RENEWAL_TWO), first,
	    c.key, "", &r));
	lost = issued(&c, r);
	assert_string_equal(cert_serial(lost), cert_serial(second));
	/* Used up, for every other key. */
	expect_ok(ask(
	    &c, SCEP_RENEWAL_REQ, csr_of(l, c.key, "jane doe", RENEWAL_TWO), first, c.key, "", &r));
	assert_int_equal(r.head.status, SCEP_FAILURE);
	/* Made anew for the same request, it is a new one. */
	next.order.fence = 2;
	next.order.challenge = behind(l, RENEWAL_THREE).order.challenge;
	expect_ok(leave(l, lab_seal(l, next.sealer, &next.order), RENEWAL_THREE));
	expect_ok(ask(&c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "jane doe", RENEWAL_THREE),
	    second, l->other_key, "", &r));
	again = issued(&c, r);
	assert_string_not_equal(cert_serial(again), cert_serial(second));
	/* Who keeps key and challenge renews what came by them; a renewal brings no order, and this template demands one. */
	c.transaction = "to renew";
	expect_ok(ask(&c, SCEP_RENEWAL_REQ, csr_like(l, l->other_key, again, RENEWAL_THREE), again,
	    l->other_key, "", &r));
	refused(r, ERR_ORDER_MISSING);
}

static void
the_address_may_name_the_template(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	struct want w = lab_want(l);
	struct reply r;

	lab_grant(l, TEMPLATE, "service", "enrol");
	expect_ok(ask(&c, SCEP_PKCS_REQ, csr_of(l, c.key, "jane", order_text(l, &w)), c.self, c.key,
	    "WebServer", &r));
	refused(r, ERR_TEMPLATE_CONFLICT);
	expect_ok(ask(&c, SCEP_PKCS_REQ, csr_of(l, c.key, "jane", order_text(l, &w)), c.self, c.key,
	    TEMPLATE, &r));
	assert_int_equal(r.head.status, SCEP_SUCCESS);
}

/* ---- messages ---- */

static void
the_answer_is_sealed_and_signed_as_the_question(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	const char *challenge;
	struct reply r;

	allow_challenges(l);
	challenge = make_challenge(l, challenge_args(ROUTER, NULL));
	c.cipher = SCEP_DES3;
	c.digest = SCEP_SHA512;
	r = enrol(&c, csr_of(l, c.key, "router3", challenge));
	assert_int_equal(r.head.status, SCEP_SUCCESS);
	assert_int_equal(r.cipher, SCEP_DES3);
	assert_int_equal(r.msg.digest, SCEP_SHA512);
	assert_true(str_eq(r.head.recipient_nonce, LIT("0123456789abcdef")));
	assert_int_equal(r.head.sender_nonce.n, 16);
}

static void
a_request_signed_with_another_key_is_refused(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->other_key);

	allow_challenges(l);
	refused(
	    enrol(&c, csr_of(l, l->leaf_key, "r", make_challenge(l, challenge_args(ROUTER, NULL)))),
	    ERR_SCEP_SIGNER);
}

static void
what_is_no_request_is_told_apart_from_nothing(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	struct str csr = csr_of(l, c.key, "r", NULL);
	uint8_t *bent = arena_copy(l->a, csr.p, csr.n);
	struct reply garbage, broken;

	bent[csr.n - 1] ^= 1;
	garbage = enrol(&c, LIT("not a request"));
	broken = enrol(&c, str_of(bent, csr.n));
	refused(garbage, ERR_SCEP_SEALED);
	refused(broken, ERR_SCEP_SEALED);
	assert_string_equal(garbage.head.fail_text, broken.head.fail_text);
}

static void
sha1_is_for_who_asked_for_it(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	const char *challenge;
	struct reply r;

	allow_challenges(l);
	challenge = make_challenge(l, challenge_args(ROUTER, NULL));
	c.digest = SCEP_SHA1;
	r = enrol(&c, csr_of(l, c.key, "old", challenge));
	refused(r, ERR_SCEP_ALGORITHM);
	assert_int_equal(r.head.fail_info, 0);
	assert_int_equal(r.msg.digest, SCEP_SHA256);
	lab_do(l, "ca.set", lab_args("name", "scep.sha1", "value", "true", NULL));
	r = enrol(&c, csr_of(l, c.key, "old", challenge));
	assert_int_equal(r.head.status, SCEP_SUCCESS);
	assert_int_equal(r.msg.digest, SCEP_SHA1);
	lab_do(l, "ca.set", lab_args("name", "scep.sha1", "value", "", NULL));
}

static void
other_types_of_messages_are_refused(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	struct reply r;

	expect_ok(ask(&c, 99, LIT("x"), c.self, c.key, "", &r));
	refused(r, ERR_SCEP_TYPE);
	expect_ok(ask(&c, SCEP_CERT_REP, LIT("x"), c.self, c.key, "", &r));
	refused(r, ERR_SCEP_TYPE);
}

static void
a_front_that_bends_a_message_is_not_believed(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	struct ca_scep_req q = { .ca = "", .template = "", .peer = "", .signer = cert_der(c.self) };
	auto_buf struct buf in = { 0 };
	struct str answer;

	q.attrs = LIT("\x31\x00");
	q.signature = LIT("x");
	q.content = LIT("x");
	q.digest = SCEP_SHA256;
	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_scep_req_encode(&q, &in));
	expect_err(ERR_SCEP, lab_call(l, CA_SCEP, &in, &answer));
}

/* ---- renewal, polling, questions ---- */

static void
a_certificate_renews_itself_for_the_same_names(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_cert struct cert *first = NULL, *second = NULL;
	struct reply r;

	allow_challenges(l);
	first = issued(&c,
	    enrol(
		&c, csr_of(l, c.key, "router8", make_challenge(l, challenge_args(ROUTER, NULL)))));
	expect_ok(ask(
	    &c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "router8", NULL), first, c.key, "", &r));
	second = issued(&c, r);
	assert_string_not_equal(cert_serial(second), cert_serial(first));
	assert_true(str_eq(cert_subject_der(second), cert_subject_der(first)));
	/* By old clients it is called PKCSReq. */
	expect_ok(ask(&c, SCEP_PKCS_REQ, csr_of(l, l->other_key, "router8", NULL), second,
	    l->other_key, "", &r));
	assert_int_equal(r.head.status, SCEP_SUCCESS);
	expect_ok(ask(
	    &c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "admin", NULL), first, c.key, "", &r));
	refused(r, ERR_RENEWAL_NAMES);
}

static void
who_is_revoked_does_not_renew(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_cert struct cert *first = NULL;
	struct reply r;

	allow_challenges(l);
	first = issued(&c,
	    enrol(
		&c, csr_of(l, c.key, "router9", make_challenge(l, challenge_args(ROUTER, NULL)))));
	lab_do(l, "cert.revoke", lab_args("serial", cert_serial(first), NULL));
	expect_ok(ask(
	    &c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "router9", NULL), first, c.key, "", &r));
	refused(r, ERR_CALLER_REVOKED);
	/* And nobody renews with a certificate that he made himself. */
	expect_ok(
	    ask(&c, SCEP_RENEWAL_REQ, csr_of(l, c.key, "router9", NULL), c.self, c.key, "", &r));
	refused(r, ERR_RENEWAL);
}

static void
renewal_can_be_switched_off(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_cert struct cert *first = NULL;
	struct reply r;

	allow_challenges(l);
	first = issued(&c,
	    enrol(
		&c, csr_of(l, c.key, "router10", make_challenge(l, challenge_args(ROUTER, NULL)))));
	lab_do(l, "ca.set", lab_args("name", "scep.renewal", "value", "false", NULL));
	expect_ok(ask(
	    &c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "router10", NULL), first, c.key, "", &r));
	refused(r, ERR_RENEWAL);
	lab_do(l, "ca.set", lab_args("name", "scep.renewal", "value", "", NULL));
}

static struct str
subject_pair(struct lab *l)
{
	auto_buf struct buf b = { 0 };
	struct str name = lab_name(l, "x");

	buf_init(&b, 4096);
	expect_ok(buf_put(&b, name));
	expect_ok(buf_put(&b, name));
	return arena_str(l->a, buf_str(&b));
}

static void
only_the_key_of_a_transaction_polls_it(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key), d = client_of(l, l->other_key);
	auto_cert struct cert *leaf = NULL, *polled = NULL;
	struct reply r;

	allow_challenges(l);
	c.transaction = d.transaction = "ABCDEF-poll";
	leaf = issued(&c,
	    enrol(
		&c, csr_of(l, c.key, "router11", make_challenge(l, challenge_args(ROUTER, NULL)))));
	expect_ok(ask(&c, SCEP_CERT_POLL, subject_pair(l), c.self, c.key, "", &r));
	polled = issued(&c, r);
	assert_string_equal(cert_serial(polled), cert_serial(leaf));
	expect_ok(ask(&d, SCEP_CERT_POLL, subject_pair(l), d.self, d.key, "", &r));
	refused(r, ERR_SCEP_UNKNOWN);
	assert_int_equal(r.head.fail_info, 4);
}

static void
no_answer_but_to_a_holder_tells_whether_an_envelope_can_be_opened(void **state)
{
	static const int types[] = { SCEP_PKCS_REQ, SCEP_CERT_POLL, SCEP_GET_CERT, SCEP_GET_CRL };
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	/* Of a captured envelope that was bent so that a part of it stands at the end. */
	struct str captured = LIT("what is left of a request with its challenge");
	struct reply good, bad;

	c.transaction = "ABCDEF-oracle";
	for (size_t i = 0; i < COUNT(types); i++) {
		c.broken = false;
		expect_ok(ask(&c, types[i], captured, c.self, c.key, "", &good));
		c.broken = true;
		expect_ok(ask(&c, types[i], captured, c.self, c.key, "", &bad));
		assert_int_equal(good.head.status, bad.head.status);
		assert_int_equal(good.head.fail_info, bad.head.fail_info);
		if (good.head.status == SCEP_FAILURE)
			assert_string_equal(good.head.fail_text, bad.head.fail_text);
	}
}

static void
a_message_that_is_sent_again_after_the_revocation_makes_no_certificate(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_cert struct cert *first = NULL, *second = NULL;
	struct ca_scep_req kept;
	struct reply r;

	allow_challenges(l);
	first = issued(&c,
	    enrol(
		&c, csr_of(l, c.key, "router13", make_challenge(l, challenge_args(ROUTER, NULL)))));
	kept =
	    pack(&c, SCEP_RENEWAL_REQ, csr_of(l, l->other_key, "router13", NULL), first, c.key, "");
	expect_ok(send_packed(&c, &kept, c.key, &r));
	second = issued(&c, r);
	lab_do(l, "cert.revoke", lab_args("serial", cert_serial(second), NULL));
	expect_ok(send_packed(&c, &kept, c.key, &r));
	assert_int_equal(r.head.status, SCEP_FAILURE);
}

static void
who_is_revoked_gets_no_certificates_of_others(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_cert struct cert *first = NULL;
	struct reply r;

	allow_challenges(l);
	first = issued(&c,
	    enrol(
		&c, csr_of(l, c.key, "router14", make_challenge(l, challenge_args(ROUTER, NULL)))));
	lab_do(l, "cert.revoke", lab_args("serial", cert_serial(first), NULL));
	expect_ok(ask(&c, SCEP_GET_CERT, subject_pair(l), first, c.key, "", &r));
	refused(r, ERR_SCEP_UNKNOWN);
}

static void
the_ra_is_kept_over_a_restart(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *before = get_ra(l), *after = NULL;

	assert_int_equal(cert_key_usage(before), 0xa0);
	assert_true(cert_has_eku(before, "1.3.6.1.4.1.311.20.2.1"));
	lab_close(l);
	lab_open(l);
	after = get_ra(l);
	assert_memory_equal(cert_sha256(before), cert_sha256(after), 32);
}

static void
the_ra_renews_itself_and_opens_what_was_sealed_before(void **state)
{
	struct lab *l = *state;
	auto_client struct client c = client_of(l, l->leaf_key);
	auto_cert struct cert *renewed = NULL;
	struct str sealed, plain;
	struct scep_ra ra;
	const struct ca *ca;
	when_t now = when_now();

	when_set(now + 715 * (when_t)86400);
	expect_ok(scep_upkeep(l->is));
	renewed = get_ra(l);
	assert_string_not_equal(cert_serial(renewed), cert_serial(c.ra));
	assert_memory_equal(cert_spki_sha256(renewed), cert_spki_sha256(c.ra), 32);
	expect_ok(scep_seal(l->a, c.ra, SCEP_AES128, LIT("x"), &sealed));
	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ISSUING, &ca));
	expect_ok(scep_ra_get(l->is, l->a, ca, &ra));
	expect_ok(scep_open(l->a, ra.key, sealed, &plain));
	assert_true(str_eq(plain, LIT("x")));
	when_set(0);
}

static err_t
ask_next(struct lab *l, const char *ca, struct str *ret)
{
	struct ca_name_req q = { ca };
	auto_buf struct buf in = { 0 };
	struct ca_der_rep rep;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ca_name_req_encode(&q, &in));
	TRY(lab_call(l, CA_SCEP_NEXT, &in, &answer));
	TRY(ca_der_rep_parse(l->a, answer, &rep));
	*ret = rep.der;
	return OK;
}

/* The last: the CA of these tests has another key then. */
static void
the_next_certificate_is_told_until_the_one_before_ends(void **state)
{
	struct lab *l = *state;
	struct str before, der, content, signer, *certs;
	json *args = lab_args("ca", ISSUING, NULL);
	auto_cert struct cert *old = NULL;
	const struct ca *ca;
	size_t n;

	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ISSUING, &ca));
	before = arena_str(l->a, cert_der(ca->cert));
	expect_err(ERR_SCEP_NEXT, ask_next(l, "", &der));
	json_set_bool(args, "new_key", true);
	when_set(when_now() + 86400); /* so that the new one ends later */
	lab_do(l, "ca.renew", args);
	expect_ok(ask_next(l, ISSUING, &der));
	expect_ok(cms_signed_open(l->a, der, &content, &signer));
	assert_true(str_eq(signer, before));
	expect_ok(cms_certs_parse(l->a, content, &certs, &n));
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++)
		assert_false(str_eq(certs[i], before));
	expect_err(ERR_SCEP_NEXT, ask_next(l, IDENTITY, &der));
	expect_ok(cert_parse(before, &old));
	when_set(cert_not_after(old) + 1);
	expect_err(ERR_SCEP_NEXT, ask_next(l, ISSUING, &der));
	when_set(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_challenge_is_for_one_certificate),
		cmocka_unit_test(a_challenge_may_say_what_the_certificate_names),
		cmocka_unit_test(unknown_missing_and_ended_challenges_are_refused),
		cmocka_unit_test(what_waits_on_a_challenge_goes_when_it_is_taken_back),
		cmocka_unit_test(a_challenge_opens_no_template_that_demands_an_order),
		cmocka_unit_test(a_challenge_needs_the_right_of_its_principal),
		cmocka_unit_test(an_order_as_challenge_names_the_certificate),
		cmocka_unit_test(an_order_is_compared_with_the_request),
		cmocka_unit_test(an_order_behind_a_challenge_is_worth_nothing_without_it),
		cmocka_unit_test(a_request_behind_a_challenge_that_waits_is_approved_under_it),
		cmocka_unit_test(a_new_challenge_goes_before_the_renewal_of_what_signs),
		cmocka_unit_test(the_address_may_name_the_template),
		cmocka_unit_test(the_answer_is_sealed_and_signed_as_the_question),
		cmocka_unit_test(a_request_signed_with_another_key_is_refused),
		cmocka_unit_test(what_is_no_request_is_told_apart_from_nothing),
		cmocka_unit_test(sha1_is_for_who_asked_for_it),
		cmocka_unit_test(other_types_of_messages_are_refused),
		cmocka_unit_test(a_front_that_bends_a_message_is_not_believed),
		cmocka_unit_test(a_certificate_renews_itself_for_the_same_names),
		cmocka_unit_test(who_is_revoked_does_not_renew),
		cmocka_unit_test(renewal_can_be_switched_off),
		cmocka_unit_test(only_the_key_of_a_transaction_polls_it),
		cmocka_unit_test(no_answer_but_to_a_holder_tells_whether_an_envelope_can_be_opened),
		cmocka_unit_test(
		    a_message_that_is_sent_again_after_the_revocation_makes_no_certificate),
		cmocka_unit_test(who_is_revoked_gets_no_certificates_of_others),
		cmocka_unit_test(the_ra_is_kept_over_a_restart),
		cmocka_unit_test(the_ra_renews_itself_and_opens_what_was_sealed_before),
		cmocka_unit_test(the_next_certificate_is_told_until_the_one_before_ends),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}

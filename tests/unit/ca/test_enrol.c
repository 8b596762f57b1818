/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers by password and by the certificate that they renew, keys made by the CA, and what a caller sees of the policy:
 * asked of the issuer as the front asks it, with a clock that the test sets.
 */
#include "lab.h"

#include "ca/signon.h"
#include "codec/policies_ipc.h"

#define PASSWORD "a password of some length"
#define CLIENTS "Clients" /* for logging on, named by the requester: only with ESC1 set aside */
#define SERVERS "Servers"

static json *
copy_of(const char *source, const char *name)
{
	json *args = lab_args("source", source, "name", name, NULL);

	json_set_bool(args, "supply_in_request", true);
	return args;
}

static int
enrol_setup(void **state)
{
	struct lab *l;
	json *args;

	assert_int_equal(lab_setup(state), 0);
	l = *state;
	args = copy_of("User", CLIENTS);
	json_set(args, "override", lab_list("ESC1", NULL));
	lab_do(l, "template.duplicate", args);
	lab_do(l, "template.duplicate", copy_of("WebServer", SERVERS));
	lab_do(l, "principal.add", lab_args("name", "Clerk", "password", PASSWORD, NULL));
	args = lab_args("principal", "clerk", NULL);
	json_set(args, "rights", lab_list("request", NULL));
	lab_do(l, "ca.grant", args);
	lab_grant(l, CLIENTS, "clerk", "enrol");
	lab_grant(l, SERVERS, "clerk", "enrol");
	lab_grant(l, TEMPLATE, "clerk", "enrol");
	return 0;
}

/* What one request says. */
struct ask {
	const char *user, *password, *template;
	struct str caller, renews;
	const char *cn;
	const struct key *key;
};

static struct ca_submit_req
request(struct lab *l, const struct ask *q, struct ca_attribute *attr)
{
	struct csr_spec spec = { .subject = lab_name(l, q->cn == NULL ? "jane" : q->cn) };
	struct ca_submit_req r = { .ca = "",
		.caller = q->caller,
		.user = q->user,
		.password = q->password,
		.renews = q->renews,
		.attributes = attr };

	expect_ok(csr_make(l->a, q->key == NULL ? l->leaf_key : q->key, &spec, &r.token));
	if (q->template != NULL) {
		*attr = (struct ca_attribute){ "CertificateTemplate", q->template };
		r.nattributes = 1;
	}
	return r;
}

static struct ca_submit_rep
ask(struct lab *l, const struct ask *q)
{
	struct ca_attribute attr;
	struct ca_submit_req r = request(l, q, &attr);
	struct ca_submit_rep rep = { 0 };
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(ca_submit_req_encode(&r, &in));
	expect_ok(lab_call(l, CA_SUBMIT, &in, &answer));
	expect_ok(ca_submit_rep_parse(l->a, answer, &rep));
	return rep;
}

static void
denied(struct lab *l, const struct ask *q, enum err_code why)
{
	struct ca_submit_rep rep = ask(l, q);

	assert_int_equal(rep.disposition, CA_DENIED);
	assert_string_equal(rep.fault, err_info(why)->id);
	assert_int_equal(rep.hresult, err_info(why)->hresult);
}

static struct str
issued(struct lab *l, const struct ask *q)
{
	struct ca_submit_rep rep = ask(l, q);

	if (rep.disposition != CA_ISSUED)
		print_error("%s\n", rep.message);
	assert_int_equal(rep.disposition, CA_ISSUED);
	return rep.leaf;
}

static const struct ask by_password = {
	.user = "CLERK", .password = PASSWORD, .template = SERVERS
};

static void
a_password_opens_what_its_principal_may(void **state)
{
	struct lab *l = *state;
	struct ask q = by_password;

	assert_true(issued(l, &q).n > 0);
	q.template = "User";
	denied(l, &q, ERR_TEMPLATE_DENIED);
	q.template = TEMPLATE;
	denied(l, &q, ERR_ORDER_MISSING);
}

static void
nothing_shown_and_an_empty_password_open_nothing(void **state)
{
	struct lab *l = *state;
	struct ask q = by_password;

	q.user = q.password = "";
	denied(l, &q, ERR_FORBIDDEN);
	q.user = "clerk";
	denied(l, &q, ERR_CREDENTIALS);
	q.user = "connector"; /* which has no password */
	denied(l, &q, ERR_CREDENTIALS);
	lab_do(l, "principal.passwd", lab_args("name", "clerk", "password", PASSWORD, NULL));
}

static void
a_wrong_password_is_not_mended_by_a_certificate(void **state)
{
	struct lab *l = *state;
	struct ask q = by_password;

	q.caller = l->caller;
	q.user = "connector";
	q.password = "some other password";
	denied(l, &q, ERR_CREDENTIALS);
}

static void
the_brake_holds_a_quarter_of_an_hour(void **state)
{
	struct lab *l = *state;
	struct ask q = by_password;
	when_t now = when_now();

	lab_do(l, "principal.passwd", lab_args("name", "clerk", "password", PASSWORD, NULL));
	when_set(now);
	for (int i = 0; i < SIGNON_TRIES; i++) {
		q.password = arena_printf(l->a, "wrong password %d", i);
		denied(l, &q, ERR_CREDENTIALS);
	}
	q.password = PASSWORD;
	denied(l, &q, ERR_LOGIN_LIMIT);
	when_set(now + SIGNON_BRAKE - 1);
	denied(l, &q, ERR_LOGIN_LIMIT);
	when_set(now + SIGNON_BRAKE);
	assert_true(issued(l, &q).n > 0);
	when_set(0);
}

static void
an_unknown_name_is_braked_like_a_known_one(void **state)
{
	struct lab *l = *state;
	struct ask q = by_password;

	q.user = "nobody";
	for (int i = 0; i < SIGNON_TRIES; i++)
		denied(l, &q, ERR_CREDENTIALS);
	denied(l, &q, ERR_LOGIN_LIMIT);
	assert_true(issued(l, &by_password).n > 0);
}

static void
a_changed_password_ends_the_old_one_at_once(void **state)
{
	struct lab *l = *state;
	struct ask q = by_password;

	assert_true(issued(l, &q).n > 0); /* and is remembered */
	lab_do(l, "principal.passwd",
	    lab_args("name", "clerk", "password", "quite another one", NULL));
	denied(l, &q, ERR_CREDENTIALS);
	q.password = "quite another one";
	assert_true(issued(l, &q).n > 0);
	lab_do(l, "principal.passwd", lab_args("name", "clerk", "password", PASSWORD, NULL));
}

static void
a_password_that_is_too_short_is_not_set(void **state)
{
	struct lab *l = *state;
	json *answer = NULL;

	expect_err(ERR_RANGE,
	    lab_admin(l, "principal.passwd", lab_args("name", "clerk", "password", "short", NULL),
		&answer));
	expect_err(ERR_NOT_FOUND,
	    lab_admin(l, "principal.passwd", lab_args("name", "nobody", "password", PASSWORD, NULL),
		&answer));
	assert_true(issued(l, &by_password).n > 0);
}

/* ---- renewal by the holder ---- */

static struct str
first_certificate(struct lab *l, const char *cn)
{
	struct ask q = by_password;

	q.template = CLIENTS;
	q.cn = cn;
	return issued(l, &q);
}

static void
a_holder_renews_its_certificate_for_the_same_names_only(void **state)
{
	struct lab *l = *state;
	struct str old = first_certificate(l, "printer");
	struct ask q = { .caller = old, .renews = old, .cn = "printer", .key = l->other_key };
	auto_cert struct cert *was = NULL, *is = NULL;

	expect_ok(cert_parse(old, &was));
	expect_ok(cert_parse(issued(l, &q), &is));
	assert_true(str_eq(cert_subject_der(was), cert_subject_der(is)));
	q.cn = "scanner";
	denied(l, &q, ERR_RENEWAL_NAMES);
	q.cn = "printer";
	q.template = SERVERS;
	denied(l, &q, ERR_TEMPLATE_CONFLICT);
	q.template = CLIENTS;
	assert_true(issued(l, &q).n > 0);
}

static void
a_holder_may_nothing_but_renew(void **state)
{
	struct lab *l = *state;
	struct str old = first_certificate(l, "camera");
	struct ask q = { .caller = old, .cn = "camera", .template = CLIENTS };

	denied(l, &q, ERR_CALLER_UNKNOWN);
	/* Nor another's: what it renews must be what it showed. */
	q.renews = first_certificate(l, "door");
	q.cn = "door";
	denied(l, &q, ERR_CALLER_UNKNOWN);
}

static void
an_expired_or_revoked_certificate_is_not_renewed(void **state)
{
	struct lab *l = *state;
	struct str old = first_certificate(l, "clock");
	struct ask q = { .caller = old, .renews = old, .cn = "clock" };
	auto_cert struct cert *c = NULL;

	expect_ok(cert_parse(old, &c));
	when_set(cert_not_after(c) + 1);
	denied(l, &q, ERR_CALLER_EXPIRED);
	when_set(0);
	assert_true(issued(l, &q).n > 0);
	lab_do(
	    l, "cert.revoke", lab_args("serial", cert_serial(c), "reason", "keyCompromise", NULL));
	denied(l, &q, ERR_CALLER_REVOKED);
	lab_new_key(&l->leaf_key);
}

static void
a_holder_loses_its_renewal_with_the_rights_of_who_requested(void **state)
{
	struct lab *l = *state;
	struct str old = first_certificate(l, "gate");
	struct ask q = { .caller = old, .renews = old, .cn = "gate" };
	json *args = lab_args("name", "clerk", NULL);

	json_set_bool(args, "enabled", false);
	lab_do(l, "principal.enable", args);
	denied(l, &q, ERR_CALLER_DISABLED);
	args = lab_args("name", "clerk", NULL);
	json_set_bool(args, "enabled", true);
	lab_do(l, "principal.enable", args);
	args = lab_args("template", CLIENTS, "principal", "clerk", NULL);
	json_set(args, "rights", lab_list("enrol", NULL));
	lab_do(l, "template.withdraw", args);
	denied(l, &q, ERR_TEMPLATE_DENIED);
	lab_grant(l, CLIENTS, "clerk", "enrol");
	assert_true(issued(l, &q).n > 0);
}

static void
an_expired_caller_is_refused(void **state)
{
	struct lab *l = *state;
	struct ask q = { .caller = l->caller, .template = TEMPLATE };
	auto_cert struct cert *c = NULL;

	expect_ok(cert_parse(l->caller, &c));
	when_set(cert_not_after(c) + 1);
	denied(l, &q, ERR_CALLER_EXPIRED);
	when_set(0);
}

/* ---- keys made by the CA ---- */

static struct ca_keygen_rep
make_key(struct lab *l, const struct ask *q, bool spoil)
{
	struct ca_attribute attr;
	struct ca_submit_req r = request(l, q, &attr);
	struct ca_keygen_rep rep = { .key = STR_EMPTY };
	uint8_t *bytes = arena_copy(l->a, r.token.p, r.token.n);
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	if (spoil)
		bytes[r.token.n - 9] ^= 0x55;
	r.token = str_of(bytes, r.token.n);
	expect_ok(ca_submit_req_encode(&r, &in));
	expect_ok(lab_call(l, CA_KEYGEN, &in, &answer));
	expect_ok(ca_keygen_rep_parse(l->a, answer, &rep));
	return rep;
}

static void
a_made_key_belongs_to_its_certificate_and_the_request_needs_no_proof(void **state)
{
	struct lab *l = *state;
	struct ask q = by_password;
	struct ca_keygen_rep rep;
	auto_key struct key *k = NULL, *certified = NULL;
	auto_cert struct cert *c = NULL;

	q.template = CLIENTS;
	rep = make_key(l, &q, true);
	assert_int_equal(rep.answer.disposition, CA_ISSUED);
	expect_ok(key_read(str_c(text_pem(l->a, "PRIVATE KEY", rep.key)), NULL, &k));
	expect_ok(cert_parse(rep.answer.leaf, &c));
	expect_ok(cert_key(c, &certified));
	assert_true(key_same_public(k, certified));
	assert_false(key_same_public(k, l->leaf_key));
}

static void
no_key_is_made_for_who_is_refused(void **state)
{
	struct lab *l = *state;
	struct ask q = by_password;
	struct ca_keygen_rep rep = make_key(l, &q, false);

	assert_string_equal(rep.answer.fault, "keygen-export");
	assert_int_equal(rep.key.n, 0);
	q.template = "User";
	assert_string_equal(make_key(l, &q, false).answer.fault, "template-denied");
	q.template = NULL;
	assert_string_equal(make_key(l, &q, false).answer.fault, "template-none");
	q.template = TEMPLATE;
	rep = make_key(l, &q, false);
	assert_string_equal(rep.answer.fault, "order-missing");
	assert_int_equal(rep.key.n, 0);
}

/* ---- what a caller sees ---- */

static err_t
look(struct lab *l, const char *user, const char *password, struct policies_rep *ret)
{
	struct policies_req q = { STR_EMPTY, user, password };
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(policies_req_encode(&q, &in));
	TRY(lab_call(l, CA_POLICIES, &in, &answer));
	return policies_rep_parse(l->a, answer, ret);
}

static const struct policy_template *
seen(const struct policies_rep *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (str_ieq_c(str_c(p->v[i].name), name))
			return &p->v[i];
	}
	return NULL;
}

static void
a_caller_sees_what_it_may_read_and_nothing_else(void **state)
{
	struct lab *l = *state;
	struct policies_rep p = { 0 }, later = { 0 };
	json *args = lab_args("template", SERVERS, "principal", "clerk", NULL);

	expect_ok(look(l, "clerk", PASSWORD, &p));
	assert_int_equal(p.n, 3);
	assert_true(seen(&p, SERVERS)->enrol);
	assert_false(seen(&p, SERVERS)->autoenrol);
	assert_null(seen(&p, "User"));
	json_set(args, "deny", lab_list("read", NULL));
	lab_do(l, "template.grant", args);
	expect_ok(look(l, "clerk", PASSWORD, &later));
	assert_null(seen(&later, SERVERS));
	assert_true(id_eq(p.id, later.id));
	assert_true(later.changed >= p.changed);
	args = lab_args("template", SERVERS, "principal", "clerk", NULL);
	json_set(args, "deny", lab_list("read", NULL));
	lab_do(l, "template.withdraw", args);
}

static void
the_policy_is_not_shown_to_who_shows_nothing(void **state)
{
	struct lab *l = *state;
	struct policies_rep p = { 0 };

	expect_err(ERR_CREDENTIALS, look(l, "clerk", "a wrong password", &p));
	expect_err(ERR_FORBIDDEN, look(l, "", "", &p));
	lab_do(l, "principal.passwd", lab_args("name", "clerk", "password", PASSWORD, NULL));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_password_opens_what_its_principal_may),
	cmocka_unit_test(nothing_shown_and_an_empty_password_open_nothing),
	cmocka_unit_test(a_wrong_password_is_not_mended_by_a_certificate),
	cmocka_unit_test(the_brake_holds_a_quarter_of_an_hour),
	cmocka_unit_test(an_unknown_name_is_braked_like_a_known_one),
	cmocka_unit_test(a_changed_password_ends_the_old_one_at_once),
	cmocka_unit_test(a_password_that_is_too_short_is_not_set),
	cmocka_unit_test(a_holder_renews_its_certificate_for_the_same_names_only),
	cmocka_unit_test(a_holder_may_nothing_but_renew),
	cmocka_unit_test(an_expired_or_revoked_certificate_is_not_renewed),
	cmocka_unit_test(a_holder_loses_its_renewal_with_the_rights_of_who_requested),
	cmocka_unit_test(an_expired_caller_is_refused),
	cmocka_unit_test(a_made_key_belongs_to_its_certificate_and_the_request_needs_no_proof),
	cmocka_unit_test(no_key_is_made_for_who_is_refused),
	cmocka_unit_test(a_caller_sees_what_it_may_read_and_nothing_else),
	cmocka_unit_test(the_policy_is_not_shown_to_who_shows_nothing),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, enrol_setup, lab_teardown);
}

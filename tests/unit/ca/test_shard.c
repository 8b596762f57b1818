/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists in shards, with the openssl command as the relying party. */
#include "lab.h"

#include "base/limits.h"
#include "ca/crl_shard.h"
#include "ca/revoke.h"

static void
shards(struct lab *l, const char *value)
{
	lab_do(l, "ca.set", lab_args("name", "crl.shards", "value", value, NULL));
}

static err_t
ask(struct lab *l, uint32_t shard, bool delta, struct crl_part_rep *ret)
{
	struct crl_part_req q = { .ca = ISSUING, .shard = shard, .delta = delta };
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(crl_part_req_encode(&q, &in));
	TRY(lab_call(l, CA_CRL, &in, &answer));
	return crl_part_rep_parse(l->a, answer, ret);
}

/* What openssl says of the list of a shard; the list is left as NAME.crl in PEM. */
static char *
list(struct lab *l, uint32_t shard, const char *name)
{
	struct crl_part_rep rep;

	expect_ok(ask(l, shard, false, &rep));
	lab_write(l, "x.der", rep.part);
	return lab_run(l,
	    arena_printf(l->a,
		"openssl crl -inform DER -in x.der -out %s.crl; openssl crl -in %s.crl -noout -text",
		name, name));
}

/* The shard that a certificate names; 0: the list of all. */
static uint32_t
shard_of(struct lab *l, const struct cert *c)
{
	struct str der;
	char *text;
	const char *at;

	expect_ok(cert_extension(l->a, c, "2.5.29.31", &der));
	text = text_hex(l->a, der);
	/* "%20Issuing%20CA~" and digits, "Issuing%20CA.crl" */
	at = strstr(text,
	    "4341"
	    "7e");
	if (at == NULL) {
		assert_non_null(strstr(text, "43412e63726c"));
		return 0;
	}
	at += 6;
	for (uint32_t n = 0;; at += 2) {
		if (at[0] != '3')
			return n;
		n = n * 10 + (uint32_t)(at[1] - '0');
	}
}

static struct cert *
issue(struct lab *l)
{
	return lab_issued(l, lab_want(l));
}

/* One of a shard that is not the given one. */
static struct cert *
issue_elsewhere(struct lab *l, uint32_t not )
{
	for (int i = 0; i < 200; i++) {
		auto_cert struct cert *c = issue(l);

		if (shard_of(l, c) != not )
			return steal(c);
	}
	fail_msg("all are in shard %u", not );
	return NULL;
}

static void
revoke_cert(struct lab *l, const char *serial, const char *reason)
{
	lab_do(l, "cert.revoke", lab_args("serial", serial, "reason", reason, NULL));
}

static char *
upper(struct lab *l, const char *serial)
{
	char *u = arena_strdup(l->a, serial);

	for (char *p = u; *p != '\0'; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
	return u;
}

/* What openssl verify says of a certificate with these lists of the issuing CA. */
static char *
verify(struct lab *l, const struct cert *c, const char *lists)
{
	const struct ca *root = NULL, *ca = NULL;

	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ROOT, &root));
	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ISSUING, &ca));
	lab_write(l, "root.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(root->cert))));
	lab_write(l, "ca.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(ca->cert))));
	lab_write(l, "leaf.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(c))));
	return lab_run(l,
	    arena_printf(l->a,
		"cat %s > lists.pem; openssl verify -crl_check -CAfile root.pem -untrusted ca.pem -CRLfile lists.pem leaf.pem",
		lists));
}

static void
without_the_setting_there_are_no_shards(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = issue(l);
	struct crl_part_rep rep;

	assert_int_equal(shard_of(l, c), 0);
	expect_err(ERR_NOT_FOUND, ask(l, 1, false, &rep));
	assert_null(strstr(list(l, 0, "all"), "Issuing Distribution Point"));
}

static void
a_certificate_is_judged_by_its_shard_alone(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = NULL, *other = NULL;
	uint32_t mine, theirs;
	char *text;

	shards(l, "4");
	c = issue(l);
	mine = shard_of(l, c);
	assert_in_range(mine, 1, 4);
	other = issue_elsewhere(l, mine);
	theirs = shard_of(l, other);
	assert_in_range(theirs, 1, 4);
	text = list(l, mine, "mine");
	assert_non_null(strstr(text, "X509v3 Issuing Distribution Point: critical"));
	assert_non_null(strstr(text,
	    arena_printf(
		l->a, "URI:http://ca.example.test:8080/crl/Test%%20Issuing%%20CA~%u.crl", mine)));
	(void)list(l, theirs, "theirs");
	assert_non_null(strstr(verify(l, c, "mine.crl"), "leaf.pem: OK"));
	/* The list of another shard proves nothing. */
	assert_non_null(strstr(verify(l, c, "theirs.crl"), "ifferent CRL scope"));
	revoke_cert(l, cert_serial(c), "superseded");
	assert_non_null(strstr(list(l, mine, "mine"), upper(l, cert_serial(c))));
	assert_null(strstr(list(l, theirs, "theirs"), upper(l, cert_serial(c))));
	assert_non_null(strstr(verify(l, c, "mine.crl"), "certificate revoked"));
	assert_null(strstr(verify(l, c, "theirs.crl"), ": OK"));
	assert_non_null(strstr(verify(l, other, "theirs.crl"), "leaf.pem: OK"));
}

static void
the_list_of_all_names_those_of_shards_too(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = issue(l);

	assert_int_not_equal(shard_of(l, c), 0);
	(void)list(l, 0, "all");
	assert_non_null(strstr(verify(l, c, "all.crl"), "leaf.pem: OK"));
	revoke_cert(l, cert_serial(c), "superseded");
	assert_true(lab_on_crl(l, ISSUING, cert_serial(c)));
	(void)list(l, 0, "all");
	assert_non_null(strstr(verify(l, c, "all.crl"), "certificate revoked"));
}

static void
another_setting_leaves_what_was_issued_as_it_is(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *four = issue(l), *one = NULL, *none = NULL, *many = NULL;
	uint32_t was = shard_of(l, four);

	shards(l, "1");
	one = issue(l);
	assert_int_equal(shard_of(l, one), 1);
	shards(l, "0");
	none = issue(l);
	assert_int_equal(shard_of(l, none), 0);
	revoke_cert(l, cert_serial(four), "superseded");
	revoke_cert(l, cert_serial(none), "superseded");
	assert_non_null(strstr(list(l, was, "was"), upper(l, cert_serial(four))));
	assert_non_null(strstr(verify(l, four, "was.crl"), "certificate revoked"));
	assert_null(strstr(list(l, was, "was"), upper(l, cert_serial(none))));
	(void)list(l, 1, "one");
	assert_non_null(strstr(verify(l, one, "one.crl"), "leaf.pem: OK"));
	(void)list(l, 0, "all");
	assert_non_null(strstr(verify(l, none, "all.crl"), "certificate revoked"));
	shards(l, "1000");
	many = issue(l);
	(void)list(l, shard_of(l, many), "many");
	assert_non_null(strstr(verify(l, many, "many.crl"), "leaf.pem: OK"));
}

static void
shards_outlive_a_restart(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = NULL;
	uint32_t shard;

	shards(l, "4");
	lab_close(l);
	lab_open(l);
	c = issue(l);
	shard = shard_of(l, c);
	assert_in_range(shard, 1, 4);
	revoke_cert(l, cert_serial(c), "certificateHold");
	assert_non_null(strstr(list(l, shard, "x"), upper(l, cert_serial(c))));
	lab_do(l, "cert.release", lab_args("serial", cert_serial(c), NULL));
	assert_null(strstr(list(l, shard, "x"), upper(l, cert_serial(c))));
}

static void
a_revocation_makes_no_other_shard_anew(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = issue(l), *other = issue_elsewhere(l, shard_of(l, c));
	struct crl_part_rep before, after;

	expect_ok(ask(l, shard_of(l, other), false, &before));
	revoke_cert(l, cert_serial(c), "superseded");
	expect_ok(ask(l, shard_of(l, other), false, &after));
	assert_int_equal(after.number, before.number);
	expect_ok(ask(l, shard_of(l, c), false, &after));
	assert_true(after.number > before.number);
}

static void
shards_have_no_deltas_and_point_at_none(void **state)
{
	struct lab *l = *state;
	struct crl_part_rep rep;

	assert_null(strstr(list(l, 2, "x"), "Freshest CRL"));
	expect_err(ERR_NOT_FOUND, ask(l, 2, true, &rep));
	expect_err(ERR_RANGE, ask(l, LIMIT_CRL_SHARDS + 1, false, &rep));
}

static void
ca_certificates_name_the_list_of_all(void **state)
{
	struct lab *l = *state;
	const struct ca *ca = NULL;
	struct str der;

	lab_do(l, "ca.renew", lab_args("ca", ISSUING, NULL));
	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ISSUING, &ca));
	expect_ok(cert_extension(l->a, ca->cert, "2.5.29.31", &der));
	assert_null(strstr(text_hex(l->a, der), "7e"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(without_the_setting_there_are_no_shards),
	cmocka_unit_test(a_certificate_is_judged_by_its_shard_alone),
	cmocka_unit_test(the_list_of_all_names_those_of_shards_too),
	cmocka_unit_test(another_setting_leaves_what_was_issued_as_it_is),
	cmocka_unit_test(shards_outlive_a_restart),
	cmocka_unit_test(a_revocation_makes_no_other_shard_anew),
	cmocka_unit_test(shards_have_no_deltas_and_point_at_none),
	cmocka_unit_test(ca_certificates_name_the_list_of_all),
};
LAB_MAIN(tests)

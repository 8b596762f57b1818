/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation status: schedules, lists and OCSP answers of a whole issuer, with the openssl command as judge. */
#include "lab.h"

#include "ca/crl.h"
#include "ca/crl_plan.h"
#include "ca/ocsp.h"
#include "ca/ocsp_signer.h"
#include "ca/revoke.h"
#include "pki/ocsp.h"

enum { HOUR = 3600, DAY = 86400, WEEK = 7 * DAY };

static const struct ca *
issuing(struct lab *l)
{
	const struct ca *ca = NULL;

	expect_ok(hierarchy_find(issuer_hierarchy(l->is), ISSUING, &ca));
	return ca;
}

static void
setting(struct lab *l, const char *name, const char *value)
{
	lab_do(l, "ca.set", lab_args("name", name, "value", value, NULL));
}

static void
revoke_cert(struct lab *l, const char *serial, const char *reason)
{
	lab_do(l, "cert.revoke", lab_args("serial", serial, "reason", reason, NULL));
}

static void
times_are_those_of_an_ad_cs_ca(void **state)
{
	struct crl_settings s = { WEEK, DAY, 0, 0, 600 };
	when_t now = 1767225600, end = now + 100 * WEEK;
	struct crl_times t;

	(void)state;
	t = crl_times(&s, false, now, 0, end);
	assert_int_equal(t.this_update, now - 600);
	assert_int_equal(t.next_publish, now + WEEK);
	assert_int_equal(
	    t.next_update, now + WEEK + 12 * HOUR + 600); /* a tenth, but 12 hours at most */
	t = crl_times(&s, true, now, 0, end);
	assert_int_equal(t.next_publish, now + DAY);
	assert_int_equal(t.next_update, now + DAY + 12 * HOUR + 600);
	s.period = HOUR;
	t = crl_times(&s, false, now, 0, end);
	assert_int_equal(t.next_update, now + HOUR + 900 + 600); /* one and a half skews at least */
	s.overlap = DAY;
	t = crl_times(&s, false, now, 0, end);
	assert_int_equal(t.next_update, now + HOUR + DAY + 600);
	t = crl_times(&s, false, now, now - 1, now + 60);
	assert_int_equal(t.this_update, now - 1);
	assert_int_equal(t.next_update, now + 60); /* not after the CA ends */
}

static void
a_revocation_is_on_base_and_delta_at_once_with_one_number(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	struct crl_part_rep before = lab_crl(l, ISSUING, false), base, delta;
	char *text;

	revoke_cert(l, cert_serial(c), "keyCompromise");
	lab_new_key(&l->leaf_key);
	base = lab_crl(l, ISSUING, false);
	delta = lab_crl(l, ISSUING, true);
	assert_int_equal(base.number, before.number + 1);
	assert_int_equal(delta.number, base.number);
	assert_int_equal(base.next_update, before.next_update); /* between two of the schedule */
	assert_true(lab_on_crl(l, ISSUING, cert_serial(c)));
	lab_write(l, "delta.crl", delta.part);
	text = lab_run(l, "openssl crl -inform DER -in delta.crl -noout -text");
	assert_non_null(strstr(text, "X509v3 Delta CRL Indicator: critical"));
	assert_non_null(strstr(text, "Key Compromise"));
	lab_write(l, "base.crl", base.part);
	text = lab_run(l, "openssl crl -inform DER -in base.crl -noout -text");
	assert_non_null(strstr(text, "X509v3 Freshest CRL"));
	assert_non_null(strstr(text, "Test%20Issuing%20CA+.crl"));
}

/* An old base and the newest delta together say what the newest base says. */
static void
an_old_base_with_the_newest_delta_refuses_what_was_revoked_since(void **state)
{
	struct lab *l = *state;
	struct crl_part_rep base = lab_crl(l, ISSUING, false);
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	const struct ca *root = NULL;
	char *text;

	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ROOT, &root));
	revoke_cert(l, cert_serial(c), "superseded");
	lab_write(l, "root.crl", lab_crl(l, root->name, false).part);
	lab_write(l, "old.crl", base.part);
	lab_write(l, "new.crl", lab_crl(l, ISSUING, true).part);
	lab_write(l, "root.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(root->cert))));
	lab_write(l, "ca.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(issuing(l)->cert))));
	lab_write(l, "leaf.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(c))));
	(void)lab_run(l,
	    "for f in root old new; do openssl crl -inform DER -in $f.crl -out $f.pem.crl; done; "
	    "cat root.pem.crl old.pem.crl > old.all; cat old.all new.pem.crl > new.all");
	text = lab_run(l,
	    "openssl verify -crl_check_all -CAfile root.pem -untrusted ca.pem -CRLfile old.all leaf.pem");
	assert_non_null(strstr(text, "leaf.pem: OK"));
	text = lab_run(l,
	    "openssl verify -crl_check_all -extended_crl -use_deltas -CAfile root.pem -untrusted ca.pem "
	    "-CRLfile new.all leaf.pem");
	assert_non_null(strstr(text, "certificate revoked"));
}

static void
a_delta_comes_by_its_own_period_and_the_base_by_its_own(void **state)
{
	struct lab *l = *state;
	struct crl_part_rep base = lab_crl(l, ISSUING, false), delta = lab_crl(l, ISSUING, true);
	struct crl_part_rep base1, delta1, base2;

	when_set(when_now() + DAY + 60);
	base1 = lab_crl(l, ISSUING, false);
	delta1 = lab_crl(l, ISSUING, true);
	when_set(when_now() + WEEK);
	base2 = lab_crl(l, ISSUING, false);
	when_set(0);
	assert_int_equal(base1.number, base.number);
	assert_int_equal(delta1.number, delta.number + 1);
	assert_true(base2.number > delta1.number); /* one sequence */
	assert_true(base2.next_update > base.next_update);
}

static void
numbers_never_go_back(void **state)
{
	struct lab *l = *state;
	uint64_t last = lab_crl(l, ISSUING, false).number;

	for (int i = 0; i < 3; i++) {
		uint64_t n;

		expect_ok(crl_all(l->is, true));
		lab_close(l);
		lab_open(l);
		n = lab_crl(l, ISSUING, false).number;
		assert_int_equal(n, last + 1);
		last = n;
	}
}

static void
without_deltas_one_last_delta_points_at_the_newest_base(void **state)
{
	struct lab *l = *state;
	struct crl_part_rep base, last, later;
	char *text;

	setting(l, "crl.delta_period", "0");
	expect_ok(crl_all(l->is, true));
	base = lab_crl(l, ISSUING, false);
	last = lab_crl(l, ISSUING, true);
	assert_int_equal(last.number, base.number);
	lab_write(l, "base.crl", base.part);
	text = lab_run(l, "openssl crl -inform DER -in base.crl -noout -text");
	assert_null(strstr(text, "Freshest"));
	expect_ok(crl_all(l->is, true));
	later = lab_crl(l, ISSUING, true);
	assert_int_equal(later.number, last.number);
	setting(l, "crl.delta_period", "");
	expect_ok(crl_all(l->is, true));
	assert_true(lab_crl(l, ISSUING, true).number > last.number);
}

static void
a_list_that_is_held_already_is_not_sent_again(void **state)
{
	struct lab *l = *state;
	struct crl_part_req q = { .ca = ISSUING, .number = lab_crl(l, ISSUING, false).number };
	struct crl_part_rep rep;
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, 4096);
	expect_ok(crl_part_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_CRL, &in, &answer));
	expect_ok(crl_part_rep_parse(l->a, answer, &rep));
	assert_int_equal(rep.part.n, 0);
	assert_int_equal(rep.number, q.number);
	/* A piece of a list that is not the newest any more. */
	q.offset = 10;
	q.number--;
	buf_reset(&in);
	expect_ok(crl_part_req_encode(&q, &in));
	expect_err(ERR_BUSY, lab_call(l, CA_CRL, &in, &answer));
	q.ca = "Nobody";
	buf_reset(&in);
	expect_ok(crl_part_req_encode(&q, &in));
	expect_err(ERR_CA_UNKNOWN, lab_call(l, CA_CRL, &in, &answer));
}

/* ---- OCSP ---- */

static struct ocsp_rep
ask(struct lab *l, const char *ca, const struct str *serials, size_t n, struct str nonce)
{
	struct ocsp_issuer i;
	struct ocsp_req q = {
		.ca = ca, .v = arena_array(l->a, n, sizeof(*q.v)), .n = n, .nonce = nonce
	};
	struct ocsp_rep rep;

	expect_ok(ocsp_issuer(issuing(l)->cert, &i));
	for (size_t k = 0; k < n; k++)
		q.v[k] = (struct ocsp_id){ CERTID_SHA1, true, arena_str(l->a, STR(i.name_sha1)),
			arena_str(l->a, STR(i.key_sha1)), serials[k] };
	expect_ok(ocsp_serve(l->is, l->a, &q, &rep));
	return rep;
}

static struct str
serial_bytes(struct lab *l, const struct cert *c)
{
	struct str s;

	expect_ok(text_unhex(l->a, str_c(cert_serial(c)), &s));
	return s;
}

/* What openssl reads in the answer about the certificate. */
static char *
openssl_reads(struct lab *l, struct ocsp_rep rep, const struct cert *c)
{
	const struct ca *root = NULL;

	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ROOT, &root));
	lab_write(l, "resp", rep.der);
	lab_write(l, "all.pem",
	    str_c(arena_printf(l->a, "%s%s", text_pem(l->a, "CERTIFICATE", cert_der(root->cert)),
		text_pem(l->a, "CERTIFICATE", cert_der(issuing(l)->cert)))));
	lab_write(l, "ca.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(issuing(l)->cert))));
	lab_write(l, "leaf.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(c))));
	return lab_run(
	    l, "openssl ocsp -issuer ca.pem -cert leaf.pem -respin resp -CAfile all.pem -no_nonce");
}

static void
ocsp_says_good_then_revoked_at_once(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	struct str serial = serial_bytes(l, c);
	struct ocsp_rep good = ask(l, "", &serial, 1, STR_EMPTY), again, bad;
	char *text = openssl_reads(l, good, c);

	assert_non_null(strstr(text, "Response verify OK"));
	assert_non_null(strstr(text, "leaf.pem: good"));
	again = ask(l, ISSUING, &serial, 1, STR_EMPTY);
	assert_true(str_eq(again.der, good.der)); /* signed once */
	revoke_cert(l, cert_serial(c), "keyCompromise");
	lab_new_key(&l->leaf_key);
	bad = ask(l, "", &serial, 1, STR_EMPTY);
	text = openssl_reads(l, bad, c);
	assert_non_null(strstr(text, "leaf.pem: revoked"));
	assert_non_null(strstr(text, "Reason: keyCompromise"));
}

static void
serials_that_were_never_issued_are_unknown(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	struct str serials[] = {
		LIT("\x11\x22"), LIT("\xff\x22"), LIT("\x00"), STR_EMPTY,
		LIT("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15")
	};
	char *text;

	serials[3] = serial_bytes(l, c);
	lab_write(l, "resp", ask(l, "", serials, COUNT(serials), STR_EMPTY).der);
	text = lab_run(l, "openssl ocsp -respin resp -noverify -resp_text");
	assert_non_null(strstr(text, "Cert Status: good"));
	for (int i = 0; i < 4; i++) {
		text = strstr(text, "Cert Status: unknown");
		assert_non_null(text);
		text++;
	}
}

static void
a_nonce_is_signed_each_time(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	struct str serial = serial_bytes(l, c);
	struct ocsp_rep one = ask(l, "", &serial, 1, LIT("\x04\x04name"));
	struct ocsp_rep two = ask(l, "", &serial, 1, LIT("\x04\x04mane"));

	assert_false(str_eq(one.der, two.der));
	lab_write(l, "resp", one.der);
	assert_non_null(
	    strstr(lab_run(l, "openssl ocsp -respin resp -noverify -resp_text"), "6E616D65"));
}

static void
an_issuer_that_is_not_here_is_refused(void **state)
{
	struct lab *l = *state;
	uint8_t hash[20] = { 1 };
	struct ocsp_id id = { CERTID_SHA1, true, STR(hash), STR(hash), LIT("\x01") };
	struct ocsp_req q = { .ca = "", .v = &id, .n = 1 };
	struct ocsp_issuer i;
	struct ocsp_rep rep;

	expect_err(ERR_OCSP_ISSUER, ocsp_serve(l->is, l->a, &q, &rep));
	expect_ok(ocsp_issuer(issuing(l)->cert, &i));
	id.name_hash = STR(i.name_sha1);
	expect_err(
	    ERR_OCSP_ISSUER, ocsp_serve(l->is, l->a, &q, &rep)); /* the name alone is not it */
	id.key_hash = STR(i.key_sha1);
	expect_ok(ocsp_serve(l->is, l->a, &q, &rep));
	q.ca = IDENTITY;
	expect_err(ERR_OCSP_ISSUER, ocsp_serve(l->is, l->a, &q, &rep));
}

static void
the_signer_is_renewed_in_time_with_the_same_key(void **state)
{
	struct lab *l = *state;
	struct ocsp_signer first, same, next;

	expect_ok(ocsp_signers_upkeep(l->is));
	expect_ok(ocsp_signer_get(l->is, issuing(l), &first));
	assert_true(cert_has_eku(first.cert, OID_EKU_OCSP_SIGNING));
	assert_int_equal(cert_key_usage(first.cert), 0x80);
	expect_ok(cert_verify(first.cert, issuing(l)->cert, when_now()));
	lab_close(l);
	lab_open(l);
	expect_ok(ocsp_signer_get(l->is, issuing(l), &same));
	when_set(when_now() + 13 * DAY);
	expect_ok(ocsp_signer_get(l->is, issuing(l), &next));
	expect_ok(cert_verify(next.cert, issuing(l)->cert, when_now() + 12 * DAY));
	when_set(0);
	assert_memory_equal(cert_spki_sha256(next.cert), cert_spki_sha256(same.cert), 32);
	assert_true(cert_not_after(next.cert) > cert_not_after(same.cert));
	lab_write(l, "signer", cert_der(next.cert));
	assert_non_null(strstr(
	    lab_run(l, "openssl x509 -inform DER -in signer -noout -text"), "OCSP No Check"));
}

static void
certificates_name_the_ocsp_address(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));

	lab_write(l, "leaf", cert_der(c));
	assert_non_null(strstr(lab_run(l, "openssl x509 -inform DER -in leaf -noout -ocsp_uri"),
	    "http://ca.example.test:8080/ocsp\n"));
}

static err_t
mark_tx(struct tx *tx, void *arg)
{
	return crl_mark(tx, arg, 0);
}

/* A key that is away: one whose private half is not here. */
static void
a_ca_whose_key_is_away_does_not_keep_the_others_from_their_lists(void **state)
{
	struct lab *l = *state;
	struct hierarchy *h = l->is->now;
	auto_key struct key *public = NULL;
	struct key *whole = h->v[0].key;
	uint64_t before[3];
	struct ocsp_signer s;

	expect_ok(cert_key(h->v[0].cert, &public));
	for (size_t i = 0; i < 3; i++)
		before[i] = lab_crl(l, h->v[i].name, false).number;
	h->v[0].key = public;
	{
		err_t e = crl_all(l->is, true);

		assert_false(err_ok(e));
		err_forget(e);
	}
	/* What it published before is served for as long as it is good, also when it is out of date. */
	expect_ok(store_write(l->is->store, mark_tx, (void *)(uintptr_t)h->v[0].name));
	assert_int_equal(lab_crl(l, h->v[0].name, false).number, before[0]);
	h->v[0].key = whole;
	for (size_t i = 0; i < 3; i++) {
		struct crl_row row;

		expect_ok(crl_head(l->is, l->a, &(struct crl_which){ .ca = &h->v[i] }, &row));
		assert_int_equal(row.number, before[i] + 1);
	}
	expect_ok(ocsp_signer_get(l->is, &h->v[1], &s));
}

/* Straight into the records, as years of renewals leave them. */
static err_t
many_tx(struct tx *tx, void *arg)
{
	const int *n = arg;
	auto_arena struct arena *a = arena_new();

	for (int i = 0; i < *n; i++) {
		struct issued x = { .ca = ISSUING,
			.template = TEMPLATE,
			.requester = "connector",
			.state = ISSUED_REVOKED,
			.serial = arena_printf(a, "4e00112233445566778899aabbcc%012x", i),
			.subject = "CN=old",
			.san = "",
			.not_after = when_now() + 86400,
			.revoked = when_now() - 86400,
			.reason = REASON_SUPERSEDED,
			.message = "" };

		TRY(store_issued_insert(tx, &x));
	}
	return crl_mark(tx, ISSUING, 0);
}

static void
a_list_of_100000_is_made_in_time_and_crosses_in_pieces(void **state)
{
	struct lab *l = *state;
	struct crl_part_req q = { .ca = ISSUING };
	struct crl_part_rep rep;
	auto_buf struct buf in, all;
	int64_t from, took;
	int n = 100000;

	buf_init(&in, 4096);
	buf_init(&all, LIMIT_CRL_BYTES);
	expect_ok(store_write(l->is->store, many_tx, &n));
	from = when_mono_ms();
	do {
		struct str answer;

		buf_reset(&in);
		expect_ok(crl_part_req_encode(&q, &in));
		expect_ok(lab_call(l, CA_CRL, &in, &answer));
		expect_ok(crl_part_rep_parse(l->a, answer, &rep));
		expect_ok(buf_put(&all, rep.part));
		q.number = rep.number;
		q.offset = (uint32_t)all.n;
	} while (all.n < rep.total);
	took = when_mono_ms() - from;
	print_message("100,000 entries, %zu bytes: %lld ms\n", all.n, (long long)took);
	assert_true(took < 20000);
	lab_write(l, "many.crl", buf_str(&all));
	assert_non_null(strstr(
	    lab_run(
		l, "openssl crl -inform DER -in many.crl -noout -text | grep -c 'Serial Number'"),
	    "10000"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(times_are_those_of_an_ad_cs_ca),
	cmocka_unit_test(a_revocation_is_on_base_and_delta_at_once_with_one_number),
	cmocka_unit_test(an_old_base_with_the_newest_delta_refuses_what_was_revoked_since),
	cmocka_unit_test(a_delta_comes_by_its_own_period_and_the_base_by_its_own),
	cmocka_unit_test(numbers_never_go_back),
	cmocka_unit_test(without_deltas_one_last_delta_points_at_the_newest_base),
	cmocka_unit_test(a_list_that_is_held_already_is_not_sent_again),
	cmocka_unit_test(ocsp_says_good_then_revoked_at_once),
	cmocka_unit_test(serials_that_were_never_issued_are_unknown),
	cmocka_unit_test(a_nonce_is_signed_each_time),
	cmocka_unit_test(an_issuer_that_is_not_here_is_refused),
	cmocka_unit_test(the_signer_is_renewed_in_time_with_the_same_key),
	cmocka_unit_test(certificates_name_the_ocsp_address),
	cmocka_unit_test(a_ca_whose_key_is_away_does_not_keep_the_others_from_their_lists),
	cmocka_unit_test(a_list_of_100000_is_made_in_time_and_crosses_in_pieces),
};
LAB_MAIN(tests)

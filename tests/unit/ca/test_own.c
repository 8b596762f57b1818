/* SPDX-License-Identifier: Apache-2.0 */
/* The CA's own helpers get new certificates when theirs are revoked, and new keys when those are compromised. */
#include "lab.h"

#include "ca/ca_key.h"
#include "ca/ocsp_signer.h"
#include "ca/own_cert.h"
#include "ca/revoke.h"
#include "ca/scep_ra.h"

static const struct ca *
issuing(struct lab *l)
{
	const struct ca *ca = NULL;

	expect_ok(hierarchy_find(issuer_hierarchy(l->is), ISSUING, &ca));
	return ca;
}

static void
revoke_cert(struct lab *l, const struct cert *c, const char *reason)
{
	lab_do(l, "cert.revoke", lab_args("serial", cert_serial(c), "reason", reason, NULL));
}

static bool
same_key(const struct cert *a, const struct cert *b)
{
	return memcmp(cert_spki_sha256(a), cert_spki_sha256(b), 32) == 0;
}

static bool
has_key_file(struct lab *l, const char *like)
{
	return lab_run(l, arena_printf(l->a, "ls keys | grep -x '%s'", like))[0] != '\0';
}

static void
a_revoked_signer_is_replaced_at_the_next_upkeep(void **state)
{
	struct lab *l = *state;
	struct ocsp_signer first, next;

	expect_ok(ocsp_signers_upkeep(l->is));
	expect_ok(ocsp_signer_get(l->is, issuing(l), &first));
	revoke_cert(l, first.cert, "superseded");
	expect_ok(ocsp_signers_upkeep(l->is));
	expect_ok(ocsp_signer_get(l->is, issuing(l), &next));
	assert_string_not_equal(cert_serial(first.cert), cert_serial(next.cert));
	assert_true(same_key(first.cert, next.cert));
}

static void
a_compromised_signer_gets_a_new_key_and_keeps_it(void **state)
{
	struct lab *l = *state;
	struct ocsp_signer first, next, again;
	struct str serial;

	expect_ok(ocsp_signer_get(l->is, issuing(l), &first));
	revoke_cert(l, first.cert, "keyCompromise");
	expect_ok(ocsp_signers_upkeep(l->is));
	expect_ok(ocsp_signer_get(l->is, issuing(l), &next));
	assert_false(same_key(first.cert, next.cert));
	expect_ok(cert_verify(next.cert, issuing(l)->cert, when_now()));
	assert_true(has_key_file(l, "ocsp-[0-9a-f]*-1.key"));
	serial = str_c(arena_strdup(l->a, cert_serial(next.cert)));
	lab_close(l);
	lab_open(l);
	expect_ok(ocsp_signer_get(l->is, issuing(l), &again));
	assert_true(str_eq_c(serial, cert_serial(again.cert)));
	revoke_cert(l, again.cert, "keyCompromise");
	expect_ok(ocsp_signers_upkeep(l->is));
	expect_ok(ocsp_signer_get(l->is, issuing(l), &next));
	assert_false(same_key(again.cert, next.cert));
	assert_true(has_key_file(l, "ocsp-[0-9a-f]*-2.key"));
}

/* Found when it is opened, when nobody looked in between. */
static void
a_signer_revoked_before_a_restart_is_replaced_after_it(void **state)
{
	struct lab *l = *state;
	struct ocsp_signer first, next;
	uint8_t spki[32];

	expect_ok(ocsp_signer_get(l->is, issuing(l), &first));
	memcpy(spki, cert_spki_sha256(first.cert), 32);
	revoke_cert(l, first.cert, "keyCompromise");
	lab_close(l);
	lab_open(l);
	expect_ok(ocsp_signer_get(l->is, issuing(l), &next));
	assert_memory_not_equal(cert_spki_sha256(next.cert), spki, 32);
}

static void
a_compromised_registration_authority_gets_a_new_key(void **state)
{
	struct lab *l = *state;
	struct scep_ra first, next;

	expect_ok(scep_ra_get(l->is, l->a, issuing(l), &first));
	revoke_cert(l, first.cert, "keyCompromise");
	expect_ok(scep_upkeep(l->is));
	expect_ok(scep_ra_get(l->is, l->a, issuing(l), &next));
	assert_false(same_key(first.cert, next.cert));
	assert_true(key_is_private(next.key));
}

static void
the_tls_key_is_replaced_when_it_is_compromised(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *first = NULL, *next = NULL;
	struct str names;

	expect_ok(cert_parse(cert_der(issuer_hierarchy(l->is)->tls_cert), &first));
	names = arena_str(l->a, cert_san_der(first));
	expect_ok(hierarchy_renew_tls(l->is));
	assert_string_equal(cert_serial(issuer_hierarchy(l->is)->tls_cert), cert_serial(first));
	revoke_cert(l, first, "keyCompromise");
	expect_ok(hierarchy_renew_tls(l->is));
	expect_ok(cert_parse(cert_der(issuer_hierarchy(l->is)->tls_cert), &next));
	assert_false(same_key(first, next));
	assert_true(str_eq(names, cert_san_der(next)));
	assert_true(has_key_file(l, "tls-1.key"));
	lab_close(l);
	lab_open(l);
	assert_string_equal(cert_serial(issuer_hierarchy(l->is)->tls_cert), cert_serial(next));
	assert_true(key_is_private(issuer_hierarchy(l->is)->tls_key));
}

static void
a_tls_certificate_revoked_for_another_reason_keeps_its_key(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *first = NULL;

	expect_ok(cert_parse(cert_der(issuer_hierarchy(l->is)->tls_cert), &first));
	revoke_cert(l, first, "superseded");
	expect_ok(hierarchy_renew_tls(l->is));
	assert_true(same_key(first, issuer_hierarchy(l->is)->tls_cert));
	assert_string_not_equal(cert_serial(first), cert_serial(issuer_hierarchy(l->is)->tls_cert));
}

/* What is known of the one's keys is not the other's certificate. */
static void
a_ca_with_the_name_of_anothers_record_does_not_disturb_it(void **state)
{
	struct lab *l = *state;
	const struct ca *other = NULL;
	struct scep_ra ra;

	lab_do(l, "ca.add",
	    lab_args("ca", ISSUING ".lost", "issuer", "Test Root CA", "key_alg", "p256", NULL));
	expect_ok(hierarchy_find(issuer_hierarchy(l->is), ISSUING ".lost", &other));
	expect_ok(scep_ra_get(l->is, l->a, other, &ra));
	lab_close(l);
	lab_open(l);
	expect_ok(scep_ra_get(l->is, l->a, issuing(l), &ra));
}

/* The key is on disk before its certificate: an interruption in between must not leave the next try without it. */
static void
an_interrupted_change_of_key_goes_on_with_the_key_it_made(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *first = NULL;
	auto_key struct key *made = NULL, *used = NULL;

	expect_ok(cert_parse(cert_der(issuer_hierarchy(l->is)->tls_cert), &first));
	revoke_cert(l, first, "keyCompromise");
	expect_ok(ca_key_make(l->is, l->a, "tls-2.key", KEY_EC, KEY_P256, &made));
	expect_ok(hierarchy_renew_tls(l->is));
	expect_ok(cert_key(issuer_hierarchy(l->is)->tls_cert, &used));
	assert_true(key_same_public(made, used));
	assert_false(same_key(first, issuer_hierarchy(l->is)->tls_cert));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_revoked_signer_is_replaced_at_the_next_upkeep),
	cmocka_unit_test(a_compromised_signer_gets_a_new_key_and_keeps_it),
	cmocka_unit_test(a_signer_revoked_before_a_restart_is_replaced_after_it),
	cmocka_unit_test(a_compromised_registration_authority_gets_a_new_key),
	cmocka_unit_test(the_tls_key_is_replaced_when_it_is_compromised),
	cmocka_unit_test(a_tls_certificate_revoked_for_another_reason_keeps_its_key),
	cmocka_unit_test(a_ca_with_the_name_of_anothers_record_does_not_disturb_it),
	cmocka_unit_test(an_interrupted_change_of_key_goes_on_with_the_key_it_made),
};
LAB_MAIN(tests)

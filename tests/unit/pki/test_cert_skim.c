/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "codec/der.h"
#include "pki/build.h"
#include "pki/cert_skim.h"

static void
what_is_skimmed_is_what_openssl_reads(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_RSA, 2048);
	struct cert_skim r, l;
	struct str spki;

	(void)state;
	expect_ok(cert_skim(cert_der(root.cert), &r));
	expect_ok(cert_skim(cert_der(leaf.cert), &l));
	assert_true(str_eq(l.subject, cert_subject_der(leaf.cert)));
	assert_true(str_eq(l.issuer, cert_issuer_der(leaf.cert)));
	assert_true(str_eq(l.der, cert_der(leaf.cert)));
	expect_ok(key_spki(a, leaf.key, &spki));
	assert_true(str_eq(l.spki, spki));
	assert_true(cert_skim_under(&l, &r));
	assert_false(cert_skim_under(&r, &l));
	assert_true(cert_skim_self(&r));
	assert_false(cert_skim_self(&l));
}

static void
what_is_cut_short_or_goes_on_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	struct str der = cert_der(root.cert);
	uint8_t *longer = arena_alloc(a, der.n + 1);
	struct cert_skim c;

	(void)state;
	for (size_t n = 0; n < der.n; n++)
		expect_err(ERR_CERTIFICATE, cert_skim(str_of(der.p, n), &c));
	memcpy(longer, der.p, der.n);
	longer[der.n] = 0;
	expect_err(ERR_CERTIFICATE, cert_skim(str_of(longer, der.n + 1), &c));
}

static void
what_is_no_certificate_is_refused(void **state)
{
	static const uint8_t nested[] = { 0x30, 7, 0x30, 0, 0x30, 0, 3, 1, 0 };
	auto_arena struct arena *a = arena_new();
	uint8_t *huge = arena_alloc(a, LIMIT_CERT_BYTES + 1);
	struct cert_skim c;

	(void)state;
	expect_err(ERR_CERTIFICATE, cert_skim(STR_EMPTY, &c));
	expect_err(ERR_CERTIFICATE, cert_skim(LIT("hello"), &c));
	expect_err(ERR_CERTIFICATE, cert_skim(STR(nested), &c));
	expect_err(ERR_CERTIFICATE, cert_skim(str_of(huge, LIMIT_CERT_BYTES + 1), &c));
}

static void
a_certificate_is_found_to_be_for_its_key_and_no_other(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_RSA, 2048);

	(void)state;
	expect_ok(cert_for_key(cert_der(leaf.cert), leaf.key));
	expect_ok(cert_for_key(cert_der(root.cert), root.key));
	expect_err(ERR_KEY_MISMATCH, cert_for_key(cert_der(leaf.cert), root.key));
	expect_err(ERR_CERTIFICATE, cert_for_key(LIT("hello"), root.key));
}

static void
a_shared_certificate_lives_until_its_last_holder_frees_it(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	struct cert *c = NULL, *again;

	(void)state;
	expect_ok(cert_parse(cert_der(root.cert), &c));
	again = cert_share(c);
	cert_free(c);
	assert_string_equal(cert_subject(again), cert_subject(root.cert));
	cert_free(again);
}

static void
one_anchor_is_enough_and_another_is_not(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made other = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	when_t now = cert_not_before(leaf.cert) + 1;

	(void)state;
	expect_ok(cert_verify_under(leaf.cert, root.cert, NULL, now));
	expect_err(ERR_CHAIN, cert_verify_under(leaf.cert, other.cert, NULL, now));
	expect_err(ERR_EXPIRED,
	    cert_verify_under(leaf.cert, root.cert, NULL, cert_not_after(leaf.cert) + 1));
	expect_err(ERR_CHAIN, cert_verify_under(leaf.cert, root.cert, "1.2.3", now));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_skimmed_is_what_openssl_reads),
		cmocka_unit_test(what_is_cut_short_or_goes_on_is_refused),
		cmocka_unit_test(what_is_no_certificate_is_refused),
		cmocka_unit_test(a_certificate_is_found_to_be_for_its_key_and_no_other),
		cmocka_unit_test(a_shared_certificate_lives_until_its_last_holder_frees_it),
		cmocka_unit_test(one_anchor_is_enough_and_another_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

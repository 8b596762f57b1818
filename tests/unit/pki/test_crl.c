/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists, with the openssl command as judge. */
#include "made.h"

#include "pki/crl.h"

static struct crl_spec
spec(const struct made *root)
{
	return (struct crl_spec){ .issuer = root->cert,
		.signer = root->key,
		.number = 200,
		.this_update = MADE_NOW,
		.next_update = MADE_NOW + MADE_DAY };
}

static void
write_list(struct arena *a, const char *dir, const char *name, const struct crl_spec *s)
{
	struct str der;

	expect_ok(crl_make(a, s, &der));
	made_write(a, dir, "x.der", der);
	assert_true(
	    made_run(a, dir, arena_printf(a, "openssl crl -inform DER -in x.der -out %s", name)));
}

static void
openssl_takes_our_crls(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_RSA, 2048);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	const char *dir = made_dir(a);
	struct crl_entry e[] = { { cert_serial(leaf.cert), MADE_NOW, 4 }, { "80", MADE_NOW, 0 } };
	struct crl_spec s = spec(&root);

	(void)state;
	made_pem(a, dir, "root", root.cert);
	made_pem(a, dir, "leaf", leaf.cert);
	s.v = e;
	s.n = 2;
	write_list(a, dir, "crl.pem", &s);
	assert_true(made_run(a, dir, "openssl crl -in crl.pem -CAfile root -noout -text"));
	made_says(a, dir, "verify OK");
	made_says(a, dir, "Superseded");
	made_says(a, dir, "X509v3 CRL Number");
	assert_false(made_run(a, dir,
	    "openssl verify -attime 1767225600 -crl_check -CAfile root -CRLfile crl.pem leaf"));
	made_says(a, dir, "certificate revoked");
	s.n = 0;
	s.number = 201;
	write_list(a, dir, "crl.pem", &s);
	assert_true(made_run(a, dir,
	    "openssl verify -attime 1767225600 -crl_check -CAfile root -CRLfile crl.pem leaf"));
	made_dir_free(a, dir);
}

static void
lists_carry_what_windows_looks_for(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	const char *dir = made_dir(a);
	struct crl_spec s = spec(&root);

	(void)state;
	s.ca_version = 0x20003;
	s.next_publish = MADE_NOW + 3600;
	s.fresh_url = "http://ca.test/crl/x+.crl";
	s.own_url = "http://ca.test/crl/x.crl";
	write_list(a, dir, "crl.pem", &s);
	assert_true(made_run(a, dir, "openssl crl -in crl.pem -noout -text"));
	made_says(a, dir, "X509v3 Freshest CRL");
	made_says(a, dir, "http://ca.test/crl/x+.crl");
	assert_true(made_run(a, dir, "openssl asn1parse -inform DER -in x.der"));
	made_says(a, dir, "1.3.6.1.4.1.311.21.1\n");
	made_says(a, dir, "0203020003"); /* INTEGER 0x20003, as AD CS writes it */
	made_says(a, dir, "1.3.6.1.4.1.311.21.4");
	made_says(a, dir, "1.3.6.1.4.1.311.21.14");
	made_dir_free(a, dir);
}

/* Base and delta as a relying party joins them: 200 lists nobody, delta 201 revokes the leaf; base 210 lists it, delta
 * 211 takes it off. */
static void
openssl_joins_base_and_delta(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made leaf = made_under(a, &root, "leaf", KEY_EC, 256);
	const char *dir = made_dir(a);
	struct crl_entry on = { cert_serial(leaf.cert), MADE_NOW, 6 };
	struct crl_entry off = { cert_serial(leaf.cert), MADE_NOW, CRL_REASON_REMOVE };
	struct crl_spec base = spec(&root), delta = spec(&root);
	const char *check =
	    "cat base.pem delta.pem > both.pem; openssl verify -attime 1767225600 "
	    "-extended_crl -use_deltas -crl_check -CAfile root -CRLfile both.pem leaf";

	(void)state;
	made_pem(a, dir, "root", root.cert);
	made_pem(a, dir, "leaf", leaf.cert);
	base.fresh_url = "http://ca.test/crl/x+.crl";
	delta.delta = true;
	delta.number = 201;
	delta.base = 200;
	delta.v = &on;
	delta.n = 1;
	write_list(a, dir, "base.pem", &base);
	write_list(a, dir, "delta.pem", &delta);
	assert_true(made_run(a, dir, "openssl crl -in delta.pem -noout -text"));
	made_says(a, dir, "X509v3 Delta CRL Indicator: critical");
	assert_false(made_run(a, dir, check));
	made_says(a, dir, "certificate revoked");
	base.number = 210;
	base.v = &on;
	base.n = 1;
	delta.number = 211;
	delta.base = 210;
	delta.v = &off;
	write_list(a, dir, "base.pem", &base);
	write_list(a, dir, "delta.pem", &delta);
	assert_true(made_run(a, dir, check));
	made_dir_free(a, dir);
}

static void
entries_that_no_crl_can_hold_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	const struct crl_entry bad[] = {
		{ "01", MADE_NOW, 7 },
		{ "01", MADE_NOW, 11 },
		{ "01", MADE_NOW, -1 },
		{ "01", MADE_NOW, CRL_REASON_REMOVE }, /* only in a delta */
		{ "xyz", MADE_NOW, 0 },
		{ "", MADE_NOW, 0 },
		{ "112233445566778899aabbccddeeff001122334455", MADE_NOW, 0 },
	};
	struct crl_spec s = spec(&root);
	struct str crl;

	(void)state;
	s.n = 1;
	for (size_t i = 0; i < COUNT(bad); i++) {
		err_t e;

		s.v = &bad[i];
		e = crl_make(a, &s, &crl);
		assert_false(err_ok(e));
		err_forget(e);
	}
	s.v = &bad[3];
	s.delta = true;
	expect_ok(crl_make(a, &s, &crl));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_takes_our_crls),
		cmocka_unit_test(lists_carry_what_windows_looks_for),
		cmocka_unit_test(openssl_joins_base_and_delta),
		cmocka_unit_test(entries_that_no_crl_can_hold_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

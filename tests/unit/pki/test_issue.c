/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "codec/san.h"

static const struct san mail[] = { { SAN_EMAIL, "a@example.com" } };

static struct issue_spec
full_spec(struct arena *a, struct made *root, struct key *k)
{
	static const uint8_t policy[] = { 0x30, 0x00 };
	static const struct issue_ext more[] = { { "1.2.3.4.5", false, { policy, 2 } } };
	struct issue_spec s = made_spec(a, "leaf", k);

	s.issuer = root->cert;
	expect_ok(san_encode(a, mail, 1, &s.san));
	s.sid = "S-1-5-21-1-2-3-1104";
	s.crl_url = "http://ca.test/crl/x.crl";
	s.aia_url = "http://ca.test/aia/x.crt";
	s.ocsp_url = "http://ca.test/ocsp";
	s.more = more;
	s.nmore = 1;
	return s;
}

static void
a_serial_has_159_bits_and_a_fixed_length(void **state)
{
	uint8_t one[20], two[20];

	(void)state;
	issue_serial(one);
	issue_serial(two);
	assert_int_equal(one[0] & 0xc0, 0x40);
	assert_memory_not_equal(one, two, 20);
}

static void
openssl_sees_what_was_stated(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 384);
	auto_key struct key *k = NULL;
	auto_cert struct cert *c = NULL;
	const char *dir = made_dir(a);
	struct issue_spec s;

	(void)state;
	expect_ok(key_make(KEY_RSA, 2048, &k));
	s = full_spec(a, &root, k);
	c = made_cert(a, &s, root.key);
	made_pem(a, dir, "root", root.cert);
	made_pem(a, dir, "leaf", c);
	assert_true(
	    made_run(a, dir, "openssl verify -x509_strict -attime 1767225600 -CAfile root leaf"));
	assert_true(made_run(a, dir, "openssl x509 -in leaf -noout -text"));
	made_says(a, dir, "Version: 3");
	made_says(a, dir, "ecdsa-with-SHA384");
	made_says(a, dir, "Digital Signature, Key Encipherment");
	made_says(a, dir, "email:a@example.com");
	made_says(a, dir, "URI:http://ca.test/crl/x.crl");
	made_says(a, dir, "CA Issuers - URI:http://ca.test/aia/x.crt");
	made_says(a, dir, "OCSP - URI:http://ca.test/ocsp");
	made_says(a, dir, "1.2.3.4.5");
	made_says(a, dir, "1.3.6.1.4.1.311.25.2");
	assert_true(made_run(a, dir, "openssl x509 -in root -noout -text"));
	made_says(a, dir, "CA:TRUE");
	made_says(a, dir, "Certificate Sign, CRL Sign");
	made_dir_free(a, dir);
}

static void
years_from_2050_on_are_written_in_full(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	auto_cert struct cert *c = NULL;
	struct issue_spec s;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	s = made_ca_spec(a, "old", k);
	s.not_after = 2556144000; /* 2051-01-01 */
	c = made_cert(a, &s, k);
	assert_int_equal(cert_not_after(c), 2556144000);
}

/* Builds from one statement, checks against another. */
static void
lint_refuses(struct arena *a, const struct issue_spec *built, const struct key *signer,
    const struct issue_spec *stated, const char *rule)
{
	struct str tbs;
	err_t e;

	expect_ok(issue_tbs(a, built, signer, &tbs));
	e = issue_lint(tbs, stated);
	assert_true(err_is(e, ERR_LINT));
	if (strstr(err_detail(), rule) == NULL) {
		print_error("wanted %s, got %s\n", rule, err_detail());
		fail();
	}
	err_forget(e);
}

static void
lint_refuses_what_was_not_stated(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made other = made_root(a, "other", KEY_EC, 256);
	auto_key struct key *k = NULL, *k2 = NULL;
	static const char *const ekus[] = { OID_EKU_SERVER_AUTH };
	struct issue_spec s, t;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	expect_ok(key_make(KEY_EC, 256, &k2));
	s = full_spec(a, &root, k);
#define CHANGED(change, rule) \
	do { \
		t = s; \
		change; \
		lint_refuses(a, &t, root.key, &s, rule); \
	} while (0)
	CHANGED(issue_serial(t.serial), "serial");
	CHANGED(t.key = k2, "key");
	CHANGED(t.subject = made_name(a, "someone else"), "subject");
	CHANGED(t.issuer = other.cert, "issuer");
	CHANGED(t.san = STR_EMPTY, "alternative-names");
	CHANGED(t.not_after++, "validity");
	CHANGED(t.not_before--, "validity");
	CHANGED(t.key_usage = 0x80, "key-usage");
	CHANGED(t.ekus = ekus, "extended-key-usage");
	CHANGED(t.nekus = 0, "extended-key-usage");
	CHANGED(t.sid = "S-1-5-21-1-2-3-500", "sid");
	CHANGED(t.sid = NULL, "sid");
	CHANGED(t.crl_url = NULL, "addresses");
	CHANGED(t.aia_url = "http://elsewhere/", "addresses");
	CHANGED(t.nmore = 0, "extensions");
	CHANGED(t.ca = true, "basic-constraints");
	t = s;
	t.nmore = 0;
	lint_refuses(a, &s, root.key, &t, "extensions");
}

static void
lint_refuses_statements_that_rfc_5280_forbids(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_key struct key *k = NULL, *rsa = NULL;
	struct issue_spec s, t;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	expect_ok(key_make(KEY_RSA, 2048, &rsa));
	s = full_spec(a, &root, k);
#define FORBIDDEN(change, rule) \
	do { \
		t = s; \
		change; \
		lint_refuses(a, &t, root.key, &t, rule); \
	} while (0)
	FORBIDDEN(memset(t.serial, 0, 13), "serial");
	FORBIDDEN(t.not_after = t.not_before, "validity");
	FORBIDDEN(t.not_after = cert_not_after(root.cert) + 1, "validity");
	FORBIDDEN(t.key_usage = 0x04, "key-usage");
	FORBIDDEN(t.ca = true, "key-usage");
	FORBIDDEN((t.subject = STR_EMPTY, t.san = STR_EMPTY), "subject");
	t = s;
	lint_refuses(a, &t, rsa, &t, "signature-algorithm");
}

static void
lint_refuses_weak_and_odd_keys(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	const char *dir = made_dir(a);
	static const char *const make_them[] = {
		"openssl genrsa 1024 | openssl pkey -pubout -outform DER -out p",
		"openssl genrsa -3 2048 | openssl pkey -pubout -outform DER -out p",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(make_them); i++) {
		auto_key struct key *k = NULL;
		struct issue_spec s;
		struct str der;

		assert_true(made_run(a, dir, make_them[i]));
		expect_ok(file_read(a, arena_printf(a, "%s/p", dir), 65536, &der));
		expect_ok(key_from_spki(der, &k));
		s = full_spec(a, &root, k);
		lint_refuses(a, &s, root.key, &s, "key");
	}
	made_dir_free(a, dir);
}

static void
lint_refuses_an_extension_that_stands_twice(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_key struct key *k = NULL;
	struct issue_ext more[2] = { { "1.2.3.4.5", false, LIT("\x05\x00") },
		{ "1.2.3.4.5", false, LIT("\x05\x00") } };
	struct issue_spec s;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	s = full_spec(a, &root, k);
	s.more = more;
	s.nmore = 2;
	lint_refuses(a, &s, root.key, &s, "twice");
}

static void
lint_refuses_bytes_that_are_no_certificate(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_key struct key *k = NULL;
	struct issue_spec s;
	struct str tbs;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	s = full_spec(a, &root, k);
	expect_ok(issue_tbs(a, &s, root.key, &tbs));
	expect_ok(issue_lint(tbs, &s));
	expect_err(ERR_LINT, issue_lint(str_of(tbs.p, tbs.n - 1), &s));
	expect_err(ERR_LINT, issue_lint(LIT("hello"), &s));
	expect_err(ERR_LINT, issue_lint(STR_EMPTY, &s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_serial_has_159_bits_and_a_fixed_length),
		cmocka_unit_test(openssl_sees_what_was_stated),
		cmocka_unit_test(years_from_2050_on_are_written_in_full),
		cmocka_unit_test(lint_refuses_what_was_not_stated),
		cmocka_unit_test(lint_refuses_statements_that_rfc_5280_forbids),
		cmocka_unit_test(lint_refuses_weak_and_odd_keys),
		cmocka_unit_test(lint_refuses_an_extension_that_stands_twice),
		cmocka_unit_test(lint_refuses_bytes_that_are_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

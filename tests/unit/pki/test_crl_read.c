/* SPDX-License-Identifier: Apache-2.0 */
/* Reading revocation lists: ours, openssl's, and those that are no good. */
#include "made.h"

#include "pki/build.h"
#include "pki/crl.h"
#include "pki/crl_read.h"

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
our_lists_are_read_back(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_RSA, 2048);
	struct crl_entry e[] = { { "7fee", MADE_NOW, 4 }, { "80", MADE_NOW + 5, 0 },
		{ "01", 2524608000 + 7, 1 } };
	struct crl_spec s = spec(&root);
	struct crl_listed one;
	struct crl_doc d;
	struct str der;

	(void)state;
	s.v = e;
	s.n = 3;
	s.point = "http://ca.test/crl/x~3.crl";
	expect_ok(crl_make(a, &s, &der));
	expect_ok(crl_parse(der, &d));
	assert_int_equal(d.number, 200);
	assert_int_equal(d.this_update, MADE_NOW);
	assert_int_equal(d.next_update, MADE_NOW + MADE_DAY);
	assert_int_equal(d.n, 3);
	assert_false(d.delta);
	assert_true(str_eq_c(d.point, "http://ca.test/crl/x~3.crl"));
	for (size_t i = 0; i < 3; i++) {
		expect_ok(crl_next(&d.entries, &one));
		assert_string_equal(text_hex(a, one.serial), e[i].serial);
		assert_int_equal(one.when, e[i].when);
		assert_int_equal(one.reason, e[i].reason);
	}
	assert_int_equal(d.entries.n, 0);
	expect_ok(crl_verify(&d, root.cert));
	s.n = 0;
	s.point = NULL;
	s.delta = true;
	s.base = 199;
	expect_ok(crl_make(a, &s, &der));
	expect_ok(crl_parse(der, &d));
	assert_true(d.delta && d.base == 199 && d.n == 0 && d.point.n == 0);
	expect_ok(crl_verify(&d, root.cert));
}

static void
a_list_of_another_key_or_name_does_not_verify(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made same = made_root(a, "root", KEY_EC, 256);
	auto_made struct made rsa = made_root(a, "root", KEY_RSA, 2048);
	auto_made struct made other = made_root(a, "other", KEY_EC, 256);
	struct crl_spec s = spec(&root);
	struct crl_doc d;
	struct str der;

	(void)state;
	expect_ok(crl_make(a, &s, &der));
	expect_ok(crl_parse(der, &d));
	expect_ok(crl_verify(&d, root.cert));
	expect_err(ERR_SIGNATURE, crl_verify(&d, same.cert));
	expect_err(ERR_SIGNATURE, crl_verify(&d, rsa.cert));
	expect_err(ERR_CRL, crl_verify(&d, other.cert));
}

static void
a_list_with_any_byte_cut_off_or_added_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	struct crl_entry e = { "7fee", MADE_NOW, 4 };
	struct crl_spec s = spec(&root);
	struct crl_doc d;
	struct str der, parts[2];

	(void)state;
	s.v = &e;
	s.n = 1;
	expect_ok(crl_make(a, &s, &der));
	for (size_t n = 0; n < der.n; n++)
		expect_err(ERR_CRL, crl_parse(str_of(der.p, n), &d));
	parts[0] = der;
	parts[1] = LIT("\0");
	expect_err(ERR_CRL, crl_parse(build_join(a, parts, 2), &d));
}

/* A list that openssl makes, with these lines in the section of its extensions. */
static err_t
openssl_list(struct arena *a, const char *dir, const char *extensions, struct str *ret)
{
	made_write(a, dir, "conf",
	    str_c(arena_printf(a,
		"[ca]\ndefault_ca=c\n[c]\ndatabase=db\ncrlnumber=number\ndefault_md=sha256\n"
		"default_crl_days=30\ncrl_extensions=x\n[x]\n%s\n[narrow]\nonlyuser=TRUE\n"
		"[some]\nfullname=URI:http://x.test/a.crl\nonlysomereasons=keyCompromise\n"
		"[indirect]\nfullname=URI:http://x.test/a.crl\nindirectCRL=TRUE\n"
		"[one]\nfullname=URI:http://x.test/a.crl\n",
		extensions)));
	made_write(a, dir, "db",
	    LIT("R\t301231000000Z\t260101000000Z,keyCompromise\t7FEE\tunknown\t/CN=a\n"
		"R\t301231000000Z\t260101000001Z\t00B0\tunknown\t/CN=b\n"));
	made_write(a, dir, "number", LIT("1234\n"));
	assert_true(made_run(a, dir,
	    "openssl ca -config conf -gencrl -keyfile key -cert root -out l.pem 2>/dev/null && "
	    "openssl crl -in l.pem -outform DER -out l.der"));
	return file_read(a, arena_printf(a, "%s/l.der", dir), 65536, ret);
}

static void
lists_of_openssl_are_read_and_odd_ones_refused(void **state)
{
	static const char *const bad[] = { "issuingDistributionPoint=critical,@narrow",
		"issuingDistributionPoint=critical,@some",
		"issuingDistributionPoint=critical,@indirect", "1.2.3.4=critical,DER:0500" };
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	const char *dir = made_dir(a);
	auto_buf struct buf pem = { 0 };
	struct crl_listed one;
	struct crl_doc d;
	struct str der;

	(void)state;
	buf_init(&pem, 4096);
	expect_ok(key_write(&pem, root.key, NULL));
	made_write(a, dir, "key", buf_str(&pem));
	made_pem(a, dir, "root", root.cert);
	expect_ok(openssl_list(a, dir, "authorityKeyIdentifier=keyid", &der));
	expect_ok(crl_parse(der, &d));
	assert_int_equal(d.number, 0x1234);
	assert_int_equal(d.n, 2);
	expect_ok(crl_next(&d.entries, &one));
	assert_string_equal(text_hex(a, one.serial), "b0");
	assert_int_equal(one.reason, 0);
	expect_ok(crl_next(&d.entries, &one));
	assert_string_equal(text_hex(a, one.serial), "7fee");
	assert_int_equal(one.reason, 1);
	assert_int_equal(one.when, MADE_NOW);
	expect_ok(crl_verify(&d, root.cert));
	expect_ok(openssl_list(a, dir, "issuingDistributionPoint=critical,@one", &der));
	expect_ok(crl_parse(der, &d));
	assert_true(str_eq_c(d.point, "http://x.test/a.crl"));
	for (size_t i = 0; i < COUNT(bad); i++) {
		expect_ok(openssl_list(a, dir, bad[i], &der));
		expect_err(ERR_CRL, crl_parse(der, &d));
	}
	made_dir_free(a, dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_lists_are_read_back),
		cmocka_unit_test(a_list_of_another_key_or_name_does_not_verify),
		cmocka_unit_test(a_list_with_any_byte_cut_off_or_added_is_refused),
		cmocka_unit_test(lists_of_openssl_are_read_and_odd_ones_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "pki/cms.h"

static void
what_was_sealed_opens_for_its_recipient(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	struct str sealed, plain;

	(void)state;
	expect_ok(cms_seal(a, p.leaf.cert, LIT("some\0bytes"), &sealed));
	assert_null(memmem(sealed.p, sealed.n, "some", 4));
	expect_ok(cms_open(a, p.leaf.cert, p.leaf.key, sealed, &plain));
	assert_true(str_eq(plain, LIT("some\0bytes")));
	expect_ok(cms_seal(a, p.leaf.cert, STR_EMPTY, &sealed));
	expect_ok(cms_open(a, p.leaf.cert, p.leaf.key, sealed, &plain));
	assert_int_equal(plain.n, 0);
}

static void
openssl_opens_what_we_seal_and_we_what_it_seals(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	const char *dir = made_dir(a);
	struct str sealed, plain;

	(void)state;
	made_pem(a, dir, "cert", p.leaf.cert);
	made_key(a, dir, "key", p.leaf.key);
	expect_ok(cms_seal(a, p.leaf.cert, LIT("hello device"), &sealed));
	made_write(a, dir, "sealed", sealed);
	assert_true(
	    made_run(a, dir, "openssl cms -decrypt -inform DER -in sealed -inkey key -recip cert"));
	made_says(a, dir, "hello device");
	assert_true(made_run(a, dir, "openssl cms -cmsout -print -inform DER -in sealed"));
	made_says(a, dir, "aes-256-cbc");
	assert_true(made_run(a, dir,
	    "printf back > in && openssl cms -encrypt -binary -aes256 -in in "
	    "-outform DER -out theirs cert"));
	expect_ok(file_read(a, arena_printf(a, "%s/theirs", dir), 65536, &sealed));
	expect_ok(cms_open(a, p.leaf.cert, p.leaf.key, sealed, &plain));
	assert_true(str_eq(plain, LIT("back")));
	made_dir_free(a, dir);
}

static void
sealing_needs_an_rsa_certificate_for_key_encipherment(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made struct made root = made_root(a, "root", KEY_EC, 256);
	auto_made struct made ec = made_under(a, &root, "ec", KEY_EC, 256);
	auto_key struct key *k = NULL;
	auto_cert struct cert *sign_only = NULL;
	struct issue_spec s;
	struct str sealed;

	(void)state;
	expect_ok(key_make(KEY_RSA, 2048, &k));
	s = made_spec(a, "sign only", k);
	s.issuer = root.cert;
	s.key_usage = 0x80;
	sign_only = made_cert(a, &s, root.key);
	expect_err(ERR_RECIPIENT, cms_seal(a, ec.cert, LIT("x"), &sealed));
	expect_err(ERR_RECIPIENT, cms_seal(a, sign_only, LIT("x"), &sealed));
}

static void
another_recipient_cannot_open_it(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	auto_made struct made other = made_under(a, &p.root, "other", KEY_RSA, 2048);
	struct str sealed, plain = STR_EMPTY;
	err_t e;

	(void)state;
	expect_ok(cms_seal(a, p.leaf.cert, LIT("secret"), &sealed));
	expect_err(ERR_CMS, cms_open(a, other.cert, other.key, sealed, &plain));
	/* The right certificate with a wrong key ends in a random content key: refused by padding, or rubbish. */
	e = cms_open(a, p.leaf.cert, other.key, sealed, &plain);
	assert_true(err_is(e, ERR_CMS) || !str_eq(plain, LIT("secret")));
	err_forget(e);
}

static void
damage_looks_the_same_wherever_it_is(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	struct str sealed, plain;
	size_t refused = 0;

	(void)state;
	expect_ok(cms_seal(a, p.leaf.cert, LIT("secret"), &sealed));
	for (size_t back = 1; back < sealed.n; back += 9) {
		struct str bad = arena_str(a, sealed);
		err_t e;

		((uint8_t *)(uintptr_t)bad.p)[bad.n - back] ^= 0x40;
		e = cms_open(a, p.leaf.cert, p.leaf.key, bad, &plain);
		if (err_ok(e))
			continue; /* CBC: some bits change the text alone; the PFX inside has its own MAC */
		assert_true(err_is(e, ERR_CMS));
		assert_null(strstr(err_detail(), "pad"));
		err_forget(e);
		refused++;
	}
	assert_true(refused > 10);
}

static void
messages_of_another_kind_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	struct str certs[] = { cert_der(p.leaf.cert) }, bag, sealed, plain, *list;
	size_t n;

	(void)state;
	expect_ok(cms_certs(a, certs, 1, &bag));
	expect_ok(cms_seal(a, p.leaf.cert, LIT("x"), &sealed));
	expect_err(ERR_CMS, cms_open(a, p.leaf.cert, p.leaf.key, bag, &plain));
	expect_err(ERR_CMS, cms_open(a, p.leaf.cert, p.leaf.key, STR_EMPTY, &plain));
	expect_err(
	    ERR_CMS, cms_open(a, p.leaf.cert, p.leaf.key, str_of(sealed.p, sealed.n - 1), &plain));
	expect_err(ERR_CMS, cms_certs_parse(a, sealed, &list, &n));
	expect_err(ERR_CMS, cms_certs_parse(a, str_of(bag.p, bag.n - 1), &list, &n));
	expect_err(ERR_CMS, cms_certs_parse(a, LIT("hello"), &list, &n));
}

static void
a_bag_of_certificates_comes_back_whole(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	struct str certs[] = { cert_der(p.leaf.cert), cert_der(p.root.cert) }, bag, *list;
	const char *dir = made_dir(a);
	size_t n, same = 0;

	(void)state;
	expect_ok(cms_certs(a, certs, 2, &bag));
	expect_ok(cms_certs_parse(a, bag, &list, &n));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 2; j++)
			same += str_eq(list[i], certs[j]);
	assert_int_equal(same, 2);
	assert_true(str_eq(list[0], certs[0])); /* the leaf */
	made_write(a, dir, "p7", bag);
	assert_true(made_run(a, dir, "openssl pkcs7 -inform DER -in p7 -print_certs"));
	made_says(a, dir, "CN = leaf");
	/* The same bytes as OpenSSL writes. */
	assert_true(made_run(
	    a, dir, "openssl pkcs7 -inform DER -in p7 -outform DER -out again && cmp p7 again"));
	expect_err(ERR_RANGE, cms_certs(a, NULL, 0, &bag));
	certs[1].n--;
	expect_err(ERR_CERTIFICATE, cms_certs(a, certs, 2, &bag));
	certs[1] = LIT("hello");
	expect_err(ERR_CERTIFICATE, cms_certs(a, certs, 2, &bag));
	made_dir_free(a, dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_opens_for_its_recipient),
		cmocka_unit_test(openssl_opens_what_we_seal_and_we_what_it_seals),
		cmocka_unit_test(sealing_needs_an_rsa_certificate_for_key_encipherment),
		cmocka_unit_test(another_recipient_cannot_open_it),
		cmocka_unit_test(damage_looks_the_same_wherever_it_is),
		cmocka_unit_test(messages_of_another_kind_are_refused),
		cmocka_unit_test(a_bag_of_certificates_comes_back_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

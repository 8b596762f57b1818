/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "pki/cms.h"
#include "pki/cms_sign.h"

static void
openssl_verifies_what_we_sign_and_finds_the_chain(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	const char *dir = made_dir(a);
	struct str root = cert_der(p.root.cert), made, content, signer;

	(void)state;
	expect_ok(cms_sign(a, p.leaf.cert, p.leaf.key, &root, 1, LIT("<plist/>\n\0x"), &made));
	made_pem(a, dir, "root", p.root.cert);
	made_write(a, dir, "made", made);
	assert_true(made_run(a, dir,
	    "openssl cms -verify -binary -purpose any -inform DER -in made -CAfile root -out out && head -c 8 out"));
	made_says(a, dir, "<plist/>");
	assert_true(made_run(a, dir, "openssl cms -cmsout -print -inform DER -in made"));
	made_says(a, dir, "sha256");
	made_says(a, dir, "messageDigest");
	expect_ok(cms_signed_open(a, made, &content, &signer));
	assert_true(str_eq(content, LIT("<plist/>\n\0x")));
	assert_true(str_eq(signer, cert_der(p.leaf.cert)));
	expect_err(ERR_TOO_LARGE, cms_sign(a, p.leaf.cert, p.leaf.key, NULL, 0, STR_EMPTY, &made));
	made_dir_free(a, dir);
}

/* A signature beside "body", made by another program with these options. */
static struct str
theirs(struct arena *a, const struct made_pair *p, const char *options)
{
	const char *dir = made_dir(a);
	struct str der;

	made_pem(a, dir, "cert", p->leaf.cert);
	made_key(a, dir, "key", p->leaf.key);
	assert_true(made_run(a, dir,
	    arena_printf(a,
		"printf body > in && openssl cms -sign -binary -in in -signer cert -inkey key -outform DER -out out %s",
		options)));
	expect_ok(file_read(a, arena_printf(a, "%s/out", dir), 65536, &der));
	made_dir_free(a, dir);
	return der;
}

static void
a_detached_signature_names_its_signer(void **state)
{
	static const char *const options[] = { "", "-md sha1", "-md sha512", "-noattr" };
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	struct str signer;

	(void)state;
	for (size_t i = 0; i < COUNT(options); i++) {
		expect_ok(cms_detached_check(a, theirs(a, &p, options[i]), LIT("body"), &signer));
		assert_true(str_eq(signer, cert_der(p.leaf.cert)));
	}
}

static void
refuses_other_content_and_other_forms(void **state)
{
	static const char *const options[] = { "-nodetach", "-nocerts", "-md md5" };
	auto_arena struct arena *a = arena_new();
	auto_made_pair struct made_pair p = made_pair(a);
	struct str good = theirs(a, &p, ""), signer = { 0 };
	uint8_t *bent = arena_copy(a, good.p, good.n);

	(void)state;
	expect_err(ERR_CMS, cms_detached_check(a, good, LIT("Body"), &signer));
	expect_err(ERR_CMS, cms_detached_check(a, good, STR_EMPTY, &signer));
	expect_err(ERR_CMS, cms_detached_check(a, STR_EMPTY, LIT("body"), &signer));
	expect_err(
	    ERR_CMS, cms_detached_check(a, str_of(good.p, good.n - 1), LIT("body"), &signer));
	for (size_t i = 0; i < COUNT(options); i++)
		expect_err(ERR_CMS,
		    cms_detached_check(a, theirs(a, &p, options[i]), LIT("body"), &signer));
	bent[good.n - 3] ^= 1;
	expect_err(ERR_CMS, cms_detached_check(a, str_of(bent, good.n), LIT("body"), &signer));
	assert_int_equal(signer.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_verifies_what_we_sign_and_finds_the_chain),
		cmocka_unit_test(a_detached_signature_names_its_signer),
		cmocka_unit_test(refuses_other_content_and_other_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

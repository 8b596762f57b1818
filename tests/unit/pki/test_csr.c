/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "pki/csr.h"

static const char *const ekus[] = { OID_EKU_CLIENT_AUTH, OID_EKU_EMAIL };

static struct str
make_full(struct arena *a, const struct key *k)
{
	struct san sans[] = { { SAN_UPN, "ann@example.com" }, { SAN_EMAIL, "a@example.com" } };
	struct csr_spec spec = { .subject = made_name(a, "Ann"),
		.sid = "S-1-5-21-1-2-3-1104",
		.ekus = ekus,
		.nekus = 2,
		.key_usage = 0xa0 };
	struct str der;

	expect_ok(san_encode(a, sans, 2, &spec.san));
	expect_ok(csr_make(a, k, &spec, &der));
	return der;
}

static void
a_request_says_what_was_put_in(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	auto_csr struct csr c = { 0 };

	(void)state;
	expect_ok(key_make(KEY_RSA, 2048, &k));
	expect_ok(csr_parse(a, make_full(a, k), &c));
	assert_true(key_same_public(c.key, k));
	assert_true(str_eq(c.subject, made_name(a, "Ann")));
	assert_true(c.san.n > 20);
	assert_string_equal(c.sid, "S-1-5-21-1-2-3-1104");
	assert_int_equal(c.nekus, 2);
	assert_string_equal(c.ekus[1], OID_EKU_EMAIL);
	assert_string_equal(c.template, "");
}

static void
a_request_may_be_empty_but_for_its_key(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	auto_csr struct csr c = { 0 };
	struct csr_spec spec = { 0 };
	struct str der;

	(void)state;
	expect_ok(key_make(KEY_EC, 384, &k));
	expect_ok(csr_make(a, k, &spec, &der));
	expect_ok(csr_parse(a, der, &c));
	assert_int_equal(c.subject.n, 2);
	assert_int_equal(c.san.n, 0);
	assert_int_equal(c.nekus, 0);
}

static void
openssl_verifies_our_requests(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *rsa = NULL, *ec = NULL;
	const char *dir = made_dir(a);

	(void)state;
	expect_ok(key_make(KEY_RSA, 2048, &rsa));
	expect_ok(key_make(KEY_EC, 256, &ec));
	made_write(a, dir, "rsa", make_full(a, rsa));
	made_write(a, dir, "ec", make_full(a, ec));
	assert_true(made_run(a, dir, "openssl req -inform DER -in rsa -verify -noout -text"));
	made_says(a, dir, "verify OK");
	made_says(a, dir, "TLS Web Client Authentication, E-mail Protection");
	assert_true(made_run(a, dir, "openssl req -inform DER -in ec -verify -noout"));
	made_dir_free(a, dir);
}

static void
requests_of_openssl_are_taken_and_weak_signatures_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *dir = made_dir(a);
	struct csr bad = { 0 };
	struct str der;

	(void)state;
	assert_true(made_run(a, dir,
	    "openssl req -new -newkey rsa:2048 -nodes -keyout k -subj /CN=x "
	    "-sha256 -outform DER -out good && "
	    "openssl req -new -key k -subj /CN=x -sha1 -outform DER -out sha1 && "
	    "openssl req -new -key k -subj /CN=x -md5 -outform DER -out md5"));
	expect_ok(file_read(a, arena_printf(a, "%s/good", dir), 65536, &der));
	{
		auto_csr struct csr c = { 0 };

		expect_ok(csr_parse(a, der, &c));
	}
	expect_ok(file_read(a, arena_printf(a, "%s/sha1", dir), 65536, &der));
	expect_err(ERR_CSR_SIGNATURE, csr_parse(a, der, &bad));
	expect_ok(file_read(a, arena_printf(a, "%s/md5", dir), 65536, &der));
	expect_err(ERR_CSR_SIGNATURE, csr_parse(a, der, &bad));
	assert_null(bad.key);
	made_dir_free(a, dir);
}

static void
a_changed_request_has_no_proof(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	struct csr bad = { 0 };
	struct str der;
	uint8_t *at;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	der = make_full(a, k);
	at = memmem(der.p, der.n, "Ann", 3);
	at[0] = 'B';
	expect_err(ERR_CSR_SIGNATURE, csr_parse(a, der, &bad));
	assert_null(bad.key);
}

static void
anything_but_one_whole_request_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	struct csr bad = { 0 };
	uint8_t *longer;
	struct str der;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	der = make_full(a, k);
	longer = arena_alloc(a, der.n + 1);
	memcpy(longer, der.p, der.n);
	expect_err(ERR_CSR, csr_parse(a, str_of(longer, der.n + 1), &bad));
	expect_err(ERR_CSR, csr_parse(a, STR_EMPTY, &bad));
	for (size_t n = 1; n < der.n; n += 7)
		expect_err(ERR_CSR, csr_parse(a, str_of(der.p, n), &bad));
	assert_null(bad.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_what_was_put_in),
		cmocka_unit_test(a_request_may_be_empty_but_for_its_key),
		cmocka_unit_test(openssl_verifies_our_requests),
		cmocka_unit_test(requests_of_openssl_are_taken_and_weak_signatures_refused),
		cmocka_unit_test(a_changed_request_has_no_proof),
		cmocka_unit_test(anything_but_one_whole_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "codec/der.h"
#include "pki/build.h"
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

/* The request, but with bytes of it changed and signed anew by the same key. */
static struct str
forged(struct arena *a, const struct key *k, struct str der, struct str from, struct str to)
{
	struct str body, info, rest, signature, parts[3], bits[2];
	uint8_t *at;

	expect_ok(der_take(&der, DER_SEQUENCE, &body));
	rest = body;
	expect_ok(der_take(&rest, DER_SEQUENCE, &info));
	info = arena_str(a, str_of(body.p, body.n - rest.n));
	at = memmem(info.p, info.n, from.p, from.n);
	assert_non_null(at);
	assert_int_equal(from.n, to.n);
	memcpy(at, to.p, to.n);
	expect_ok(key_sign(a, k, info, &signature));
	parts[0] = info;
	body = rest;
	expect_ok(der_take(&rest, DER_SEQUENCE, &parts[1]));
	parts[1] = str_of(body.p, body.n - rest.n);
	bits[0] = LIT("\0");
	bits[1] = signature;
	expect_ok(build_wrap(a, DER_BITSTRING, build_join(a, bits, 2), &parts[2]));
	expect_ok(build_wrap(a, DER_SEQUENCE, build_join(a, parts, 3), &body));
	return body;
}

static void
what_is_asked_for_twice_or_in_a_form_of_its_own_is_refused(void **state)
{
	static const uint8_t email[] = { 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 4 };
	static const uint8_t san[] = { 0x06, 0x03, 0x55, 0x1d, 0x11 };
	static const uint8_t eku[] = { 0x06, 0x03, 0x55, 0x1d, 0x25 };
	static const uint8_t version[] = { 0x02, 0x01, 0x00, 0x30 },
			     two[] = { 0x02, 0x01, 0x01, 0x30 };
	static const uint8_t padded[] = { 0x06, 0x08, 0x2b, 6, 1, 5, 5, 0x80, 3, 4 };
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	struct csr bad = { 0 };
	auto_csr struct csr good = { 0 };
	struct str der;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	der = make_full(a, k);
	expect_ok(csr_parse(a, forged(a, k, der, STR(email), STR(email)), &good));
	expect_err(ERR_CSR, csr_parse(a, forged(a, k, der, STR(san), STR(eku)), &bad));
	expect_err(ERR_CSR, csr_parse(a, forged(a, k, der, STR(version), STR(two)), &bad));
	expect_err(ERR_CSR, csr_parse(a, forged(a, k, der, STR(email), STR(padded)), &bad));
	assert_null(bad.key);
}

static void
a_signature_of_another_kind_than_the_key_is_none(void **state)
{
	static const uint8_t ecdsa[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	static const uint8_t none[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x09 };
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = NULL;
	struct csr bad = { 0 };
	struct str der;
	uint8_t *at;

	(void)state;
	expect_ok(key_make(KEY_EC, 256, &k));
	der = make_full(a, k);
	at = memmem(der.p, der.n, ecdsa, sizeof(ecdsa));
	assert_non_null(at);
	memcpy(at, none, sizeof(none));
	expect_err(ERR_CSR_SIGNATURE, csr_parse(a, der, &bad));
	at[7] = 0x03; /* SHA-384, which is not what was signed with */
	expect_err(ERR_CSR_SIGNATURE, csr_parse(a, der, &bad));
	assert_null(bad.key);
}

static void
requests_of_openssl_keep_challenge_template_and_extensions(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *dir = made_dir(a);
	auto_csr struct csr c = { 0 };
	struct str der;

	(void)state;
	made_write(a, dir, "conf",
	    LIT("[req]\ndistinguished_name=dn\nattributes=at\nreq_extensions=x\nprompt=no\n"
		"[dn]\nCN=gr\xc3\xbc\xc3\x9f\n[at]\nchallengePassword=p\xc3\xa4ss word\n"
		"[x]\nsubjectAltName=DNS:a.example.test\nextendedKeyUsage=clientAuth\n"
		"1.3.6.1.4.1.311.20.2=ASN1:BMPSTRING:Wifi\nbasicConstraints=CA:FALSE\n"));
	assert_true(made_run(a, dir,
	    "openssl req -new -newkey rsa:2048 -nodes -keyout k -utf8 -config conf -outform DER -out r"));
	expect_ok(file_read(a, arena_printf(a, "%s/r", dir), 65536, &der));
	expect_ok(csr_parse(a, der, &c));
	assert_string_equal(c.challenge, "p\xc3\xa4ss word");
	assert_string_equal(c.template, "Wifi");
	assert_int_equal(c.nekus, 1);
	assert_int_equal(c.san.n, 18);
	assert_int_equal(key_bits(c.key), 2048);
	assert_false(c.ca);
	made_dir_free(a, dir);
}

static void
whoever_asks_for_a_certificate_of_a_ca_is_seen(void **state)
{
	/* cA as DER has it, as BER may, left out, and in a form of its own */
	static const struct {
		const char *der;
		bool ca, good;
	} rows[] = {
		{ "30030101FF", true, true },
		{ "3006010101020100", true, true },
		{ "3000", false, true },
		{ "3003010100", false, true },
		{ "300401020000", true, true },
		{ "3003020100", false, true },
		{ "30030101FF00", false, false },
		{ "0101FF", false, false },
	};
	auto_arena struct arena *a = arena_new();
	const char *dir = made_dir(a);
	struct str der;

	(void)state;
	assert_true(made_run(a, dir, "openssl genrsa -out k 2048"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_csr struct csr c = { 0 };

		assert_true(made_run(a, dir,
		    arena_printf(a,
			"openssl req -new -key k -subj /CN=x -addext 2.5.29.19=DER:%s -outform DER -out r",
			rows[i].der)));
		expect_ok(file_read(a, arena_printf(a, "%s/r", dir), 65536, &der));
		if (!rows[i].good) {
			expect_err(ERR_CSR, csr_parse(a, der, &c));
			continue;
		}
		expect_ok(csr_parse(a, der, &c));
		assert_int_equal(c.ca, rows[i].ca);
	}
	made_dir_free(a, dir);
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
		cmocka_unit_test(what_is_asked_for_twice_or_in_a_form_of_its_own_is_refused),
		cmocka_unit_test(a_signature_of_another_kind_than_the_key_is_none),
		cmocka_unit_test(requests_of_openssl_keep_challenge_template_and_extensions),
		cmocka_unit_test(whoever_asks_for_a_certificate_of_a_ca_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

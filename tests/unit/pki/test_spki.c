/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "codec/der.h"
#include "pki/build.h"
#include "pki/key_int.h"
#include "pki/spki.h"

static struct str
spki_of(struct arena *a, enum key_alg alg, unsigned bits)
{
	auto_key struct key *k = NULL;
	struct str spki;

	expect_ok(key_make(alg, bits, &k));
	expect_ok(key_spki(a, k, &spki));
	return spki;
}

static void
what_is_read_is_the_key_that_openssl_reads(void **state)
{
	static const struct {
		enum key_alg alg;
		unsigned bits;
	} kinds[] = { { KEY_RSA, 2048 }, { KEY_RSA, 3072 }, { KEY_EC, 256 }, { KEY_EC, 384 } };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct str spki = spki_of(a, kinds[i].alg, kinds[i].bits);
		const unsigned char *p = spki.p;
		EVP_PKEY *ours = NULL, *theirs = d2i_PUBKEY(NULL, &p, (long)spki.n);

		expect_ok(spki_key(spki, &ours));
		assert_non_null(ours);
		assert_int_equal(EVP_PKEY_eq(ours, theirs), 1);
		EVP_PKEY_free(ours);
		EVP_PKEY_free(theirs);
	}
}

/* Two numbers as the SubjectPublicKeyInfo of an RSA key. */
static struct str
rsa(struct arena *a, struct str algorithm, struct str modulus, struct str exponent)
{
	struct str pair[2], bits[2] = { LIT("\0"), STR_EMPTY }, parts[2], all;

	expect_ok(build_wrap(a, DER_INTEGER, modulus, &pair[0]));
	expect_ok(build_wrap(a, DER_INTEGER, exponent, &pair[1]));
	expect_ok(build_wrap(a, DER_SEQUENCE, build_join(a, pair, 2), &bits[1]));
	expect_ok(build_wrap(a, DER_SEQUENCE, algorithm, &parts[0]));
	expect_ok(build_wrap(a, DER_BITSTRING, build_join(a, bits, 2), &parts[1]));
	expect_ok(build_wrap(a, DER_SEQUENCE, build_join(a, parts, 2), &all));
	return all;
}

/* They may be keys, and are OpenSSL's to judge: not one of them is taken as the one way to write a key. */
static void
what_can_be_written_in_another_way_is_left_to_openssl(void **state)
{
	static const uint8_t with_null[] = { 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5,
		0 };
	static const uint8_t pss[] = { 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 10, 5, 0 };
	static const uint8_t three[] = { 3 }, padded[] = { 0, 3 }, negative[] = { 0x83 };
	auto_arena struct arena *a = arena_new();
	uint8_t modulus[258] = { 0, 0, 0x80 }, huge[1026] = { 0, 0x80 };
	struct str n = str_of(modulus + 1, 257), point = spki_of(a, KEY_EC, 256);
	struct str left[] = { rsa(a, str_of(with_null, 11), n, STR(three)),
		rsa(a, STR(pss), n, STR(three)), rsa(a, STR(with_null), STR(modulus), STR(three)),
		rsa(a, STR(with_null), n, STR(padded)), rsa(a, STR(with_null), n, STR(negative)),
		rsa(a, STR(with_null), STR(huge), STR(three)),
		rsa(a, STR(with_null), STR_EMPTY, STR(three)), str_of(point.p, point.n - 1),
		STR_EMPTY, LIT("hello") };
	EVP_PKEY *k = NULL;

	(void)state;
	modulus[257] = 1;
	huge[1025] = 1;
	expect_ok(spki_key(rsa(a, STR(with_null), n, STR(three)), &k));
	assert_non_null(k);
	EVP_PKEY_free(k);
	for (size_t i = 0; i < COUNT(left); i++) {
		k = NULL;
		expect_ok(spki_key(left[i], &k));
		assert_null(k);
	}
}

static void
a_point_that_is_not_on_its_curve_is_no_key(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str spki = spki_of(a, KEY_EC, 256);
	uint8_t *last = (uint8_t *)(uintptr_t)(spki.p + spki.n - 1);
	struct key *k = NULL;
	EVP_PKEY *p = NULL;

	(void)state;
	*last ^= 1;
	expect_err(ERR_KEY, spki_key(spki, &p));
	expect_err(ERR_KEY, key_from_spki(spki, &k));
	assert_null(k);
}

static void
the_bytes_of_a_key_are_kept_when_there_is_one_way_to_write_it(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str spki = spki_of(a, KEY_RSA, 2048), again;
	auto_key struct key *k = NULL;

	(void)state;
	expect_ok(key_from_spki(spki, &k));
	expect_ok(key_spki(a, k, &again));
	assert_true(str_eq(spki, again));
}

static void
rsa_keys_are_written_as_openssl_writes_them(void **state)
{
	static const unsigned bits[] = { 1024, 2047, 2048, 3072, 4096 };

	(void)state;
	for (size_t i = 0; i < COUNT(bits); i++) {
		EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits[i]);
		unsigned char *theirs = NULL;
		auto_buf struct buf ours = { 0 };
		int n = i2d_PUBKEY(k, &theirs);

		buf_init(&ours, 4096);
		expect_ok(spki_put_rsa(k, &ours));
		assert_true(n > 0);
		assert_true(str_eq(buf_str(&ours), str_of(theirs, (size_t)n)));
		OPENSSL_free(theirs);
		EVP_PKEY_free(k);
	}
}

static void
a_key_on_a_curve_is_not_written_as_rsa(void **state)
{
	EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	auto_buf struct buf ours = { 0 };

	(void)state;
	buf_init(&ours, 4096);
	expect_err(ERR_KEY, spki_put_rsa(k, &ours));
	assert_int_equal(ours.n, 0);
	EVP_PKEY_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_the_key_that_openssl_reads),
		cmocka_unit_test(what_can_be_written_in_another_way_is_left_to_openssl),
		cmocka_unit_test(a_point_that_is_not_on_its_curve_is_no_key),
		cmocka_unit_test(rsa_keys_are_written_as_openssl_writes_them),
		cmocka_unit_test(a_key_on_a_curve_is_not_written_as_rsa),
		cmocka_unit_test(the_bytes_of_a_key_are_kept_when_there_is_one_way_to_write_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

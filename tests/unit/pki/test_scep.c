/* SPDX-License-Identifier: Apache-2.0 */
/* SCEP messages: made, taken apart, checked, opened; the openssl command is the judge of what we make. */
#include "made.h"

#include "codec/der.h"
#include "pki/scep.h"

struct fix {
	struct arena *a;
	struct made ca, other;
	const char *dir;
};

static int
setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	f->a = arena_new();
	f->ca = made_root(f->a, "RA", KEY_RSA, KEY_RSA_2048);
	f->other = made_root(f->a, "Client", KEY_RSA, KEY_RSA_2048);
	f->dir = made_dir(f->a);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fix *f = *state;

	made_dir_free(f->a, f->dir);
	made_free(&f->ca);
	made_free(&f->other);
	arena_free(f->a);
	free(f);
	return 0;
}

static struct scep_spec
spec_of(struct fix *f, const char *content)
{
	struct scep_spec s = { .head = { .type = SCEP_PKCS_REQ,
				   .transaction = "AB12=/",
				   .sender_nonce = LIT("0123456789abcdef"),
				   .status = -1,
				   .fail_info = -1 },
		.signer = f->other.cert,
		.key = f->other.key,
		.digest = SCEP_SHA256 };

	if (content != NULL)
		expect_ok(scep_seal(f->a, f->ca.cert, SCEP_AES256, str_c(content), &s.content));
	return s;
}

static struct scep_msg
message_of(struct fix *f, const struct scep_spec *s, struct str *ret_der)
{
	struct scep_msg m;

	expect_ok(scep_make(f->a, s, ret_der));
	expect_ok(scep_parse(f->a, *ret_der, &m));
	return m;
}

static void
what_is_made_is_read_again(void **state)
{
	struct fix *f = *state;
	struct scep_spec s = spec_of(f, "content");
	auto_cert struct cert *signer = NULL;
	enum scep_cipher cipher;
	struct scep_head h;
	struct str der, plain;
	struct scep_msg m = message_of(f, &s, &der);

	expect_ok(scep_verify(f->a, &m, false, &h, &signer));
	assert_memory_equal(cert_sha256(signer), cert_sha256(f->other.cert), 32);
	assert_int_equal(h.type, SCEP_PKCS_REQ);
	assert_string_equal(h.transaction, "AB12=/");
	assert_true(str_eq(h.sender_nonce, LIT("0123456789abcdef")));
	assert_int_equal(h.status, -1);
	expect_ok(scep_envelope(f->a, m.content, &cipher));
	assert_int_equal(cipher, SCEP_AES256);
	expect_ok(scep_open(f->a, f->ca.key, m.content, &plain));
	assert_true(str_eq(plain, LIT("content")));
}

static void
openssl_takes_what_is_made(void **state)
{
	struct fix *f = *state;
	struct scep_spec s = spec_of(f, "the content");
	struct str der;

	expect_ok(scep_make(f->a, &s, &der));
	made_write(f->a, f->dir, "m.der", der);
	made_key(f->a, f->dir, "ra.key", f->ca.key);
	assert_true(made_run(f->a, f->dir,
	    "openssl cms -verify -noverify -inform DER -in m.der -out env.der &&"
	    " openssl cms -decrypt -inform DER -in env.der -inkey ra.key -out plain && cat plain"));
	made_says(f->a, f->dir, "the content");
	assert_true(made_run(f->a, f->dir, "openssl cms -cmsout -print -inform DER -in m.der"));
	made_says(f->a, f->dir, "algorithm: rsaEncryption");
}

static void
a_refusal_has_an_empty_content(void **state)
{
	struct fix *f = *state;
	struct scep_spec s = spec_of(f, NULL);
	auto_cert struct cert *signer = NULL;
	struct scep_head h;
	struct scep_msg m;
	struct str der;

	s.head.type = SCEP_CERT_REP;
	s.head.status = SCEP_FAILURE;
	s.head.fail_info = 2;
	s.head.fail_text = "no, b\xc3\xa9";
	m = message_of(f, &s, &der);
	expect_ok(scep_verify(f->a, &m, false, &h, &signer));
	assert_int_equal(m.content.n, 0);
	assert_int_equal(h.status, SCEP_FAILURE);
	assert_int_equal(h.fail_info, 2);
	assert_string_equal(h.fail_text, "no, b\xc3\xa9");
}

static void
every_changed_part_is_seen(void **state)
{
	struct fix *f = *state;
	struct scep_spec s = spec_of(f, "content");
	struct str der;
	struct scep_msg m = message_of(f, &s, &der);
	struct str *const parts[] = { &m.attrs, &m.signature, &m.content };
	auto_cert struct cert *signer = NULL;
	struct scep_head h;

	for (size_t i = 0; i < COUNT(parts); i++) {
		struct str good = *parts[i];
		uint8_t *bad = arena_copy(f->a, good.p, good.n);

		bad[good.n - 1] ^= 1;
		*parts[i] = str_of(bad, good.n);
		expect_err(ERR_SIGNATURE, scep_verify(f->a, &m, false, &h, &signer));
		*parts[i] = good;
	}
	m.signer = cert_der(f->ca.cert);
	expect_err(ERR_SIGNATURE, scep_verify(f->a, &m, false, &h, &signer));
	m.signer = LIT("x");
	expect_err(ERR_CERTIFICATE, scep_verify(f->a, &m, false, &h, &signer));
}

static void
algorithms_are_those_of_the_list(void **state)
{
	struct fix *f = *state;
	struct scep_spec s = spec_of(f, "content");
	auto_made struct made small = { NULL, NULL };
	auto_cert struct cert *signer = NULL;
	struct scep_head h;
	struct scep_msg m;
	struct str der;

	s.digest = SCEP_SHA1;
	m = message_of(f, &s, &der);
	expect_err(ERR_SCEP_ALGORITHM, scep_verify(f->a, &m, false, &h, &signer));
	expect_ok(scep_verify(f->a, &m, true, &h, &signer));
	m.digest = SCEP_NO_DIGEST;
	cert_free(signer);
	signer = NULL;
	expect_err(ERR_SCEP_ALGORITHM, scep_verify(f->a, &m, true, &h, &signer));
	/* Nothing could be sealed to an EC key. */
	small = made_root(f->a, "EC", KEY_EC, KEY_P256);
	s.digest = SCEP_SHA256;
	s.signer = small.cert;
	s.key = small.key;
	m = message_of(f, &s, &der);
	expect_err(ERR_SCEP_ALGORITHM, scep_verify(f->a, &m, true, &h, &signer));
}

static void
what_is_no_message_is_refused(void **state)
{
	struct fix *f = *state;
	struct scep_spec s = spec_of(f, "content");
	enum scep_cipher cipher;
	struct scep_msg m;
	struct str der, too_long;

	expect_ok(scep_make(f->a, &s, &der));
	too_long = str_of(arena_alloc(f->a, LIMIT_SCEP_BYTES + 1), LIMIT_SCEP_BYTES + 1);
	expect_err(ERR_SCEP, scep_parse(f->a, STR_EMPTY, &m));
	expect_err(ERR_SCEP, scep_parse(f->a, too_long, &m));
	expect_err(ERR_SCEP, scep_parse(f->a, str_of(der.p, der.n - 1), &m));
	expect_err(ERR_SCEP, scep_parse(f->a, s.content, &m));
	expect_err(ERR_SCEP, scep_envelope(f->a, der, &cipher));
}

/* Of the wrong keys one in 256 finds an end of the text (the padding of CBC), but none the text. */
static void
with_another_key_nothing_is_opened(void **state)
{
	struct fix *f = *state;
	bool refused = false;

	for (int i = 0; i < 16 && !refused; i++) {
		struct scep_spec s = spec_of(f, "content");
		struct str text = STR_EMPTY;
		err_t e = scep_open(f->a, f->other.key, s.content, &text);

		refused = err_is(e, ERR_SCEP_SEALED);
		assert_true(refused || (err_ok(e) && !str_eq(text, LIT("content"))));
		err_forget(e);
	}
	assert_true(refused);
}

static struct str
attribute(struct arena *a, const char *oid, uint8_t tag, struct str value)
{
	struct str content;
	struct buf one, set, all;

	buf_init(&one, 4096);
	buf_init(&set, 4096);
	buf_init(&all, 4096);
	expect_ok(oid_content(a, oid, &content));
	expect_ok(der_put(&one, tag, value));
	expect_ok(der_put(&set, DER_OID, content));
	expect_ok(der_put(&set, DER_SET, buf_str(&one)));
	expect_ok(der_put(&all, DER_SEQUENCE, buf_str(&set)));
	content = arena_str(a, buf_str(&all));
	buf_free(&one);
	buf_free(&set);
	buf_free(&all);
	return content;
}

static err_t
read_attributes(struct arena *a, const struct str *v, size_t n, struct scep_head *h)
{
	auto_buf struct buf all = { 0 }, set = { 0 };

	buf_init(&all, 65536);
	buf_init(&set, 65536);
	for (size_t i = 0; i < n; i++)
		expect_ok(buf_put(&all, v[i]));
	expect_ok(der_put(&set, DER_SET, buf_str(&all)));
	return scep_head_parse(a, arena_str(a, buf_str(&set)), h);
}

static void
attributes_are_read_strictly(void **state)
{
	struct arena *a = ((struct fix *)*state)->a;
	struct str type = attribute(a, OID_SCEP_TYPE, DER_PRINTABLE, LIT("19"));
	struct str id = attribute(a, OID_SCEP_TRANSACTION, DER_PRINTABLE, LIT("1"));
	struct str digest = attribute(a, "1.2.840.113549.1.9.4", DER_OCTETS, LIT("x"));
	struct str big = attribute(a, OID_SCEP_SENDER_NONCE, DER_OCTETS,
	    str_of(arena_alloc(a, LIMIT_SCEP_NONCE + 1), LIMIT_SCEP_NONCE + 1));
	struct scep_head h;

	expect_ok(read_attributes(a, (struct str[]){ type, id, digest }, 3, &h));
	assert_int_equal(h.sender_nonce.n, 0);
	expect_err(ERR_SCEP, read_attributes(a, (struct str[]){ type, digest }, 2, &h));
	expect_err(ERR_SCEP, read_attributes(a, (struct str[]){ id, digest }, 2, &h));
	expect_err(ERR_SCEP, read_attributes(a, (struct str[]){ type, id }, 2, &h));
	expect_err(ERR_SCEP, read_attributes(a, (struct str[]){ type, type, id, digest }, 4, &h));
	expect_err(ERR_SCEP, read_attributes(a, (struct str[]){ type, id, digest, big }, 4, &h));
	type = attribute(a, OID_SCEP_TYPE, DER_PRINTABLE, LIT("1x"));
	expect_err(ERR_SCEP, read_attributes(a, (struct str[]){ type, id, digest }, 3, &h));
	type = attribute(a, OID_SCEP_TYPE, DER_INTEGER, LIT("\x13"));
	expect_err(ERR_SCEP, read_attributes(a, (struct str[]){ type, id, digest }, 3, &h));
	type = attribute(a, OID_SCEP_TYPE, DER_UTF8, LIT("17"));
	expect_ok(read_attributes(a, (struct str[]){ type, id, digest }, 3, &h));
	id = attribute(a, OID_SCEP_TRANSACTION, DER_PRINTABLE, LIT("a\nb"));
	expect_err(ERR_SCEP, read_attributes(a, (struct str[]){ type, id, digest }, 3, &h));
	expect_err(ERR_SCEP, scep_head_parse(a, LIT("\x31\x80\x00\x00"), &h));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_made_is_read_again),
		cmocka_unit_test(openssl_takes_what_is_made),
		cmocka_unit_test(a_refusal_has_an_empty_content),
		cmocka_unit_test(every_changed_part_is_seen),
		cmocka_unit_test(algorithms_are_those_of_the_list),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(with_another_key_nothing_is_opened),
		cmocka_unit_test(attributes_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

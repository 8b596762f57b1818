/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP messages, with the openssl command at the other end. */
#include "made.h"

#include "codec/der.h"
#include "pki/ocsp.h"

/* Times stand still: the client is told so, and that its clock may be off. */
#define CHECK_WITH(what) \
	"openssl ocsp -issuer root " what " -CAfile root -respin resp -attime 1767225600 " \
	"-validity_period 1000000000"
#define CHECK CHECK_WITH("-no_nonce -cert leaf")
#define CHECK_NONCE CHECK_WITH("-no_nonce -reqin req") /* that of the request itself */

struct lab {
	struct arena *a;
	const char *dir;
	struct made root, leaf, signer;
};

static struct made
made_signer(struct arena *a, const struct made *ca, const char *eku)
{
	const char *ekus[] = { eku };
	struct issue_ext nocheck = { .oid = "1.3.6.1.5.5.7.48.1.5", .value = LIT("\x05\x00") };
	struct made m = { NULL, NULL };
	struct issue_spec s;

	expect_ok(key_make(KEY_EC, 256, &m.key));
	s = made_spec(a, "responder", m.key);
	s.issuer = ca->cert;
	s.key_usage = 0x80;
	s.ekus = ekus;
	s.more = &nocheck;
	s.nmore = 1;
	m.cert = made_cert(a, &s, ca->key);
	return m;
}

static int
setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));

	l->a = arena_new();
	l->dir = made_dir(l->a);
	l->root = made_root(l->a, "root", KEY_RSA, 2048);
	l->leaf = made_under(l->a, &l->root, "leaf", KEY_EC, 256);
	l->signer = made_signer(l->a, &l->root, OID_EKU_OCSP_SIGNING);
	made_pem(l->a, l->dir, "root", l->root.cert);
	made_pem(l->a, l->dir, "leaf", l->leaf.cert);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct lab *l = *state;

	made_dir_free(l->a, l->dir);
	made_free(&l->root);
	made_free(&l->leaf);
	made_free(&l->signer);
	arena_free(l->a);
	free(l);
	return 0;
}

/* What openssl asks with these options. */
static struct str
asked(struct lab *l, const char *options)
{
	struct str der;

	assert_true(made_run(
	    l->a, l->dir, arena_printf(l->a, "openssl ocsp -issuer root %s -reqout req", options)));
	expect_ok(file_read(l->a, arena_printf(l->a, "%s/req", l->dir), 65536, &der));
	return der;
}

static void
answer(struct lab *l, const struct made *by, const struct ocsp_req *q, enum ocsp_status status)
{
	struct ocsp_single v[LIMIT_OCSP_CERTS];
	struct ocsp_answer s = { .v = v,
		.n = q->n,
		.produced = MADE_NOW,
		.this_update = MADE_NOW - 300,
		.next_update = MADE_NOW + 3600,
		.nonce = q->nonce,
		.signer = by->cert,
		.key = by->key };
	struct ocsp_issuer names;
	struct str der;

	expect_ok(ocsp_issuer(by->cert, &names));
	s.key_id = STR(names.key_sha1);

	for (size_t i = 0; i < q->n; i++)
		v[i] = (struct ocsp_single){
			.id = q->v[i], .status = status, .revoked = MADE_NOW - 600, .reason = 1
		};
	expect_ok(ocsp_answer_make(l->a, &s, &der));
	made_write(l->a, l->dir, "resp", der);
}

static void
a_request_of_openssl_names_issuer_and_serial(void **state)
{
	struct lab *l = *state;
	struct ocsp_issuer i;
	struct ocsp_req q;

	expect_ok(ocsp_issuer(l->root.cert, &i));
	expect_ok(ocsp_request_parse(l->a, asked(l, "-cert leaf"), &q));
	assert_int_equal(q.n, 1);
	assert_int_equal(q.v[0].hash, CERTID_SHA1);
	assert_true(ocsp_issuer_is(&i, &q.v[0]));
	assert_true(q.nonce.n > 0);
	assert_string_equal(text_hex(l->a, q.v[0].serial), cert_serial(l->leaf.cert));
	expect_ok(ocsp_request_parse(l->a, asked(l, "-sha256 -cert leaf -no_nonce"), &q));
	assert_int_equal(q.v[0].hash, CERTID_SHA256);
	assert_true(ocsp_issuer_is(&i, &q.v[0]));
	assert_int_equal(q.nonce.n, 0);
	expect_ok(ocsp_issuer(l->leaf.cert, &i));
	assert_false(ocsp_issuer_is(&i, &q.v[0]));
}

static void
openssl_takes_our_answers(void **state)
{
	struct lab *l = *state;
	static const struct {
		enum ocsp_status status;
		const char *says;
	} rows[] = { { STATUS_GOOD, "leaf: good" }, { STATUS_REVOKED, "leaf: revoked" },
		{ STATUS_UNKNOWN, "leaf: unknown" } };
	static const char *const ways[] = { "-cert leaf", "-sha256 -cert leaf",
		"-no_nonce -cert leaf" };
	static const char *const checks[] = { CHECK, CHECK_WITH("-no_nonce -sha256 -cert leaf"),
		CHECK };
	struct ocsp_req q;

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t k = 0; k < COUNT(ways); k++) {
			expect_ok(ocsp_request_parse(l->a, asked(l, ways[k]), &q));
			answer(l, &l->signer, &q, rows[i].status);
			(void)made_run(l->a, l->dir, checks[k]);
			made_says(l->a, l->dir, "Response verify OK");
			made_says(l->a, l->dir, rows[i].says);
		}
	}
	made_says(l->a, l->dir, "This Update: Dec 31 23:55:00 2025 GMT");
}

static void
the_nonce_comes_back_and_another_is_noticed(void **state)
{
	struct lab *l = *state;
	struct ocsp_req q;

	expect_ok(ocsp_request_parse(l->a, asked(l, "-cert leaf"), &q));
	answer(l, &l->signer, &q, STATUS_GOOD);
	assert_true(
	    made_run(l->a, l->dir, CHECK_NONCE " > said 2>&1; cat said; ! grep -i nonce said"));
	made_says(l->a, l->dir, "Response verify OK");
	asked(l, "-cert leaf");
	(void)made_run(l->a, l->dir, CHECK_NONCE);
	made_says(l->a, l->dir, "Nonce Verify error");
}

static void
many_certificates_in_one_request_are_answered_in_one(void **state)
{
	struct lab *l = *state;
	struct ocsp_req q;
	char *options = arena_strdup(l->a, "-no_nonce");

	for (unsigned i = 0; i < LIMIT_OCSP_CERTS; i++)
		options = arena_printf(l->a, "%s -serial %u", options, i + 1);
	expect_ok(ocsp_request_parse(l->a, asked(l, options), &q));
	assert_int_equal(q.n, LIMIT_OCSP_CERTS);
	answer(l, &l->signer, &q, STATUS_UNKNOWN);
	assert_true(made_run(l->a, l->dir,
	    arena_printf(l->a,
		"openssl ocsp -issuer root -CAfile root -respin resp -attime 1767225600 "
		"-validity_period 1000000000 %s",
		options)));
	made_says(l->a, l->dir, "32: unknown");
	expect_err(ERR_OCSP_REQUEST,
	    ocsp_request_parse(l->a, asked(l, arena_printf(l->a, "%s -serial 99", options)), &q));
}

static void
openssl_refuses_an_answer_of_a_signer_without_the_purpose(void **state)
{
	struct lab *l = *state;
	auto_made struct made other = made_signer(l->a, &l->root, OID_EKU_CLIENT_AUTH);
	struct ocsp_req q;

	expect_ok(ocsp_request_parse(l->a, asked(l, "-cert leaf -no_nonce"), &q));
	answer(l, &other, &q, STATUS_GOOD);
	(void)made_run(l->a, l->dir, CHECK);
	made_says(l->a, l->dir, "Response Verify Failure");
}

static void
a_signed_request_is_read_and_its_signature_passed_over(void **state)
{
	struct lab *l = *state;
	struct ocsp_req q;

	made_key(l->a, l->dir, "root.key", l->root.key);
	expect_ok(
	    ocsp_request_parse(l->a, asked(l, "-cert leaf -signer root -signkey root.key"), &q));
	assert_int_equal(q.n, 1);
}

/* An extension list with one nonce of n bytes, in the request `plain`, which has none. */
static struct str
with_nonce(struct lab *l, struct str plain, size_t n)
{
	static const uint8_t oid[] = { 6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2 };
	static const uint8_t tags[] = { DER_OCTETS, DER_OCTETS, DER_SEQUENCE, DER_SEQUENCE,
		DER_CONTEXT(2) };
	struct str in = str_of(arena_alloc(l->a, n + 1), n), tbs;
	auto_buf struct buf b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < COUNT(tags); i++) {
		buf_reset(&b);
		if (i == 2) /* the extension: its name, then its value */
			expect_ok(buf_put(&b, STR(oid)));
		expect_ok(buf_put(&b, in));
		in = arena_str(l->a, buf_str(&b));
		buf_reset(&b);
		expect_ok(der_put(&b, tags[i], in));
		in = arena_str(l->a, buf_str(&b));
	}
	expect_ok(der_take(&plain, DER_SEQUENCE, &tbs));
	expect_ok(der_take(&tbs, DER_SEQUENCE, &plain));
	for (int i = 0; i < 2; i++) {
		buf_reset(&b);
		expect_ok(buf_put(&b, i == 0 ? plain : STR_EMPTY));
		expect_ok(buf_put(&b, in));
		in = arena_str(l->a, buf_str(&b));
		buf_reset(&b);
		expect_ok(der_put(&b, DER_SEQUENCE, in));
		in = arena_str(l->a, buf_str(&b));
	}
	return in;
}

static void
nonces_are_of_1_to_128_bytes_and_echoed_up_to_32(void **state)
{
	static const size_t sizes[] = { 0, 1, 16, 32, 33, 100, 128, 129, 200 };
	struct lab *l = *state;
	struct str plain = asked(l, "-cert leaf -no_nonce");
	struct ocsp_req q;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		size_t n = sizes[i];
		err_t e = ocsp_request_parse(l->a, with_nonce(l, plain, n), &q);

		assert_int_equal(err_ok(e), n >= 1 && n <= 128);
		if (err_ok(e))
			assert_int_equal(q.nonce.n, n <= 32 ? n + 2 : 0);
		err_forget(e);
	}
}

static void
what_is_no_request_is_refused(void **state)
{
	struct lab *l = *state;
	struct str good = asked(l, "-cert leaf");
	struct ocsp_req q;
	uint8_t *bad = arena_copy(l->a, good.p, good.n);

	for (size_t n = 0; n < good.n; n++)
		expect_err(ERR_OCSP_REQUEST, ocsp_request_parse(l->a, str_of(good.p, n), &q));
	expect_err(ERR_OCSP_REQUEST, ocsp_request_parse(l->a, LIT("GET / HTTP/1.1"), &q));
	expect_err(ERR_OCSP_REQUEST, ocsp_request_parse(l->a, LIT("\x30\x04\x30\x02\x30\x00"), &q));
	expect_err(ERR_OCSP_REQUEST,
	    ocsp_request_parse(l->a, str_of(arena_alloc(l->a, 20000), 20000), &q));
	/* Every changed byte is read or refused, and never read past the end. */
	for (size_t i = 0; i < good.n; i++) {
		bad[i] ^= 0xff;
		err_forget(ocsp_request_parse(l->a, str_of(bad, good.n), &q));
		bad[i] ^= 0xff;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_of_openssl_names_issuer_and_serial),
		cmocka_unit_test(openssl_takes_our_answers),
		cmocka_unit_test(the_nonce_comes_back_and_another_is_noticed),
		cmocka_unit_test(many_certificates_in_one_request_are_answered_in_one),
		cmocka_unit_test(openssl_refuses_an_answer_of_a_signer_without_the_purpose),
		cmocka_unit_test(a_signed_request_is_read_and_its_signature_passed_over),
		cmocka_unit_test(nonces_are_of_1_to_128_bytes_and_echoed_up_to_32),
		cmocka_unit_test(what_is_no_request_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

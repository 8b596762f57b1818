/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/admin_ipc.h"
#include "codec/ca_ipc.h"
#include "codec/ca_scep_ipc.h"
#include "codec/ckeys_ipc.h"
#include "codec/keys_ipc.h"

/* Encodes q, reads it back whole, and sees every shorter and every longer message refused. */
#define ROUND(name, q, back) \
	do { \
		struct str in_; \
		buf_reset(&b); \
		expect_ok(name##_encode(&(q), &b)); \
		for (size_t n_ = 0; n_ < b.n; n_++) \
			assert_false(err_ok(name##_parse(a, str_of(b.p, n_), &(back)))); \
		expect_ok(buf_putc(&b, 0)); \
		expect_err(ERR_TRAILING, name##_parse(a, buf_str(&b), &(back))); \
		in_ = str_of(b.p, b.n - 1); \
		expect_ok(name##_parse(a, in_, &(back))); \
	} while (0)

static void
ca_messages_come_back(void **state)
{
	static struct ca_attribute attributes[] = { { "CertificateTemplate", "WiFi" },
		{ "ChanceryOrder", "AAEC" } };
	static struct str chain[] = { { (const uint8_t *)"c1", 2 }, { (const uint8_t *)"c2", 2 } };
	static struct ca_entry entries[] = { { "X Root CA", CA_ROLE_ROOT,
	    { (const uint8_t *)"r", 1 } } };
	struct ca_submit_req submit = { "X Issuing CA", LIT("caller"), "user", "password",
		LIT("old"), true, LIT("token"), attributes, 2 },
			     submit2;
	struct ca_submit_rep issued = { CA_ISSUED, 0, "Issued", "", 61, LIT("leaf"), { chain, 2 } },
			     issued2;
	struct ca_query_req query = { "X Issuing CA", LIT("caller"), "user", "password", 61 },
			    query2;
	struct ca_revoke_req revoke = { LIT("caller"), LIT("order") }, revoke2;
	struct ca_revoke_rep count = { 3 }, count2;
	struct ca_revoked_req since = { LIT("caller"), { 7, 8 } }, since2;
	struct ca_revoked gone_one[] = { { id_new(), "61", 4 } };
	struct ca_revoked_rep gone = { gone_one, 1, { 9, 10 } }, gone2;
	struct ca_name_req name = { "X" }, name2;
	struct ca_der_rep der = { LIT("crl") }, der2;
	struct ca_list_rep list = { entries, 1 }, list2;
	struct ca_chain_rep tls = { { chain, 2 } }, tls2;
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, LIMIT_IPC_MESSAGE);
	ROUND(ca_submit_req, submit, submit2);
	assert_string_equal(submit2.attributes[1].value, "AAEC");
	ROUND(ca_submit_rep, issued, issued2);
	assert_int_equal(issued2.request_id, 61);
	assert_true(str_eq_c(issued2.chain.v[1], "c2"));
	ROUND(ca_query_req, query, query2);
	ROUND(ca_revoke_req, revoke, revoke2);
	ROUND(ca_revoke_rep, count, count2);
	assert_int_equal(count2.count, 3);
	ROUND(ca_revoked_req, since, since2);
	assert_int_equal(since2.after.at, 7);
	ROUND(ca_revoked_rep, gone, gone2);
	assert_string_equal(gone2.v[0].serial, "61");
	assert_true(id_eq(gone2.v[0].order, gone_one[0].order));
	ROUND(ca_name_req, name, name2);
	ROUND(ca_der_rep, der, der2);
	ROUND(ca_list_rep, list, list2);
	assert_int_equal(list2.v[0].role, CA_ROLE_ROOT);
	ROUND(ca_chain_rep, tls, tls2);
	assert_int_equal(tls2.chain.n, 2);
}

static void
keys_messages_come_back(void **state)
{
	static const char *hosts[] = { "localhost", "127.0.0.1" };
	struct keys_public_rep public = { "PEM", "{}" }, public2;
	struct keys_csr_req csr = { KEYS_TLS, "cn", { hosts, 2 } }, csr2;
	struct keys_csr_rep der = { LIT("csr") }, der2;
	struct keys_seal_req order = { LIT("order") }, order2;
	struct keys_seal_rep sealed = { LIT("sealed") }, sealed2;
	struct keys_token_req claims = { "{}" }, claims2;
	struct keys_token_rep token = { "a.b.c" }, token2;
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, LIMIT_IPC_MESSAGE);
	ROUND(keys_public_rep, public, public2);
	ROUND(keys_csr_req, csr, csr2);
	assert_string_equal(csr2.hosts.v[1], "127.0.0.1");
	ROUND(keys_csr_rep, der, der2);
	ROUND(keys_seal_req, order, order2);
	ROUND(keys_seal_rep, sealed, sealed2);
	ROUND(keys_token_req, claims, claims2);
	ROUND(keys_token_rep, token, token2);
	assert_string_equal(token2.token, "a.b.c");
}

static void
messages_about_challenges_come_back(void **state)
{
	struct keys_challenge_req ask = { { { 1, 2, 3 } }, 7 }, ask2;
	struct keys_challenge_rep text = { "0123456789abcdef" }, text2;
	struct keys_challenge_rep big = {
		"0123456789012345678901234567890123456789012345678901234567890123456789"
	};
	struct keys_hide_req secret = { "profile 1", LIT("correct horse") }, secret2;
	struct keys_hide_rep hidden = { LIT("sealed") }, hidden2;
	static const uint8_t much[LIMIT_HIDDEN + 1];
	struct ca_deposit_req left = { LIT("cert"), LIT("order"),
		LIT("01234567890123456789012345678901") },
			      left2;
	struct ca_deposit_req odd = { LIT("cert"), LIT("order"), LIT("0123") };
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, LIMIT_IPC_MESSAGE);
	ROUND(keys_challenge_req, ask, ask2);
	assert_int_equal(ask2.fence, 7);
	assert_true(id_eq(ask2.request, ask.request));
	ROUND(keys_challenge_rep, text, text2);
	ROUND(keys_hide_req, secret, secret2);
	assert_string_equal(secret2.label, "profile 1");
	assert_true(str_eq(secret2.bytes, secret.bytes));
	ROUND(keys_hide_rep, hidden, hidden2);
	buf_reset(&b);
	expect_ok(keys_hide_rep_encode(&(struct keys_hide_rep){ STR(much) }, &b));
	expect_err(ERR_TOO_LARGE, keys_hide_rep_parse(a, buf_str(&b), &hidden2));
	ROUND(ca_deposit_req, left, left2);
	assert_true(str_eq(left2.sha256, left.sha256));
	buf_reset(&b);
	expect_ok(keys_challenge_rep_encode(&big, &b));
	expect_err(ERR_TOO_LARGE, keys_challenge_rep_parse(a, buf_str(&b), &text2));
	buf_reset(&b);
	expect_ok(ca_deposit_req_encode(&odd, &b));
	assert_false(err_ok(ca_deposit_req_parse(a, buf_str(&b), &left2)));
}

static void
connector_keys_messages_come_back(void **state)
{
	static const char *ekus[] = { "1.3.6.1.5.5.7.3.2" };
	static struct str chain[] = { { (const uint8_t *)"c1", 2 } };
	struct ckeys_begin_req begin = { CKEYS_RSA, 2048, LIT("s"), LIT("n"), "", { ekus, 1 },
		LIT("device"), LIT("0123456789abcdef0123456789abcdef") },
			       begin2;
	struct ckeys_maker_rep maker = { LIT("spki") }, maker2;
	struct ckeys_begin_rep begun = { 77, LIT("csr") }, begun2;
	struct ckeys_finish_req finish = { 77, LIT("leaf"), { chain, 1 }, LIT("device"),
		{ PACK_AGENT, PFX_FORMAT_AES, STR_EMPTY } },
				finish2;
	struct ckeys_finish_rep done = { LIT("pfx"), LIT("password") }, done2;
	struct ckeys_drop_req drop = { 77 }, drop2;
	struct ckeys_identity_req identity = { "PEM" }, identity2;
	struct ckeys_order_req order = { LIT("spki") }, order2;
	struct ckeys_level levels[] = { { 2048, 3, 64, 1, 7, 2, 55 }, { 3072, 1, 2, 0, 4, 5, 6 } };
	struct ckeys_pool_rep pool = { levels, 2 }, pool2;
	struct ckeys_pool_rep many = { levels, CKEYS_LEVELS + 1 };
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, LIMIT_IPC_MESSAGE);
	ROUND(ckeys_begin_req, begin, begin2);
	assert_int_equal(begin2.bits, 2048);
	assert_true(str_eq(begin2.device_certificate, LIT("device")));
	assert_true(str_eq(begin2.order, begin.order));
	ROUND(ckeys_maker_rep, maker, maker2);
	ROUND(ckeys_begin_rep, begun, begun2);
	ROUND(ckeys_finish_req, finish, finish2);
	assert_int_equal(finish2.handle, 77);
	ROUND(ckeys_finish_rep, done, done2);
	ROUND(ckeys_drop_req, drop, drop2);
	ROUND(ckeys_identity_req, identity, identity2);
	ROUND(ckeys_order_req, order, order2);
	ROUND(ckeys_pool_rep, pool, pool2);
	assert_int_equal(pool2.n, 2);
	assert_int_equal(pool2.v[0].wait_ms, 55);
	assert_int_equal(pool2.v[1].taken, 4);
	expect_err(ERR_RANGE, ckeys_pool_rep_encode(&many, &b));
	expect_err(ERR_RANGE, ckeys_pool_rep_parse(a, LIT("\x09"), &pool2));
}

static void
sign_and_admin_messages_come_back(void **state)
{
	static const uint8_t digest[48] = { 9 };
	struct sign_req sign = { KEYS_RA, SIGN_RSA_PSS_SHA384, STR(digest) }, sign2;
	struct sign_rep signature = { LIT("sig") }, signature2;
	struct admin_req admin = { "service.admit", "{}" }, admin2;
	struct admin_rep answer = { "{}" }, answer2;
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, LIMIT_IPC_MESSAGE);
	ROUND(sign_req, sign, sign2);
	assert_int_equal(sign2.scheme, SIGN_RSA_PSS_SHA384);
	ROUND(sign_rep, signature, signature2);
	ROUND(admin_req, admin, admin2);
	assert_string_equal(admin2.verb, "service.admit");
	ROUND(admin_rep, answer, answer2);
}

static void
rejects_messages_that_say_nonsense(void **state)
{
	static struct str many[LIMIT_CHAIN_CERTS + 1];
	struct sign_req sign = { 0, SIGN_ECDSA_SHA256, LIT("short") };
	struct admin_req admin = { "Bad Verb", "{}" };
	struct ca_submit_rep issued = { CA_ISSUED, 0, "", "", 0, STR_EMPTY, { NULL, 0 } };
	struct ca_submit_req submit = { .ca = "", .nattributes = LIMIT_CA_ATTRIBUTES + 1 };
	struct ckeys_begin_req begin = { .alg = CKEYS_RSA, .bits = 1024 };
	struct keys_csr_req csr = { .which = (enum keys_which)9 };
	struct ca_chain_rep chain = { { many, COUNT(many) } }, chain2;
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, LIMIT_IPC_MESSAGE);
	expect_err(ERR_MALFORMED, sign_req_encode(&sign, &b));
	sign.scheme = (enum sign_scheme)99;
	expect_err(ERR_UNSUPPORTED, sign_req_encode(&sign, &b));
	expect_err(ERR_MALFORMED, admin_req_encode(&admin, &b));
	expect_err(ERR_MALFORMED, ca_submit_rep_encode(&issued, &b));
	expect_err(ERR_UNSUPPORTED, ckeys_begin_req_encode(&begin, &b));
	expect_err(ERR_MALFORMED, keys_csr_req_encode(&csr, &b));
	expect_err(ERR_TOO_LARGE, ca_submit_req_encode(&submit, &b));
	buf_reset(&b);
	expect_ok(ca_chain_rep_encode(&chain, &b));
	expect_err(ERR_TOO_LARGE, ca_chain_rep_parse(a, buf_str(&b), &chain2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ca_messages_come_back),
		cmocka_unit_test(keys_messages_come_back),
		cmocka_unit_test(connector_keys_messages_come_back),
		cmocka_unit_test(messages_about_challenges_come_back),
		cmocka_unit_test(sign_and_admin_messages_come_back),
		cmocka_unit_test(rejects_messages_that_say_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

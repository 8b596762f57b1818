/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/status_ipc.h"

static struct ocsp_id
id_of(enum ocsp_hash hash, struct str serial)
{
	static const uint8_t bytes[32] = { 7 };
	struct str h = str_of(bytes, ocsp_hash_size(hash));

	return (struct ocsp_id){ hash, true, h, h, serial };
}

static void
messages_come_back_as_they_went(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct crl_part_req q = { "Corp CA", 3, true, UINT64_MAX, 77 }, q2;
	struct crl_part_rep p = { 9, -1, 2, 3, LIT("abc") }, p2;
	struct ocsp_id ids[] = { id_of(CERTID_SHA1, LIT("\x01")),
		id_of(CERTID_SHA256, LIT("\x02\x03")) };
	struct ocsp_req o = { "", ids, 2, LIT("nonce") }, o2;
	struct ocsp_rep r = { LIT("der"), 5, 6 }, r2;

	(void)state;
	buf_init(&b, 65536);
	expect_ok(crl_part_req_encode(&q, &b));
	expect_ok(crl_part_req_parse(a, buf_str(&b), &q2));
	assert_string_equal(q2.ca, "Corp CA");
	assert_true(q2.delta && q2.shard == 3 && q2.number == UINT64_MAX && q2.offset == 77);
	buf_reset(&b);
	expect_ok(crl_part_rep_encode(&p, &b));
	expect_ok(crl_part_rep_parse(a, buf_str(&b), &p2));
	assert_true(
	    p2.number == 9 && p2.this_update == -1 && p2.total == 3 && str_eq(p2.part, p.part));
	buf_reset(&b);
	expect_ok(ocsp_req_encode(&o, &b));
	expect_ok(ocsp_req_parse(a, buf_str(&b), &o2));
	assert_true(
	    o2.n == 2 && o2.v[1].hash == CERTID_SHA256 && str_eq(o2.v[1].serial, ids[1].serial));
	assert_true(str_eq(o2.nonce, o.nonce));
	for (size_t n = 0; n < b.n; n++)
		expect_err(ERR_TRUNCATED, ocsp_req_parse(a, str_of(b.p, n), &o2));
	buf_reset(&b);
	expect_ok(ocsp_rep_encode(&r, &b));
	expect_ok(ocsp_rep_parse(a, buf_str(&b), &r2));
	assert_true(str_eq(r2.der, r.der) && r2.next_update == 6);
	expect_ok(buf_putc(&b, 0));
	expect_err(ERR_TRAILING, ocsp_rep_parse(a, buf_str(&b), &r2));
}

static void
what_no_front_may_ask_is_refused(void **state)
{
	auto_buf struct buf b;
	struct ocsp_id ids[LIMIT_OCSP_CERTS + 1];
	struct ocsp_req o = { .ca = "", .v = ids, .n = 0 };

	(void)state;
	buf_init(&b, 65536);
	for (size_t i = 0; i < COUNT(ids); i++)
		ids[i] = id_of(CERTID_SHA1, LIT("\x01"));
	expect_err(ERR_TOO_LARGE, ocsp_req_encode(&o, &b));
	o.n = COUNT(ids);
	expect_err(ERR_TOO_LARGE, ocsp_req_encode(&o, &b));
	o.n = 1;
	ids[0].hash = (enum ocsp_hash)3;
	expect_err(ERR_MALFORMED, ocsp_req_encode(&o, &b));
	ids[0] = id_of(CERTID_SHA1, STR_EMPTY);
	expect_err(ERR_MALFORMED, ocsp_req_encode(&o, &b));
	ids[0] = id_of(CERTID_SHA256, LIT("\x01"));
	ids[0].key_hash.n = 20;
	expect_err(ERR_MALFORMED, ocsp_req_encode(&o, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_back_as_they_went),
		cmocka_unit_test(what_no_front_may_ask_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

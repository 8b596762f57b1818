/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "codec/pfx_ipc.h"

static struct pfx_open_req
a_request(void)
{
	return (struct pfx_open_req){ .key = "name:main",
		.padding = 3,
		.wrapped = LIT("wrapped"),
		.pfx = LIT("pfx"),
		.leaf = LIT("leaf"),
		.pack = { .form = PACK_AGENT, .format = PFX_FORMAT_3DES },
		.thumbprint = LIT("01234567890123456789"),
		.device_certificate = LIT("device"),
		.order = LIT("order") };
}

static void
a_request_to_open_comes_back_whole(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf out;
	struct pfx_open_req q = a_request(), got;

	(void)state;
	buf_init(&out, LIMIT_IPC_MESSAGE);
	expect_ok(pfx_open_req_encode(&q, &out));
	expect_ok(pfx_open_req_parse(a, buf_str(&out), &got));
	assert_string_equal(got.key, "name:main");
	assert_int_equal(got.padding, 3);
	assert_int_equal(got.pack.format, PFX_FORMAT_3DES);
	assert_true(str_eq(got.leaf, LIT("leaf")));
	assert_true(str_eq(got.device_certificate, LIT("device")));
	for (size_t n = 0; n < out.n; n++)
		assert_false(err_ok(pfx_open_req_parse(a, str_of(out.p, n), &got)));
	expect_ok(wr_u8(&out, 0));
	expect_err(ERR_TRAILING, pfx_open_req_parse(a, buf_str(&out), &got));
}

static void
a_format_that_nobody_knows_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf out;
	struct pfx_open_req q = a_request(), got;

	(void)state;
	buf_init(&out, LIMIT_IPC_MESSAGE);
	q.pack.format = (enum pfx_format)3;
	expect_err(ERR_UNSUPPORTED, pfx_open_req_encode(&q, &out));
	buf_reset(&out);
	q.pack.format = PFX_FORMAT_AES;
	expect_ok(pfx_open_req_encode(&q, &out));
	/* text, padding, three blobs of 4 + n bytes, form, format */
	out.p[4 + 9 + 1 + 4 + 7 + 4 + 3 + 4 + 4 + 1] = 3;
	expect_err(ERR_UNSUPPORTED, pfx_open_req_parse(a, buf_str(&out), &got));
}

static void
sizes_are_bounded(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf out;
	struct pfx_open_req q = a_request(), got;

	(void)state;
	buf_init(&out, LIMIT_IPC_MESSAGE);
	q.wrapped = str_of(arena_alloc(a, 1025), 1025);
	expect_ok(pfx_open_req_encode(&q, &out));
	expect_err(ERR_TOO_LARGE, pfx_open_req_parse(a, buf_str(&out), &got));
}

static void
lists_of_keys_have_a_name_for_each(void **state)
{
	static const char *names[] = { "one", "two" };
	struct str spkis[] = { LIT("1"), LIT("2") };
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf out;
	auto_buf struct buf bad;
	struct pfx_keys_rep r = { { names, 2 }, { spkis, 2 }, { spkis, 1 } }, got;

	(void)state;
	buf_init(&out, LIMIT_IPC_MESSAGE);
	buf_init(&bad, LIMIT_IPC_MESSAGE);
	expect_ok(pfx_keys_rep_encode(&r, &out));
	expect_ok(pfx_keys_rep_parse(a, buf_str(&out), &got));
	assert_int_equal(got.names.n, 2);
	assert_string_equal(got.names.v[1], "two");
	assert_int_equal(got.admitted.n, 1);
	r.spkis.n = 1;
	expect_ok(pfx_keys_rep_encode(&r, &bad));
	expect_err(ERR_MALFORMED, pfx_keys_rep_parse(a, buf_str(&bad), &got));
}

static void
the_small_messages_come_back_whole(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf key;
	auto_buf struct buf wrap;
	const struct pfx_key_req kq = { "main", 2048, "pkcs11:x" };
	const struct pfx_rewrap_req rq = { "ab", 5, LIT("w"), LIT("to"), LIT("order") };
	struct pfx_key_req kgot;
	struct pfx_rewrap_req rgot;

	(void)state;
	buf_init(&key, LIMIT_IPC_MESSAGE);
	buf_init(&wrap, LIMIT_IPC_MESSAGE);
	expect_ok(pfx_key_req_encode(&kq, &key));
	expect_ok(pfx_key_req_parse(a, buf_str(&key), &kgot));
	assert_string_equal(kgot.uri, "pkcs11:x");
	assert_int_equal(kgot.bits, 2048);
	expect_ok(pfx_rewrap_req_encode(&rq, &wrap));
	expect_ok(pfx_rewrap_req_parse(a, buf_str(&wrap), &rgot));
	assert_int_equal(rgot.padding, 5);
	assert_true(str_eq(rgot.to, LIT("to")));
	expect_err(ERR_TRUNCATED, pfx_rewrap_req_parse(a, STR_EMPTY, &rgot));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_to_open_comes_back_whole),
		cmocka_unit_test(a_format_that_nobody_knows_is_refused),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(lists_of_keys_have_a_name_for_each),
		cmocka_unit_test(the_small_messages_come_back_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

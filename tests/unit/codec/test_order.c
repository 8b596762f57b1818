/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include "codec/order.h"

static const char *purposes[] = { "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4" };
static const uint8_t hash[32] = { 7 }, other_hash[32] = { 8 };

static struct order
example(void)
{
	return (struct order){ .kind = ORDER_ISSUE,
		.id = { { 1 } },
		.slot = { { 2 } },
		.device = { { 3 } },
		.user = { { 4 } },
		.profile = { { 5 } },
		.profile_version = 6,
		.fence = 7,
		.issued = 1000,
		.expires = 2000,
		.ca = "Contoso Issuing CA",
		.template = "WiFiUsers",
		.subject = LIT("\x30\x00"),
		.san = LIT("\x30\x00"),
		.sid = "S-1-5-21-1",
		.ekus = purposes,
		.nekus = 2,
		.validity_days = 365,
		.key_usage = 0xa0,
		.spki = STR(hash),
		.holder = STR(hash),
		.challenge = STR(other_hash),
		.maker = LIT("a public key"),
		.recipient = STR(hash),
		.keep = "" };
}

static void
what_is_written_is_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b, again;
	struct order o = example(), back = { 0 };

	(void)state;
	buf_init(&b, LIMIT_ORDER_BYTES);
	buf_init(&again, LIMIT_ORDER_BYTES);
	expect_ok(order_encode(&o, &b));
	expect_ok(order_parse(a, buf_str(&b), &back));
	assert_string_equal(back.template, "WiFiUsers");
	assert_int_equal(back.nekus, 2);
	assert_string_equal(back.ekus[1], purposes[1]);
	assert_int_equal(back.fence, 7);
	assert_int_equal(back.expires, 2000);
	assert_int_equal(back.key_usage, 0xa0);
	assert_int_equal(back.validity_days, 365);
	assert_true(str_eq(back.challenge, STR(other_hash)));
	assert_true(str_eq_c(back.maker, "a public key"));
	assert_true(str_eq(back.recipient, STR(hash)));
	expect_ok(order_encode(&back, &again));
	assert_true(str_eq(buf_str(&b), buf_str(&again)));
}

static void
orders_about_imported_certificates_are_written_and_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct order o = example(), back = { 0 };

	(void)state;
	buf_init(&b, LIMIT_ORDER_BYTES);
	o.kind = ORDER_IMPORT;
	o.content = STR(other_hash);
	expect_ok(order_encode(&o, &b));
	expect_ok(order_parse(a, buf_str(&b), &back));
	assert_int_equal(back.kind, ORDER_IMPORT);
	assert_true(str_eq(back.content, STR(other_hash)));
	buf_reset(&b);
	o.kind = ORDER_REWRAP;
	o.content = STR_EMPTY;
	expect_ok(order_encode(&o, &b));
	expect_ok(order_parse(a, buf_str(&b), &back));
	assert_int_equal(back.kind, ORDER_REWRAP);
}

static void
every_shorter_message_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct order o = example(), back = { 0 };

	(void)state;
	buf_init(&b, LIMIT_ORDER_BYTES);
	expect_ok(order_encode(&o, &b));
	for (size_t n = 0; n < b.n; n++)
		assert_false(err_ok(order_parse(a, str_of(b.p, n), &back)));
	assert_null(back.ca);
	expect_ok(buf_putc(&b, 0));
	expect_err(ERR_TRAILING, order_parse(a, buf_str(&b), &back));
}

static void
rejects_orders_that_say_nonsense(void **state)
{
	static const char *bad_purpose[] = { "clientAuth" };
	auto_buf struct buf b;
	struct order o = example();

	(void)state;
	buf_init(&b, LIMIT_ORDER_BYTES);
	o.id = (struct id){ { 0 } };
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.kind = (enum order_kind)0;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o.kind = (enum order_kind)5;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	/* What is opened is named in orders to open it, and in no other. */
	o.kind = ORDER_IMPORT;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o.content = LIT("short");
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.content = STR(hash);
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o.kind = ORDER_REWRAP;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	/* Both are for somebody. */
	o.maker = o.recipient = STR_EMPTY;
	o.content = STR_EMPTY;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o.kind = ORDER_IMPORT;
	o.content = STR(hash);
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.expires = 999;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.ekus = bad_purpose;
	o.nekus = 1;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.spki = LIT("short");
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.challenge = STR("a challenge, where its hash ought");
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.recipient = STR_EMPTY;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.maker = STR_EMPTY;
	expect_err(ERR_MALFORMED, order_encode(&o, &b));
	o = example();
	o.validity_days = 36526;
	expect_err(ERR_RANGE, order_encode(&o, &b));
	assert_int_equal(b.n, 0);
}

static void
rejects_another_version(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct order o = example(), back;

	(void)state;
	buf_init(&b, LIMIT_ORDER_BYTES);
	expect_ok(order_encode(&o, &b));
	b.p[1] = 2;
	expect_err(ERR_UNSUPPORTED, order_parse(a, buf_str(&b), &back));
}

static void
sealed_orders_come_back(void **state)
{
	auto_buf struct buf b;
	struct sealed s = { LIT("body"), LIT("signature"), STR(hash) }, back = { 0 };

	(void)state;
	buf_init(&b, LIMIT_ORDER_BYTES);
	expect_ok(sealed_encode(&s, &b));
	expect_ok(sealed_parse(buf_str(&b), &back));
	assert_true(str_eq_c(back.body, "body"));
	assert_true(str_eq_c(back.signature, "signature"));
	for (size_t n = 0; n < b.n; n++)
		assert_false(err_ok(sealed_parse(str_of(b.p, n), &back)));
	expect_ok(buf_putc(&b, 0));
	expect_err(ERR_TRAILING, sealed_parse(buf_str(&b), &back));
}

static void
rejects_a_seal_without_parts(void **state)
{
	auto_buf struct buf b;
	struct sealed s = { STR_EMPTY, LIT("signature"), STR(hash) }, back;

	(void)state;
	buf_init(&b, LIMIT_ORDER_BYTES);
	expect_ok(sealed_encode(&s, &b));
	expect_err(ERR_MALFORMED, sealed_parse(buf_str(&b), &back));
	s.key_id = LIT("short");
	expect_err(ERR_MALFORMED, sealed_encode(&s, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(orders_about_imported_certificates_are_written_and_read),
		cmocka_unit_test(every_shorter_message_is_refused),
		cmocka_unit_test(rejects_orders_that_say_nonsense),
		cmocka_unit_test(rejects_another_version),
		cmocka_unit_test(sealed_orders_come_back),
		cmocka_unit_test(rejects_a_seal_without_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

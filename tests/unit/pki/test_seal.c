/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "pki/seal.h"

static struct order
order_make(struct arena *a)
{
	static const char *ekus[] = { OID_EKU_CLIENT_AUTH };

	return (struct order){ .kind = ORDER_ISSUE,
		.id = id_new(),
		.slot = id_new(),
		.device = id_new(),
		.user = id_new(),
		.profile = id_new(),
		.profile_version = 3,
		.fence = 7,
		.issued = MADE_NOW,
		.expires = MADE_NOW + 3600,
		.ca = "Test",
		.template = "User",
		.subject = made_name(a, "Ann"),
		.sid = "",
		.ekus = ekus,
		.nekus = 1,
		.key_usage = 0xa0,
		.keep = "" };
}

static struct key *
key_new(enum key_alg alg, unsigned bits)
{
	struct key *k = NULL;

	expect_ok(key_make(alg, bits, &k));
	return k;
}

static void
an_order_comes_out_as_it_was_sealed(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *other = key_new(KEY_EC, 256), *k = key_new(KEY_EC, 256);
	const struct key *keys[] = { other, k };
	struct order o = order_make(a), back;
	struct str sealed;

	(void)state;
	expect_ok(seal_order(a, k, &o, &sealed));
	expect_ok(seal_open(a, keys, 2, sealed, &back));
	assert_true(id_eq(o.id, back.id));
	assert_int_equal(back.fence, 7);
	assert_string_equal(back.template, "User");
	assert_true(str_eq(back.subject, o.subject));
}

static void
an_order_of_a_stranger_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *other = key_new(KEY_EC, 256), *k = key_new(KEY_EC, 256);
	const struct key *keys[] = { other };
	struct order o = order_make(a), back;
	struct str sealed;

	(void)state;
	expect_ok(seal_order(a, k, &o, &sealed));
	expect_err(ERR_ORDER_SIGNATURE, seal_open(a, keys, 1, sealed, &back));
	expect_err(ERR_ORDER_SIGNATURE, seal_open(a, NULL, 0, sealed, &back));
}

static void
no_byte_of_an_order_can_be_changed(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = key_new(KEY_EC, 256);
	const struct key *keys[] = { k };
	struct order o = order_make(a), back;
	struct str sealed;

	(void)state;
	expect_ok(seal_order(a, k, &o, &sealed));
	for (size_t i = 0; i < sealed.n; i += 3) {
		struct str bad = arena_str(a, sealed);
		err_t e;

		((uint8_t *)(uintptr_t)bad.p)[i] ^= 1;
		e = seal_open(a, keys, 1, bad, &back);
		assert_true(err_is(e, ERR_ORDER) || err_is(e, ERR_ORDER_SIGNATURE));
		err_forget(e);
	}
}

static void
a_cut_or_longer_order_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = key_new(KEY_EC, 256);
	const struct key *keys[] = { k };
	struct order o = order_make(a), back;
	struct str sealed;
	uint8_t *longer;

	(void)state;
	expect_ok(seal_order(a, k, &o, &sealed));
	for (size_t n = 0; n < sealed.n; n += 5)
		expect_err(ERR_ORDER, seal_open(a, keys, 1, str_of(sealed.p, n), &back));
	longer = arena_alloc(a, sealed.n + 1);
	memcpy(longer, sealed.p, sealed.n);
	expect_err(ERR_ORDER, seal_open(a, keys, 1, str_of(longer, sealed.n + 1), &back));
}

static void
a_signature_made_for_something_else_seals_nothing(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = key_new(KEY_EC, 256);
	const struct key *keys[] = { k };
	struct order o = order_make(a), back;
	auto_buf struct buf body, out;
	uint8_t id[32];
	struct sealed s;

	(void)state;
	buf_init(&body, LIMIT_ORDER_BYTES);
	buf_init(&out, LIMIT_ORDER_BYTES + 1024);
	expect_ok(order_encode(&o, &body));
	expect_ok(key_spki_sha256(k, id));
	s = (struct sealed){ .body = buf_str(&body), .key_id = STR(id) };
	expect_ok(key_sign(a, k, s.body, &s.signature)); /* without the context */
	expect_ok(sealed_encode(&s, &out));
	expect_err(ERR_ORDER_SIGNATURE, seal_open(a, keys, 1, buf_str(&out), &back));
}

static void
orders_are_sealed_with_p256_only(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *rsa = key_new(KEY_RSA, 2048), *p384 = key_new(KEY_EC, 384);
	struct order o = order_make(a);
	struct str sealed;

	(void)state;
	expect_err(ERR_KEY, seal_order(a, rsa, &o, &sealed));
	expect_err(ERR_KEY, seal_order(a, p384, &o, &sealed));
}

static void
a_holder_by_name_is_that_name_in_any_case_and_no_other(void **state)
{
	uint8_t a[32], b[32];
	char longer[LIMIT_TEXT + 2] = { 0 };

	(void)state;
	expect_ok(seal_holder("clerk", a));
	expect_ok(seal_holder("CLERK", b));
	assert_memory_equal(a, b, 32);
	expect_ok(seal_holder("clerk2", b));
	assert_memory_not_equal(a, b, 32);
	memset(longer, 'x', LIMIT_TEXT);
	expect_ok(seal_holder(longer, a));
	longer[LIMIT_TEXT] = 'x';
	expect_err(ERR_TOO_LARGE, seal_holder(longer, a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_comes_out_as_it_was_sealed),
		cmocka_unit_test(an_order_of_a_stranger_is_refused),
		cmocka_unit_test(no_byte_of_an_order_can_be_changed),
		cmocka_unit_test(a_cut_or_longer_order_is_refused),
		cmocka_unit_test(a_signature_made_for_something_else_seals_nothing),
		cmocka_unit_test(orders_are_sealed_with_p256_only),
		cmocka_unit_test(a_holder_by_name_is_that_name_in_any_case_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

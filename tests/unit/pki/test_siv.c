/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include "pki/siv.h"

static const uint8_t key[SIV_KEY] = { 1, 2, 3, [SIV_KEY / 2] = 4, [SIV_KEY - 1] = 5 };

static struct str
sealed(struct arena *a, const char *label, const char *secret)
{
	struct str s;

	expect_ok(siv_seal(a, key, label, str_c(secret), &s));
	return s;
}

static void
what_is_sealed_is_opened_under_its_label(void **state)
{
	static const char *const secrets[] = { "", "a", "correct horse battery staple",
		"0123456789012345678901234567890123456789012345678901234567890123" };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		struct str s = sealed(a, "profile 1", secrets[i]), opened;

		expect_ok(siv_open(a, key, "profile 1", s, &opened));
		assert_true(str_eq_c(opened, secrets[i]));
	}
}

/* Made by another program (Python's hmac and cryptography) from the description in siv.h. */
static void
it_is_the_construction_that_is_described(void **state)
{
	static const char other[] =
	    "01bdc3d03e95fe3b4c28dc6ce5c4ce3298c55740d476ef4cfac2d4135c6c84f0"
	    "4edc9faf67e1d7455f81684d944846156d7d5500248b0edeb090428e59e5a764"
	    "84c42f9f790db716501dc47e46381ff9ce";
	auto_arena struct arena *a = arena_new();
	struct str bytes, opened;

	(void)state;
	expect_ok(text_unhex(a, str_c(other), &bytes));
	assert_true(str_eq(bytes, sealed(a, "profile 1", "correct horse")));
	expect_ok(siv_open(a, key, "profile 1", bytes, &opened));
	assert_true(str_eq_c(opened, "correct horse"));
}

static void
the_same_secret_is_the_same_bytes_and_under_another_label_it_is_not(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str one = sealed(a, "profile 1", "correct horse");

	(void)state;
	assert_true(str_eq(one, sealed(a, "profile 1", "correct horse")));
	assert_false(str_eq(one, sealed(a, "profile 2", "correct horse")));
	assert_false(str_eq(one, sealed(a, "profile 1", "correct hors3")));
}

static void
lengths_show_in_steps_only(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_int_equal(sealed(a, "l", "12345678").n, sealed(a, "l", "1234567890123456").n);
	assert_int_equal(sealed(a, "l", "").n, 17 + 64);
}

static void
no_byte_of_it_can_be_changed(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str s = sealed(a, "profile 1", "correct horse"), opened;

	(void)state;
	for (size_t i = 0; i < s.n; i++) {
		struct str bad = arena_str(a, s);

		((uint8_t *)(uintptr_t)bad.p)[i] ^= 0x10;
		expect_err(ERR_SECRET_LOST, siv_open(a, key, "profile 1", bad, &opened));
	}
}

static void
another_label_another_key_and_other_lengths_are_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str s = sealed(a, "profile 1", "correct horse"), opened;
	uint8_t other[SIV_KEY];
	static uint8_t long_one[SIV_SEALED_MAX + 64] = { 1 };

	(void)state;
	expect_err(ERR_SECRET_LOST, siv_open(a, key, "profile 2", s, &opened));
	for (size_t i = 0; i < SIV_KEY; i += SIV_KEY / 2) {
		memcpy(other, key, sizeof(other));
		other[i] ^= 1;
		expect_err(ERR_SECRET_LOST, siv_open(a, other, "profile 1", s, &opened));
	}
	for (size_t n = 0; n < s.n; n++)
		expect_err(ERR_SECRET_LOST, siv_open(a, key, "profile 1", str_of(s.p, n), &opened));
	expect_err(ERR_SECRET_LOST, siv_open(a, key, "profile 1", STR(long_one), &opened));
}

static void
a_secret_that_is_too_long_is_refused(void **state)
{
	static uint8_t bytes[SIV_SECRET_MAX + 1];
	auto_arena struct arena *a = arena_new();
	struct str s, opened;

	(void)state;
	expect_err(ERR_TOO_LARGE, siv_seal(a, key, "l", STR(bytes), &s));
	expect_ok(siv_seal(a, key, "l", str_of(bytes, SIV_SECRET_MAX), &s));
	assert_true(s.n <= SIV_SEALED_MAX);
	expect_ok(siv_open(a, key, "l", s, &opened));
	assert_int_equal(opened.n, SIV_SECRET_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_is_opened_under_its_label),
		cmocka_unit_test(it_is_the_construction_that_is_described),
		cmocka_unit_test(
		    the_same_secret_is_the_same_bytes_and_under_another_label_it_is_not),
		cmocka_unit_test(lengths_show_in_steps_only),
		cmocka_unit_test(no_byte_of_it_can_be_changed),
		cmocka_unit_test(another_label_another_key_and_other_lengths_are_refused),
		cmocka_unit_test(a_secret_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

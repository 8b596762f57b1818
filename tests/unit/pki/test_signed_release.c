/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/rd.h"
#include "base/text.h"
#include "pki/signed_release.h"

#define CONTENT "program"

static struct key *
key_new(enum key_alg alg, unsigned bits)
{
	struct key *k = NULL;

	expect_ok(key_make(alg, bits, &k));
	return k;
}

/* A manifest around this list of files. */
static const char *
manifest(struct arena *a, const char *version, const char *files)
{
	return arena_printf(a,
	    "{\"product\":\"chancery-connector\",\"version\":\"%s\",\"machine\":\"x86_64\",\"files\":["
	    "%s]}",
	    version, files);
}

static const char *
file(struct arena *a, const char *name, const char *content)
{
	uint8_t hash[32];

	hash_sha256(str_c(content), hash);
	return arena_printf(a, "{\"name\":\"%s\",\"size\":%zu,\"sha256\":\"%s\"}", name,
	    strlen(content), text_hex(a, STR(hash)));
}

static struct str
bundle(struct arena *a, const struct key *k, const char *text, const char *content)
{
	auto_buf struct buf b;
	struct str signature;

	buf_init(&b, 1u << 20);
	expect_ok(buf_puts(&b, "CHRELSE1"));
	expect_ok(wr_blob(&b, str_c(text)));
	expect_ok(key_sign(a, k, buf_str(&b), &signature));
	expect_ok(wr_blob(&b, signature));
	expect_ok(buf_puts(&b, content));
	return str_of(arena_cstr(a, buf_str(&b)), b.n);
}

static struct str
good(struct arena *a, const struct key *k)
{
	return bundle(a, k, manifest(a, "1.2.3.4", file(a, "chanceryd", CONTENT)), CONTENT);
}

static void
a_release_opens_with_any_of_the_keys_of_each_kind(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *p256 = key_new(KEY_EC, 256), *p384 = key_new(KEY_EC, 384),
			    *rsa = key_new(KEY_RSA, 2048);
	struct key *all[] = { p256, p384, rsa };

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct release_keys keys = { all, COUNT(all) };
		struct signed_release s;
		struct release head;

		expect_ok(signed_release_open(a, good(a, all[i]), &keys, &s));
		assert_string_equal(s.release.version, "1.2.3.4");
		assert_int_equal(s.release.nfiles, 1);
		assert_true(str_eq_c(s.contents[0], CONTENT));
		expect_ok(signed_release_head(a, s.head, &keys, &head));
		assert_string_equal(head.version, "1.2.3.4");
		expect_ok(signed_release_file(release_program(&head), s.contents[0]));
		expect_err(ERR_RELEASE_DAMAGED,
		    signed_release_file(release_program(&head), LIT("Program")));
	}
}

static void
no_byte_can_be_changed_left_out_or_added(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = key_new(KEY_EC, 256);
	struct key *v[] = { k };
	struct release_keys keys = { v, 1 };
	struct str b = good(a, k);
	struct signed_release s;

	(void)state;
	for (size_t i = 0; i < b.n; i++) {
		auto_arena struct arena *each = arena_new();
		uint8_t *copy = arena_alloc(each, b.n);
		err_t e;

		memcpy(copy, b.p, b.n);
		copy[i] ^= 0x01;
		e = signed_release_open(each, str_of(copy, b.n), &keys, &s);
		assert_false(err_ok(e));
		err_forget(e);
		e = signed_release_open(each, str_of(b.p, i), &keys, &s);
		assert_false(err_ok(e));
		err_forget(e);
	}
	b = bundle(a, k, manifest(a, "1.2.3.4", file(a, "chanceryd", CONTENT)), CONTENT "x");
	expect_err(ERR_RELEASE_DAMAGED, signed_release_open(a, b, &keys, &s));
}

static void
a_stranger_and_nobody_sign_nothing(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = key_new(KEY_EC, 256), *stranger = key_new(KEY_EC, 256);
	struct key *v[] = { k };
	struct release_keys keys = { v, 1 }, none = { v, 0 };
	struct signed_release s;

	(void)state;
	expect_err(ERR_RELEASE_SIGNATURE, signed_release_open(a, good(a, stranger), &keys, &s));
	expect_err(ERR_RELEASE_SIGNATURE, signed_release_open(a, good(a, k), &none, &s));
}

static void
a_manifest_that_breaks_a_rule_is_refused_though_it_is_signed(void **state)
{
	static const char *const names[] = { "", "../etc", "a/b", ".hidden", "Chanceryd", "a b" };
	auto_arena struct arena *a = arena_new();
	auto_key struct key *k = key_new(KEY_EC, 256);
	struct key *v[] = { k };
	struct release_keys keys = { v, 1 };
	const char *program = file(a, "chanceryd", CONTENT);
	const char *bad[] = {
		manifest(a, "1.2.3", program),
		manifest(a, "1.2.3.4.5", program),
		manifest(a, "1.2.3.65536", program),
		manifest(a, "1.2..4", program),
		manifest(a, "1.2.3.x", program),
		manifest(a, "1.2.3.4", ""),
		manifest(a, "1.2.3.4", file(a, "chancery", CONTENT)),
		manifest(a, "1.2.3.4", arena_printf(a, "%s,%s", program, program)),
		"{\"product\":\"other\",\"version\":\"1.2.3.4\",\"machine\":\"x\",\"files\":[]}",
	};
	struct signed_release s;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		err_t e = signed_release_open(a, bundle(a, k, bad[i], CONTENT), &keys, &s);

		assert_true(err_is(e, ERR_BAD_REQUEST) || err_is(e, ERR_MALFORMED));
		err_forget(e);
	}
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *files = arena_printf(a, "%s,%s", program, file(a, names[i], CONTENT));
		err_t e = signed_release_open(
		    a, bundle(a, k, manifest(a, "1.2.3.4", files), CONTENT CONTENT), &keys, &s);

		assert_true(err_is(e, ERR_BAD_REQUEST));
		err_forget(e);
	}
}

static void
versions_compare_as_numbers(void **state)
{
	int order = 7;

	(void)state;
	expect_ok(release_compare("1.2.3.9", "1.2.3.10", &order));
	assert_true(order < 0);
	expect_ok(release_compare("2.0.0.0", "1.9.9.9", &order));
	assert_true(order > 0);
	expect_ok(release_compare("01.2.3.4", "1.2.3.4", &order));
	assert_int_equal(order, 0);
	expect_err(ERR_MALFORMED, release_compare("", "1.2.3.4", &order));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_release_opens_with_any_of_the_keys_of_each_kind),
		cmocka_unit_test(no_byte_can_be_changed_left_out_or_added),
		cmocka_unit_test(a_stranger_and_nobody_sign_nothing),
		cmocka_unit_test(a_manifest_that_breaks_a_rule_is_refused_though_it_is_signed),
		cmocka_unit_test(versions_compare_as_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

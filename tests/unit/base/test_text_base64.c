/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/text.h"

#define PEM_ONE "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"
#define PEM_KEY "-----BEGIN PRIVATE KEY-----\nBAUG\n-----END PRIVATE KEY-----\n"
#define PEM_TWO "-----BEGIN CERTIFICATE-----\r\nBwg=\r\n-----END CERTIFICATE-----\r\n"

/* RFC 4648 10 */
static const struct {
	const char *bytes, *text, *url;
} vectors[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+", "-__-" },
};

static void
encodes_the_test_vectors(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		assert_string_equal(text_base64(a, str_c(vectors[i].bytes)), vectors[i].text);
		assert_string_equal(text_base64url(a, str_c(vectors[i].bytes)), vectors[i].url);
	}
}

static void
decodes_both_alphabets_with_and_without_padding(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str s;

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		expect_ok(text_unbase64(a, str_c(vectors[i].text), &s));
		assert_true(str_eq_c(s, vectors[i].bytes));
		expect_ok(text_unbase64(a, str_c(vectors[i].url), &s));
		assert_true(str_eq_c(s, vectors[i].bytes));
	}
	expect_ok(text_unbase64(a, LIT(" Zm\r\n9v\tYg = =\n"), &s));
	assert_true(str_eq_c(s, "foob"));
}

static void
rejects_bad_base64(void **state)
{
	static const char *const bad[] = {
		"Z",
		"Zm9vY",
		"Zg=",
		"Zg===",
		"Zm9v=",
		"Zm9v====",
		"=",
		"==",
		"====",
		"Zg==Zg==",
		"Zm=8",
		"Zm9*",
		"Zm9v\xc3\xa9",
		"Zh==",
		"Zm9",
		"Zm.v",
		"Zm:v",
	};
	auto_arena struct arena *a = arena_new();
	struct str s = STR_EMPTY;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_BASE64, text_unbase64(a, str_c(bad[i]), &s));
	expect_err(ERR_BASE64, text_unbase64(a, str_of("Zm9v\0", 5), &s));
	assert_null(s.p);
}

/* Of the 256 bytes, each in the place of each character of two groups: as RFC 4648 4 and 5 have it, or refused. */
static void
a_byte_of_neither_alphabet_is_refused_at_every_place(void **state)
{
	static const char taken[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_ \t\n\v\f\r";
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		for (unsigned c = 0; c < 256; c++) {
			bool good = c != 0 && strchr(taken, (int)c) != NULL;
			uint8_t text[8] = "QUJDREVG";
			struct str got;
			err_t e;

			text[at] = (uint8_t)c;
			e = text_unbase64(a, STR(text), &got);
			/* A blank leaves seven characters, whose last has bits over; '=' is padding. */
			if (c == '=' || strchr(" \t\n\v\f\r", (int)c) != NULL)
				good = err_ok(e);
			assert_int_equal(err_ok(e), good);
			err_forget(e);
		}
	}
}

static void
bytes_come_back_whatever_stands_between_their_characters(void **state)
{
	auto_arena struct arena *a = arena_new();
	uint8_t bytes[70], broken[200];
	struct str got;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(37 * i + 11);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct str text = str_c(text_base64(a, str_of(bytes, n)));

		expect_ok(text_unbase64(a, text, &got));
		assert_true(str_eq(got, str_of(bytes, n)));
		for (size_t at = 0; at <= text.n; at++) {
			memcpy(broken, text.p, at);
			memcpy(broken + at, "\r\n", 2);
			memcpy(broken + at + 2, text.p + at, text.n - at);
			expect_ok(text_unbase64(a, str_of(broken, text.n + 2), &got));
			assert_true(str_eq(got, str_of(bytes, n)));
		}
	}
}

static void
finds_every_block_of_a_label(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str found[2];
	size_t n;

	(void)state;
	expect_ok(text_unpem(
	    a, LIT("words\n" PEM_ONE "between\n" PEM_KEY PEM_TWO), "CERTIFICATE", found, 2, &n));
	assert_int_equal(n, 2);
	assert_true(str_eq_c(found[0], "\1\2\3"));
	assert_true(str_eq_c(found[1], "\7\10"));
}

static void
any_label_takes_all_blocks(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str found[3];
	size_t n;

	(void)state;
	expect_ok(text_unpem(a, LIT(PEM_ONE PEM_KEY PEM_TWO), NULL, found, 3, &n));
	assert_int_equal(n, 3);
	assert_true(str_eq_c(found[1], "\4\5\6"));
}

static void
bytes_without_a_block_come_back_as_they_are(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str found[1], der = LIT("\x30\x03\x02\x01\x05");
	size_t n;

	(void)state;
	expect_ok(text_unpem(a, der, "CERTIFICATE", found, 1, &n));
	assert_int_equal(n, 1);
	assert_true(str_eq(found[0], der));
}

static void
rejects_bad_pem(void **state)
{
	static const struct {
		enum err_code code;
		const char *text;
	} bad[] = {
		{ ERR_MALFORMED, "" },
		{ ERR_MALFORMED, PEM_KEY },
		{ ERR_TOO_LARGE, PEM_ONE PEM_TWO },
		{ ERR_TRUNCATED, "-----BEGIN CERTIFICATE-----\nAQID\n" },
		{ ERR_TRUNCATED, "-----BEGIN CERTIFICATE-----" },
		{ ERR_MALFORMED, "-----BEGIN CERTIFICATE\nAQID\n-----END CERTIFICATE-----\n" },
		{ ERR_MALFORMED, "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERT-----\n" },
		{ ERR_MALFORMED, "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE\n" },
		{ ERR_BASE64, "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n" },
		{ ERR_BASE64,
		    "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nAQID\n"
		    "-----END CERTIFICATE-----\n" },
		{ ERR_TRUNCATED, "-----BEGIN -----" },
	};
	auto_arena struct arena *a = arena_new();
	struct str found[1] = { STR_EMPTY };
	size_t n = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(
		    bad[i].code, text_unpem(a, str_c(bad[i].text), "CERTIFICATE", found, 1, &n));
	assert_null(found[0].p);
	assert_int_equal(n, 7);
}

static void
pem_has_lines_of_sixty_four(void **state)
{
	auto_arena struct arena *a = arena_new();
	uint8_t bytes[100];

	(void)state;
	for (size_t n = 1; n <= sizeof(bytes); n++) {
		char *pem;
		struct str found[1], text, line;
		size_t count;

		memset(bytes, (int)n, n);
		pem = text_pem(a, "X", str_of(bytes, n));
		expect_ok(text_unpem(a, str_c(pem), "X", found, 1, &count));
		assert_true(str_eq(found[0], str_of(bytes, n)));
		text = str_c(pem);
		while (text.n > 0) {
			line = str_cut(&text, '\n');
			assert_true(line.n > 0 && line.n <= 64);
		}
	}
	assert_string_equal(
	    text_pem(a, "X", LIT("\1\2\3")), "-----BEGIN X-----\nAQID\n-----END X-----\n");
	assert_string_equal(text_pem(a, "X", STR_EMPTY), "-----BEGIN X-----\n-----END X-----\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_the_test_vectors),
		cmocka_unit_test(decodes_both_alphabets_with_and_without_padding),
		cmocka_unit_test(rejects_bad_base64),
		cmocka_unit_test(a_byte_of_neither_alphabet_is_refused_at_every_place),
		cmocka_unit_test(bytes_come_back_whatever_stands_between_their_characters),
		cmocka_unit_test(finds_every_block_of_a_label),
		cmocka_unit_test(any_label_takes_all_blocks),
		cmocka_unit_test(bytes_without_a_block_come_back_as_they_are),
		cmocka_unit_test(rejects_bad_pem),
		cmocka_unit_test(pem_has_lines_of_sixty_four),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

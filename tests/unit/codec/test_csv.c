/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/csv.h"

static void
fields_lines_and_quotes_are_read_as_rfc_4180_has_them(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct csv_record r;
	struct csv c;
	bool more;

	(void)state;
	expect_ok(csv_open(a,
	    LIT("\xef\xbb\xbf"
		"upn,name\r\n\r\nada@x.test, \"no\" ,z\n\"a\r\nb\",\"c\"\"d\",\r\n\"\",end"),
	    &c));
	expect_ok(csv_next(&c, &r, &more));
	assert_true(more);
	assert_int_equal(r.n, 2);
	assert_string_equal(r.v[0], "upn");
	assert_string_equal(r.v[1], "name");
	expect_ok(csv_next(&c, &r, &more));
	assert_int_equal(r.line, 3);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.v[1], "\"no\""); /* quotes count at the start of a field only */
	expect_ok(csv_next(&c, &r, &more));
	assert_int_equal(r.line, 4);
	assert_string_equal(r.v[0], "a\r\nb");
	assert_string_equal(r.v[1], "c\"d");
	assert_string_equal(r.v[2], "");
	expect_ok(csv_next(&c, &r, &more));
	assert_int_equal(r.line, 6);
	assert_string_equal(r.v[0], "");
	assert_string_equal(r.v[1], "end");
	expect_ok(csv_next(&c, &r, &more));
	assert_false(more);
}

static void
semicolons_separate_where_the_first_line_has_them(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct csv_record r;
	struct csv c;
	bool more;

	(void)state;
	expect_ok(csv_open(a, LIT("a;b\n1,5;2\n"), &c));
	expect_ok(csv_next(&c, &r, &more));
	expect_ok(csv_next(&c, &r, &more));
	assert_int_equal(r.n, 2);
	assert_string_equal(r.v[0], "1,5");
}

static void
what_is_no_csv_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *word;
	} bad[] = { { "a\n\"b", "line 2" }, { "\"a\"b,c", "line 1" }, { "\"a\"\"", "not closed" } };
	auto_arena struct arena *a = arena_new();
	struct csv_record r;
	struct csv c;
	struct buf b;
	bool more = true;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		err_t e = csv_open(a, str_c(bad[i].text), &c);

		for (more = true; err_ok(e) && more;)
			e = csv_next(&c, &r, &more);
		if (!err_is(e, ERR_MALFORMED) || strstr(err_detail(), bad[i].word) == NULL)
			fail_msg("%s: %s", bad[i].text, err_detail());
		err_forget(e);
	}
	expect_err(ERR_UTF8, csv_open(a, LIT("a,\xff"), &c));
	buf_init(&b, 1000);
	for (size_t i = 0; i <= CSV_FIELDS; i++)
		expect_ok(buf_puts(&b, "x,"));
	expect_ok(csv_open(a, buf_str(&b), &c));
	expect_err(ERR_MALFORMED, csv_next(&c, &r, &more));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_lines_and_quotes_are_read_as_rfc_4180_has_them),
		cmocka_unit_test(semicolons_separate_where_the_first_line_has_them),
		cmocka_unit_test(what_is_no_csv_is_refused_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
